use std::process::{Command as Process, Stdio};
use std::time::Duration;

use outrigger_platform::api::instances::{AdoptInstance, CreateInstance, InstanceBody, UpdateInstance};
use outrigger_platform::ops::plan::Plan;
use outrigger_platform::store::instances::InstanceState;
use serde_json::{Map, Value};

use super::{Context, path_part, registry};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, print_table, say, with_spinner};
use crate::terminal::confirm;

mod options;
mod prompts;

use options::Options;

const OPTION_HELP: &str = "Options of the add-on: --NAME VALUE or --NAME=VALUE; `--replace` takes over variables \
that have another owner. --site and the like come before them; after `--` all are the add-on's";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add an add-on to the site
    Create(WithOptions),
    /// List the site's add-ons
    List,
    /// Show an add-on: its options, and how it is on the site
    Show { slug: String },
    /// Change an add-on's options
    Config(WithOptions),
    /// Remove an add-on from the site
    Delete {
        slug: String,
        /// Do not ask
        #[arg(long)]
        force: bool,
    },
    /// Open the add-on's own pages, signed in
    Open {
        slug: String,
        /// Print the link instead
        #[arg(long)]
        print: bool,
    },
    /// Show what adding or changing would do, before anything is called
    Plan(WithOptions),
    /// Ask the add-on how its instance is now
    Refresh { slug: String },
    /// Try again what failed or could not be confirmed
    Retry { slug: String },
    /// Take over what the add-on holds under this id
    Adopt { slug: String, remote_id: String },
    /// Let go of an instance without the add-on's word
    Detach {
        slug: String,
        /// Do not ask
        #[arg(long)]
        force: bool,
    },
    #[command(flatten)]
    Registry(registry::Command),
}

#[derive(clap::Args)]
pub(crate) struct WithOptions {
    slug: String,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS", help = OPTION_HELP)]
    options: Vec<String>,
}

pub(super) async fn run(command: Command, context: &Context) -> CommandResult {
    match command {
        Command::Create(args) => create(args, context).await,
        Command::List => list(context).await,
        Command::Show { slug } => show(&slug, context).await,
        Command::Config(args) => configure(args, context).await,
        Command::Delete { slug, force } => delete(&slug, force, context).await,
        Command::Open { slug, print } => open(&slug, print, context).await,
        Command::Plan(args) => plan(args, context).await,
        Command::Refresh { slug } => deed(&slug, "refresh", &Value::Null, context).await,
        Command::Retry { slug } => deed(&slug, "retry", &Value::Null, context).await,
        Command::Adopt { slug, remote_id } => deed(&slug, "adopt", &AdoptInstance { remote_id }, context).await,
        Command::Detach { slug, force } => {
            if !force {
                let question =
                    format!("Let go of `{slug}`? The add-on may go on holding, and charging for, its instance.");
                confirm(&question, "changed")?;
            }
            deed(&slug, "detach", &Value::Null, context).await
        }
        Command::Registry(command) => registry::run(command, context).await,
    }
}

async fn instances(context: &Context) -> CommandResult<Vec<InstanceBody>> {
    context.client.get(&context.site_path("/service-instances?all=true")?).await
}

/// The site's instance of an add-on; a tombstone only when there is no other.
async fn instance(slug: &str, context: &Context) -> CommandResult<InstanceBody> {
    let mut found = instances(context).await?;
    found.retain(|instance| instance.service_slug == slug);
    found.sort_by_key(|instance| instance.state == InstanceState::Detached);
    found.into_iter().next().ok_or_else(|| {
        Failure::new(4, format!("the site does not have add-on `{slug}`"))
            .hint(format!("`outrigger addons create {slug}` adds it; `outrigger addons catalog` shows what there is"))
    })
}

fn instance_path(instance: &InstanceBody, context: &Context) -> CommandResult<String> {
    context.site_path(&format!("/services/{}/instances/{}", path_part(&instance.service_slug), instance.id))
}

async fn manifest(slug: &str, context: &Context) -> CommandResult<Value> {
    context.client.get(&format!("/services/{}/manifest", path_part(slug))).await
}

