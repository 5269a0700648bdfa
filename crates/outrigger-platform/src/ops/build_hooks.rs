//! Asking for builds.

use outrigger_db::Tx;
use serde_json::json;

use crate::app::App;
use crate::error::{ApiResult, not_found};
use crate::events::{self, BuildRequested};
use crate::jobs::deliver_build;
use crate::store::Time;
use crate::store::build_hooks::BuildHook;
use crate::store::deliveries::Delivery;
use crate::store::hooks::{Hook, HookEvent};
use crate::store::sites::Site;

/// Why a build is asked for, as the site's build webhook is told.
#[derive(Debug, Clone)]
pub struct BuildTrigger<'a> {
    /// Title of the hook or name of the deed.
    pub title: &'a str,
    /// The branch to build.
    pub branch: &'a str,
}

/// Notes a request for a build and sees to its delivery to the site's build webhook, at least once.
pub async fn request_build(app: &App, site: &Site, trigger: BuildTrigger<'_>) -> ApiResult<Delivery> {
    let account = app.store.find_account_anywhere(site.account_id.as_str()).await?;
    let account = account.ok_or_else(|| not_found("site"))?;
    let event = BuildRequested::of(app, &account, site, trigger.title, trigger.branch);
    let hooks = app.store.hooks_of_site(&site.id).await?;
    let tx = app.store.begin().await?;
    let url = site.build_webhook_url.as_deref().unwrap_or_default();
    let body = |now: Time| {
        json!({
            "type": "build.requested",
            "timestamp": now,
            "data": { "site_id": site.id, "site_name": site.name, "title": trigger.title, "branch": trigger.branch },
        })
        .to_string()
    };
    let delivery = app.store.insert_delivery(&site.id, &tx, trigger.title, url, body).await?;
    if !url.is_empty() {
        deliver_build::schedule(app, &tx, &delivery, "webhook").await?;
    }
    tell_hooks(app, &tx, site, hooks, &trigger).await?;
    events::tell(app, &tx, &event).await?;
    app.store.commit(tx).await?;
    Ok(delivery)
}

/// Sees to it that the site's hooks hear of a build, in the form that Netlify gives a deploy.
async fn tell_hooks(app: &App, tx: &Tx, site: &Site, hooks: Vec<Hook>, trigger: &BuildTrigger<'_>) -> ApiResult<()> {
    for hook in hooks.into_iter().filter(|hook| hook.event == HookEvent::DeployBuilding) {
        let body = |now: Time| {
            json!({
                "site_id": site.id, "name": site.name, "url": app.urls.site(site), "state": "building",
                "title": trigger.title, "branch": trigger.branch, "created_at": now,
            })
            .to_string()
        };
        let delivery = app.store.insert_delivery(&site.id, tx, "deploy_building", &hook.url, body).await?;
        deliver_build::schedule(app, tx, &delivery, &hook.id).await?;
    }
    Ok(())
}

/// A POST to a build hook's URL.
pub async fn trigger_build_hook(app: &App, hook: &BuildHook) -> ApiResult<Delivery> {
    let site = app.store.find_site_anywhere(hook.site_id.as_str()).await?;
    let site = site.ok_or_else(|| not_found("build hook"))?;
    request_build(app, &site, BuildTrigger { title: &hook.title, branch: &hook.branch }).await
}
