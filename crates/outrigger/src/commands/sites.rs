use anyhow::Context as _;
use outrigger_platform::api::deliveries::DeliveryBody;
use outrigger_platform::api::sites::{CreateSite, SiteBody, UpdateSite, WriteIdentity};
use serde_json::json;

use super::{Context, path_part};
use crate::exit::CommandResult;
use crate::output::{print_json, print_table, say, with_spinner};
use crate::terminal::confirm;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a site
    Create {
        /// Its part of host names; made up when missing
        name: Option<String>,
        /// Account, by id or slug
        #[arg(long)]
        account: Option<String>,
    },
    /// List sites
    List,
    /// Show a site
    Show { site: Option<String> },
    /// Delete a site with its add-ons
    Delete {
        site: String,
        /// Do not ask
        #[arg(long)]
        force: bool,
    },
    /// Set the address that is told when a build is wanted; an empty one removes it
    Webhook { url: String },
    /// Show what became of requests for builds
    Deliveries,
    /// Set what answers for the site: the URL of its server; an empty one removes it
    Origin { url: String },
    /// Show the site's own domains, or set them: all of them, the main one first
    Domains {
        domains: Vec<String>,
        /// Have none
        #[arg(long, conflicts_with = "domains")]
        none: bool,
    },
    /// Set who makes the tokens of the site's users, which its add-ons then get signed anew
    Identity(IdentityArgs),
}

pub(super) async fn run(command: Command, context: &Context) -> CommandResult {
    match command {
        Command::Create { name, account } => {
            let body = CreateSite { name, account_slug: account };
            show(&context.client.post("/sites", &body).await?, context)
        }
        Command::List => list(context).await,
        Command::Show { site } => {
            let site = match site {
                Some(site) => site,
                None => context.site()?.to_owned(),
            };
            show(&context.client.get(&format!("/sites/{}", path_part(&site))).await?, context)
        }
        Command::Delete { site, force } => delete(&site, force, context).await,
        Command::Webhook { url } => webhook(url, context).await,
        Command::Deliveries => deliveries(context).await,
        Command::Origin { url } => change(UpdateSite { origin_url: Some(url), ..UpdateSite::default() }, context).await,
        Command::Domains { domains, none: false } if domains.is_empty() => {
            show(&context.client.get(&context.site_path("")?).await?, context)
        }
        Command::Domains { domains, .. } => set_domains(domains, context).await,
        Command::Identity(args) => set_identity(args, context).await,
    }
}

#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct IdentityArgs {
    #[command(flatten)]
    who: WhoArgs,
    /// With --jwks: what `iss` of their tokens has to be
    #[arg(long, requires = "jwks")]
    issuer: Option<String>,
    /// With --jwks: what `aud` of their tokens has to be, or to hold
    #[arg(long, requires = "jwks")]
    audience: Option<String>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhoArgs {
    /// Whoever knows the secret on standard input signs them (HS256)
    #[arg(long)]
    secret_stdin: bool,
    /// They are verified with the key set at this URL (RS256, ES256, EdDSA)
    #[arg(long, value_name = "URL")]
    jwks: Option<String>,
    /// Nobody
    #[arg(long)]
    none: bool,
}

async fn change(body: UpdateSite, context: &Context) -> CommandResult {
    show(&context.client.patch(&context.site_path("")?, &body).await?, context)
}

async fn set_domains(domains: Vec<String>, context: &Context) -> CommandResult {
    let mut domains = domains.into_iter();
    let custom_domain = Some(domains.next().unwrap_or_default());
    let domain_aliases = Some(domains.collect());
    change(UpdateSite { custom_domain, domain_aliases, ..UpdateSite::default() }, context).await
}

async fn set_identity(args: IdentityArgs, context: &Context) -> CommandResult {
    let IdentityArgs { who, issuer, audience } = args;
    let secret = who.secret_stdin.then(read_line).transpose()?;
    let identity = Some(WriteIdentity { secret, jwks_url: who.jwks, issuer, audience });
    change(UpdateSite { identity, ..UpdateSite::default() }, context).await
}

fn read_line() -> CommandResult<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("standard input cannot be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn show(site: &SiteBody, context: &Context) -> CommandResult {
    if context.json {
        return print_json(site);
    }
    say!("Site     {} ({})", site.name, site.id);
    say!("Account  {}", site.account_slug);
    say!("URL      {}", site.url);
    let domains = site.custom_domain.iter().chain(&site.domain_aliases).map(String::as_str).collect::<Vec<_>>();
    if !domains.is_empty() {
        say!("Domains  {}", domains.join(", "));
    }
    say!("Origin   {}", site.origin_url.as_deref().unwrap_or("none; `outrigger sites origin URL` sets one"));
    if let Some(identity) = &site.identity {
        say!("Identity {identity}");
    }
    say!("Builds   {}", site.build_webhook_url.as_deref().unwrap_or("no build webhook"));
    Ok(())
}

async fn list(context: &Context) -> CommandResult {
    let mut sites: Vec<SiteBody> = Vec::new();
    for page in 1.. {
        let next: Vec<SiteBody> = context.client.get(&format!("/sites?page={page}&per_page=100")).await?;
        let is_last = next.len() < 100;
        sites.extend(next);
        if is_last {
            break;
        }
    }
    if context.json {
        return print_json(&sites);
    }
    if sites.is_empty() {
        say!("No sites yet. Make one with `outrigger sites create NAME`.");
        return Ok(());
    }
    let rows = sites.into_iter().map(|site| [site.name, site.account_slug, site.url, site.id.to_string()]);
    print_table(["name", "account", "url", "id"], rows);
    Ok(())
}

async fn delete(site: &str, force: bool, context: &Context) -> CommandResult {
    if !force {
        confirm(&format!("Delete site `{site}` with all its add-ons and variables?"), "deleted")?;
    }
    let path = format!("/sites/{}", path_part(site));
    with_spinner("removing the site and its add-ons", context.client.delete::<()>(&path)).await?;
    if context.json {
        return print_json(&json!({ "deleted": site }));
    }
    say!("Deleted `{site}`.");
    Ok(())
}

async fn webhook(url: String, context: &Context) -> CommandResult {
    let body = UpdateSite { build_webhook_url: Some(url), ..UpdateSite::default() };
    let site: SiteBody = context.client.patch(&context.site_path("")?, &body).await?;
    if context.json {
        return print_json(&site);
    }
    match (&site.build_webhook_url, &site.build_webhook_secret) {
        (Some(url), Some(secret)) => {
            say!("Builds are asked for at {url}, signed with\n{secret}\nIt is shown this once.");
        }
        _ => say!("The site has no build webhook now."),
    }
    Ok(())
}

async fn deliveries(context: &Context) -> CommandResult {
    let log: Vec<DeliveryBody> = context.client.get(&context.site_path("/deliveries")?).await?;
    if context.json {
        return print_json(&log);
    }
    if log.is_empty() {
        say!("No builds were asked for yet.");
        return Ok(());
    }
    let rows = log.into_iter().map(|delivery| {
        let last = delivery.attempts.last();
        let outcome = last.and_then(|last| last.status.map(|status| status.to_string()).or(last.error.clone()));
        let state = format!("{:?}", delivery.state).to_lowercase();
        let tries = delivery.attempts.len().to_string();
        [delivery.created_at.timestamp().to_string(), delivery.title, state, tries, outcome.unwrap_or_default()]
    });
    print_table(["asked", "by", "state", "tries", "last answer"], rows);
    Ok(())
}
