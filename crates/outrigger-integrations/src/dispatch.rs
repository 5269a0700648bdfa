//! Events on their way from the host's transaction to the handlers of integrations.
//!
//! [`Manager::emit`] stores the event and a job in the transaction in which it happened. The job, `dispatch_event`,
//! makes one job for each integration that may want it; each of those, `handle_event`, calls the handlers of one
//! integration with the configurations that want the event, and stores what they hand over together with the fact that
//! they ran. An integration that fails, panics or hangs is told again later, and holds up nobody else.
//!
//! Events that happen close together may be heard in either order.

use outrigger_db::{Attempt, Backoff, End, Job, NewJob, Next, StepError, Tx};
use serde::{Deserialize, Serialize};

use crate::delivery::post::{Source, To, patient};
use crate::delivery::redact::Redactor;
use crate::delivery::send::age;
use crate::delivery::{Origin, policy::Fate};
use crate::manager::{RunState, isolated};
use crate::notice::{Notice, NoticeKind};
use crate::rule::{Explanation, Facts as _};
use crate::start::{Handle, Outbox, Told};
use crate::store::StoreError;
use crate::store::events::{self, HearingState, StoredEvent, StoredHearing};
use crate::{ConfigId, Event, EventId, Fault, Host, IntegrationId, Manager, Scope, SendError};

mod explain;

pub use explain::{EventReport, Hearing, Wanted};

impl<H: Host> Manager<H> {
    /// Lets the integrations know what happened, in the host's own transaction: they hear of it if and when that
    /// commits, also if the process ends right after it, and never otherwise.
    ///
    /// ```
    /// use outrigger_integrations::{Event, EventId, Host, Manager, StoreError};
    ///
    /// async fn pay<H: Host, E: Event<H>>(manager: &Manager<H>, paid: &E) -> Result<EventId, StoreError> {
    ///     let tx = manager.store().db().begin().await?;
    ///     // ... the host's own writes ...
    ///     let id = manager.emit(&tx, paid).await?;
    ///     tx.commit().await?;
    ///     Ok(id)
    /// }
    /// ```
    ///
    /// # Errors
    /// When the database refuses, or the event has no JSON form.
    pub async fn emit<E: Event<H>>(&self, tx: &Tx, event: &E) -> Result<EventId, StoreError> {
        let post = self.post();
        let payload = serde_json::to_string(event)
            .map_err(|error| StoreError::Unreadable(format!("the event `{}` has no JSON form: {error}", E::NAME)))?;
        let stored = StoredEvent {
            id: EventId::from_uuid(post.new_uuid()),
            name: E::NAME.to_owned(),
            scopes: event.scopes(),
            facts: event.facts().values(),
            payload,
            created_at: post.now(),
        };
        events::insert(tx, &stored).await?;
        let job = NewJob::of::<DispatchEvent<H>>(&EventPayload { event_id: stored.id });
        post.jobs().enqueue(tx, job.key(stored.id.to_string())).await?;
        Ok(stored.id)
    }

    /// As [`Manager::emit`], in a transaction of its own: for what the host does not store.
    ///
    /// # Errors
    /// When the database refuses, or the event has no JSON form.
    pub async fn dispatch<E: Event<H>>(&self, event: &E) -> Result<EventId, StoreError> {
        let tx = self.post().db().begin().await?;
        let id = self.emit(&tx, event).await?;
        tx.commit().await?;
        Ok(id)
    }
}

/// Makes a job for each integration that may want an event.
pub(crate) struct DispatchEvent<H: Host>(pub(crate) Manager<H>);

#[derive(Serialize, Deserialize)]
pub(crate) struct EventPayload {
    event_id: EventId,
}

