use std::path::{Path, PathBuf};

use outrigger_addon::env_name::EnvName;
use outrigger_platform::api::env_vars::{EnvValueBody, EnvVarBody};
use outrigger_platform::api::sites::SiteBody;

use serde_json::json;

use super::{Context, path_part};
use crate::exit::{CommandResult, Failure};
use crate::files::write_private;
use crate::output::{print, print_json, print_table, say, with_spinner};

mod format;

use format::{Format, Pairs};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the variables that reach the site, with their owners
    List {
        #[command(flatten)]
        filter: Filter,
        /// Print NAME=value lines
        #[arg(long)]
        plain: bool,
    },
    /// Print one variable's value
    Get {
        name: String,
        #[command(flatten)]
        filter: Filter,
    },
    /// Set a variable of the site
    Set(SetArgs),
    /// Delete a variable of the site, or its value in one context
    Unset {
        name: String,
        #[arg(long)]
        context: Option<String>,
    },
    /// Set the variables of a file: dotenv, shell lines or a JSON object
    Import {
        file: PathBuf,
        /// Delete the site's other variables
        #[arg(long, short)]
        replace: bool,
    },
    /// Write all variables that reach the site
    Pull {
        /// Default: dotenv, or JSON with --json
        #[arg(long)]
        format: Option<Format>,
        #[command(flatten)]
        filter: Filter,
        /// File, readable by you alone; standard output when missing
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
}

#[derive(clap::Args, Default)]
pub(crate) struct Filter {
    /// Deploy context: production, deploy-preview, branch-deploy, dev or a branch
    #[arg(long, default_value = "dev")]
    context: String,
    /// builds, functions, runtime or post-processing
    #[arg(long, default_value = "any")]
    scope: String,
}

pub(super) async fn run(command: Command, context: &Context) -> CommandResult {
    match command {
        Command::List { filter, plain } => list(&filter, plain, context).await,
        Command::Get { name, filter } => get(&name, &filter, context).await,
        Command::Set(args) => set(args, context).await,
        Command::Unset { name, context: only } => unset(&name, only.as_deref(), context).await,
        Command::Import { file, replace } => {
            with_spinner("setting the file's variables", import(&file, replace, context)).await
        }
        Command::Pull { format, filter, output } => pull(format, &filter, output, context).await,
    }
}

/// All that reaches the site in a context, name by name.
pub(super) async fn effective(filter: &Filter, context: &Context) -> CommandResult<Vec<(EnvVarBody, String)>> {
    let query = format!("/env?context_name={}&scope={}", path_part(&filter.context), path_part(&filter.scope));
    let vars: Vec<EnvVarBody> = context.client.get(&context.site_path(&query)?).await?;
    let with_value = |var: EnvVarBody| {
        let value = var.values.first()?.value.clone();
        Some((var, value))
    };
    Ok(vars.into_iter().filter_map(with_value).collect())
}

/// For `outrigger run`.
pub(super) async fn pairs(deploy_context: &str, context: &Context) -> CommandResult<Vec<(String, String)>> {
    let filter = Filter { context: deploy_context.to_owned(), scope: "any".to_owned() };
    Ok(effective(&filter, context).await?.into_iter().map(|(var, value)| (var.key, value)).collect())
}

/// Where the variables of the site that are edited by hand are: below its account.
struct Address {
    account: String,
    site: String,
}

impl Address {
    async fn of_site(context: &Context) -> CommandResult<Self> {
        let site: SiteBody = context.client.get(&context.site_path("")?).await?;
        Ok(Self { account: site.account_slug, site: site.id.to_string() })
    }

    fn list(&self) -> String {
        format!("/accounts/{}/env?site_id={}", self.account, self.site)
    }

    fn var(&self, name: &str) -> String {
        format!("/accounts/{}/env/{}?site_id={}", self.account, path_part(name), self.site)
    }

    fn value(&self, name: &str, id: &str) -> String {
        format!("/accounts/{}/env/{}/value/{}?site_id={}", self.account, path_part(name), path_part(id), self.site)
    }
}

