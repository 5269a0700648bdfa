//! The life of an instance, as people steer it: intent first, then a job, then a bounded wait for its outcome.

use std::time::Duration;

use outrigger_addon::manifest::Manifest;
use outrigger_db::{JobFilter, JobId, Tx};
use serde_json::{Map, Value};

use crate::app::App;
use crate::env_owners::conflicts_among;
use crate::error::{ApiError, ApiResult, bad_gateway, conflict, invalid_field, not_found, unprocessable};
use crate::events::{InstanceSubject, tell_removal};
use crate::jobs::{deprovision_instance, provision_instance, refresh_instance, update_instance};
use crate::ops::plan::{MASK, check_config, declared_names};
use crate::store::StoreError;
use crate::store::addons::Addon;
use crate::store::env_vars::EnvLevel;
use crate::store::ids::InstanceId;
use crate::store::instances::{Fault, Instance, InstanceState, Reach};
use crate::store::sites::Site;

/// A client that lost our answer sends a create again within this time (contract netlify-api, section 6).
const REPEATED_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Makes an instance of an add-on on a site. Comes back when it is active, has failed, or the wait is over.
pub async fn create_instance(
    app: &App,
    site: &Site,
    addon: &Addon,
    given: &Map<String, Value>,
    replace_env: bool,
) -> ApiResult<Instance> {
    let manifest = addon.manifest()?;
    let config = check_config(&manifest, given)?;
    let tx = app.store.begin().await?;
    app.store.lock_site(&site.id, &tx).await?;
    let in_place = app.store.lock_instance_of_addon(&site.id, &tx, &addon.id).await?;
    if let Some(instance) = &in_place
        && !instance.came_to_nothing()
    {
        drop(tx);
        return answer_for_existing(app, addon, instance.clone(), &config, replace_env).await;
    }
    if addon.retired_at.is_some() {
        return Err(unprocessable(format!("add-on `{}` is retired: it takes no new sites", addon.slug)));
    }
    let level = EnvLevel { account: site.account_id.clone(), site: Some(site.id.clone()) };
    let there = app.store.env_vars_named(&level, &tx, declared_names(&manifest)).await?;
    let taken = conflicts_among(addon, None, there);
    if !replace_env && !taken.is_empty() {
        let listed: Vec<String> = taken.iter().map(ToString::to_string).collect();
        return Err(conflict(format!("{}; remove it there, or replace it with --replace", listed.join("; "))));
    }
    if let Some(failed) = in_place {
        app.store.delete_instance(&site.id, &tx, &failed.id).await?;
    }
    let instance = app.store.insert_instance(&site.id, &tx, &addon.id, config, replace_env).await?;
    app.store.insert_build_hook(&site.id, &tx, Some(&instance.id), &addon.title, "").await?;
    let job = provision_instance::schedule(app, &tx, &instance.id).await?;
    app.store.commit(tx).await?;
    wait(app, job, app.config.instance_wait).await?;
    outcome(addon, reread(app, site, &instance.id).await?)
}

/// One instance per site and add-on. A create that comes a second time gets the answer of the first.
async fn answer_for_existing(
    app: &App,
    addon: &Addon,
    instance: Instance,
    config: &Map<String, Value>,
    replace_env: bool,
) -> ApiResult<Instance> {
    let age = app.store.clock().now().duration_since(instance.created_at.timestamp()).unsigned_abs();
    // What it has now may be more than what was asked for: the add-on may have added to it.
    let same_asked = instance.secrets.asked.as_ref() == Some(config) && instance.replace_env == replace_env;
    let repeated = age < REPEATED_WITHIN
        && same_asked
        && matches!(instance.state, InstanceState::Provisioning | InstanceState::Active);
    if !repeated {
        let slug = &addon.slug;
        return Err(conflict(format!(
            "the site has add-on `{slug}` already (state {}); change it with `addons config {slug}` or remove it first",
            state_word(instance.state)
        )));
    }
    wait_for_lane(app, &instance.id, app.config.instance_wait).await?;
    let instance = app.store.find_instance(&instance.site_id, &instance.id).await?;
    outcome(addon, instance.ok_or_else(|| not_found("instance"))?)
}

