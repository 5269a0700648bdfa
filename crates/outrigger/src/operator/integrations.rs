use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::Context as _;
use outrigger_integrations::handler::HandlerHost as _;
use outrigger_netlify_sdk::{Artefact, FunctionRunner, RunnerOptions};
use serde_json::json;

use super::ServerArgs;
use crate::exit::{CommandResult, Failure};
use crate::installed::{Installed, all, link};
use crate::output::{print_json, print_table, say, with_spinner};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Check that an integration loads, and note that it is to be offered from the next start of the server on
    Install(InstallArgs),
    /// What is installed
    List(ListArgs),
    /// Note that an integration is not to be offered any more; what it keeps at sites stays, in case it comes back
    Remove(RemoveArgs),
}

#[derive(clap::Args)]
pub(crate) struct InstallArgs {
    /// The project, or its folder `.ntli/site`, after `netlify-integration build -a`. It has to stay where it is
    path: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(clap::Args)]
pub(crate) struct RemoveArgs {
    /// The integration's slug
    slug: String,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(command: Command, json: bool) -> CommandResult {
    match command {
        Command::Install(args) => install(args, json).await,
        Command::List(args) => list(&args, json),
        Command::Remove(args) => remove(&args, json),
    }
}

async fn install(args: InstallArgs, json: bool) -> CommandResult {
    let dir = args.server.config()?.integrations_dir;
    let artefact = Artefact::open(&args.path).map_err(|fault| Failure::usage(fault.to_string()))?;
    let slug = artefact.slug().as_str();
    if slug == outrigger_upstash::UPSTASH.as_str() {
        return Err(Failure::usage(format!("an integration `{slug}` is built in"))
            .hint("give the other one another slug in its integration.yaml, and build it again"));
    }
    // Nothing calls it here, so the address is nobody's.
    let options = RunnerOptions::new("http://127.0.0.1:9".parse().context("the address is no URL")?);
    let started = with_spinner("Loading its function", FunctionRunner::start(&artefact, options)).await;
    let handlers = started
        .map_err(|fault| {
            Failure::usage(format!("`{slug}` cannot be installed: {fault}"))
                .hint("its npm packages have to be there: run `npm install` in its project")
        })?
        .names();
    fs::create_dir_all(&dir).with_context(|| format!("the folder {} cannot be made", dir.display()))?;
    let link = link(&dir, slug);
    let replaced = link.symlink_metadata().is_ok();
    if replaced {
        fs::remove_file(&link).with_context(|| format!("{} cannot be replaced", link.display()))?;
    }
    symlink(artefact.folder(), &link).with_context(|| format!("{} cannot be made", link.display()))?;
    if json {
        let folder = artefact.folder();
        return print_json(&json!({ "slug": slug, "folder": folder, "handlers": handlers, "replaced": replaced }));
    }
    let done = if replaced { "Replaced" } else { "Installed" };
    say!("{done} `{slug}`, from {}.", artefact.folder().display());
    say!("Its handlers: {}.", handlers.join(", "));
    say!("It is offered from the next start of `outrigger serve` on, with the rights of whoever starts it.");
    Ok(())
}

fn list(args: &ListArgs, json: bool) -> CommandResult {
    let dir = args.server.config()?.integrations_dir;
    let installed = all(&dir)?;
    if json {
        let row = |Installed { slug, artefact }: &Installed| {
            json!({
                "slug": slug,
                "folder": artefact.as_ref().ok().map(Artefact::folder),
                "fault": artefact.as_ref().err().map(ToString::to_string),
            })
        };
        return print_json(&installed.iter().map(row).collect::<Vec<_>>());
    }
    if installed.is_empty() {
        say!("Nothing is installed in {}. `outrigger integrations install PATH` installs one.", dir.display());
        return Ok(());
    }
    let row = |Installed { slug, artefact }: Installed| match artefact {
        Ok(artefact) => {
            let version = artefact.definition().sdk_version.clone().unwrap_or_default();
            [slug, version, artefact.folder().display().to_string()]
        }
        Err(fault) => [slug, String::new(), fault.to_string()],
    };
    print_table(["slug", "sdk", "folder"], installed.into_iter().map(row));
    Ok(())
}

fn remove(args: &RemoveArgs, json: bool) -> CommandResult {
    let dir = args.server.config()?.integrations_dir;
    if !all(&dir)?.iter().any(|installed| installed.slug == args.slug) {
        return Err(Failure::new(4, format!("no integration `{}` is installed in {}", args.slug, dir.display()))
            .hint("`outrigger integrations list` shows which are"));
    }
    let link = link(&dir, &args.slug);
    fs::remove_file(&link).with_context(|| format!("{} cannot be removed", link.display()))?;
    if json {
        return print_json(&json!({ "slug": args.slug }));
    }
    say!("Removed `{}`. The server stops offering it when it starts the next time.", args.slug);
    Ok(())
}