impl<H: Host> Job for DispatchEvent<H> {
    const KIND: &'static str = "integrations_dispatch_event";
    const STEPS: &'static [&'static str] = &["fan_out"];
    type Payload = EventPayload;

    fn retry(&self) -> Backoff {
        patient()
    }

    async fn step(&self, _: &'static str, payload: &EventPayload, attempt: &Attempt) -> Result<Next, StepError> {
        let post = self.0.post();
        let Some(event) = events::find_anywhere(post.db().conn(), payload.event_id).await? else {
            return Ok(Next::Finish);
        };
        // Who was enabled before it happened hears of it.
        self.0.refresh().await?;
        let tx = post.db().begin().await?;
        for integration in self.0.enabled_in(&event.scopes) {
            // One that runs here and does not listen needs no job to find that out.
            if self.0.handlers_of(&integration, &event.name).is_some_and(|handlers| handlers.is_empty()) {
                continue;
            }
            if events::insert_hearing(&tx, event.id, &integration, post.millis()).await? {
                let payload = HearingPayload { event_id: event.id, integration };
                let key = format!("{}/{}", payload.event_id, payload.integration);
                post.jobs().enqueue(&tx, NewJob::of::<HandleEvent<H>>(&payload).key(key)).await?;
            }
        }
        attempt.record(&tx, &Next::Finish).await?;
        tx.commit().await?;
        Ok(Next::Finish)
    }
}

/// Tells one integration of an event.
pub(crate) struct HandleEvent<H: Host>(pub(crate) Manager<H>);

#[derive(Serialize, Deserialize)]
pub(crate) struct HearingPayload {
    event_id: EventId,
    integration: IntegrationId,
}

impl<H: Host> Job for HandleEvent<H> {
    const KIND: &'static str = "integrations_handle_event";
    const STEPS: &'static [&'static str] = &["handle"];
    type Payload = HearingPayload;

    fn retry(&self) -> Backoff {
        patient()
    }

    async fn step(&self, _: &'static str, payload: &HearingPayload, attempt: &Attempt) -> Result<Next, StepError> {
        let post = self.0.post();
        let conn = post.db().conn();
        let event = events::find_anywhere(conn, payload.event_id).await?;
        let hearing = events::hearing(conn, payload.event_id, &payload.integration).await?;
        let Some((event, hearing)) = event.zip(hearing).filter(|(_, hearing)| hearing.state == HearingState::Waiting)
        else {
            return Ok(Next::Finish);
        };
        self.0.refresh().await?;
        let job = Telling { manager: &self.0, event, hearing, attempt };
        if !self.0.enabled_in(&job.event.scopes).contains(&payload.integration) {
            return job.end(HearingState::Heard, Some("No configuration is enabled any more."), None).await;
        }
        let Some(handlers) = self.0.handlers_of(&payload.integration, &job.event.name) else {
            return job.wait_for_integration().await;
        };
        let Some(_hand) = post.hand(&payload.integration) else {
            return Ok(Next::Poll { after: std::time::Duration::from_secs(1) });
        };
        job.tell(handlers).await
    }

    async fn ended(&self, payload: &HearingPayload, end: &End, attempt: &Attempt) -> Result<(), StepError> {
        let post = self.0.post();
        let tx = post.db().begin().await?;
        let (event, integration) = (payload.event_id, &payload.integration);
        events::save_hearing(&tx, event, integration, HearingState::Failed, 0, Some(&end.reason), post.millis())
            .await?;
        attempt.record(&tx, &Next::Finish).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// One integration being told of one event.
struct Telling<'a, H: Host> {
    manager: &'a Manager<H>,
    event: StoredEvent,
    hearing: StoredHearing,
    attempt: &'a Attempt,
}

