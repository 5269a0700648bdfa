//! Fetches an add-on's manifest again before it is a day old. While the partner is down the last good one serves.

use std::time::Duration;

use jiff::Timestamp;
use outrigger_db::{Attempt, Backoff, End, Job, JobId, NewJob, Next, StepError, Tx};
use serde::{Deserialize, Serialize};

use super::{App, no_giving_up};
use crate::store::StoreError;
use crate::store::ids::AddonId;

/// The job.
pub(crate) struct RefreshManifest(pub(crate) App);

/// Which manifest, and whether to come back for it.
#[derive(Serialize, Deserialize)]
pub(crate) struct RefreshPayload {
    addon_id: AddonId,
    /// Comes back before the manifest is too old; else it runs once, because somebody asked.
    recurring: bool,
}

/// Starts the rounds; the first is due when the manifest that we have just fetched has grown old.
pub(crate) async fn schedule(app: &crate::app::App, tx: &Tx, id: &AddonId) -> Result<JobId, StoreError> {
    let at = app.store.clock().now() + app.config.manifest_max_age;
    Ok(app.store.jobs().enqueue(tx, round(id, at)).await?)
}

fn round(id: &AddonId, at: Timestamp) -> NewJob {
    let payload = RefreshPayload { addon_id: id.clone(), recurring: true };
    NewJob::of::<RefreshManifest>(&payload).key(id.as_str()).at(at)
}

/// Fetches it once, now.
pub(crate) async fn schedule_once(app: &crate::app::App, tx: &Tx, id: &AddonId) -> Result<JobId, StoreError> {
    let payload = RefreshPayload { addon_id: id.clone(), recurring: false };
    let job = NewJob::of::<RefreshManifest>(&payload).key(format!("once/{id}"));
    Ok(app.store.jobs().enqueue(tx, job).await?)
}

impl Job for RefreshManifest {
    const KIND: &'static str = "refresh_manifest";
    const STEPS: &'static [&'static str] = &["fetch"];
    type Payload = RefreshPayload;

    fn retry(&self) -> Backoff {
        no_giving_up(&self.0.config)
    }

    async fn step(&self, _: &'static str, payload: &RefreshPayload, attempt: &Attempt) -> Result<Next, StepError> {
        let app = &*self.0;
        let Some(addon) = app.store.addon(&payload.addon_id).await? else { return Ok(Next::Finish) };
        let endpoint = app.endpoint_of(&addon).await?;
        let etag = addon.manifest_etag.as_deref();
        let fetched = app.provider.fetch_manifest(&endpoint, &addon.manifest_path, etag).await;
        let tx = app.store.begin().await?;
        let mut next = match fetched {
            Ok(fetched) => {
                app.store.keep_manifest(&addon.id, &tx, fetched).await?;
                Next::Again { after: app.config.manifest_max_age }
            }
            Err(fault) => {
                app.store.note_manifest_error(&addon.id, &tx, &fault.to_string()).await?;
                Next::Again { after: soon(app) }
            }
        };
        if !payload.recurring {
            next = Next::Finish;
        }
        attempt.record(&tx, &next).await?;
        app.store.commit(tx).await?;
        Ok(next)
    }

    /// The last good manifest stays, people are told, and the next round comes all the same.
    async fn ended(&self, payload: &RefreshPayload, end: &End, attempt: &Attempt) -> Result<(), StepError> {
        let app = &*self.0;
        let tx = app.store.begin().await?;
        app.store.note_manifest_error(&payload.addon_id, &tx, &end.reason).await?;
        attempt.record(&tx, &Next::Continue).await?;
        if payload.recurring {
            app.store.jobs().enqueue(&tx, round(&payload.addon_id, attempt.now() + soon(app))).await?;
        }
        Ok(app.store.commit(tx).await?)
    }
}

/// Soon enough to notice that the partner is back, rarely enough not to bother it.
fn soon(app: &crate::app::App) -> Duration {
    app.config.manifest_max_age / 24
}
