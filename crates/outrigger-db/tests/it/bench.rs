//! A job whose steps do what the test says, and a place to run it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use outrigger_db::testing::TestDb;
use outrigger_db::{
    Attempt, Backoff, Clock, Db, End, Job, JobId, JobState, JobStatus, Jobs, ManualClock, NewJob, Next, SeededEntropy,
    StepError, SystemClock, Worker,
};

pub(crate) type Answer = Result<Next, StepError>;

/// What happened, in order, such as `two#1` or `undo two#1`.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

type Script = Arc<dyn Fn(&str, &Attempt) -> Answer + Send + Sync>;

/// Three steps. The script answers for `one`, `undo one`, ..., and `ended`.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) log: Log,
    pub(crate) script: Script,
    pub(crate) backoff: Backoff,
}

impl Scripted {
    pub(crate) fn new(log: &Log, script: impl Fn(&str, &Attempt) -> Answer + Send + Sync + 'static) -> Scripted {
        let backoff = Backoff { jitter: 0.0, max_attempts: Some(3), ..Backoff::default() };
        Scripted { log: log.clone(), script: Arc::new(script), backoff }
    }

    fn answer(&self, what: String, attempt: &Attempt) -> Answer {
        self.log.add(format!("{what}#{}", attempt.number()));
        (self.script)(&what, attempt)
    }
}

impl Job for Scripted {
    const KIND: &'static str = "scripted";
    const STEPS: &'static [&'static str] = &["one", "two", "three"];
    type Payload = i64;

    fn retry(&self) -> Backoff {
        self.backoff.clone()
    }

    async fn step(&self, step: &'static str, _: &i64, attempt: &Attempt) -> Answer {
        self.answer(step.to_owned(), attempt)
    }

    async fn undo(&self, step: &'static str, _: &i64, attempt: &Attempt) -> Result<(), StepError> {
        self.answer(format!("undo {step}"), attempt).map(drop)
    }

    async fn ended(&self, _: &i64, end: &End, attempt: &Attempt) -> Result<(), StepError> {
        self.log.add(format!("cleaned {} at {}: {}", end.cleaned, end.step, end.reason));
        (self.script)("ended", attempt).map(drop)
    }
}

/// A database, a clock that stands still, and a queue.
pub(crate) struct Bench {
    pub(crate) test: TestDb,
    pub(crate) clock: ManualClock,
    pub(crate) jobs: Jobs,
    pub(crate) log: Log,
}

impl Bench {
    pub(crate) async fn new() -> Bench {
        let test = TestDb::new(outrigger_db::migrations()).await;
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let jobs = Jobs::new(test.db().clone(), Arc::new(clock.clone()), Arc::new(SeededEntropy::new(1)));
        Bench { test, clock, jobs, log: Log::default() }
    }

    pub(crate) fn scripted(&self, script: impl Fn(&str, &Attempt) -> Answer + Send + Sync + 'static) -> Worker {
        Worker::new(self.jobs.clone()).register(Scripted::new(&self.log, script))
    }

    pub(crate) async fn enqueue(&self, new: NewJob) -> JobId {
        enqueue(self.test.db(), &self.jobs, new).await
    }

    pub(crate) async fn status(&self, id: JobId) -> JobStatus {
        self.jobs.status(id).await.unwrap().unwrap()
    }

    pub(crate) async fn state(&self, id: JobId) -> JobState {
        self.status(id).await.state
    }

    /// How many ms from now the job is due.
    pub(crate) async fn due_in(&self, id: JobId) -> i64 {
        self.status(id).await.run_at.as_millisecond() - self.clock.now().as_millisecond()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn scripted() -> NewJob {
    NewJob::of::<Scripted>(&7)
}

pub(crate) async fn enqueue(db: &Db, jobs: &Jobs, new: NewJob) -> JobId {
    let tx = db.begin().await.unwrap();
    let id = jobs.enqueue(&tx, new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// A queue that runs by the real clock, on its own connection, as another process would have it.
pub(crate) async fn other_process(url: &str) -> (Db, Jobs) {
    let db = Db::connect(url).await.unwrap();
    let jobs = Jobs::new(db.clone(), Arc::new(SystemClock), Arc::new(SeededEntropy::new(2)));
    (db, jobs)
}

/// Fails instead of hanging.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("this takes far less than a minute")
}
