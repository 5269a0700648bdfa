use std::path::PathBuf;

use outrigger_platform::api::env_vars::{EnvValueBody, EnvVarBody};
use outrigger_platform::api::sites::SiteBody;

use super::{Context, path_part};
use crate::exit::{CommandResult, Failure};
use crate::operator::write_private;
use crate::output::{print_json, print_table};

mod format;

use format::Format;

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
    Set {
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
    },
    /// Delete a variable of the site, or its value in one context
    Unset {
        name: String,
        #[arg(long)]
        context: Option<String>,
    },
    /// Set the variables of a dotenv file
    Import {
        file: PathBuf,
        /// Delete the site's other variables
        #[arg(long, short)]
        replace: bool,
    },
    /// Write all variables that reach the site
    Pull {
        #[arg(long, default_value = "dotenv")]
        format: Format,
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
        Command::Set { name, value, context: contexts, scope, secret } => {
            set(name, value, contexts, scope, secret, context).await
        }
        Command::Unset { name, context: only } => unset(&name, only.as_deref(), context).await,
        Command::Import { file, replace } => import(&file, replace, context).await,
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

/// The variables that are edited by hand are addressed by account and site.
async fn address(name: Option<&str>, rest: &str, context: &Context) -> CommandResult<String> {
    let site: SiteBody = context.client.get(&context.site_path("")?).await?;
    let name = name.map(|name| format!("/{}", path_part(name))).unwrap_or_default();
    Ok(format!("/accounts/{}/env{name}{rest}?site_id={}", site.account_slug, site.id))
}

async fn list(filter: &Filter, plain: bool, context: &Context) -> CommandResult {
    let vars = effective(filter, context).await?;
    if context.json {
        return print_json(&vars.into_iter().map(|(var, _)| var).collect::<Vec<_>>());
    }
    if plain {
        for (var, value) in vars {
            anstream::println!("{}={value}", var.key);
        }
        return Ok(());
    }
    if vars.is_empty() {
        anstream::println!("No variables yet. `outrigger env set NAME VALUE` sets one; add-ons bring theirs.");
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
    anstream::println!("{value}");
    Ok(())
}

fn value_body(deploy_context: &str, value: &str) -> EnvValueBody {
    let (name, branch) = match deploy_context.split_once(':') {
        Some(("branch", branch)) => ("branch", Some(branch.to_owned())),
        _ => (deploy_context, None),
    };
    EnvValueBody { id: None, context: name.to_owned(), context_parameter: branch, value: value.to_owned() }
}

fn var_body(key: String, scopes: Vec<String>, values: Vec<EnvValueBody>, is_secret: bool) -> EnvVarBody {
    EnvVarBody { key, scopes, values, is_secret, owner: None, updated_at: None, updated_by: None }
}

async fn set(
    name: String,
    value: String,
    contexts: Vec<String>,
    scopes: Vec<String>,
    secret: bool,
    context: &Context,
) -> CommandResult {
    let path = address(Some(&name), "", context).await?;
    let there: Option<EnvVarBody> = match context.client.get(&path).await {
        Ok(there) => Some(there),
        Err(failure) if failure.code == 4 => None,
        Err(failure) => return Err(failure),
    };
    if there.is_some() && !contexts.is_empty() {
        for only in &contexts {
            context.client.patch::<EnvVarBody>(&path, &value_body(only, &value)).await?;
        }
    } else {
        let contexts = if contexts.is_empty() { vec!["all".to_owned()] } else { contexts };
        let values = contexts.iter().map(|only| value_body(only, &value)).collect();
        let body = var_body(name.clone(), scopes, values, secret);
        context.client.put::<EnvVarBody>(&path, &body).await?;
    }
    anstream::eprintln!("Set {name}.");
    Ok(())
}

async fn unset(name: &str, only: Option<&str>, context: &Context) -> CommandResult {
    let path = address(Some(name), "", context).await?;
    let Some(only) = only else {
        context.client.delete::<()>(&path).await?;
        anstream::eprintln!("Deleted {name}.");
        return Ok(());
    };
    let there: EnvVarBody = context.client.get(&path).await?;
    let wanted = value_body(only, "");
    let is_it = |v: &&EnvValueBody| v.context == wanted.context && v.context_parameter == wanted.context_parameter;
    let value = there.values.iter().find(is_it);
    let id = value.and_then(|value| value.id.clone());
    let id = id.ok_or_else(|| Failure::new(4, format!("`{name}` has no value of its own in the context {only}")))?;
    let path = address(Some(name), &format!("/value/{}", path_part(&id)), context).await?;
    context.client.delete::<()>(&path).await?;
    anstream::eprintln!("Deleted {name} in the context {only}.");
    Ok(())
}

async fn import(file: &PathBuf, replace: bool, context: &Context) -> CommandResult {
    let text = std::fs::read_to_string(file)
        .map_err(|fault| Failure::usage(format!("cannot read {}: {fault}", file.display())))?;
    let read = format::read_dotenv(&text).map_err(|fault| Failure::usage(format!("{}: {fault}", file.display())))?;
    for (name, value) in &read {
        let body = var_body(name.clone(), Vec::new(), vec![value_body("all", value)], false);
        let path = address(Some(name), "", context).await?;
        context.client.put::<EnvVarBody>(&path, &body).await?;
    }
    if replace {
        let there: Vec<EnvVarBody> = context.client.get(&address(None, "", context).await?).await?;
        for other in there.iter().filter(|var| !read.iter().any(|(name, _)| *name == var.key)) {
            context.client.delete::<()>(&address(Some(&other.key), "", context).await?).await?;
        }
    }
    anstream::eprintln!("Imported {} variables.", read.len());
    Ok(())
}

async fn pull(format: Format, filter: &Filter, output: Option<PathBuf>, context: &Context) -> CommandResult {
    let pairs: Vec<(String, String)> =
        effective(filter, context).await?.into_iter().map(|(var, value)| (var.key, value)).collect();
    let text = format.write(&pairs);
    match output {
        Some(path) => {
            write_private(&path, text.as_bytes())?;
            anstream::eprintln!("Wrote {} variables to {}.", pairs.len(), path.display());
        }
        None => anstream::print!("{text}"),
    }
    Ok(())
}
