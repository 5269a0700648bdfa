//! Forgets what is old: once an hour, in small steps.

use std::time::Duration;

use jiff::Timestamp;
use outrigger_db::{Attempt, Backoff, Job, Next, StepError, Tx};

use super::post::patient;
use crate::store::{deliveries, events, notices, runs};
use crate::{Host, Manager};

const EVERY: Duration = Duration::from_secs(60 * 60);
/// So that no transaction is long.
const BATCH: u64 = 200;
/// Inbound messages are believed for minutes; a day is more than any tolerance.
const RECEIVED: Duration = Duration::from_secs(24 * 60 * 60);

/// The job.
pub(crate) struct PruneDeliveries<H: Host>(pub(crate) Manager<H>);

impl<H: Host> Job for PruneDeliveries<H> {
    const KIND: &'static str = "integrations_prune";
    const STEPS: &'static [&'static str] = &["prune"];
    type Payload = ();

    fn retry(&self) -> Backoff {
        patient()
    }

    async fn step(&self, _: &'static str, _: &(), _: &Attempt) -> Result<Next, StepError> {
        let post = self.0.post();
        let before = |kept: Duration| post.now().checked_sub(kept).unwrap_or(Timestamp::MIN).as_millisecond();
        let (finished, old, noticed) =
            (before(post.retention().finished), before(post.retention().events), before(post.retention().notices));
        loop {
            let tx = post.db().begin().await?;
            let gone = deliveries::prune(&tx, finished, BATCH).await?
                + runs::prune(&tx, finished, BATCH).await?
                + events::prune(&tx, old, BATCH).await?;
            self.rest(&tx, noticed, before(RECEIVED)).await?;
            tx.commit().await?;
            if gone == 0 {
                return Ok(Next::Again { after: EVERY });
            }
        }
    }
}

impl<H: Host> PruneDeliveries<H> {
    async fn rest(&self, tx: &Tx, noticed: i64, received: i64) -> Result<(), StepError> {
        notices::prune(tx, noticed).await?;
        notices::prune_received(tx, received).await?;
        Ok(())
    }
}
