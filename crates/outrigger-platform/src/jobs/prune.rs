//! Once a day, forgets finished jobs.

use std::time::Duration;

use outrigger_db::{Attempt, Job, NewJob, Next, StepError};

use super::App;
use crate::store::StoreError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Long enough to look into what went wrong last week.
const KEPT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The job; there is one of it per database.
pub(super) struct Prune(pub(crate) App);

/// Starts the rounds, once per database.
pub(crate) async fn schedule(app: &crate::app::App) -> Result<(), StoreError> {
    let tx = app.store.begin().await?;
    app.store.jobs().enqueue(&tx, NewJob::of::<Prune>(&()).key("daily")).await?;
    app.store.commit(tx).await
}

impl Job for Prune {
    const KIND: &'static str = "prune";
    const STEPS: &'static [&'static str] = &["prune"];
    type Payload = ();

    async fn step(&self, _: &'static str, (): &(), attempt: &Attempt) -> Result<Next, StepError> {
        let pruned = self.0.store.jobs().prune(attempt.now() - KEPT).await?;
        tracing::info!(pruned, "forgot finished jobs");
        Ok(Next::Again { after: DAY })
    }
}