async fn create(args: WithOptions, context: &Context) -> CommandResult {
    let Options { config, replace, json } = Options::parse(&args.options, context.json)?;
    let slug = &args.slug;
    let config = prompts::complete(&manifest(slug, context).await?, config)?;
    let path = context.site_path(&format!("/services/{}/instances", path_part(slug)))?;
    let body = CreateInstance { config, replace };
    let creating = context.client.post::<InstanceBody>(&path, &body);
    let created = with_spinner(&format!("setting up {slug}"), creating).await;
    let created = created.map_err(|failure| options::explain(failure, &body.config))?;
    let created = with_spinner(&format!("{slug} is still being set up"), settled(created, context)).await?;
    if json {
        return print_json(&created);
    }
    match created.state {
        InstanceState::Active => say!("Added `{slug}`."),
        state => {
            say!("`{slug}` is {}; `outrigger addons show {slug}` tells when it is ready.", word(state));
        }
    }
    print_yields(&created);
    Ok(())
}

/// Asks again for a minute; what takes longer goes on without us.
async fn settled(mut instance: InstanceBody, context: &Context) -> CommandResult<InstanceBody> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while instance.state == InstanceState::Provisioning && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_secs(1)).await;
        instance = context.client.get(&instance_path(&instance, context)?).await?;
    }
    match instance.state {
        InstanceState::Failed | InstanceState::Unconfirmed => {
            let reason = instance.reason.unwrap_or_default();
            let slug = &instance.service_slug;
            Err(Failure::new(1, format!("add-on `{slug}`: {reason}")).hint(format!(
                "`outrigger addons show {slug}` says how it stands, `outrigger addons retry {slug}` tries again"
            )))
        }
        _ => Ok(instance),
    }
}

fn print_yields(instance: &InstanceBody) {
    if let Some(message) = &instance.message {
        say!("{message}");
    }
    if !instance.env.is_empty() {
        let names: Vec<&str> = instance.env.keys().map(String::as_str).collect();
        say!("Variables  {}", names.join(", "));
    }
    for snippet in &instance.snippets {
        say!(
            "Snippet    {} ({})",
            snippet["title"].as_str().unwrap_or_default(),
            snippet["position"].as_str().unwrap_or_default()
        );
    }
}

fn word(state: InstanceState) -> String {
    format!("{state:?}").to_lowercase()
}

async fn list(context: &Context) -> CommandResult {
    let found = instances(context).await?;
    if context.json {
        return print_json(&found);
    }
    if found.is_empty() {
        say!("The site has no add-ons yet. `outrigger addons catalog` shows what there is.");
        return Ok(());
    }
    let rows = found.into_iter().map(|instance| {
        let reason = instance.reason.unwrap_or_default();
        [instance.service_slug, word(instance.state), instance.env.len().to_string(), reason]
    });
    print_table(["add-on", "state", "variables", "why"], rows);
    Ok(())
}

async fn show(slug: &str, context: &Context) -> CommandResult {
    let manifest = manifest(slug, context).await?;
    let there = match context.site_if_any().map(|_| instance(slug, context)) {
        Some(asked) => match asked.await {
            Err(failure) if failure.code != 4 => return Err(failure),
            found => found.ok(),
        },
        None => None,
    };
    if context.json {
        return print_json(&serde_json::json!({ "manifest": manifest, "instance": there }));
    }
    say!("{}: {}", text(&manifest["name"]), text(&manifest["description"]));
    for (name, option) in manifest["config"].as_object().into_iter().flatten() {
        say!("  --{name}  {}", described(option));
    }
    let Some(there) = there else { return Ok(()) };
    say!("\nOn this site: {} since {}", word(there.state), there.state_since.timestamp());
    if let Some(reason) = &there.reason {
        say!("Reason     {reason}");
    }
    for (name, value) in &there.config {
        say!("  {name} = {}", text(value));
    }
    print_yields(&there);
    Ok(())
}

/// What an option takes, and what it is for.
fn described(option: &Value) -> String {
    let kind = match option["enum"].as_array() {
        Some(choices) => choices.iter().map(text).collect::<Vec<_>>().join("|"),
        None => option["type"].as_str().unwrap_or("string").to_owned(),
    };
    let required = if option["required"] == true { ", required" } else { "" };
    let default = Some(&option["default"]).filter(|default| !default.is_null());
    let default = default.map(|default| format!(", {} when missing", text(default))).unwrap_or_default();
    let description = option["description"].as_str().or(option["displayName"].as_str()).unwrap_or_default();
    format!("{kind}{required}{default}  {description}")
}