/// Gives an instance another configuration: all options of the manifest, secrets masked as they were shown.
pub async fn update_instance(
    app: &App,
    site: &Site,
    addon: &Addon,
    id: &InstanceId,
    given: Map<String, Value>,
) -> ApiResult<Instance> {
    let manifest = addon.manifest()?;
    let tx = app.store.begin().await?;
    let mut instance = lock(app, site, &tx, id).await?;
    if instance.state != InstanceState::Active {
        return Err(not_now(&instance, "updated"));
    }
    let wanted = check_config(&manifest, &unmask(&manifest, &instance, given))?;
    if wanted.iter().all(|(name, value)| instance.config.get(name) == Some(value)) && instance.reason.is_none() {
        return Ok(instance);
    }
    instance.pending_config = Some(wanted);
    instance.secrets.asked = None;
    instance.answer = None;
    instance.fault = None;
    instance.enter(InstanceState::Updating, None, app.store.clock().now().into());
    app.store.update_instance(&site.id, &tx, &instance).await?;
    let job = update_instance::schedule(app, &tx, id).await?;
    app.store.commit(tx).await?;
    wait(app, job, app.config.instance_wait).await?;
    let instance = reread(app, site, id).await?;
    match &instance.reason {
        Some(_) if instance.state == InstanceState::Active => Err(refused(addon, &instance)),
        _ => Ok(instance),
    }
}

/// A masked secret means the stored one, and so does an option of the partner's own that comes back unchanged.
fn unmask(manifest: &Manifest, instance: &Instance, mut given: Map<String, Value>) -> Map<String, Value> {
    for field in manifest.secret_fields() {
        if given.get(field).is_some_and(|value| value == MASK) {
            match instance.config.get(field) {
                Some(stored) => given.insert(field.to_owned(), stored.clone()),
                None => given.remove(field),
            };
        }
    }
    if let Some(declared) = &manifest.config {
        given.retain(|name, value| declared.get(name).is_some() || instance.config.get(name) != Some(value));
    }
    given
}

/// Removes an instance. What it yields leaves the site at once; `None` says that the partner has confirmed within the
/// wait, or that there was nothing to confirm.
pub async fn delete_instance(app: &App, site: &Site, id: &InstanceId, limit: Duration) -> ApiResult<Option<Instance>> {
    let tx = app.store.begin().await?;
    let mut instance = lock(app, site, &tx, id).await?;
    if instance.came_to_nothing() || instance.state == InstanceState::Detached {
        app.store.delete_instance(&site.id, &tx, id).await?;
        app.store.commit(tx).await?;
        return Ok(None);
    }
    take_off_site(app, site, &tx, id).await?;
    if instance.state != InstanceState::Deprovisioning {
        instance.enter(InstanceState::Deprovisioning, None, app.store.clock().now().into());
        app.store.update_instance(&site.id, &tx, &instance).await?;
    }
    let job = deprovision_instance::schedule(app, &tx, id).await?;
    // What is under way for it notices at its next step that the instance is leaving.
    app.store.jobs().hurry_lane(&tx, id.as_str()).await.map_err(StoreError::from)?;
    app.store.commit(tx).await?;
    wait(app, job, limit).await?;
    Ok(app.store.find_instance(&site.id, id).await?)
}

/// Lets go of an instance without the partner's word. A tombstone with the partner's id stays.
pub async fn detach_instance(app: &App, site: &Site, id: &InstanceId) -> ApiResult<Instance> {
    let subject = InstanceSubject::load(app, id).await?.ok_or_else(|| not_found("instance"))?;
    let tx = app.store.begin().await?;
    let mut instance = lock(app, site, &tx, id).await?;
    let was_there = instance.state != InstanceState::Detached;
    take_off_site(app, site, &tx, id).await?;
    let reason = match instance.reach {
        Reach::Nothing => "detached; nothing was left at the add-on",
        Reach::Maybe => "detached; the add-on may still hold an instance, of which we have no id",
        Reach::Made => "detached; the add-on may still hold the instance",
    };
    instance.pending_config = None;
    instance.answer = None;
    instance.enter(InstanceState::Detached, Some(reason.to_owned()), app.store.clock().now().into());
    app.store.update_instance(&site.id, &tx, &instance).await?;
    if was_there {
        tell_removal(app, &tx, subject).await?;
    }
    app.store.commit(tx).await?;
    Ok(instance)
}

/// Takes over what the partner holds under this id, for an instance whose creation was never confirmed.
pub async fn adopt_instance(
    app: &App,
    site: &Site,
    addon: &Addon,
    id: &InstanceId,
    remote_id: &str,
) -> ApiResult<Instance> {
    let fits = !remote_id.trim().is_empty() && remote_id.len() <= 512 && !remote_id.chars().any(char::is_control);
    if !fits || matches!(remote_id, "." | "..") {
        return Err(invalid_field("remote_id", "must be the id that the add-on has for the instance"));
    }
    provision_again(app, site, addon, id, |instance| {
        instance.reach = Reach::Made;
        instance.remote_id = Some(remote_id.to_owned());
        instance.answer = None;
    })
    .await
}

/// Tries again what has failed or could not be confirmed.
pub async fn retry_instance(app: &App, site: &Site, addon: &Addon, id: &InstanceId) -> ApiResult<Instance> {
    let instance = app.store.find_instance(&site.id, id).await?.ok_or_else(|| not_found("instance"))?;
    if !instance.came_to_nothing() {
        // The same uuid: if the lost request got through, the add-on answers with what it made then.
        return provision_again(app, site, addon, id, |_| ()).await;
    }
    // Cleaned up at the add-on, so the uuid is spent (matrix row 18): a new instance takes the place.
    create_instance(app, site, addon, &instance.config, instance.replace_env).await
}

