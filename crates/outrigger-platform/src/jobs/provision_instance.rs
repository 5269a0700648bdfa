//! Makes an instance at the partner and publishes what it yields.

use outrigger_addon::instances::{CreateConfig, CreateRequest, JwtSecret, ServiceInstance};
use outrigger_db::{Attempt, Backoff, End, Job, JobId, NewJob, Next, StepError, Tx};

use super::instance_work::{Work, change, change_and_tell, fault_of, give_up, settle, try_again};
use super::publish::publish;
use super::{App, InstancePayload, patience};
use crate::provider_client::CallError;
use crate::store::StoreError;
use crate::store::ids::InstanceId;
use crate::store::instances::{Answer, Fault, Instance, InstanceState, Reach};

/// The job.
pub(crate) struct ProvisionInstance(pub(crate) App);

/// Enqueues it behind whatever is under way for the instance.
pub(crate) async fn schedule(app: &crate::app::App, tx: &Tx, id: &InstanceId) -> Result<JobId, StoreError> {
    let payload = InstancePayload { instance_id: id.clone() };
    let job = NewJob::of::<ProvisionInstance>(&payload).key(id.as_str()).lane(id.as_str());
    Ok(app.store.jobs().enqueue(tx, job).await?)
}

impl Job for ProvisionInstance {
    const KIND: &'static str = "provision_instance";
    const STEPS: &'static [&'static str] = &["call", "settle", "publish"];
    type Payload = InstancePayload;

    fn retry(&self) -> Backoff {
        patience(&self.0.config)
    }

    async fn step(&self, step: &'static str, payload: &InstancePayload, attempt: &Attempt) -> Result<Next, StepError> {
        let Some(work) = Work::load(&self.0, &payload.instance_id).await? else { return Ok(Next::Finish) };
        if work.instance.is_leaving() {
            // A person removes it: the job behind this one in the lane deletes what has been made.
            return Ok(Next::Finish);
        }
        match step {
            "call" => self.call(work).await,
            "settle" => settle(&self.0, &work, attempt).await,
            _ => publish(&self.0, &work, attempt).await,
        }
    }

    /// Deletes what the call has made, or may have made where the partner can be asked by uuid.
    async fn undo(&self, step: &'static str, payload: &InstancePayload, _: &Attempt) -> Result<(), StepError> {
        if step != "call" {
            return Ok(());
        }
        let Some(work) = Work::load(&self.0, &payload.instance_id).await? else { return Ok(()) };
        let deleted = match work.instance.reach {
            Reach::Made => self.0.provider.delete_instance(&work.endpoint, &work.subject).await,
            Reach::Maybe if work.manifest.instances_by_uuid => {
                let uuid = work.instance.id.uuid();
                self.0.provider.delete_instance_by_uuid(&work.endpoint, &work.subject, uuid).await
            }
            Reach::Nothing | Reach::Maybe => return Ok(()),
        };
        match deleted {
            Ok(None) => {}
            Ok(Some(after)) => return Err(StepError::retry_after("the partner is still deleting it", after)),
            Err(error) => return Err(StepError::retry(format!("cleaning up: {error}"))),
        }
        change(&self.0, &work.instance.id, |instance| {
            instance.reach = Reach::Nothing;
            instance.remote_id = None;
        })
        .await?;
        Ok(())
    }

    async fn ended(&self, payload: &InstancePayload, end: &End, _: &Attempt) -> Result<(), StepError> {
        let now = self.0.store.clock().now().into();
        change_and_tell(&self.0, &payload.instance_id, |instance| {
            instance.answer = None;
            if instance.is_leaving() {
                return;
            }
            let state = match instance.reach {
                Reach::Nothing => InstanceState::Failed,
                Reach::Maybe | Reach::Made => InstanceState::Unconfirmed,
            };
            instance.enter(state, Some(end.reason.clone()), now);
        })
        .await
    }
}

impl ProvisionInstance {
    async fn call(&self, work: Work) -> Result<Next, StepError> {
        let app = &*self.0;
        let id = work.instance.id.clone();
        if work.instance.reach == Reach::Made {
            return Ok(Next::Continue);
        }
        // From here on something may exist at the partner, and this row is how we would know after a crash.
        let before = change(app, &id, |instance| std::mem::replace(&mut instance.reach, Reach::Maybe)).await?;
        let Some(before) = before else { return Ok(Next::Finish) };
        let request = self.create_request(&work).await?;
        let error = match app.provider.create_instance(&work.endpoint, &work.subject, &request).await {
            Ok((created, retry_after)) => {
                let poll_at = Some(app.store.clock().now() + retry_after.unwrap_or(app.config.retry_pause));
                change(app, &id, |instance| {
                    instance.reach = Reach::Made;
                    instance.remote_id = Some(created.id.clone());
                    let details = created.into_details();
                    instance.answer = Some(Answer { details, poll_at: poll_at.map(Into::into) });
                    instance.fault = None;
                    instance.reason = None;
                })
                .await?;
                return Ok(Next::Continue);
            }
            Err(error) => error,
        };
        let as_before = |instance: &mut Instance| instance.reach = before;
        let nothing = |instance: &mut Instance| instance.reach = Reach::Nothing;
        match &error {
            CallError::Blocked(_) => give_up(app, &work, Fault::Partner, error.to_string(), as_before).await,
            CallError::NotReached(_) => {
                change(app, &id, as_before).await?;
                try_again(app, &work, &error).await
            }
            CallError::Busy { .. } | CallError::Unclear { .. } => try_again(app, &work, &error).await,
            CallError::Refused { .. } | CallError::Gone(_) | CallError::Unauthorized(_) => {
                give_up(app, &work, fault_of(&error), error.to_string(), nothing).await
            }
            CallError::Malformed { .. } => give_up(app, &work, Fault::Partner, error.to_string(), |_| ()).await,
        }
    }

    async fn create_request(&self, work: &Work) -> Result<CreateRequest, StepError> {
        let instance = &work.instance;
        let hook = self.0.store.build_hook_of_instance(&instance.id).await?;
        let secrets = &instance.secrets;
        Ok(CreateRequest {
            uuid: instance.id.uuid(),
            account: work.account.id.to_string(),
            config: CreateConfig {
                site_url: self.0.urls.site(&work.site),
                jwt: JwtSecret { secret: secrets.jwt_secret.clone() },
                config: instance.config.clone(),
                site_id: work.site.id.to_string(),
                service_id: work.addon.slug.clone(),
                service_instance: ServiceInstance { config: instance.config.clone() },
                incoming_hook_url: hook.map(|hook| self.0.urls.build_hook(&hook.id)),
                callback_url: Some(self.0.urls.instance_callback(&instance.id, &secrets.callback_token)),
            },
        })
    }
}
