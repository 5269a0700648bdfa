//! Gives an instance another configuration. Until the partner has agreed, everything stays as it was.

use outrigger_addon::instances::UpdateRequest;
use outrigger_db::{Attempt, Backoff, End, Job, JobId, NewJob, Next, StepError, Tx};

use super::instance_work::{Work, change, fault_of, give_up, settle, try_again};
use super::publish::{keep_as_it_was, publish};
use super::{App, InstancePayload, patience};
use crate::provider_client::{CallError, InstanceReply};
use crate::store::StoreError;
use crate::store::ids::InstanceId;
use crate::store::instances::{Answer, InstanceState};

/// The job.
pub(crate) struct UpdateInstance(pub(crate) App);

/// Enqueues it behind whatever is under way for the instance.
pub(crate) async fn schedule(app: &crate::app::App, tx: &Tx, id: &InstanceId) -> Result<JobId, StoreError> {
    let payload = InstancePayload { instance_id: id.clone() };
    Ok(app.store.jobs().enqueue(tx, NewJob::of::<UpdateInstance>(&payload).lane(id.as_str())).await?)
}

impl Job for UpdateInstance {
    const KIND: &'static str = "update_instance";
    const STEPS: &'static [&'static str] = &["call", "settle", "publish"];
    type Payload = InstancePayload;

    fn retry(&self) -> Backoff {
        patience(&self.0.config)
    }

    async fn step(&self, step: &'static str, payload: &InstancePayload, attempt: &Attempt) -> Result<Next, StepError> {
        let Some(work) = Work::load(&self.0, &payload.instance_id).await? else { return Ok(Next::Finish) };
        if work.instance.state != InstanceState::Updating {
            return Ok(Next::Finish);
        }
        match step {
            "call" => self.call(work, attempt).await,
            "settle" => settle(&self.0, &work, attempt).await,
            _ => publish(&self.0, &work, attempt).await,
        }
    }

    /// What the partner has accepted, but cannot be used here, is taken back there too.
    async fn undo(&self, step: &'static str, payload: &InstancePayload, _: &Attempt) -> Result<(), StepError> {
        let Some(work) = Work::load(&self.0, &payload.instance_id).await? else { return Ok(()) };
        let accepted = work.instance.state == InstanceState::Updating && work.instance.answer.is_some();
        if step != "call" || !accepted {
            return Ok(());
        }
        let config = work.instance.config.clone();
        let undone = self.0.provider.update_instance(&work.endpoint, &work.subject, &UpdateRequest { config }).await;
        match undone {
            Ok(_) => Ok(()),
            Err(error) => Err(StepError::retry(format!("taking it back: {error}"))),
        }
    }

    async fn ended(&self, payload: &InstancePayload, end: &End, _: &Attempt) -> Result<(), StepError> {
        keep_as_it_was(&self.0, &payload.instance_id, format!("the last update failed: {}", end.reason)).await
    }
}

impl UpdateInstance {
    async fn call(&self, work: Work, attempt: &Attempt) -> Result<Next, StepError> {
        let app = &*self.0;
        let id = &work.instance.id;
        if work.instance.answer.is_some() {
            return Ok(Next::Continue);
        }
        // An earlier attempt may have got through although its answer did not (matrix row 21).
        let reply = match self.already_applied(&work, attempt).await {
            Some(reply) => Ok(reply),
            None => {
                let config = work.instance.pending_config.clone().unwrap_or_default();
                app.provider.update_instance(&work.endpoint, &work.subject, &UpdateRequest { config }).await
            }
        };
        match reply {
            Ok(reply) => {
                let poll_at = app.store.clock().now() + reply.retry_after.unwrap_or(app.config.retry_pause);
                let answer = Answer { details: reply.details, poll_at: Some(poll_at.into()) };
                change(app, id, |instance| instance.answer = Some(answer)).await?;
                Ok(Next::Continue)
            }
            Err(error) => match &error {
                CallError::NotReached(_) | CallError::Busy { .. } | CallError::Unclear { .. } => {
                    try_again(app, &work, &error).await
                }
                _ => give_up(app, &work, fault_of(&error), error.to_string(), |_| ()).await,
            },
        }
    }

    async fn already_applied(&self, work: &Work, attempt: &Attempt) -> Option<InstanceReply> {
        if attempt.number() == 1 {
            return None;
        }
        let reply = self.0.provider.get_instance(&work.endpoint, &work.subject).await.ok()?;
        let there = reply.details.config.as_ref()?;
        let wanted = work.instance.pending_config.as_ref()?;
        let same = !wanted.is_empty() && wanted.iter().all(|(name, value)| there.get(name) == Some(value));
        same.then_some(reply)
    }
}
