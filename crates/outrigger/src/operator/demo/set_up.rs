//! What the demo finds on its platform. A start that was killed half-way is taken up where it stopped.

use std::fs;

use anyhow::Context as _;
use outrigger_platform::app::SharedApp;
use outrigger_platform::ops::accounts::{create_first_account, create_token};
use outrigger_platform::ops::addons::{move_addon, refresh_manifest, register_addon};
use outrigger_platform::ops::sites::create_site;
use outrigger_platform::store::accounts::Account;
use outrigger_platform::store::addons::{AddonAuth, NewAddon};
use outrigger_platform::store::sites::Site;
use outrigger_platform::store::tokens::{NewToken, Scope};

use super::State;
use crate::demo::addon;
use crate::exit::CommandResult;

const ACCOUNT: &str = "demo";
pub(super) const EMAIL: &str = "demo@example.com";
const SITE: &str = "harbor";
const INDEX: &str = include_str!("site/index.html");
const NOT_FOUND: &str = include_str!("site/404.html");

/// The secret that the add-on is registered with; a new one when it is not registered yet.
pub(super) async fn addon_secret(app: &SharedApp) -> CommandResult<String> {
    let Some(registered) = app.store.find_addon(addon::SLUG).await.context("the add-ons cannot be read")? else {
        return Ok(outrigger_db::token(app.store.entropy()));
    };
    let secret = app.store.signing_secret(&registered.id).await.context("the add-on's secret cannot be read")?;
    Ok(secret.context("the demo add-on has no secret")?)
}

/// Makes what is not there, or not there any more.
pub(super) async fn set_up(
    app: &SharedApp,
    known: Option<State>,
    addon_port: u16,
    secret: &str,
) -> CommandResult<State> {
    register(app, &format!("http://127.0.0.1:{addon_port}"), secret).await?;
    let (known_token, known_site) = known.map(|known| (known.token, known.site_id)).unzip();
    let (account, token) = account(app, known_token).await?;
    let site = site(app, &account, known_site).await?;
    Ok(State {
        account_id: account.id.to_string(),
        account_slug: account.slug,
        site_id: site.id.to_string(),
        site_name: site.name,
        token,
        addon_port,
    })
}

/// The manifest names the add-on's own address too. Once the worker runs, it can be fetched where it is now.
pub(super) async fn refresh_moved_addon(app: &SharedApp, addon_port: u16) -> CommandResult {
    let there = app.store.find_addon(addon::SLUG).await.context("the add-ons cannot be read")?;
    if let Some(there) = there.filter(|there| !there.manifest.contains(&format!("http://127.0.0.1:{addon_port}/"))) {
        refresh_manifest(app, &there).await?;
    }
    Ok(())
}

/// With a token for it: the known one for as long as it works. One that a killed start made is known to nobody.
async fn account(app: &SharedApp, known_token: Option<String>) -> CommandResult<(Account, String)> {
    let Some(there) = app.store.find_account_anywhere(ACCOUNT).await.context("the accounts cannot be read")? else {
        let first = create_first_account(app, ACCOUNT, "Demo", EMAIL, None).await?;
        return Ok((first.account, first.token));
    };
    if let Some(token) = known_token
        && app.store.find_valid_token(&token).await.context("the tokens cannot be read")?.is_some()
    {
        return Ok((there, token));
    }
    let user = app.store.find_user_by_email(EMAIL).await.context("the users cannot be read")?;
    let user = user.with_context(|| format!("there is an account `{ACCOUNT}`, but no user {EMAIL}"))?;
    let new = NewToken { account: None, name: "demo".to_owned(), scope: Scope::Admin, expires_at: None };
    let (_, token) = create_token(app, &user.id, new).await?;
    Ok((there, token))
}

async fn site(app: &SharedApp, account: &Account, known_id: Option<String>) -> CommandResult<Site> {
    for id_or_name in known_id.as_deref().into_iter().chain([SITE]) {
        if let Some(there) = app.store.find_site_anywhere(id_or_name).await.context("the sites cannot be read")? {
            return Ok(there);
        }
    }
    Ok(create_site(app, account, SITE).await?)
}

/// The pages of the site, unless somebody has put others there.
pub(super) fn write_site(app: &SharedApp, name: &str) -> CommandResult {
    let Some(dir) = app.config.gateway.sites_dir.as_ref().map(|dir| dir.join(name)) else { return Ok(()) };
    if dir.exists() {
        return Ok(());
    }
    fs::create_dir_all(&dir).with_context(|| format!("the folder {} cannot be made", dir.display()))?;
    for (file, page) in [("index.html", INDEX), ("404.html", NOT_FOUND)] {
        let path = dir.join(file);
        fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

async fn register(app: &SharedApp, url: &str, secret: &str) -> CommandResult {
    if let Some(there) = app.store.find_addon(addon::SLUG).await.context("the add-ons cannot be read")? {
        if there.url != url {
            move_addon(app, &there, url).await?;
        }
        return Ok(());
    }
    let new = NewAddon {
        slug: addon::SLUG.to_owned(),
        title: "Tally".to_owned(),
        description: "Counts the visits of a site's pages.".to_owned(),
        icon: String::new(),
        url: url.to_owned(),
        manifest_path: "/manifest".to_owned(),
        auth: AddonAuth::Jws,
        staging: false,
    };
    register_addon(app, new, Some(secret.to_owned())).await?;
    Ok(())
}
