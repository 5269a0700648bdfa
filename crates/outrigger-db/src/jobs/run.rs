//! Running one claimed job, step after step, for as long as it goes on.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use super::plan::{self, Failure, LEASE};
use super::table::{self, JobState, Phase, Row};
use super::worker::{Act, Probe};
use super::{Attempt, Backoff, Job, Jobs, Next, StepError};

/// How long a job rests whose step this version does not know: another version may.
const UNKNOWN_STEP: Duration = Duration::from_secs(60);

/// A [`Job`] whose kind and payload are known at run time only.
pub(super) trait Handler: Send + Sync {
    fn steps(&self) -> &'static [&'static str];
    fn backoff(&self) -> Backoff;
    fn make<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Next, StepError>>;
}

impl<J: Job> Handler for J {
    fn steps(&self) -> &'static [&'static str] {
        J::STEPS
    }

    fn backoff(&self) -> Backoff {
        self.retry()
    }

    fn make<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Next, StepError>> {
        Box::pin(attempt.make(self))
    }
}

/// One claimed job in a worker's hands.
pub(super) struct Run {
    pub(super) jobs: Jobs,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) probe: Option<Arc<dyn Probe>>,
    pub(super) row: Row,
    /// Go on no further than the end of this step.
    pub(super) stop: CancellationToken,
    /// Do not even wait for that.
    pub(super) abort: CancellationToken,
}

impl Run {
    /// Runs until the job waits, is finished or was lost, and says how many steps were run.
    pub(super) async fn go(mut self) -> usize {
        let mut steps = 0;
        loop {
            let stepped = if self.stop.is_cancelled() {
                self.release(Duration::ZERO).await
            } else if !self.handler.steps().contains(&self.row.step.as_str()) {
                self.release(UNKNOWN_STEP).await
            } else {
                steps += 1;
                self.step().await
            };
            match stepped {
                Ok(Some(row)) if row.state == JobState::Running => self.row = row,
                Ok(_) => return steps,
                Err(error) => {
                    let (job, kind, step) = (self.row.id, &self.row.kind, &self.row.step);
                    tracing::error!(job, kind, step, %error, "the outcome of a step was not stored; it will run again");
                    return steps;
                }
            }
        }
    }

    /// One step. `None` when the job is in other hands now.
    async fn step(&self) -> Result<Option<Row>, DbErr> {
        if let Some(spent) = self.spent() {
            return self.fail(spent, None).await;
        }
        let attempt = self.attempt(false);
        let act = self.act();
        let outcome = tokio::select! {
            outcome = self.outcome(act, &attempt) => outcome,
            () = self.lease_lost() => Err(StepError::LostLease),
            () = self.abort.cancelled() => return self.release(Duration::ZERO).await,
        };
        if act == Act::CrashAfter {
            table::extend(&self.jobs.db, &self.row, self.jobs.now()).await?;
            return Ok(None);
        }
        match (outcome, attempt.recorded()) {
            (Ok(_), Some(recorded)) => Ok(Some(recorded)),
            (Ok(next), None) => {
                self.save(plan::succeeded(&self.row, self.handler.steps(), &next, self.jobs.now())).await
            }
            (Err(error), recorded) => self.fail(error, recorded).await,
        }
    }

    fn attempt(&self, rehearsal: bool) -> Attempt {
        Attempt::new(self.row.clone(), self.handler.steps(), self.jobs.clock.clone(), rehearsal)
    }

    fn act(&self) -> Act {
        let step = if self.is_ending() { "ended" } else { &self.row.step };
        let undoing = self.row.phase != Phase::Forward;
        self.probe.as_ref().map_or(Act::Run, |probe| probe.at(&self.row.kind, step, undoing, self.number()))
    }

    fn is_ending(&self) -> bool {
        matches!(self.row.phase, Phase::Cleaned | Phase::Abandoned)
    }

    fn number(&self) -> u32 {
        u32::try_from(self.row.attempts).unwrap_or(1)
    }

    /// A step whose last attempt was cut short with its process is not run once more.
    fn spent(&self) -> Option<StepError> {
        let most = self.handler.backoff().max_attempts?;
        let spent = self.number() > most && !self.is_ending();
        spent.then(|| StepError::fail(format!("all attempts ({most}) are used up: a process ended during the last")))
    }

    async fn outcome(&self, act: Act, attempt: &Attempt) -> Result<Next, StepError> {
        match act {
            Act::Run | Act::CrashAfter => self.guarded(attempt).await,
            Act::FailBefore => Err(StepError::fail("made to fail before the step")),
            Act::FailAfter => {
                let _ = self.guarded(&self.attempt(true)).await;
                Err(StepError::fail("made to fail after the step"))
            }
            Act::RunTwice => {
                let _ = self.guarded(&self.attempt(true)).await;
                self.guarded(attempt).await
            }
        }
    }

    /// A panic is a failure of this step, not of the worker.
    async fn guarded(&self, attempt: &Attempt) -> Result<Next, StepError> {
        let made = AssertUnwindSafe(async { self.handler.make(attempt).await }).catch_unwind().await;
        made.unwrap_or_else(|panic| Err(StepError::retry(format!("the step panicked: {}", panic_text(&*panic)))))
    }

    /// Keeps the lease while the step runs; resolves when another worker has the job.
    async fn lease_lost(&self) {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            match self.keep().await {
                Ok(true) => {}
                Ok(false) => return,
                // Until the lease has run out nothing is lost, and then the fencing token tells.
                Err(error) => tracing::warn!(job = self.row.id, %error, "the lease of a job was not renewed"),
            }
        }
    }

    async fn keep(&self) -> Result<bool, DbErr> {
        table::extend(&self.jobs.db, &self.row, self.jobs.now() + plan::millis(LEASE)).await
    }

    async fn fail(&self, error: StepError, recorded: Option<Row>) -> Result<Option<Row>, DbErr> {
        let (job, kind, step) = (self.row.id, self.row.kind.as_str(), self.row.step.as_str());
        let failure = match error {
            StepError::Retry { reason, after } => Failure { reason, after, for_good: false },
            StepError::Fail { reason } => Failure { reason, after: None, for_good: true },
            StepError::LostLease => {
                tracing::info!(job, kind, step, "another worker has taken the job over");
                return Ok(None);
            }
        };
        tracing::warn!(job, kind, step, attempt = self.row.attempts, reason = failure.reason, "a step failed");
        let chance = self.chance();
        let saved =
            self.save(plan::failed(&self.row, failure, &self.handler.backoff(), self.jobs.now(), chance)).await?;
        match (saved, recorded) {
            // It failed after its record was committed: then it has run, and if the job is still ours it goes on.
            (None, Some(recorded)) => Ok(self.keep().await?.then_some(recorded)),
            (saved, _) => Ok(saved),
        }
    }

    fn chance(&self) -> f64 {
        let mut random = [0; 4];
        self.jobs.entropy.fill(&mut random);
        f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX)
    }

    async fn release(&self, after: Duration) -> Result<Option<Row>, DbErr> {
        self.save(plan::released(&self.row, after, self.jobs.now())).await
    }

    async fn save(&self, after: Row) -> Result<Option<Row>, DbErr> {
        let tx = self.jobs.db.begin().await?;
        if !table::save(&tx, &self.row, &after).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(after))
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}
