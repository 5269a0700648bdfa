//! Deletes an instance at the partner and then here. It is never given up by itself; a person may detach instead.

use outrigger_db::{Attempt, Backoff, End, Job, JobId, NewJob, Next, StepError, Tx};

use super::instance_work::{Work, change, change_and_tell, try_again};
use super::{App, InstancePayload, no_giving_up};
use crate::events::tell_removal;
use crate::store::StoreError;
use crate::store::ids::InstanceId;
use crate::store::instances::{Fault, InstanceState, Reach};

/// The job.
pub(crate) struct DeprovisionInstance(pub(crate) App);

/// Enqueues it behind whatever is under way for the instance.
pub(crate) async fn schedule(app: &crate::app::App, tx: &Tx, id: &InstanceId) -> Result<JobId, StoreError> {
    let payload = InstancePayload { instance_id: id.clone() };
    let job = NewJob::of::<DeprovisionInstance>(&payload).key(id.as_str()).lane(id.as_str());
    Ok(app.store.jobs().enqueue(tx, job).await?)
}

impl Job for DeprovisionInstance {
    const KIND: &'static str = "deprovision_instance";
    const STEPS: &'static [&'static str] = &["call", "forget"];
    type Payload = InstancePayload;

    fn retry(&self) -> Backoff {
        no_giving_up(&self.0.config)
    }

    async fn step(&self, step: &'static str, payload: &InstancePayload, attempt: &Attempt) -> Result<Next, StepError> {
        let Some(work) = Work::load(&self.0, &payload.instance_id).await? else { return Ok(Next::Finish) };
        if work.instance.state != InstanceState::Deprovisioning {
            return Ok(Next::Finish);
        }
        match step {
            "call" => self.call(work).await,
            _ => self.forget(work, attempt).await,
        }
    }

    /// It is not forgotten: a second delete goes on with it, or a person detaches it.
    async fn ended(&self, payload: &InstancePayload, end: &End, _: &Attempt) -> Result<(), StepError> {
        change(&self.0, &payload.instance_id, |instance| {
            if instance.state == InstanceState::Deprovisioning {
                instance.reason = Some(format!("the removal failed: {}; delete it again, or detach it", end.reason));
            }
        })
        .await?;
        Ok(())
    }
}

impl DeprovisionInstance {
    async fn call(&self, work: Work) -> Result<Next, StepError> {
        let app = &*self.0;
        let deleted = match work.instance.reach {
            Reach::Nothing => return Ok(Next::Continue),
            Reach::Made => app.provider.delete_instance(&work.endpoint, &work.subject).await,
            Reach::Maybe if work.manifest.instances_by_uuid => {
                let uuid = work.instance.id.uuid();
                app.provider.delete_instance_by_uuid(&work.endpoint, &work.subject, uuid).await
            }
            Reach::Maybe => return self.leave_to_a_person(&work).await,
        };
        match deleted {
            Ok(None) => {
                change(app, &work.instance.id, |instance| instance.reach = Reach::Nothing).await?;
                Ok(Next::Continue)
            }
            // The partner takes its time: asking again is how we learn that it is done (matrix row 26).
            Ok(Some(after)) => Ok(Next::Poll { after }),
            Err(error) => try_again(app, &work, &error).await,
        }
    }

    /// The partner made the id, and we never learnt it: there is nothing to send a DELETE to.
    async fn leave_to_a_person(&self, work: &Work) -> Result<Next, StepError> {
        let now = self.0.store.clock().now().into();
        let reason = "the answer to its creation was lost, so the add-on may still hold one that we have no id of; \
                      ask the partner, then adopt it by that id or detach it";
        change_and_tell(&self.0, &work.instance.id, |instance| {
            instance.fault = Some(Fault::Partner);
            instance.enter(InstanceState::Unconfirmed, Some(reason.to_owned()), now);
        })
        .await?;
        Ok(Next::Finish)
    }

    async fn forget(&self, work: Work, attempt: &Attempt) -> Result<Next, StepError> {
        let tx = self.0.store.begin().await?;
        self.0.store.delete_instance(&work.site.id, &tx, &work.instance.id).await?;
        tell_removal(&self.0, &tx, work.told_as(&self.0)).await?;
        attempt.record(&tx, &Next::Finish).await?;
        self.0.store.commit(tx).await?;
        Ok(Next::Finish)
    }
}
