//! Puts what a partner answered where sites find it: configuration, variables, snippets, all in one transaction.

use std::collections::BTreeMap;

use outrigger_addon::env_name::EnvName;
use outrigger_addon::instances::{InstanceDetails, Snippet};
use outrigger_db::{Attempt, Next, StepError, Tx};

use super::instance_work::{Work, change_and_tell, give_up};
use crate::app::App;
use crate::env_owners::{EnvConflict, conflicts_among};
use crate::events::tell_change;
use crate::store::env_vars::{EnvLevel, EnvValue, NewEnvVar};
use crate::store::instances::{Fault, Instance, InstanceState};
use crate::store::snippets::NewSnippet;

/// More than any add-on has a use for, and few enough for one transaction.
const MAX_ENV: usize = 200;
/// Every place where a variable of an add-on may be used.
const SCOPES: [&str; 4] = ["builds", "functions", "runtime", "post-processing"];

/// Publishes the answer and makes the instance active. An answer that cannot be published fails the step and changes
/// nothing on the site.
pub(super) async fn publish(app: &App, work: &Work, attempt: &Attempt) -> Result<Next, StepError> {
    let tx = app.store.begin().await?;
    let id = &work.instance.id;
    let Some(mut instance) = app.store.lock_instance_anywhere(&tx, id).await? else { return Ok(Next::Finish) };
    if instance.is_leaving() {
        return Ok(Next::Finish);
    }
    let details = instance.answer.take().map(|answer| answer.details).unwrap_or_default();
    if let Err((fault, reason)) = check_names(app, &tx, work, &instance, &details).await? {
        drop(tx);
        return give_up(app, work, fault, reason, |_| ()).await;
    }
    if let Some(env) = &details.env {
        replace_env(app, &tx, work, env).await?;
    }
    if let Some(snippets) = &details.snippets {
        replace_snippets(app, &tx, work, snippets).await?;
    }
    let before = instance.state;
    settle_fields(app, &mut instance, details);
    app.store.update_instance(&work.site.id, &tx, &instance).await?;
    tell_change(app, &tx, work.told_as(app), before, &instance).await?;
    attempt.record(&tx, &Next::Finish).await?;
    app.store.commit(tx).await?;
    Ok(Next::Finish)
}

fn settle_fields(app: &App, instance: &mut Instance, details: InstanceDetails) {
    if let Some(pending) = instance.pending_config.take() {
        instance.config = pending;
    }
    // The partner may add to the configuration or alter it; an option it does not mention stays as it was asked for.
    instance.config.extend(details.config.unwrap_or_default());
    instance.endpoint = details.endpoint.map(String::from).or(instance.endpoint.take());
    instance.message = details.message.or(instance.message.take());
    instance.fault = None;
    instance.enter(InstanceState::Active, None, app.store.clock().now().into());
}

type NameFault = (Fault, String);

async fn check_names(
    app: &App,
    tx: &Tx,
    work: &Work,
    instance: &Instance,
    details: &InstanceDetails,
) -> Result<Result<(), NameFault>, StepError> {
    let Some(env) = &details.env else { return Ok(Ok(())) };
    if env.len() > MAX_ENV {
        return Ok(Err((Fault::Partner, format!("it sets {} variables; at most {MAX_ENV} are taken", env.len()))));
    }
    if let Some(prefix) = &work.manifest.env_prefix
        && let Some(name) = env.keys().find(|name| !name.as_str().starts_with(prefix.as_str()))
    {
        let reason =
            format!("it sets the variable `{name}`, although its manifest says that all start with `{prefix}`");
        return Ok(Err((Fault::Partner, reason)));
    }
    if instance.replace_env {
        return Ok(Ok(()));
    }
    let conflicts = conflicts_now(app, tx, work, env).await?;
    if conflicts.is_empty() {
        return Ok(Ok(()));
    }
    let listed: Vec<String> = conflicts.iter().map(EnvConflict::to_string).collect();
    Ok(Err((Fault::Conflict, format!("variables would have two owners: {}", listed.join("; ")))))
}

async fn conflicts_now(
    app: &App,
    tx: &Tx,
    work: &Work,
    env: &BTreeMap<EnvName, String>,
) -> Result<Vec<EnvConflict>, StepError> {
    let names = env.keys().map(EnvName::to_string);
    let there = app.store.env_vars_named(&level(work), tx, names).await?;
    Ok(conflicts_among(&work.addon, Some(&work.instance.id), there))
}

fn level(work: &Work) -> EnvLevel {
    EnvLevel { account: work.account.id.clone(), site: Some(work.site.id.clone()) }
}

async fn replace_env(app: &App, tx: &Tx, work: &Work, env: &BTreeMap<EnvName, String>) -> Result<(), StepError> {
    let level = level(work);
    app.store.delete_env_of_instance(&work.site.id, tx, &work.instance.id).await?;
    // Only with `replace` is anything left under these names; `check_names` has seen to that.
    for other in app.store.env_vars_named(&level, tx, env.keys().map(EnvName::to_string)).await? {
        app.store.delete_env_var(&level, tx, &other.id).await?;
    }
    let declared = work.manifest.provides.iter().flat_map(|provides| &provides.env);
    let secret: Vec<&EnvName> = declared.filter(|declared| declared.secret).map(|declared| &declared.name).collect();
    for (name, value) in env {
        let value =
            EnvValue { id: None, context: "all".to_owned(), context_parameter: String::new(), value: value.clone() };
        let new = NewEnvVar {
            name: name.to_string(),
            scopes: SCOPES.map(str::to_owned).to_vec(),
            is_secret: secret.contains(&name),
            values: vec![value],
            owner: Some(work.instance.id.clone()),
            updated_by: None,
        };
        app.store.insert_env_var(&level, tx, new).await?;
    }
    Ok(())
}

async fn replace_snippets(app: &App, tx: &Tx, work: &Work, snippets: &[Snippet]) -> Result<(), StepError> {
    let before = app.store.snippets_of_instance(&work.site.id, tx, &work.instance.id).await?;
    app.store.delete_snippets_of_instance(&work.site.id, tx, &work.instance.id).await?;
    for snippet in snippets {
        let new = NewSnippet { title: snippet.title.clone(), position: snippet.position, html: snippet.html.clone() };
        let made = app.store.insert_snippet(&work.site.id, tx, Some(&work.instance.id), new).await?;
        // What a person switched off stays off in the add-on's next version of it.
        if let Some(old) = before.iter().find(|old| old.title == made.title && old.position == made.position) {
            app.store.roll_out_snippet(&work.site.id, tx, &made.id, old.enabled, old.share).await?;
        }
    }
    Ok(())
}

/// The instance stays as it was before an update, with the reason for people to read.
pub(super) async fn keep_as_it_was(
    app: &App,
    id: &crate::store::ids::InstanceId,
    reason: String,
) -> Result<(), StepError> {
    let now = app.store.clock().now().into();
    change_and_tell(app, id, |instance| {
        instance.pending_config = None;
        instance.answer = None;
        if instance.state == InstanceState::Updating {
            instance.enter(InstanceState::Active, Some(reason), now);
        }
    })
    .await
}
