//! Putting jobs in, asking after them, hurrying them, clearing them away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sea_orm::DbErr;

use super::Job;
use super::attempt::table_time;
use super::table::{self, JobId, JobState, Phase, Row, TOPIC};
use super::waiters::Waiters;
use crate::{Clock, Db, Entropy, Tx};

/// A job to be enqueued.
#[derive(Clone, Debug)]
pub struct NewJob {
    kind: &'static str,
    step: &'static str,
    payload: Result<String, String>,
    key: Option<String>,
    lane: Option<String>,
    at: Option<Timestamp>,
}

impl NewJob {
    /// A job of the kind `J`, due at once.
    pub fn of<J: Job>(payload: &J::Payload) -> NewJob {
        let step = const {
            assert!(!J::STEPS.is_empty(), "a job has at least one step");
            J::STEPS[0]
        };
        let payload = serde_json::to_string(payload).map_err(|error| error.to_string());
        NewJob { kind: J::KIND, step, payload, key: None, lane: None, at: None }
    }

    /// There is at most one unfinished job of this kind with this key.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> NewJob {
        NewJob { key: Some(key.into()), ..self }
    }

    /// Jobs of one lane, whatever their kinds, run one after the other, the one that was enqueued first first.
    #[must_use]
    pub fn lane(self, lane: impl Into<String>) -> NewJob {
        NewJob { lane: Some(lane.into()), ..self }
    }

    /// Not before this time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> NewJob {
        NewJob { at: Some(at), ..self }
    }

    fn into_row(self, now: i64) -> Result<Row, DbErr> {
        Ok(Row {
            id: 0,
            kind: self.kind.to_owned(),
            key: self.key,
            lane: self.lane,
            payload: self.payload.map_err(DbErr::Json)?,
            phase: Phase::Forward,
            step: self.step.to_owned(),
            state: JobState::Ready,
            attempts: 0,
            failing_since: None,
            run_at: self.at.map_or(now, Timestamp::as_millisecond),
            claim: 0,
            reason: None,
            failure: None,
            failed_step: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
        })
    }
}

/// Where a job stands, for those who wait for it and for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobStatus {
    /// The job.
    pub id: JobId,
    /// Its kind, [`Job::KIND`].
    pub kind: String,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Its lane, if it is in one.
    pub lane: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// The step it is at; once it failed and was cleaned up, the one that failed.
    pub step: String,
    /// Whether it goes, or went, back.
    pub undoing: bool,
    /// How often the present step was begun since it last went well.
    pub attempts: u32,
    /// What went wrong last. Of a finished job: why it did not succeed.
    pub reason: Option<String>,
    /// When it is due; of a running job, when its lease ends.
    pub run_at: Timestamp,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it finished.
    pub finished_at: Option<Timestamp>,
}

impl JobStatus {
    /// Whether waiting for it makes sense no longer: it is finished, or waits for something outside.
    pub(super) fn is_settled(&self) -> bool {
        self.state.is_finished() || self.state == JobState::Polling
    }
}

impl From<Row> for JobStatus {
    fn from(row: Row) -> JobStatus {
        JobStatus {
            id: JobId(row.id),
            kind: row.kind,
            key: row.key,
            lane: row.lane,
            state: row.state,
            step: row.step,
            undoing: row.phase != Phase::Forward,
            attempts: u32::try_from(row.attempts).unwrap_or(0),
            reason: row.reason,
            run_at: table_time(row.run_at),
            created_at: table_time(row.created_at),
            updated_at: table_time(row.updated_at),
            finished_at: row.finished_at.map(table_time),
        }
    }
}

/// Which jobs to list. The default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Those of this kind.
    pub kind: Option<String>,
    /// Those of this lane.
    pub lane: Option<String>,
    /// Those that are not finished.
    pub unfinished_only: bool,
}

/// The queue of a database. Clones are cheap.
#[derive(Clone)]
pub struct Jobs {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    waiters: Arc<Waiters>,
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("db", &self.db).finish_non_exhaustive()
    }
}

impl Jobs {
    /// The queue in `db`, whose [`migrations`](crate::migrations) have been applied.
    pub fn new(db: Db, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Jobs {
        Jobs { waiters: Waiters::new(db.clone()), db, clock, entropy }
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Enqueues a job in the caller's transaction: it exists if and when that commits, and then starts at once if a
    /// worker is free. If an unfinished job of the kind has the same key, this is that job, also when two
    /// transactions race.
    ///
    /// # Errors
    /// When the engine refuses, or the payload has no JSON form.
    pub async fn enqueue(&self, tx: &Tx, new: NewJob) -> Result<JobId, DbErr> {
        let id = table::insert(tx, self.db.engine(), &new.into_row(self.now())?).await?;
        tx.announce(TOPIC);
        Ok(JobId(id))
    }

    /// Makes a job that waits (for a retry, a poll, its time) due now. `false` if it does not wait: it runs, is
    /// finished or does not exist.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn hurry(&self, tx: &Tx, id: JobId) -> Result<bool, DbErr> {
        tx.announce(TOPIC);
        table::hurry(tx, id.0, self.now()).await
    }

    /// As [`Jobs::hurry`], of the unfinished job of that kind and key.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn hurry_key(&self, tx: &Tx, kind: &str, key: &str) -> Result<bool, DbErr> {
        tx.announce(TOPIC);
        table::hurry_key(tx, kind, key, self.now()).await
    }

    /// As [`Jobs::hurry`], of all jobs that wait in a lane; says how many.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn hurry_lane(&self, tx: &Tx, lane: &str) -> Result<u64, DbErr> {
        tx.announce(TOPIC);
        table::hurry_lane(tx, lane, self.now()).await
    }

    /// Where a job stands; `None` if there is no such job (any more).
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn status(&self, id: JobId) -> Result<Option<JobStatus>, DbErr> {
        Ok(table::find(&self.db, &[id.0]).await?.pop().map(JobStatus::from))
    }

    /// Waits until a job is finished or polls, and no longer than `limit`; then says where it stands. `None` if there
    /// is no such job. Any number of tasks may wait: they share their questions to the database.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn wait(&self, id: JobId, limit: Duration) -> Result<Option<JobStatus>, DbErr> {
        // Before the first look, so that nothing happens unseen in between.
        let mut settled = self.waiters.join(id);
        match self.status(id).await? {
            Some(status) if !status.is_settled() => {}
            other => return Ok(other),
        }
        if let Ok(Ok(status)) = tokio::time::timeout(limit, settled.wait_for(Option::is_some)).await {
            return Ok(status.clone());
        }
        self.status(id).await
    }

    /// Lists jobs in the order of their ids, from the one that follows `after`, at most `limit` of them.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn list(&self, filter: &JobFilter, after: Option<JobId>, limit: u64) -> Result<Vec<JobStatus>, DbErr> {
        let rows = table::list(&self.db, filter, after.map_or(0, |id| id.0), limit).await?;
        Ok(rows.into_iter().map(JobStatus::from).collect())
    }

    /// Deletes the jobs that finished before a time, stuck ones too, and says how many.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn prune(&self, finished_before: Timestamp) -> Result<u64, DbErr> {
        let tx = self.db.begin().await?;
        let deleted = table::prune(&tx, finished_before.as_millisecond()).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}
