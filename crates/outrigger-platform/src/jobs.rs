//! Work that must not be lost, one file per job. The payload is an id; each step reads the present state.

use std::sync::Arc;

use outrigger_db::{Backoff, StepError, Worker};

use crate::app::SharedApp;
use crate::config::Config;
use crate::store::StoreError;
use crate::store::ids::InstanceId;

pub(crate) mod deliver_build;
pub(crate) mod deprovision_instance;
mod instance_work;
pub(crate) mod provision_instance;
mod prune;
mod publish;
pub(crate) mod refresh_instance;
pub(crate) mod refresh_manifest;
pub(crate) mod update_instance;

pub use prune::schedule as schedule_prune;

/// A worker that knows every job of the platform.
pub fn worker(app: &SharedApp) -> Worker {
    let worker = Worker::new(app.store.jobs().clone())
        .concurrency(app.config.workers)
        .register(provision_instance::ProvisionInstance(app.clone()))
        .register(update_instance::UpdateInstance(app.clone()))
        .register(deprovision_instance::DeprovisionInstance(app.clone()))
        .register(refresh_instance::RefreshInstance(app.clone()))
        .register(refresh_manifest::RefreshManifest(app.clone()))
        .register(deliver_build::DeliverBuild(app.clone()))
        .register(prune::Prune(app.clone()));
    app.surfaces.jobs(app.manager.jobs(worker))
}

/// How often a partner is tried for something a person waits for.
fn patience(config: &Config) -> Backoff {
    Backoff { first: config.retry_pause, max_attempts: Some(config.max_attempts), ..Backoff::default() }
}

/// How often a partner is tried for something that must happen in the end: for as long as it takes.
fn no_giving_up(config: &Config) -> Backoff {
    let cap = std::time::Duration::from_secs(60 * 60);
    Backoff { first: config.retry_pause, cap, max_attempts: None, max_total: None, ..Backoff::default() }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => error.into(),
            // With the right key file, or after a restore, it works again.
            other => StepError::retry(other.to_string()),
        }
    }
}

/// Names the instance that a job is about.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct InstancePayload {
    instance_id: InstanceId,
}

pub(crate) use instance_work::merge as merge_details;

type App = Arc<crate::app::App>;
