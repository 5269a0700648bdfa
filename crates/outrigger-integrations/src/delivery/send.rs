//! Sends one delivery. Its jobs stand in the lane of their configuration, so the first is sent before the second is
//! looked at.
//!
//! That an attempt begins is written before anything is sent. Who finds an attempt that was begun and never ended knows
//! that its process died, and counts it: a message that kills its process is given up like any other.

use std::time::Duration;

use outrigger_db::{Attempt, Backoff, End, Job, Next, StepError, Tx};
use serde::{Deserialize, Serialize};

use super::policy::Fate;
use super::post::patient;
use super::recipient::{Ready, Recipient};
use super::{AttemptOutcome, DeliveryState};
use crate::manager::isolated;
use crate::notice::{Notice, NoticeKind};
use crate::store::deliveries::{self, Ended, StoredDelivery};
use crate::{DeliveryId, Host, Manager, SendError, Sent};

/// How often to look whether a configuration that was changed by somebody else's hand can be sent to again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How soon to look whether the integration has a hand free.
const BUSY: Duration = Duration::from_secs(1);

/// The job.
pub(crate) struct SendDelivery<H: Host>(pub(crate) Manager<H>);

#[derive(Serialize, Deserialize)]
pub(crate) struct DeliveryPayload {
    pub(crate) delivery_id: DeliveryId,
}