async fn list(filter: &Filter, plain: bool, context: &Context) -> CommandResult {
    let vars = effective(filter, context).await?;
    if context.json {
        return print_json(&vars.into_iter().map(|(var, _)| var).collect::<Vec<_>>());
    }
    if plain {
        for (var, value) in vars {
            say!("{}={value}", var.key);
        }
        return Ok(());
    }
    if vars.is_empty() {
        say!("No variables yet. `outrigger env set NAME VALUE` sets one; add-ons bring theirs.");
        return Ok(());
    }
    let rows = vars.into_iter().map(|(var, value)| {
        let value = if var.is_secret { "(secret)".to_owned() } else { value };
        [var.key, value, var.owner.unwrap_or_default()]
    });
    print_table(["name", "value", "set by"], rows);
    Ok(())
}

async fn get(name: &str, filter: &Filter, context: &Context) -> CommandResult {
    let found = effective(filter, context).await?.into_iter().find(|(var, _)| var.key == name);
    let (var, value) =
        found.ok_or_else(|| Failure::new(4, format!("`{name}` has no value in the context {}", filter.context)))?;
    if context.json {
        return print_json(&var);
    }
    say!("{value}");
    Ok(())
}

fn value_body(deploy_context: &str, value: &str) -> EnvValueBody {
    let (name, branch) = match deploy_context.split_once(':') {
        Some(("branch", branch)) => ("branch", Some(branch.to_owned())),
        _ => (deploy_context, None),
    };
    EnvValueBody { id: None, context: name.to_owned(), context_parameter: branch, value: value.to_owned() }
}

/// A variable as it shall be; what is not said stays as it was.
fn var_body(name: &str, values: Vec<EnvValueBody>, before: Option<&EnvVarBody>) -> EnvVarBody {
    EnvVarBody {
        key: name.to_owned(),
        scopes: before.map(|before| before.scopes.clone()).unwrap_or_default(),
        values,
        is_secret: before.is_some_and(|before| before.is_secret),
        owner: None,
        updated_at: None,
        updated_by: None,
    }
}

/// What shall be set, and to what.
#[derive(clap::Args)]
pub(crate) struct SetArgs {
    name: String,
    value: String,
    /// Only for these contexts: production, deploy-preview, branch-deploy, dev or branch:NAME
    #[arg(long)]
    context: Vec<String>,
    /// Only for these: builds, functions, runtime, post-processing
    #[arg(long)]
    scope: Vec<String>,
    /// Hide its value from those who may only look
    #[arg(long)]
    secret: bool,
}

impl SetArgs {
    /// Whether it is a secret, and what it is for; not said: as before.
    fn apply_kind(&self, var: &mut EnvVarBody) {
        var.is_secret |= self.secret;
        if !self.scope.is_empty() {
            var.scopes.clone_from(&self.scope);
        }
    }
}

async fn set(args: SetArgs, context: &Context) -> CommandResult {
    let path = Address::of_site(context).await?.var(&args.name);
    let there: Option<EnvVarBody> = match context.client.get(&path).await {
        Ok(there) => Some(there),
        Err(failure) if failure.code == 4 => None,
        Err(failure) => return Err(failure),
    };
    let var = match there {
        Some(there) if !args.context.is_empty() => set_in_contexts(&args, there, &path, context).await?,
        there => {
            let contexts = if args.context.is_empty() { &["all".to_owned()][..] } else { &args.context };
            let values = contexts.iter().map(|only| value_body(only, &args.value)).collect();
            let mut var = var_body(&args.name, values, there.as_ref());
            args.apply_kind(&mut var);
            context.client.put(&path, &var).await?
        }
    };
    if context.json {
        return print_json(&var);
    }
    anstream::eprintln!("Set {}.", args.name);
    Ok(())
}

/// Leaves the values of other contexts as they are.
async fn set_in_contexts(
    args: &SetArgs,
    mut var: EnvVarBody,
    path: &str,
    context: &Context,
) -> CommandResult<EnvVarBody> {
    if args.secret || !args.scope.is_empty() {
        // Before the values, so that no secret is there for a moment as none.
        args.apply_kind(&mut var);
        var = context.client.put(path, &var).await?;
    }
    for only in &args.context {
        var = context.client.patch(path, &value_body(only, &args.value)).await?;
    }
    Ok(var)
}

