//! Once a day, forgets finished jobs and what people signed in with.

use std::time::Duration;

use outrigger_db::{Attempt, Backoff, End, Job, NewJob, Next, StepError};

use super::{App, no_giving_up};
use crate::store::StoreError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Long enough to look into what went wrong last week.
const KEPT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The job; there is one of it per database.
pub(super) struct Prune(pub(crate) App);

/// Starts the rounds, once per database.
pub async fn schedule(app: &crate::app::App) -> Result<(), StoreError> {
    let tx = app.store.begin().await?;
    app.store.jobs().enqueue(&tx, round()).await?;
    app.store.commit(tx).await
}

fn round() -> NewJob {
    NewJob::of::<Prune>(&()).key("daily")
}

impl Job for Prune {
    const KIND: &'static str = "prune";
    const STEPS: &'static [&'static str] = &["prune"];
    type Payload = ();

    fn retry(&self) -> Backoff {
        no_giving_up(&self.0.config)
    }

    async fn step(&self, _: &'static str, (): &(), attempt: &Attempt) -> Result<Next, StepError> {
        let pruned = self.0.store.jobs().prune(attempt.now() - KEPT).await?;
        let ended = self.0.store.prune_sign_ins_anywhere().await?;
        tracing::info!(pruned, ended, "forgot finished jobs and ended sign-ins");
        Ok(Next::Again { after: DAY })
    }

    /// A round that failed for good is followed by the next all the same.
    async fn ended(&self, (): &(), _: &End, attempt: &Attempt) -> Result<(), StepError> {
        let store = &self.0.store;
        let tx = store.begin().await?;
        attempt.record(&tx, &Next::Continue).await?;
        store.jobs().enqueue(&tx, round().at(attempt.now() + DAY)).await?;
        Ok(store.commit(tx).await?)
    }
}
