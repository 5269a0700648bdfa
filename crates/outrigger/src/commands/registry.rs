use std::path::PathBuf;

use outrigger_platform::api::addons::{AddonBody, RegisterAddon, RotateSecret, SwitchSnippets};
use outrigger_platform::store::addons::AddonAuth;
use serde_json::{Value, json};

use super::tokens::parse_duration;
use super::{Context, path_part};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, print_table, say, with_spinner};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the add-ons of this platform
    Catalog {
        /// Part of slug, title or description
        #[arg(long, default_value = "")]
        search: String,
    },
    /// Register an add-on (operators); prints its secret once
    Register(RegisterArgs),
    /// Make a new secret for an add-on (operators)
    RotateSecret {
        slug: String,
        /// How long the old secret goes on signing: 24h, 90m …
        #[arg(long, default_value = "24h", value_parser = parse_duration)]
        overlap: u32,
        /// Make no new secret, but let the one that waits sign from now on
        #[arg(long)]
        finish: bool,
    },
    /// Fetch an add-on's manifest again (operators)
    RefreshManifest { slug: String },
    /// Switch the snippets of all instances of an add-on on or off (operators)
    Snippets {
        slug: String,
        /// `on` or `off`
        switch: Switch,
    },
    /// Take no new sites for an add-on (operators)
    Retire { slug: String },
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(clap::Args)]
pub(crate) struct RegisterArgs {
    /// Its part of commands and paths; ends with -staging for a staging version
    #[arg(long)]
    slug: String,
    #[arg(long)]
    title: String,
    #[arg(long, default_value = "")]
    description: String,
    /// Address of a picture
    #[arg(long, default_value = "")]
    icon: String,
    /// Base of its management API
    #[arg(id = "addon_url", long = "url", value_name = "URL")]
    url: String,
    /// Where its manifest is, below the base
    #[arg(long, default_value = "/manifest")]
    manifest_path: String,
    /// How the platform proves itself there
    #[arg(long, default_value = "jws")]
    auth: AuthArg,
    /// A version for tests
    #[arg(long)]
    staging: bool,
    /// File with the secret that the add-on has already; else one is made
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum AuthArg {
    Jws,
    Bearer,
    Both,
}

pub(super) async fn run(command: Command, context: &Context) -> CommandResult {
    let client = &context.client;
    match command {
        Command::Catalog { search } => catalog(&search, context).await,
        Command::Register(args) => register(args, context).await,
        Command::RotateSecret { slug, overlap, finish } => {
            let body = RotateSecret { overlap_seconds: Some(overlap), finish };
            let addon: AddonBody = client.post(&format!("/services/{}/rotate-secret", path_part(&slug)), &body).await?;
            rotated(&addon, context)
        }
        Command::RefreshManifest { slug } => {
            let path = format!("/services/{}/refresh", path_part(&slug));
            let addon: AddonBody = with_spinner("fetching the manifest", client.post(&path, &Value::Null)).await?;
            if context.json {
                return print_json(&addon);
            }
            match addon.manifest_error {
                Some(fault) => say!("The last good manifest stays: {fault}"),
                None => say!("The manifest is up to date."),
            }
            Ok(())
        }
        Command::Snippets { slug, switch } => {
            let path = format!("/services/{}/snippets", path_part(&slug));
            let addon: AddonBody = client.put(&path, &SwitchSnippets { enabled: switch == Switch::On }).await?;
            if context.json {
                return print_json(&addon);
            }
            match addon.snippets_enabled {
                true => say!("The snippets of `{slug}` are in the pages of its sites."),
                false => say!("The snippets of `{slug}` are in no page until you switch them on again."),
            }
            Ok(())
        }
        Command::Retire { slug } => {
            client.delete::<()>(&format!("/services/{}", path_part(&slug))).await?;
            if context.json {
                return print_json(&json!({ "retired": slug }));
            }
            say!("Retired `{slug}`: its instances go on, new ones are refused.");
            Ok(())
        }
    }
}

async fn catalog(search: &str, context: &Context) -> CommandResult {
    let mut addons: Vec<AddonBody> = Vec::new();
    loop {
        let after = addons.last().map(|addon| format!("&after={}", addon.slug)).unwrap_or_default();
        let path = format!("/services?search={}{after}", path_part(search));
        let page: Vec<AddonBody> = context.client.get(&path).await?;
        let is_last = page.len() < 100;
        addons.extend(page);
        if is_last {
            break;
        }
    }
    if context.json {
        return print_json(&addons);
    }
    if addons.is_empty() {
        say!("No add-ons. An operator adds one with `outrigger addons register`.");
        return Ok(());
    }
    print_table(["add-on", "title", "description"], addons.into_iter().map(|a| [a.slug, a.name, a.description]));
    Ok(())
}

async fn register(args: RegisterArgs, context: &Context) -> CommandResult {
    let secret = match &args.secret_file {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|fault| Failure::usage(format!("cannot read {}: {fault}", file.display())))?;
            Some(text.trim().to_owned())
        }
        None => None,
    };
    let body = RegisterAddon {
        slug: args.slug,
        title: args.title,
        description: args.description,
        icon: args.icon,
        url: args.url,
        manifest_path: args.manifest_path,
        auth: match args.auth {
            AuthArg::Jws => AddonAuth::Jws,
            AuthArg::Bearer => AddonAuth::Bearer,
            AuthArg::Both => AddonAuth::Both,
        },
        staging: args.staging,
        secret,
    };
    let addon: AddonBody = with_spinner("fetching the manifest", context.client.post("/services", &body)).await?;
    if context.json {
        return print_json(&addon);
    }
    say!("Registered `{}`. Its secret, shown this once:", addon.slug);
    say!("{}", addon.secret.unwrap_or_default());
    Ok(())
}

fn rotated(addon: &AddonBody, context: &Context) -> CommandResult {
    if context.json {
        return print_json(addon);
    }
    match (&addon.secret, &addon.secret_active_from) {
        (Some(secret), Some(from)) => {
            say!("New secret, shown this once:\n{secret}");
            say!("It signs from {} on; until then the old one does.", from.timestamp());
        }
        _ => say!("The newest secret signs from now on."),
    }
    Ok(())
}