/// A value as people write it.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn configure(args: WithOptions, context: &Context) -> CommandResult {
    let Options { config: changes, json, .. } = Options::parse(&args.options, context.json)?;
    let there = instance(&args.slug, context).await?;
    let manifest = manifest(&args.slug, context).await?;
    let mut config = there.config.clone();
    if changes.is_empty() {
        config = prompts::change(&manifest, config)?;
    }
    config.extend(changes);
    let path = instance_path(&there, context)?;
    let body = UpdateInstance { config };
    let updating = context.client.put::<()>(&path, &body);
    let updated = with_spinner(&format!("changing {}", args.slug), updating).await;
    updated.map_err(|failure| options::explain(failure, &body.config))?;
    let changed: InstanceBody = context.client.get(&path).await?;
    if json {
        return print_json(&changed);
    }
    say!("Changed `{}`.", args.slug);
    print_yields(&changed);
    Ok(())
}

async fn delete(slug: &str, force: bool, context: &Context) -> CommandResult {
    let there = instance(slug, context).await?;
    if !force {
        confirm(&format!("Remove `{slug}` and its variables from the site?"), "deleted")?;
    }
    let path = instance_path(&there, context)?;
    let leaving: Option<InstanceBody> = with_spinner(&format!("removing {slug}"), context.client.delete(&path)).await?;
    if context.json {
        return print_json(&leaving);
    }
    match leaving {
        None => say!("Removed `{slug}`."),
        Some(leaving) => say!(
            "`{slug}` has left the site; its partner has not confirmed yet{}. That goes on by itself.",
            leaving.reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
        ),
    }
    Ok(())
}

async fn open(slug: &str, print: bool, context: &Context) -> CommandResult {
    let there = instance(slug, context).await?;
    let link = there.auth_url.ok_or_else(|| Failure::new(4, format!("add-on `{slug}` has no pages of its own")))?;
    if context.json {
        return print_json(&serde_json::json!({ "auth_url": link }));
    }
    let opened = !print && open_in_browser(&link);
    if !opened {
        say!("{link}");
    }
    Ok(())
}

/// False when there is no program for that.
fn open_in_browser(link: &str) -> bool {
    let mut opener = Process::new("xdg-open");
    opener.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
}

async fn plan(args: WithOptions, context: &Context) -> CommandResult {
    let Options { config, json, .. } = Options::parse(&args.options, context.json)?;
    let path = context.site_path(&format!("/services/{}/plan", path_part(&args.slug)))?;
    let body = CreateInstance { config, replace: false };
    let plan: CommandResult<Plan> = context.client.post(&path, &body).await;
    let plan = plan.map_err(|failure| options::explain(failure, &body.config))?;
    if json {
        return print_json(&plan);
    }
    say!("{} `{}` would", if plan.exists { "Changing" } else { "Adding" }, args.slug);
    say!("  send      {}", Value::Object(plan.config));
    match plan.env {
        Some(env) => env.iter().for_each(|var| {
            let note = if var.secret { " (secret)" } else { "" };
            say!("  set       {}{note}  {}", var.name, var.description.as_deref().unwrap_or_default());
        }),
        None => say!("  set       variables that the add-on does not declare beforehand"),
    }
    for snippet in plan.snippets.unwrap_or_default() {
        say!("  insert    snippet {} ({})", snippet.title, snippet.position);
    }
    for route in plan.routes {
        say!("  serve     {route}");
    }
    for warning in plan.warnings {
        say!("Beware: {warning}.");
    }
    if plan.conflicts.is_empty() {
        say!("Nothing stands in its way.");
        return Ok(());
    }
    let listed: Vec<String> = plan.conflicts.iter().map(ToString::to_string).collect();
    Err(Failure::new(5, listed.join("; ")).hint("remove the variable there, or create with --replace"))
}

async fn deed(slug: &str, deed: &str, body: &impl serde::Serialize, context: &Context) -> CommandResult {
    let there = instance(slug, context).await?;
    let path = format!("{}/{deed}", instance_path(&there, context)?);
    let changed: InstanceBody = with_spinner(&format!("{deed} {slug}"), context.client.post(&path, body)).await?;
    if context.json {
        return print_json(&changed);
    }
    say!("`{slug}` is {}.", word(changed.state));
    print_yields(&changed);
    Ok(())
}

type Config = Map<String, Value>;
