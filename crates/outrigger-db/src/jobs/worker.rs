//! The worker: claims due jobs and runs them, until it is told to stop.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbErr;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::plan::{self, LEASE};
use super::run::{Handler, Run};
use super::table::{self, Row, TOPIC};
use super::{Job, Jobs};

/// How often to look for due jobs without having been told to.
const IDLE: Duration = Duration::from_secs(1);
/// How soon to look again when another worker was just taking what is due.
const CONTENDED: Duration = Duration::from_millis(10);

/// What happens instead of simply running a step. See [`Probe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The step is run.
    Run,
    /// The step is not run, and fails for good.
    FailBefore,
    /// The step is run but cannot record, and fails for good: what it did outside the database has happened.
    FailAfter,
    /// The step is run, cannot record, and is run again: as after a crash between its work and the record.
    RunTwice,
    /// The step is run, and then the process dies as it were: the engine records nothing, and the lease ends at once.
    CrashAfter,
}

/// A hook for tests, asked before each step, so that every job can be tested to leave nothing behind wherever it fails
/// and to bear each step twice.
pub trait Probe: Send + Sync {
    /// What is to happen. `step` is `"ended"` for [`Job::ended`]; `attempt` is counted from 1.
    fn at(&self, kind: &str, step: &str, undoing: bool, attempt: u32) -> Act;
}

/// Runs jobs of the kinds that were registered. Jobs of other kinds are left alone.
///
/// Any number of workers, in any number of processes, may work on one database.
pub struct Worker {
    jobs: Jobs,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
    concurrency: usize,
    drain: Duration,
    probe: Option<Arc<dyn Probe>>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("kinds", &self.kinds()).finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker that knows no kind of job yet, runs 8 jobs at a time, and takes 20 s to stop.
    pub fn new(jobs: Jobs) -> Worker {
        Worker { jobs, handlers: HashMap::new(), concurrency: 8, drain: Duration::from_secs(20), probe: None }
    }

    /// Lets this worker run jobs of one more kind.
    ///
    /// # Panics
    /// When the kind is registered already.
    #[must_use]
    pub fn register<J: Job>(mut self, job: J) -> Worker {
        let earlier = self.handlers.insert(J::KIND, Arc::new(job));
        assert!(earlier.is_none(), "two jobs are registered as `{}`", J::KIND);
        self
    }

    /// How many jobs run at a time (at least one).
    #[must_use]
    pub fn concurrency(self, jobs: usize) -> Worker {
        Worker { concurrency: jobs.max(1), ..self }
    }

    /// How long running steps have to finish after the shutdown began.
    #[must_use]
    pub fn drain(self, limit: Duration) -> Worker {
        Worker { drain: limit, ..self }
    }

    /// Puts a test's hook in.
    #[must_use]
    pub fn with_probe(self, probe: Arc<dyn Probe>) -> Worker {
        Worker { probe: Some(probe), ..self }
    }

    /// The kinds of job that it knows, with their steps, in order of kind: so that a test can make sure that none of them
    /// goes untested.
    pub fn jobs(&self) -> Vec<(&'static str, &'static [&'static str])> {
        let mut jobs: Vec<_> = self.handlers.iter().map(|(kind, handler)| (*kind, handler.steps())).collect();
        jobs.sort_unstable();
        jobs
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.handlers.keys().copied().collect()
    }

    /// Works until `shutdown` is cancelled; then lets running steps finish within the drain limit, and gives back the
    /// jobs that are not through, so that others go on with them at once.
    pub async fn run(&self, shutdown: CancellationToken) {
        let abort = CancellationToken::new();
        let mut due = self.jobs.db.changes().watch(TOPIC);
        let mut running = JoinSet::new();
        while !shutdown.is_cancelled() {
            let pause = self.fill(&mut running, &shutdown, &abort).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot look for due jobs; looking again");
                IDLE
            });
            let free = running.len() < self.concurrency;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = due.changed(), if free => {}
                () = tokio::time::sleep(pause), if free => {}
                Some(_) = running.join_next() => {}
            }
        }
        let drained = tokio::time::timeout(self.drain, all(&mut running)).await;
        if drained.is_err() {
            abort.cancel();
            all(&mut running).await;
        }
    }

    /// Claims as many due jobs as there are free slots and says when to look again.
    async fn fill(
        &self,
        running: &mut JoinSet<usize>,
        stop: &CancellationToken,
        abort: &CancellationToken,
    ) -> Result<Duration, DbErr> {
        while running.try_join_next().is_some() {}
        let free = self.concurrency.saturating_sub(running.len());
        if free == 0 {
            return Ok(IDLE);
        }
        // Looking first keeps an idle worker from taking the write lock at each wake.
        let wait = self.until_due().await?;
        if wait > Duration::ZERO {
            return Ok(wait.min(IDLE));
        }
        let claimed = self.claim(free).await?;
        let pause = if claimed.is_empty() { CONTENDED } else { Duration::ZERO };
        for run in claimed {
            running.spawn(Run { stop: stop.clone(), abort: abort.clone(), ..run }.go());
        }
        Ok(pause)
    }

    async fn until_due(&self) -> Result<Duration, DbErr> {
        let kinds = self.kinds();
        if kinds.is_empty() {
            return Ok(IDLE);
        }
        let due = table::next_due(&self.jobs.db, &kinds).await?;
        let wait = due.map(|due| u64::try_from(due.saturating_sub(self.jobs.now())).unwrap_or(0));
        Ok(wait.map_or(Duration::MAX, Duration::from_millis))
    }

    async fn claim(&self, limit: usize) -> Result<Vec<Run>, DbErr> {
        let lease = plan::millis(LEASE);
        let rows = table::claim(&self.jobs.db, &self.kinds(), limit, self.jobs.now(), lease).await?;
        Ok(rows.into_iter().filter_map(|row| self.run_of(row)).collect())
    }

    fn run_of(&self, row: Row) -> Option<Run> {
        let handler = self.handlers.get(row.kind.as_str())?.clone();
        let (jobs, probe) = (self.jobs.clone(), self.probe.clone());
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        Some(Run { jobs, handler, probe, row, stop, abort })
    }

    /// Runs, one after the other, all that is due now by the clock, and what becomes due by that, until nothing is;
    /// says how many steps were run. For tests, with a clock that stands still.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn run_due(&self) -> usize {
        let mut steps = 0;
        while self.until_due().await.expect("the database says what is due").is_zero() {
            for run in self.claim(1).await.expect("the database lets due jobs be claimed") {
                steps += run.go().await;
            }
        }
        steps
    }
}

async fn all(running: &mut JoinSet<usize>) {
    while running.join_next().await.is_some() {}
}
