//! The registry of add-ons.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::app::App;
use crate::error::{ApiError, ApiResult, bad_gateway, invalid_field, unprocessable};
use crate::events::{self, KeyRotated};
use crate::jobs::refresh_manifest;
use crate::ops::sites::check_label;
use crate::provider_client::{CallError, Endpoint};
use crate::store::StoreError;
use crate::store::addons::{Addon, NewAddon};

/// Registers an add-on: its manifest must be there and valid. The secret is in the answer and nowhere else.
///
/// The partner checks signatures with the secret, which it only gets now; so a partner that refuses an unknown
/// signature is asked again with the secret that it was given before, when the operator passes one.
pub async fn register_addon(app: &App, new: NewAddon, known_secret: Option<String>) -> ApiResult<(Addon, String)> {
    check_new_addon(app, &new)?;
    if app.store.find_addon(&new.slug).await?.is_some() {
        return Err(unprocessable(format!("the slug `{}` is taken; choose another", new.slug)));
    }
    let secret = match known_secret {
        Some(secret) if (8..=512).contains(&secret.len()) && secret.bytes().all(|c| c.is_ascii_graphic()) => secret,
        Some(_) => return Err(invalid_field("secret", "must have 8 to 512 characters that can be sent in a header")),
        None => outrigger_db::token(app.store.entropy()),
    };
    let endpoint = Endpoint { url: parse_url(&new.url)?, auth: new.auth, secret: secret.clone() };
    let fetched = app.provider.fetch_manifest(&endpoint, &new.manifest_path, None).await;
    let fetched = fetched.map_err(|fault| manifest_fault(&new.slug, &fault))?;
    let fetched = fetched.ok_or_else(|| bad_gateway("the add-on answers 304 although we asked for no version"))?;

    let tx = app.store.begin().await?;
    let addon = app.store.insert_addon(&tx, new, fetched).await?;
    app.store.insert_addon_secret(&addon.id, &tx, &secret, app.store.clock().now().into()).await?;
    refresh_manifest::schedule(app, &tx, &addon.id).await?;
    app.store.commit(tx).await?;
    Ok((addon, secret))
}

fn check_new_addon(app: &App, new: &NewAddon) -> ApiResult<()> {
    check_label("slug", &new.slug)?;
    if new.staging != new.slug.ends_with("-staging") {
        let rule = "ends with `-staging` when, and only when, the add-on is registered as staging";
        return Err(invalid_field("slug", rule));
    }
    for (field, value, most) in [
        ("title", &new.title, 100),
        ("description", &new.description, 1000),
        ("icon", &new.icon, 2000),
        ("url", &new.url, 2000),
        ("manifest_path", &new.manifest_path, 500),
    ] {
        if value.chars().count() > most {
            return Err(invalid_field(field, format!("must have at most {most} characters")));
        }
    }
    if new.title.trim().is_empty() {
        return Err(invalid_field("title", "must not be blank"));
    }
    app.provider.check_url(&parse_url(&new.url)?).map_err(|fault| invalid_field("url", fault.to_string()))
}

fn parse_url(url: &str) -> ApiResult<Url> {
    url.parse().map_err(|fault| invalid_field("url", format!("is no valid URL: {fault}")))
}

fn manifest_fault(slug: &str, fault: &CallError) -> ApiError {
    let message = format!("the manifest of add-on `{slug}` cannot be used: {fault}");
    match fault {
        CallError::Blocked(_) => invalid_field("url", fault.to_string()),
        CallError::Malformed { .. } | CallError::Gone(_) => unprocessable(message),
        _ => bad_gateway(message),
    }
}

/// Makes a new secret. We go on signing with the one in use for `overlap`, so that the partner can first learn to
/// accept both.
pub async fn rotate_addon_secret(app: &App, addon: &Addon, overlap: Duration) -> ApiResult<(String, Timestamp)> {
    let most = Duration::from_secs(30 * 24 * 60 * 60);
    if overlap > most {
        return Err(invalid_field("overlap_seconds", "must be at most 30 days"));
    }
    let secret = outrigger_db::token(app.store.entropy());
    let active_from = app.store.clock().now() + overlap;
    let tx = app.store.begin().await?;
    app.store.insert_addon_secret(&addon.id, &tx, &secret, active_from.into()).await?;
    events::tell(app, &tx, &KeyRotated { addon: Some(addon.into()) }).await?;
    app.store.commit(tx).await?;
    Ok((secret, active_from))
}

/// Ends the overlap of a rotation: the new secret signs from now on.
pub async fn finish_secret_rotation(app: &App, addon: &Addon) -> ApiResult<()> {
    let tx = app.store.begin().await?;
    app.store.activate_secrets(&addon.id, &tx).await?;
    app.store.commit(tx).await?;
    Ok(())
}

/// Notes that an add-on's management API has moved.
pub async fn move_addon(app: &App, addon: &Addon, url: &str) -> ApiResult<()> {
    app.provider.check_url(&parse_url(url)?).map_err(|fault| invalid_field("url", fault.to_string()))?;
    let tx = app.store.begin().await?;
    app.store.move_addon(&addon.id, &tx, url).await?;
    app.store.commit(tx).await?;
    Ok(())
}

/// Switches the snippets of all instances of an add-on on or off.
pub async fn switch_snippets(app: &App, addon: &Addon, enabled: bool) -> ApiResult<()> {
    let tx = app.store.begin().await?;
    app.store.switch_snippets(&addon.id, &tx, enabled).await?;
    app.store.commit(tx).await?;
    Ok(())
}

/// Retires an add-on: instances go on, new ones are refused.
pub async fn retire_addon(app: &App, addon: &Addon) -> ApiResult<()> {
    let tx = app.store.begin().await?;
    app.store.retire_addon(&addon.id, &tx).await?;
    app.store.commit(tx).await?;
    Ok(())
}

/// Fetches the manifest now. The answer is the add-on with the manifest that is in force, and the fault when the
/// partner could not be asked or answered something that cannot be used.
pub async fn refresh_manifest(app: &App, addon: &Addon) -> ApiResult<Addon> {
    let tx = app.store.begin().await?;
    let job = refresh_manifest::schedule_once(app, &tx, &addon.id).await?;
    app.store.commit(tx).await?;
    app.store.jobs().wait(job, app.config.instance_wait).await.map_err(StoreError::from)?;
    let addon = app.store.addon(&addon.id).await?;
    addon.ok_or_else(|| crate::error::internal(anyhow::anyhow!("an add-on vanished during a refresh")))
}