async fn provision_again(
    app: &App,
    site: &Site,
    addon: &Addon,
    id: &InstanceId,
    change: impl FnOnce(&mut Instance),
) -> ApiResult<Instance> {
    let tx = app.store.begin().await?;
    let mut instance = lock(app, site, &tx, id).await?;
    if instance.state != InstanceState::Unconfirmed {
        return Err(not_now(&instance, "adopted or tried again"));
    }
    change(&mut instance);
    instance.fault = None;
    instance.enter(InstanceState::Provisioning, None, app.store.clock().now().into());
    app.store.update_instance(&site.id, &tx, &instance).await?;
    let job = provision_instance::schedule(app, &tx, id).await?;
    app.store.commit(tx).await?;
    wait(app, job, app.config.instance_wait).await?;
    outcome(addon, reread(app, site, id).await?)
}

/// Asks the partner how the instance is now, and publishes what it says.
pub async fn refresh_instance(app: &App, site: &Site, addon: &Addon, id: &InstanceId) -> ApiResult<Instance> {
    let tx = app.store.begin().await?;
    let instance = lock(app, site, &tx, id).await?;
    if instance.state != InstanceState::Active {
        return Err(not_now(&instance, "refreshed"));
    }
    let job = refresh_instance::schedule(app, &tx, id).await?;
    app.store.commit(tx).await?;
    wait(app, job, app.config.instance_wait).await?;
    let instance = reread(app, site, id).await?;
    match &instance.reason {
        Some(_) => Err(refused(addon, &instance)),
        None => Ok(instance),
    }
}

/// Waits for the oldest job that is under way for an instance; `None` when there is none or it did not end in time.
pub(crate) async fn wait_for_lane(app: &App, id: &InstanceId, limit: Duration) -> ApiResult<Option<JobId>> {
    let filter = JobFilter { kind: None, lane: Some(id.to_string()), unfinished_only: true };
    let oldest = app.store.jobs().list(&filter, None, 1).await.map_err(StoreError::from)?;
    let Some(job) = oldest.first().map(|job| job.id) else { return Ok(None) };
    let status = app.store.jobs().wait(job, limit).await.map_err(StoreError::from)?;
    Ok(status.filter(|status| status.state.is_finished()).map(|_| job))
}

async fn take_off_site(app: &App, site: &Site, tx: &Tx, id: &InstanceId) -> ApiResult<()> {
    app.store.delete_env_of_instance(&site.id, tx, id).await?;
    app.store.delete_snippets_of_instance(&site.id, tx, id).await?;
    Ok(app.store.delete_build_hooks_of_instance(&site.id, tx, id).await?)
}

async fn lock(app: &App, site: &Site, tx: &Tx, id: &InstanceId) -> ApiResult<Instance> {
    let found = app.store.lock_instance(&site.id, tx, id).await?;
    found.ok_or_else(|| not_found(format!("instance `{id}`")))
}

async fn reread(app: &App, site: &Site, id: &InstanceId) -> ApiResult<Instance> {
    let found = app.store.find_instance(&site.id, id).await?;
    found.ok_or_else(|| not_found(format!("instance `{id}` (it was removed meanwhile)")))
}

async fn wait(app: &App, job: JobId, limit: Duration) -> ApiResult<()> {
    if !limit.is_zero() {
        app.store.jobs().wait(job, limit).await.map_err(StoreError::from)?;
    }
    Ok(())
}

fn outcome(addon: &Addon, instance: Instance) -> ApiResult<Instance> {
    match instance.state {
        InstanceState::Failed | InstanceState::Unconfirmed => Err(refused(addon, &instance)),
        _ => Ok(instance),
    }
}

fn refused(addon: &Addon, instance: &Instance) -> ApiError {
    let reason = instance.reason.as_deref().unwrap_or("no reason is known");
    let message = format!("add-on `{}`: {reason}", addon.slug);
    match instance.fault {
        Some(Fault::Request) => unprocessable(message),
        Some(Fault::Conflict) => conflict(message),
        Some(Fault::Partner) | None => bad_gateway(message),
    }
}

fn not_now(instance: &Instance, deed: &str) -> ApiError {
    conflict(format!("an instance that is {} cannot be {deed}", state_word(instance.state)))
}

fn state_word(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Provisioning => "provisioning",
        InstanceState::Active => "active",
        InstanceState::Updating => "updating",
        InstanceState::Deprovisioning => "deprovisioning",
        InstanceState::Failed => "failed",
        InstanceState::Unconfirmed => "unconfirmed",
        InstanceState::Detached => "detached",
    }
}
