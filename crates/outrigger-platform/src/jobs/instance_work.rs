//! What all jobs on an instance do: read it, say who it is, note a failure, and wait until the partner is done.

use std::time::Duration;

use outrigger_addon::instances::{InstanceDetails, ProvisioningState};
use outrigger_addon::manifest::Manifest;
use outrigger_db::{Attempt, Next, StepError};

use crate::app::App;
use crate::events::{InstanceSubject, tell_change};
use crate::provider_client::{CallError, Endpoint, InstanceReply, Subject};
use crate::store::accounts::Account;
use crate::store::addons::Addon;
use crate::store::ids::InstanceId;
use crate::store::instances::{Answer, Fault, Instance, Reach};
use crate::store::sites::Site;

const FIRST_POLL: Duration = Duration::from_secs(2);
const LAST_POLL: Duration = Duration::from_secs(5 * 60);

/// An instance with all that a call about it needs.
pub(super) struct Work {
    pub(super) instance: Instance,
    pub(super) site: Site,
    pub(super) account: Account,
    pub(super) addon: Addon,
    pub(super) manifest: Manifest,
    pub(super) endpoint: Endpoint,
    pub(super) subject: Subject,
}

impl Work {
    /// `None` when the instance is gone: there is nothing left to do.
    pub(super) async fn load(app: &App, id: &InstanceId) -> Result<Option<Self>, StepError> {
        let Some(instance) = app.store.find_instance_anywhere(id).await? else { return Ok(None) };
        let site = app.store.find_site_anywhere(instance.site_id.as_str()).await?;
        let addon = app.store.addon(&instance.addon_id).await?;
        let (Some(site), Some(addon)) = (site, addon) else { return Ok(None) };
        let Some(account) = app.store.find_account_anywhere(site.account_id.as_str()).await? else { return Ok(None) };
        let subject = Subject {
            remote_id: instance.remote_id.clone(),
            uuid: Some(instance.id.uuid()),
            site_url: Some(app.urls.site(&site)),
        };
        let endpoint = app.endpoint_of(&addon).await?;
        let manifest = addon.manifest()?;
        Ok(Some(Self { instance, site, account, addon, manifest, endpoint, subject }))
    }
}

impl Work {
    /// What an event says about it.
    pub(super) fn told_as(&self, app: &App) -> InstanceSubject {
        InstanceSubject::of(app, self.instance.id.clone(), &self.addon, &self.account, &self.site)
    }
}

/// Shorter values are in every other word, and hide nothing when they are taken out.
const SHORTEST_SECRET: usize = 4;

impl Work {
    /// A partner may repeat in its answer what we have sent; what of that is secret is taken out before people, the
    /// database and the log get it.
    fn redact(&self, text: &str) -> String {
        let secrets = &self.instance.secrets;
        let configs = [Some(&self.instance.config), self.instance.pending_config.as_ref()];
        let options = configs
            .into_iter()
            .flatten()
            .flat_map(|config| self.manifest.secret_fields().filter_map(|field| config.get(field)?.as_str()));
        let ours = [secrets.jwt_secret.as_str(), &secrets.callback_token, &self.endpoint.secret];
        let secrets = options.chain(ours).filter(|secret| secret.len() >= SHORTEST_SECRET);
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "(secret)"))
    }
}

/// Changes an instance under its lock; `None` when it is gone.
pub(super) async fn change<T>(
    app: &App,
    id: &InstanceId,
    change: impl FnOnce(&mut Instance) -> T,
) -> Result<Option<T>, StepError> {
    let tx = app.store.begin().await?;
    let Some(mut instance) = app.store.lock_instance_anywhere(&tx, id).await? else { return Ok(None) };
    let result = change(&mut instance);
    app.store.update_instance(&instance.site_id.clone(), &tx, &instance).await?;
    app.store.commit(tx).await?;
    Ok(Some(result))
}

/// Changes an instance under its lock and lets the integrations know what that means. Nothing happens when it is gone.
pub(super) async fn change_and_tell(
    app: &App,
    id: &InstanceId,
    change: impl FnOnce(&mut Instance),
) -> Result<(), StepError> {
    let Some(subject) = InstanceSubject::load(app, id).await? else { return Ok(()) };
    let tx = app.store.begin().await?;
    let Some(mut instance) = app.store.lock_instance_anywhere(&tx, id).await? else { return Ok(()) };
    let before = instance.state;
    change(&mut instance);
    app.store.update_instance(&instance.site_id.clone(), &tx, &instance).await?;
    tell_change(app, &tx, subject, before, &instance).await?;
    app.store.commit(tx).await?;
    Ok(())
}

/// Notes whose fault a failure is, and fails the step.
pub(super) async fn give_up(
    app: &App,
    work: &Work,
    fault: Fault,
    reason: String,
    also: impl FnOnce(&mut Instance),
) -> Result<Next, StepError> {
    let reason = work.redact(&reason);
    change(app, &work.instance.id, |instance| {
        instance.fault = Some(fault);
        also(instance);
    })
    .await?;
    Err(StepError::fail(reason))
}