impl<H: Host> Telling<'_, H> {
    /// It is not installed here, or does not run yet: it is told later, within limits.
    async fn wait_for_integration(&self) -> Result<Next, StepError> {
        let post = self.manager.post();
        let why = match self.manager.get(&self.hearing.integration).map(|info| info.state) {
            Err(_) => "The integration is not installed.".to_owned(),
            Ok(RunState::Failed { reason, .. }) => format!("The integration does not start: {reason}"),
            Ok(_) => "The integration does not run yet.".to_owned(),
        };
        let waited = age(post.now(), self.event.created_at);
        if waited > post.policy().max_age {
            return self.give_up(NoticeKind::EventUnheard, &why).await;
        }
        // Young events are looked at often, old ones seldom.
        let after = (waited / 4).clamp(post.policy().first.min(SOON), post.policy().cap.min(SELDOM));
        self.again(&why, after).await
    }

    async fn tell(&self, handlers: Vec<Handle>) -> Result<Next, StepError> {
        let (post, integration) = (self.manager.post(), &self.hearing.integration);
        let matching = self.manager.matching(integration, &self.event.scopes, &self.event.facts);
        if matching.configs.is_empty() || handlers.is_empty() {
            return self.end(HearingState::Heard, Some("No configuration wants it."), None).await;
        }
        let tries = self.hearing.attempts.saturating_add(1);
        let tx = post.db().begin().await?;
        if !events::begin_hearing(&tx, self.event.id, integration, self.hearing.attempts, post.millis()).await? {
            return Err(StepError::LostLease);
        }
        tx.commit().await?;

        let secrets = self.manager.secrets_of(integration, &matching.configs);
        let outbox = Outbox::new(self.manager.context().clone());
        let told = Told {
            id: self.event.id,
            at: self.event.created_at,
            payload: self.event.payload.as_str().into(),
            configs: matching.configs,
            outbox: outbox.clone(),
        };
        match self.call(handlers, &told).await {
            Ok(()) => self.end(HearingState::Heard, None, Some(outbox)).await,
            Err(fault) => {
                let reason = Redactor::new(secrets.iter().map(String::as_str)).line(&fault.to_string());
                let waited = age(post.now(), self.event.created_at);
                match post.policy().fate(&Err(SendError::retry(reason.clone())), tries, waited, post.chance()) {
                    Fate::Again { after } => self.again(&reason, after).await,
                    _ => self.give_up(NoticeKind::EventFailed, &reason).await,
                }
            }
        }
    }

    async fn call(&self, handlers: Vec<Handle>, told: &Told) -> Result<(), Fault> {
        for handle in handlers {
            let told = told.clone();
            let handling = async move { handle(told).await };
            isolated("the handler", self.manager.post().policy().timeout, handling)
                .await
                .and_then(|handled| handled)?;
        }
        Ok(())
    }

    async fn again(&self, reason: &str, after: std::time::Duration) -> Result<Next, StepError> {
        let next = Next::Poll { after };
        let tx = self.manager.post().db().begin().await?;
        self.save(&tx, HearingState::Waiting, 0, Some(reason)).await?;
        self.attempt.record(&tx, &next).await?;
        tx.commit().await?;
        Ok(next)
    }

    /// The integration has heard it. What it handed over and that it ran commit together.
    async fn end(&self, state: HearingState, reason: Option<&str>, outbox: Option<Outbox>) -> Result<Next, StepError> {
        let tx = self.manager.post().db().begin().await?;
        let source = Source {
            origin: Origin::Event,
            event: Some(self.event.id),
            seed: self.event.id.to_string(),
            at: self.event.created_at,
            to: To::Scopes(&self.hearing.integration, &self.event.scopes),
        };
        let handed = outbox.map(|outbox| outbox.take()).unwrap_or_default();
        let kept = self.manager.keep(&tx, &source, handed).await?;
        self.save(&tx, state, kept.deliveries, reason).await?;
        self.attempt.record(&tx, &Next::Finish).await?;
        tx.commit().await?;
        Ok(Next::Finish)
    }

    async fn give_up(&self, kind: NoticeKind, reason: &str) -> Result<Next, StepError> {
        let post = self.manager.post();
        let tx = post.db().begin().await?;
        self.save(&tx, HearingState::Failed, 0, Some(reason)).await?;
        let mut notices: Vec<Notice> = Vec::new();
        for scope in &self.event.scopes {
            let about = (scope, None, &self.hearing.integration);
            let reason = format!("The event `{}` ({}) was given up. {reason}", self.event.name, self.event.id);
            notices.push(post.note(&tx, about, kind, &reason).await?);
        }
        self.attempt.record(&tx, &Next::Finish).await?;
        tx.commit().await?;
        notices.iter().for_each(|notice| post.listeners.tell(notice));
        Ok(Next::Finish)
    }

    async fn save(&self, tx: &Tx, state: HearingState, deliveries: u32, reason: Option<&str>) -> Result<(), StepError> {
        let (event, integration) = (self.event.id, &self.hearing.integration);
        let now = self.manager.post().millis();
        events::save_hearing(tx, event, integration, state, deliveries, reason, now).await?;
        Ok(())
    }
}

const SOON: std::time::Duration = std::time::Duration::from_secs(1);
const SELDOM: std::time::Duration = std::time::Duration::from_secs(5 * 60);
