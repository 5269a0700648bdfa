//! Fetches an add-on's manifest again before it is a day old. While the partner is down the last good one serves.

use outrigger_db::{Attempt, Job, JobId, NewJob, Next, StepError, Tx};
use serde::{Deserialize, Serialize};

use super::App;
use crate::ops::addons::endpoint_of;
use crate::store::StoreError;
use crate::store::ids::AddonId;

/// The job; it comes back after `manifest_max_age`.
pub(crate) struct RefreshManifest(pub(crate) App);

#[derive(Serialize, Deserialize)]
pub(crate) struct AddonPayload {
    addon_id: AddonId,
}

fn new_job(id: &AddonId) -> NewJob {
    NewJob::of::<RefreshManifest>(&AddonPayload { addon_id: id.clone() }).key(id.as_str())
}

/// Starts the rounds; the first is due when the manifest that we have just fetched has grown old.
pub(crate) async fn schedule(app: &crate::app::App, tx: &Tx, id: &AddonId) -> Result<JobId, StoreError> {
    let at = app.store.clock().now() + app.config.manifest_max_age;
    Ok(app.store.jobs().enqueue(tx, new_job(id).at(at)).await?)
}

/// Brings the next round forward to now.
pub(crate) async fn hurry(app: &crate::app::App, tx: &Tx, id: &AddonId) -> Result<JobId, StoreError> {
    let job = app.store.jobs().enqueue(tx, new_job(id)).await?;
    app.store.jobs().hurry(tx, job).await?;
    Ok(job)
}

impl Job for RefreshManifest {
    const KIND: &'static str = "refresh_manifest";
    const STEPS: &'static [&'static str] = &["fetch"];
    type Payload = AddonPayload;

    async fn step(&self, _: &'static str, payload: &AddonPayload, attempt: &Attempt) -> Result<Next, StepError> {
        let app = &*self.0;
        let Some(addon) = app.store.addon(&payload.addon_id).await? else { return Ok(Next::Finish) };
        let endpoint = endpoint_of(app, &addon).await?;
        let etag = addon.manifest_etag.as_deref();
        let fetched = app.provider.fetch_manifest(&endpoint, &addon.manifest_path, etag).await;
        let tx = app.store.begin().await?;
        let next = match fetched {
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
        attempt.record(&tx, &next).await?;
        app.store.commit(tx).await?;
        Ok(next)
    }
}