/// Notes why it goes on trying, for people who look meanwhile, and asks for another attempt.
pub(super) async fn try_again(app: &App, work: &Work, error: &CallError) -> Result<Next, StepError> {
    let reason = work.redact(&error.to_string());
    change(app, &work.instance.id, |instance| {
        instance.fault = Some(Fault::Partner);
        instance.reason = Some(format!("trying again: {reason}"));
    })
    .await?;
    let after = match error {
        CallError::Unclear { retry_after, .. } | CallError::Busy { retry_after } => *retry_after,
        _ => None,
    };
    Err(StepError::Retry { reason, after })
}

/// Whose fault an error is that will not pass by itself.
pub(super) fn fault_of(error: &CallError) -> Fault {
    match error {
        CallError::Refused { .. } => Fault::Request,
        _ => Fault::Partner,
    }
}

/// Asks until the partner says that the instance is ready, or has failed, or the window is over (matrix rows 5 to 9).
pub(super) async fn settle(app: &App, work: &Work, attempt: &Attempt) -> Result<Next, StepError> {
    let id = &work.instance.id;
    match work.instance.answer.as_ref().map(|answer| answer.details.state) {
        Some(ProvisioningState::Active) => return Ok(Next::Continue),
        Some(ProvisioningState::Failed) => return said_it_failed(app, work).await,
        Some(ProvisioningState::Provisioning) | None => {}
    }
    let waited = attempt.now().duration_since(attempt.created_at()).unsigned_abs();
    let window = work.manifest.provisioning_window.unwrap_or(app.config.provisioning_window);
    if waited >= window {
        let reason = format!("it was not ready within {} s", window.as_secs());
        return give_up(app, work, Fault::Partner, reason, |_| ()).await;
    }
    let poll_at = work.instance.answer.as_ref().and_then(|answer| answer.poll_at);
    if let Some(remaining) = poll_at.and_then(|at| positive(at.timestamp().duration_since(attempt.now()))) {
        return Ok(Next::Poll { after: remaining.min(window - waited) });
    }
    // Any other answer than a good one says nothing about the work: keep asking (rows 7 and 8).
    let reply = app.provider.get_instance(&work.endpoint, &work.subject).await;
    if let (Err(CallError::Gone(status)), None) = (&reply, &work.instance.answer) {
        // It was to be adopted by an id that a person gave, and the partner knows no such id.
        let reason =
            format!("it answers {status} for the id `{}`", work.subject.remote_id.as_deref().unwrap_or_default());
        return give_up(app, work, Fault::Request, reason, |instance| {
            instance.reach = Reach::Maybe;
            instance.remote_id = None;
        })
        .await;
    }
    let reply = reply.ok();
    let pause = reply.as_ref().and_then(|reply| reply.retry_after).unwrap_or_else(|| poll_pause(app, waited));
    let poll_at = (attempt.now() + pause).into();
    let state = change(app, id, |instance| keep_reply(instance, reply, poll_at)).await?;
    match state.flatten() {
        Some(ProvisioningState::Active) => Ok(Next::Continue),
        Some(ProvisioningState::Failed) => said_it_failed(app, work).await,
        _ => Ok(Next::Poll { after: pause.min(window - waited) }),
    }
}

fn positive(span: jiff::SignedDuration) -> Option<Duration> {
    Duration::try_from(span).ok().filter(|span| !span.is_zero())
}

/// The longer it takes, the more rarely we ask.
fn poll_pause(app: &App, waited: Duration) -> Duration {
    (waited / 4).clamp(FIRST_POLL.min(app.config.retry_pause), LAST_POLL)
}

fn keep_reply(
    instance: &mut Instance,
    reply: Option<InstanceReply>,
    poll_at: crate::store::Time,
) -> Option<ProvisioningState> {
    let known = instance.answer.take().map(|answer| answer.details);
    // A callback that came while we asked knows better.
    let known_is_final = known.as_ref().is_some_and(|details| details.state != ProvisioningState::Provisioning);
    let details = match (known, reply) {
        (Some(known), Some(reply)) if !known_is_final => Some(merge(known, reply.details)),
        (Some(known), _) => Some(known),
        (None, reply) => reply.map(|reply| reply.details),
    };
    let state = details.as_ref().map(|details| details.state);
    instance.answer = details.map(|details| Answer { details, poll_at: Some(poll_at) });
    state
}

/// What a later answer leaves out is as it was.
pub(crate) fn merge(earlier: InstanceDetails, later: InstanceDetails) -> InstanceDetails {
    InstanceDetails {
        endpoint: later.endpoint.or(earlier.endpoint),
        message: later.message.or(earlier.message),
        config: later.config.or(earlier.config),
        env: later.env.or(earlier.env),
        snippets: later.snippets.or(earlier.snippets),
        state: later.state,
    }
}

async fn said_it_failed(app: &App, work: &Work) -> Result<Next, StepError> {
    let message = work.instance.answer.as_ref().and_then(|answer| answer.details.message.clone());
    let reason = message.map_or_else(|| "it says that it failed".to_owned(), |said| format!("it failed: {said}"));
    give_up(app, work, Fault::Partner, reason, |_| ()).await
}
