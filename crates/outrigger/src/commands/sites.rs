use outrigger_platform::api::deliveries::DeliveryBody;
use outrigger_platform::api::sites::{CreateSite, SiteBody, UpdateSite};
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
    }
}

fn show(site: &SiteBody, context: &Context) -> CommandResult {
    if context.json {
        return print_json(site);
    }
    say!("Site     {} ({})", site.name, site.id);
    say!("Account  {}", site.account_slug);
    say!("URL      {}", site.url);
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
    let body = UpdateSite { name: None, build_webhook_url: Some(url) };
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
