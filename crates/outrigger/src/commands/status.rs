use outrigger_platform::api::accounts::AccountBody;
use outrigger_platform::api::sites::SiteBody;
use outrigger_platform::api::users::UserBody;
use serde_json::json;

use super::Context;
use crate::exit::CommandResult;
use crate::output::{print_json, say};

pub(super) async fn run(context: &Context) -> CommandResult {
    let user: UserBody = context.client.get("/user").await?;
    let accounts: Vec<AccountBody> = context.client.get("/accounts").await?;
    let site: Option<SiteBody> = match context.site_if_any() {
        Some(_) => Some(context.client.get(&context.site_path("")?).await?),
        None => None,
    };
    if context.json {
        return print_json(&json!({
            "url": context.client.origin(), "user": user, "accounts": accounts, "site": site,
        }));
    }
    say!("Platform  {}", context.client.origin());
    say!("User      {} <{}>{}", user.full_name, user.email, if user.operator { ", operator" } else { "" });
    for account in accounts {
        say!("Account   {} ({})", account.slug, account.roles_allowed.join(", "));
    }
    match site {
        Some(site) => say!("Site      {} ({})\n          {}", site.name, site.id, site.url),
        None => say!("Site      none; choose one with --site or OUTRIGGER_SITE"),
    }
    Ok(())
}