impl<H: Host> Job for SendDelivery<H> {
    const KIND: &'static str = "integrations_send_delivery";
    const STEPS: &'static [&'static str] = &["send"];
    type Payload = DeliveryPayload;

    fn retry(&self) -> Backoff {
        patient()
    }

    async fn step(&self, _: &'static str, payload: &DeliveryPayload, attempt: &Attempt) -> Result<Next, StepError> {
        let post = self.0.post();
        let found = deliveries::find_anywhere(post.db().conn(), payload.delivery_id).await?;
        let Some(stored) = found.filter(|found| found.delivery.state == DeliveryState::Waiting) else {
            return Ok(Next::Finish);
        };
        let to = match self.0.recipient(stored.delivery.config).await? {
            Recipient::Ready(to) => to,
            other => return self.hold(&stored, &other, attempt).await,
        };
        let last = stored.delivery.attempts;
        if deliveries::has_open_attempt(post.db().conn(), stored.delivery.id, last).await? {
            return self.interrupted(&stored, &to, attempt).await;
        }
        let Some(_hand) = post.hand(&to.integration) else { return Ok(Next::Poll { after: BUSY }) };
        self.send(&stored, &to, attempt).await
    }

    async fn ended(&self, payload: &DeliveryPayload, end: &End, attempt: &Attempt) -> Result<(), StepError> {
        let post = self.0.post();
        let tx = post.db().begin().await?;
        let (dead, now) = (DeliveryState::Dead, post.millis());
        deliveries::finish(&tx, payload.delivery_id, dead, Some(&end.reason), now).await?;
        attempt.record(&tx, &Next::Finish).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl<H: Host> SendDelivery<H> {
    /// Keeps the message until its configuration can be sent to, or takes it out of the queue.
    async fn hold(
        &self,
        stored: &StoredDelivery,
        recipient: &Recipient<H>,
        attempt: &Attempt,
    ) -> Result<Next, StepError> {
        let post = self.0.post();
        let (delivery, excuse, now) = (&stored.delivery, recipient.excuse(), post.millis());
        let tx = post.db().begin().await?;
        let too_long = age(post.now(), delivery.queued_at) > post.retention().held;
        let next = if matches!(recipient, Recipient::Gone) {
            deliveries::cancel_waiting(&delivery.scope, &tx, delivery.config, &excuse, now).await?;
            Next::Finish
        } else if too_long {
            deliveries::finish(&tx, delivery.id, DeliveryState::Cancelled, Some(&excuse), now).await?;
            Next::Finish
        } else {
            deliveries::wait(&tx, delivery.id, &excuse, None, now).await?;
            Next::Poll { after: LOOK_AGAIN }
        };
        attempt.record(&tx, &next).await?;
        tx.commit().await?;
        Ok(next)
    }

    /// The process of the last attempt died. The message may have arrived.
    async fn interrupted(&self, stored: &StoredDelivery, to: &Ready<H>, attempt: &Attempt) -> Result<Next, StepError> {
        let outcome = Err(SendError::retry("The process ended during the attempt; the message may have arrived."));
        let ended =
            AttemptEnd { number: stored.delivery.attempts, tries: stored.tries, duration: None, interrupted: true };
        self.settle(stored, to, &outcome, &ended, attempt).await
    }

    async fn send(&self, stored: &StoredDelivery, to: &Ready<H>, attempt: &Attempt) -> Result<Next, StepError> {
        let post = self.0.post();
        let (id, now) = (stored.delivery.id, post.millis());
        let mut queue = deliveries::queue(post.db().conn(), to.id).await?;
        if let Some(limit) = to.handle.rate_limit() {
            match limit.take(queue.busy_until, now) {
                Ok(busy_until) => queue.busy_until = busy_until,
                Err(after) => return self.slow(id, after, attempt).await,
            }
        }
        let tx = post.db().begin().await?;
        let Some(number) = deliveries::begin_attempt(&tx, stored, now).await? else { return Err(StepError::LostLease) };
        deliveries::save_queue(&tx, to.id, &queue).await?;
        tx.commit().await?;

        let outcome = self.ask(stored, to).await;
        let duration = age(post.now(), jiff::Timestamp::from_millisecond(now).unwrap_or_default());
        let ended = AttemptEnd { number, tries: stored.tries + 1, duration: Some(duration), interrupted: false };
        self.settle(stored, to, &outcome, &ended, attempt).await
    }

    /// Waits for the rate limit.
    async fn slow(&self, id: DeliveryId, after: Duration, attempt: &Attempt) -> Result<Next, StepError> {
        let post = self.0.post();
        let tx = post.db().begin().await?;
        let next_at = post.millis().saturating_add(millis(after));
        deliveries::wait(&tx, id, "Waits for the rate limit.", Some(next_at), post.millis()).await?;
        let next = Next::Poll { after };
        attempt.record(&tx, &next).await?;
        tx.commit().await?;
        Ok(next)
    }

    async fn ask(&self, stored: &StoredDelivery, to: &Ready<H>) -> Result<Sent, SendError> {
        let post = self.0.post();
        let id = stored.delivery.id;
        let message = post
            .open_message(id, &stored.sealed_message)
            .map_err(|error| SendError::refused(format!("The message cannot be opened: {error}")))?;
        let (handle, config, context) = (to.handle.clone(), to.config.clone(), self.0.context().clone());
        let sending = async move { handle.send(&config, &message, &id, &context).await };
        isolated("sending", post.policy().timeout, sending)
            .await
            .unwrap_or_else(|fault| Err(SendError::retry(fault.to_string())))
    }

    /// Writes what came of an attempt, and what becomes of the delivery, the queue and the configuration: all or none.
    async fn settle(
        &self,
        stored: &StoredDelivery,
        to: &Ready<H>,
        outcome: &Result<Sent, SendError>,
        ended: &AttemptEnd,
        attempt: &Attempt,
    ) -> Result<Next, StepError> {
        let (post, delivery) = (self.0.post(), &stored.delivery);
        let (now, old) = (post.millis(), age(post.now(), delivery.queued_at));
        let fate = post.policy().fate(outcome, ended.tries, old, post.chance());
        let said = match outcome {
            Ok(sent) => sent.summary.clone(),
            Err(error) => error.to_string(),
        };
        let said = to.redactor().line(&said);
        let tx = post.db().begin().await?;
        let record = Ended {
            outcome: ended.outcome(outcome),
            status: outcome.as_ref().ok().and_then(|sent| sent.status),
            summary: &said,
            duration: ended.duration,
        };
        deliveries::end_attempt(&tx, delivery.id, ended.number, &record).await?;
        self.note_health(&tx, to, fate, &said).await?;
        let next = match fate {
            Fate::Delivered => {
                deliveries::finish(&tx, delivery.id, DeliveryState::Delivered, None, now).await?;
                Next::Finish
            }
            Fate::Dead => {
                deliveries::finish(&tx, delivery.id, DeliveryState::Dead, Some(&said), now).await?;
                Next::Finish
            }
            Fate::Again { after } => {
                let next_at = now.saturating_add(millis(after));
                deliveries::wait(&tx, delivery.id, &said, Some(next_at), now).await?;
                Next::Poll { after }
            }
            Fate::SwitchOff => {
                deliveries::wait(&tx, delivery.id, &said, None, now).await?;
                Next::Poll { after: LOOK_AGAIN }
            }
        };
        let notice = self.notice(&tx, to, fate, outcome, &said).await?;
        attempt.record(&tx, &next).await?;
        tx.commit().await?;
        if let Some(notice) = notice {
            post.listeners.tell(&notice);
        }
        if fate == Fate::SwitchOff {
            // What is in memory follows by itself if this does not succeed.
            let _ = self.0.refresh().await;
        }
        Ok(next)
    }

    async fn note_health(&self, tx: &Tx, to: &Ready<H>, fate: Fate, said: &str) -> Result<(), StepError> {
        let post = self.0.post();
        let mut queue = deliveries::queue(&**tx, to.id).await?;
        let health = &mut queue.health;
        if fate == Fate::Delivered {
            (health.delivered_at, health.failing_since) = (Some(post.now()), None);
            (health.failures, health.reason, health.switched_off_at) = (0, None, None);
        } else {
            health.failing_since.get_or_insert(post.now());
            health.failures = health.failures.saturating_add(1);
            health.reason = Some(said.to_owned());
            health.switched_off_at = (fate == Fate::SwitchOff).then(|| post.now());
        }
        deliveries::save_queue(tx, to.id, &queue).await?;
        Ok(())
    }

    /// Switches the configuration off if nothing gets through, and tells its owner what they should know.
    async fn notice(
        &self,
        tx: &Tx,
        to: &Ready<H>,
        fate: Fate,
        outcome: &Result<Sent, SendError>,
        said: &str,
    ) -> Result<Option<Notice>, StepError> {
        let kind = match (fate, outcome) {
            (Fate::SwitchOff, _) => {
                // Somebody else was faster, and it is off or gone.
                if !self.0.switch_off_in(tx, &to.scope, to.id).await? {
                    return Ok(None);
                }
                NoticeKind::SwitchedOff
            }
            (Fate::Dead, Err(SendError::Retry { .. })) => NoticeKind::GivenUp,
            _ => return Ok(None),
        };
        let about = (&to.scope, Some(to.id), &to.integration);
        Ok(Some(self.0.post().note(tx, about, kind, said).await?))
    }
}

/// An attempt that has ended.
struct AttemptEnd {
    number: u32,
    /// How many attempts there were since the delivery was put into the queue.
    tries: u32,
    duration: Option<Duration>,
    interrupted: bool,
}

impl AttemptEnd {
    fn outcome(&self, outcome: &Result<Sent, SendError>) -> AttemptOutcome {
        match outcome {
            _ if self.interrupted => AttemptOutcome::Interrupted,
            Ok(_) => AttemptOutcome::Delivered,
            Err(SendError::Retry { .. }) => AttemptOutcome::Retry,
            Err(SendError::Refused { .. }) => AttemptOutcome::Refused,
            Err(SendError::Broken { .. }) => AttemptOutcome::Broken,
        }
    }
}

pub(crate) fn age(now: jiff::Timestamp, since: jiff::Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
