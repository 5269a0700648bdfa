//! Asks the partner how an instance is now, and publishes it.

use outrigger_db::{Attempt, Backoff, End, Job, JobId, NewJob, Next, StepError, Tx};

use super::instance_work::{Work, change, fault_of, give_up, try_again};
use super::publish::publish;
use super::{App, InstancePayload, patience};
use crate::provider_client::CallError;
use crate::store::StoreError;
use crate::store::ids::InstanceId;
use crate::store::instances::{Answer, InstanceState};

/// The job.
pub(crate) struct RefreshInstance(pub(crate) App);

/// Enqueues it behind whatever is under way for the instance.
pub(crate) async fn schedule(app: &crate::app::App, tx: &Tx, id: &InstanceId) -> Result<JobId, StoreError> {
    let payload = InstancePayload { instance_id: id.clone() };
    let job = NewJob::of::<RefreshInstance>(&payload).key(id.as_str()).lane(id.as_str());
    Ok(app.store.jobs().enqueue(tx, job).await?)
}

impl Job for RefreshInstance {
    const KIND: &'static str = "refresh_instance";
    const STEPS: &'static [&'static str] = &["ask", "publish"];
    type Payload = InstancePayload;

    fn retry(&self) -> Backoff {
        Backoff { max_attempts: Some(3), ..patience(&self.0.config) }
    }

    async fn step(&self, step: &'static str, payload: &InstancePayload, attempt: &Attempt) -> Result<Next, StepError> {
        let Some(work) = Work::load(&self.0, &payload.instance_id).await? else { return Ok(Next::Finish) };
        if work.instance.state != InstanceState::Active {
            return Ok(Next::Finish);
        }
        match step {
            "ask" => self.ask(work).await,
            _ => publish(&self.0, &work, attempt).await,
        }
    }

    async fn ended(&self, payload: &InstancePayload, end: &End, _: &Attempt) -> Result<(), StepError> {
        let reason = format!("the last refresh failed: {}", end.reason);
        change(&self.0, &payload.instance_id, |instance| {
            instance.answer = None;
            instance.reason = Some(reason);
        })
        .await?;
        Ok(())
    }
}

impl RefreshInstance {
    async fn ask(&self, work: Work) -> Result<Next, StepError> {
        let id = &work.instance.id;
        match self.0.provider.get_instance(&work.endpoint, &work.subject).await {
            Ok(reply) => {
                let answer = Answer { details: reply.details, poll_at: None };
                change(&self.0, id, |instance| instance.answer = Some(answer)).await?;
                Ok(Next::Continue)
            }
            Err(error) => match &error {
                CallError::NotReached(_) | CallError::Busy { .. } | CallError::Unclear { .. } => {
                    try_again(&self.0, &work, &error).await
                }
                _ => give_up(&self.0, &work, fault_of(&error), error.to_string(), |_| ()).await,
            },
        }
    }
}