async fn unset(name: &str, only: Option<&str>, context: &Context) -> CommandResult {
    let address = Address::of_site(context).await?;
    match only {
        None => context.client.delete::<()>(&address.var(name)).await?,
        Some(only) => {
            let there: EnvVarBody = context.client.get(&address.var(name)).await?;
            let wanted = value_body(only, "");
            let is_it =
                |v: &&EnvValueBody| v.context == wanted.context && v.context_parameter == wanted.context_parameter;
            let id = there.values.iter().find(is_it).and_then(|value| value.id.clone());
            let id =
                id.ok_or_else(|| Failure::new(4, format!("`{name}` has no value of its own in the context {only}")))?;
            context.client.delete::<()>(&address.value(name, &id)).await?;
        }
    }
    if context.json {
        return print_json(&json!({ "deleted": name, "context": only }));
    }
    let place = only.map(|only| format!(" in the context {only}")).unwrap_or_default();
    anstream::eprintln!("Deleted {name}{place}.");
    Ok(())
}

fn read_file(file: &Path) -> CommandResult<Pairs> {
    let wrong = |fault: String| Failure::usage(format!("{}: {fault}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|fault| wrong(fault.to_string()))?;
    let read = format::read(&text).map_err(wrong)?;
    for (name, _) in &read {
        name.parse::<EnvName>().map_err(|fault| wrong(format!("`{name}`: {fault}")))?;
    }
    Ok(read)
}

/// Refuses the whole file before its first variable is set, when one of them belongs to an add-on.
async fn refuse_owned(read: &Pairs, context: &Context) -> CommandResult {
    let all: Vec<EnvVarBody> = context.client.get(&context.site_path("/env")?).await?;
    let owned = all.into_iter().filter(|var| read.iter().any(|(name, _)| *name == var.key));
    let owned: Vec<String> = owned
        .filter_map(|var| var.owner.filter(|owner| owner.starts_with("add-on")).map(|owner| (var.key, owner)))
        .map(|(name, owner)| format!("`{name}` is set by {owner}"))
        .collect();
    if owned.is_empty() {
        return Ok(());
    }
    Err(Failure::new(5, owned.join("; ")).hint("nothing was imported; take these out of the file"))
}

async fn import(file: &Path, replace: bool, context: &Context) -> CommandResult {
    let read = read_file(file)?;
    let address = Address::of_site(context).await?;
    refuse_owned(&read, context).await?;
    let before: Vec<EnvVarBody> = context.client.get(&address.list()).await?;
    let (mut imported, mut deleted) = (Vec::new(), Vec::new());
    for (name, value) in &read {
        let body = var_body(name, vec![value_body("all", value)], before.iter().find(|var| var.key == *name));
        let put = context.client.put::<EnvVarBody>(&address.var(name), &body).await;
        put.map_err(|failure| Failure {
            message: format!("`{name}`: {}; imported before it: {}", failure.message, imported.len()),
            ..failure
        })?;
        imported.push(name);
    }
    if replace {
        for other in before.iter().filter(|var| !read.iter().any(|(name, _)| *name == var.key)) {
            context.client.delete::<()>(&address.var(&other.key)).await?;
            deleted.push(&other.key);
        }
    }
    if context.json {
        return print_json(&json!({ "imported": imported, "deleted": deleted }));
    }
    anstream::eprintln!("Imported {} variables.", imported.len());
    Ok(())
}

async fn pull(format: Option<Format>, filter: &Filter, output: Option<PathBuf>, context: &Context) -> CommandResult {
    let pairs: Pairs = effective(filter, context).await?.into_iter().map(|(var, value)| (var.key, value)).collect();
    let default = if context.json && output.is_none() { Format::Json } else { Format::Dotenv };
    let text = format.unwrap_or(default).write(&pairs);
    let Some(path) = output else {
        print(format_args!("{text}"));
        return Ok(());
    };
    let written = write_private(&path, text.as_bytes());
    written.map_err(|fault| Failure::usage(format!("cannot write {}: {fault}", path.display())))?;
    if context.json {
        return print_json(&json!({ "file": path, "variables": pairs.len() }));
    }
    anstream::eprintln!("Wrote {} variables to {}.", pairs.len(), path.display());
    Ok(())
}
