//! The job engine: durable work as named steps with undo. It knows no job.

mod attempt;
mod plan;
mod queue;
mod run;
mod table;
mod waiters;
mod worker;

use std::time::Duration;

use sea_orm::DbErr;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use attempt::Attempt;
pub use queue::{JobFilter, JobStatus, Jobs, NewJob};
pub use table::{JobId, JobState, migrations};
pub use worker::{Act, Probe, Worker};

/// Work that must not be lost, as a line of named steps.
///
/// The steps run one after the other; the outcome of each is recorded before the next begins, and a process that dies
/// is followed by another that goes on where it was. So **each step may run more than once** and has to bear it.
///
/// When a step fails for good, the steps are undone, from that one (it may have done a part of its work) down to the
/// first, and [`Job::ended`] is called. Names of steps are stored: renaming one strands the jobs that wait in it.
///
/// ```
/// use outrigger_db::{Attempt, Job, Next, StepError};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Greet { person: i64 }
///
/// struct GreetJob;
///
/// impl Job for GreetJob {
///     const KIND: &'static str = "greet";
///     const STEPS: &'static [&'static str] = &["write", "send"];
///     type Payload = Greet;
///
///     async fn step(&self, step: &'static str, greet: &Greet, _: &Attempt) -> Result<Next, StepError> {
///         match step {
///             "write" => Ok(Next::Continue),
///             "send" if greet.person < 0 => Err(StepError::fail("nobody has this number")),
///             _ => Ok(Next::Continue),
///         }
///     }
/// }
/// ```
pub trait Job: Send + Sync + 'static {
    /// The name of this kind of job, stored with each of them. Changing it strands those that wait.
    const KIND: &'static str;
    /// The steps in their order; at least one, no name twice.
    const STEPS: &'static [&'static str];
    /// What a job is about: ids only, so that a step reads the present state and nothing stored goes stale.
    type Payload: Serialize + DeserializeOwned + Send + Sync;

    /// When a failed step, undo or `ended` is tried again, and when the first two are given up.
    fn retry(&self) -> Backoff {
        Backoff::default()
    }

    /// Runs one step.
    ///
    /// To commit what a step writes together with the fact that it ran, use [`Attempt::record`].
    fn step(
        &self,
        step: &'static str,
        payload: &Self::Payload,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<Next, StepError>> + Send;

    /// Takes back what a step did, wholly or in part, or does nothing if it did nothing.
    fn undo(
        &self,
        step: &'static str,
        payload: &Self::Payload,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        let _ = (step, payload, attempt);
        async { Ok(()) }
    }

    /// Called once the job has ended without success, and again for as long as it fails: writes what people see.
    fn ended(
        &self,
        payload: &Self::Payload,
        end: &End,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        let _ = (payload, end, attempt);
        async { Ok(()) }
    }
}

/// What comes after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next step, or the end of the job after the last.
    Continue,
    /// The same step again later. This was no failure: the count of attempts begins anew.
    Poll {
        /// How much later.
        after: Duration,
    },
    /// The first step again later: a recurring job. In a lane it keeps all later jobs of the lane waiting.
    Again {
        /// How much later.
        after: Duration,
    },
    /// The end of the job: the remaining steps are skipped.
    Finish,
}

/// Why a step did not do its work. Reasons are stored and shown to operators: no secrets in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// It may work later.
    #[error("{reason}")]
    Retry {
        /// What happened.
        reason: String,
        /// When to try again, if somebody said so (a `Retry-After`); otherwise the job's [`Backoff`] decides.
        after: Option<Duration>,
    },
    /// It will never work. In a step: undo. In an undo: give up, for a person to look at.
    #[error("{reason}")]
    Fail {
        /// What happened.
        reason: String,
    },
    /// Another worker has taken the job over: stop, and write nothing more.
    #[error("another worker has taken the job over")]
    LostLease,
}

impl StepError {
    /// A failure that may pass.
    pub fn retry(reason: impl Into<String>) -> StepError {
        StepError::Retry { reason: reason.into(), after: None }
    }

    /// A failure that may have passed after this long.
    pub fn retry_after(reason: impl Into<String>, after: Duration) -> StepError {
        StepError::Retry { reason: reason.into(), after: Some(after) }
    }

    /// A failure for good.
    pub fn fail(reason: impl Into<String>) -> StepError {
        StepError::Fail { reason: reason.into() }
    }
}

/// A database that refuses may accept later.
impl From<DbErr> for StepError {
    fn from(error: DbErr) -> StepError {
        StepError::retry(format!("database: {error}"))
    }
}

/// How a job ended that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Why the step failed; if the cleaning up failed too, also why that did.
    pub reason: String,
    /// The step that failed.
    pub step: &'static str,
    /// Whether everything was undone. If not, something was left behind, and a person has to look.
    pub cleaned: bool,
}

/// When to try again, and when to give up. The wait grows from `first` by `factor` up to `cap`.
///
/// ```
/// use outrigger_db::Backoff;
/// use std::time::Duration;
///
/// let patient = Backoff { max_attempts: None, max_total: Some(Duration::from_secs(3600)), ..Backoff::default() };
/// assert_eq!(patient.delay(3, 0.0), Duration::from_secs(4));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// What each wait is multiplied with to give the next.
    pub factor: f64,
    /// The longest wait.
    pub cap: Duration,
    /// The share of each wait, from 0 to 1, that is left to chance, so that what failed together is not retried
    /// together.
    pub jitter: f64,
    /// How many attempts a step has in all. Attempts that a dying process cut short count.
    pub max_attempts: Option<u32>,
    /// How long after the first of a row of failures a step may still be tried.
    pub max_total: Option<Duration>,
}

impl Default for Backoff {
    /// 1 s, doubled up to 5 min, a fifth of it by chance, 15 attempts: about half an hour.
    fn default() -> Backoff {
        Backoff {
            first: Duration::from_secs(1),
            factor: 2.0,
            cap: Duration::from_secs(300),
            jitter: 0.2,
            max_attempts: Some(15),
            max_total: None,
        }
    }
}

impl Backoff {
    /// The wait after the `attempt`-th failure (counted from 1). `chance`, from 0 to 1, says how much of the jitter is
    /// taken off.
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let full = (self.first.as_secs_f64() * self.factor.powi(exponent)).min(self.cap.as_secs_f64());
        Duration::try_from_secs_f64(full * (1.0 - self.jitter * chance)).unwrap_or(self.cap)
    }
}
