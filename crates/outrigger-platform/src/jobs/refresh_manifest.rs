//! Fetches an add-on's manifest again before it is a day old. While the partner is down the last good one serves.

use outrigger_db::{Attempt, Job, JobId, NewJob, Next, StepError, Tx};
use serde::{Deserialize, Serialize};

use super::App;
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
    let payload = RefreshPayload { addon_id: id.clone(), recurring: true };
    let job = NewJob::of::<RefreshManifest>(&payload).key(id.as_str()).at(at);
    Ok(app.store.jobs().enqueue(tx, job).await?)
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
                // Soon enough to notice that the partner is back, rarely enough not to bother it.
                Next::Again { after: app.config.manifest_max_age / 24 }
            }
        };
        if !payload.recurring {
            next = Next::Finish;
        }
        attempt.record(&tx, &next).await?;
        app.store.commit(tx).await?;
        Ok(next)
    }
}
