//! One attempt at a step, as the job sees it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::table::{self, Phase, Row};
use super::{End, Job, JobId, Next, StepError, plan};
use crate::{Clock, Tx};

/// One attempt at a step, an undo or an `ended`.
pub struct Attempt {
    row: Row,
    steps: &'static [&'static str],
    clock: Arc<dyn Clock>,
    now: Timestamp,
    recorded: Mutex<Option<Row>>,
    /// Only plays the attempt: it may do all but record.
    rehearsal: bool,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("job", &self.row.id).field("number", &self.row.attempts).finish_non_exhaustive()
    }
}

impl Attempt {
    pub(super) fn new(row: Row, steps: &'static [&'static str], clock: Arc<dyn Clock>, rehearsal: bool) -> Attempt {
        let now = clock.now();
        Attempt { row, steps, clock, now, recorded: Mutex::default(), rehearsal }
    }

    /// Which attempt at this step this is, counted from 1. After a [`Next::Poll`] the count begins anew.
    pub fn number(&self) -> u32 {
        u32::try_from(self.row.attempts).unwrap_or(1)
    }

    /// The job.
    pub fn job(&self) -> JobId {
        JobId(self.row.id)
    }

    /// When the job was enqueued: how long it has been under way is for the job to judge.
    pub fn created_at(&self) -> Timestamp {
        table_time(self.row.created_at)
    }

    /// When this attempt began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Records the outcome of this step inside the caller's transaction, so that what the step wrote and that it ran
    /// commit together. In an undo, or in `ended`, `next` does not matter: they go the one way there is.
    ///
    /// Commit the transaction and return `Ok(next)`: the engine then writes nothing more.
    ///
    /// # Errors
    /// [`StepError::LostLease`] when another worker has taken over: drop the transaction, return the error.
    ///
    /// ```
    /// # use outrigger_db::{Attempt, Db, Next, StepError};
    /// async fn keep_id(db: &Db, attempt: &Attempt) -> Result<Next, StepError> {
    ///     let tx = db.begin().await?;
    ///     // ... writes of this step ...
    ///     attempt.record(&tx, &Next::Continue).await?;
    ///     tx.commit().await?;
    ///     Ok(Next::Continue)
    /// }
    /// ```
    pub async fn record(&self, tx: &Tx, next: &Next) -> Result<(), StepError> {
        let after = plan::succeeded(&self.row, self.steps, next, self.clock.now().as_millisecond());
        if self.rehearsal || !table::save(tx, &self.row, &after).await? {
            return Err(StepError::LostLease);
        }
        *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = Some(after);
        Ok(())
    }

    pub(super) fn recorded(&self) -> Option<Row> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The place of the stored name of a step among those that this version knows.
    fn step(&self, name: &str) -> Option<&'static str> {
        self.steps.iter().copied().find(|step| *step == name)
    }

    /// Does what the row says is next.
    pub(super) async fn make<J: Job>(&self, job: &J) -> Result<Next, StepError> {
        let step = self.step(&self.row.step).ok_or_else(|| StepError::fail("unknown step"))?;
        let payload: J::Payload = serde_json::from_str(&self.row.payload)
            .map_err(|error| StepError::retry(format!("this version cannot read the job's payload: {error}")))?;
        let done = match self.row.phase {
            Phase::Forward => return job.step(step, &payload, self).await,
            Phase::Undo => job.undo(step, &payload, self).await,
            Phase::Cleaned | Phase::Abandoned => {
                let reason = self.row.failure.clone().unwrap_or_default();
                let end = End { reason, step, cleaned: self.row.phase == Phase::Cleaned };
                job.ended(&payload, &end, self).await
            }
        };
        done.map(|()| Next::Continue)
    }
}

/// A stored time. One that no calendar has becomes the latest there is.
pub(super) fn table_time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}
