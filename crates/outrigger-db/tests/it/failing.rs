//! Retries, undo, crashes, leases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use outrigger_db::{Act, Attempt, Backoff, Job, JobState, NewJob, Next, Probe, StepError, Worker};
use sea_orm::{ConnectionTrait, Statement};
use tokio::sync::Notify;

use crate::bench::{Answer, Bench, Scripted, scripted, within};

#[tokio::test]
async fn steps_run_in_order() {
    let bench = Bench::new().await;
    let id = bench.enqueue(scripted()).await;
    assert_eq!(bench.scripted(|_, _| Ok(Next::Continue)).run_due().await, 3);
    assert_eq!(bench.log.take(), ["one#1", "two#1", "three#1"]);
    let status = bench.status(id).await;
    assert_eq!((status.state, status.reason, status.undoing), (JobState::Done, None, false));
}

#[tokio::test]
async fn retries_wait_longer_each_time_and_then_go_on() {
    let bench = Bench::new().await;
    let id = bench.enqueue(scripted()).await;
    let worker = bench.scripted(|step, attempt| match (step, attempt.number()) {
        ("two", 1) => Err(StepError::retry("busy")),
        ("two", 2) => Err(StepError::retry_after("still busy", Duration::from_secs(77))),
        _ => Ok(Next::Continue),
    });
    assert_eq!(worker.run_due().await, 2);
    let status = bench.status(id).await;
    assert_eq!((status.reason.as_deref(), status.attempts, status.step.as_str()), (Some("busy"), 1, "two"));
    assert_eq!(bench.due_in(id).await, 1_000);
    assert_eq!(worker.run_due().await, 0, "not before its time");
    bench.pass(1);
    assert_eq!(worker.run_due().await, 1);
    assert_eq!(bench.due_in(id).await, 77_000);
    bench.pass(77);
    assert_eq!(worker.run_due().await, 2);
    assert_eq!(bench.log.take(), ["one#1", "two#1", "two#2", "two#3", "three#1"]);
    assert_eq!(bench.status(id).await.reason, None);
}

#[tokio::test]
async fn used_up_retries_undo_from_the_failed_step_down() {
    let bench = Bench::new().await;
    let id = bench.enqueue(scripted()).await;
    let worker = bench.scripted(|step, _| match step {
        "two" => Err(StepError::retry("broken")),
        _ => Ok(Next::Continue),
    });
    for _ in 0..3 {
        worker.run_due().await;
        bench.pass(10);
    }
    let expected = ["one#1", "two#1", "two#2", "two#3", "undo two#1", "undo one#1", "cleaned true at two: broken"];
    assert_eq!(bench.log.take(), expected);
    let status = bench.status(id).await;
    assert_eq!((status.state, status.reason.as_deref()), (JobState::Undone, Some("broken")));
    assert_eq!((status.step.as_str(), status.undoing), ("two", true));
    assert!(status.finished_at.is_some());
}

#[tokio::test]
async fn an_undo_has_retries_of_its_own_and_may_get_stuck() {
    let bench = Bench::new().await;
    let id = bench.enqueue(scripted()).await;
    let worker = bench.scripted(|step, attempt| match (step, attempt.number()) {
        ("three", _) => Err(StepError::fail("refused")),
        ("undo three", 1) => Err(StepError::retry("asleep")),
        ("undo two", _) => Err(StepError::retry("gone")),
        _ => Ok(Next::Continue),
    });
    for _ in 0..5 {
        worker.run_due().await;
        bench.pass(10);
    }
    let why = "refused; and `two` could not be undone: gone";
    let expected = [
        "one#1",
        "two#1",
        "three#1",
        "undo three#1",
        "undo three#2",
        "undo two#1",
        "undo two#2",
        "undo two#3",
        &format!("cleaned false at three: {why}"),
    ];
    assert_eq!(bench.log.take(), expected);
    let status = bench.status(id).await;
    assert_eq!((status.state, status.reason.as_deref()), (JobState::Stuck, Some(why)));
}

#[tokio::test]
async fn ended_is_called_until_it_works() {
    let bench = Bench::new().await;
    let id = bench.enqueue(scripted()).await;
    let worker = bench.scripted(|step, attempt| match (step, attempt.number()) {
        ("one", _) => Err(StepError::fail("no")),
        ("ended", 1..=5) => Err(StepError::fail("page not written")),
        _ => Ok(Next::Continue),
    });
    for _ in 0..6 {
        assert_ne!(bench.state(id).await, JobState::Undone);
        worker.run_due().await;
        bench.pass(60);
    }
    assert_eq!(bench.log.take().iter().filter(|line| *line == "cleaned true at one: no").count(), 6);
    assert_eq!(bench.state(id).await, JobState::Undone);
}

#[tokio::test]
async fn poll_again_and_finish() {
    let bench = Bench::new().await;
    let polls = AtomicU32::new(0);
    let id = bench.enqueue(scripted()).await;
    let worker = bench.scripted(move |step, _| match step {
        // More polls than attempts: they are no failures.
        "one" if polls.fetch_add(1, Ordering::Relaxed) < 5 => Ok(Next::Poll { after: Duration::from_secs(2) }),
        "two" => Ok(Next::Again { after: Duration::from_secs(60) }),
        _ => Ok(Next::Continue),
    });
    for _ in 0..5 {
        assert_eq!(worker.run_due().await, 1);
        assert_eq!((bench.state(id).await, bench.due_in(id).await), (JobState::Polling, 2_000));
        bench.pass(2);
    }
    assert_eq!(worker.run_due().await, 2);
    let status = bench.status(id).await;
    assert_eq!((status.state, status.step.as_str(), bench.due_in(id).await), (JobState::Ready, "one", 60_000));
    assert!(bench.log.take().iter().all(|line| line.ends_with("#1")));

    bench.pass(60);
    let finishing = bench.scripted(|_, _| Ok(Next::Finish));
    assert_eq!(finishing.run_due().await, 1);
    assert_eq!(bench.state(id).await, JobState::Done);
}

#[tokio::test]
async fn a_panic_is_a_failure_of_that_step_only() {
    let bench = Bench::new().await;
    let id = bench.enqueue(scripted()).await;
    let worker = bench.scripted(|step, attempt| match (step, attempt.number()) {
        ("two", 1) => panic!("index out of range"),
        _ => Ok(Next::Continue),
    });
    worker.run_due().await;
    assert_eq!(bench.status(id).await.reason.as_deref(), Some("the step panicked: index out of range"));
    bench.pass(1);
    worker.run_due().await;
    assert_eq!(bench.state(id).await, JobState::Done);
}

/// Acts at one place, once.
struct At {
    step: &'static str,
    undoing: bool,
    act: Act,
}

impl Probe for At {
    fn at(&self, kind: &str, step: &str, undoing: bool, attempt: u32) -> Act {
        assert_eq!(kind, Scripted::KIND);
        if step == self.step && undoing == self.undoing && attempt == 1 { self.act } else { Act::Run }
    }
}

async fn probed(step: &'static str, undoing: bool, act: Act, works: bool) -> (Vec<String>, JobState) {
    let bench = Bench::new().await;
    let id = bench.enqueue(scripted()).await;
    let script = move |step: &str, _: &Attempt| match step {
        "three" if !works => Err(StepError::fail("no")),
        _ => Ok(Next::Continue),
    };
    let worker = bench.scripted(script).with_probe(Arc::new(At { step, undoing, act }));
    worker.run_due().await;
    (bench.log.take(), bench.state(id).await)
}

#[tokio::test]
async fn a_crash_between_a_step_and_its_record_runs_the_step_again() {
    let (log, state) = probed("two", false, Act::CrashAfter, true).await;
    assert_eq!((log.join(" ").as_str(), state), ("one#1 two#1 two#2 three#1", JobState::Done));
    let (log, state) = probed("two", true, Act::CrashAfter, false).await;
    let expected = "one#1 two#1 three#1 undo three#1 undo two#1 undo two#2 undo one#1 cleaned true at three: no";
    assert_eq!((log.join(" ").as_str(), state), (expected, JobState::Undone));
}

#[tokio::test]
async fn probes_fail_and_repeat_steps() {
    let (log, state) = probed("two", false, Act::RunTwice, true).await;
    assert_eq!((log.join(" ").as_str(), state), ("one#1 two#1 two#1 three#1", JobState::Done));
    let (log, state) = probed("two", false, Act::FailBefore, true).await;
    assert_eq!(log[..3], ["one#1", "undo two#1", "undo one#1"]);
    assert_eq!(state, JobState::Undone);
    let (log, state) = probed("two", false, Act::FailAfter, true).await;
    assert_eq!(log[..4], ["one#1", "two#1", "undo two#1", "undo one#1"]);
    assert_eq!(state, JobState::Undone);
    let (_, state) = probed("one", true, Act::FailBefore, false).await;
    assert_eq!(state, JobState::Stuck);
    let (log, state) = probed("ended", true, Act::CrashAfter, false).await;
    assert_eq!(log.iter().filter(|line| line.starts_with("cleaned")).count(), 2);
    assert_eq!(state, JobState::Undone);
}

struct Crashing;

impl Probe for Crashing {
    fn at(&self, _: &str, _: &str, undoing: bool, _: u32) -> Act {
        if undoing { Act::Run } else { Act::CrashAfter }
    }
}

#[tokio::test]
async fn a_step_that_kills_its_process_is_given_up_too() {
    let bench = Bench::new().await;
    let id = bench.enqueue(scripted()).await;
    bench.scripted(|_, _| Ok(Next::Continue)).with_probe(Arc::new(Crashing)).run_due().await;
    assert_eq!(bench.log.take()[..4], ["one#1", "one#2", "one#3", "undo one#1"]);
    let status = bench.status(id).await;
    assert_eq!(status.state, JobState::Undone);
    assert!(status.reason.unwrap().contains("all attempts (3) are used up"));
}

/// Writes one row a step and records in the same transaction.
struct Recording {
    db: outrigger_db::Db,
    /// What it answers after its commit.
    answer: fn() -> Answer,
}

impl Job for Recording {
    const KIND: &'static str = "recording";
    const STEPS: &'static [&'static str] = &["first", "second"];
    type Payload = ();

    async fn step(&self, step: &'static str, _: &(), attempt: &Attempt) -> Answer {
        let tx = self.db.begin().await?;
        tx.execute_unprepared(&format!("INSERT INTO written (step) VALUES ('{step}')")).await?;
        attempt.record(&tx, &Next::Continue).await?;
        tx.commit().await?;
        (self.answer)()
    }
}

async fn recorded(act: Act, answer: fn() -> Answer) -> (i64, JobState) {
    let bench = Bench::new().await;
    let db = bench.test.db().clone();
    db.conn().execute_unprepared("CREATE TABLE written (step TEXT NOT NULL)").await.unwrap();
    let id = bench.enqueue(NewJob::of::<Recording>(&())).await;
    let probe = Arc::new(Always(act));
    let worker = Worker::new(bench.jobs.clone()).register(Recording { db: db.clone(), answer }).with_probe(probe);
    worker.run_due().await;
    let count = Statement::from_string(db.conn().get_database_backend(), "SELECT count(*) AS n FROM written");
    let count = db.conn().query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap();
    (count, bench.state(id).await)
}

struct Always(Act);

impl Probe for Always {
    fn at(&self, _: &str, _: &str, undoing: bool, _: u32) -> Act {
        if undoing { Act::Run } else { self.0 }
    }
}

#[tokio::test]
async fn a_step_and_its_record_commit_together() {
    let fine = || Ok(Next::Continue);
    assert_eq!(recorded(Act::Run, fine).await, (2, JobState::Done));
    assert_eq!(recorded(Act::RunTwice, fine).await, (2, JobState::Done));
    assert_eq!(recorded(Act::CrashAfter, fine).await, (2, JobState::Done));
    assert_eq!(recorded(Act::FailAfter, fine).await, (0, JobState::Undone));
    // It failed after its commit: the step has run all the same.
    assert_eq!(recorded(Act::Run, || Err(StepError::retry("late"))).await, (2, JobState::Done));
    assert_eq!(recorded(Act::Run, || panic!("late")).await, (2, JobState::Done));
}

/// Stops in its only step until it is let go, then records.
struct Held {
    db: outrigger_db::Db,
    entered: Arc<Notify>,
    let_go: Arc<Notify>,
    fenced: Arc<Notify>,
}

impl Job for Held {
    const KIND: &'static str = "held";
    const STEPS: &'static [&'static str] = &["only"];
    type Payload = ();

    fn retry(&self) -> Backoff {
        Backoff::default()
    }

    async fn step(&self, _: &'static str, _: &(), attempt: &Attempt) -> Answer {
        if attempt.number() == 1 {
            self.entered.notify_one();
            self.let_go.notified().await;
        }
        let tx = self.db.begin().await?;
        let recorded = attempt.record(&tx, &Next::Continue).await;
        if recorded == Err(StepError::LostLease) {
            self.fenced.notify_one();
        }
        recorded?;
        tx.commit().await?;
        Ok(Next::Continue)
    }
}

#[tokio::test]
async fn another_worker_takes_over_and_the_first_can_write_nothing_more() {
    let bench = Bench::new().await;
    let [entered, let_go, fenced] = [(); 3].map(|()| Arc::new(Notify::new()));
    let held = || {
        let (db, entered, let_go, fenced) = (bench.test.db().clone(), entered.clone(), let_go.clone(), fenced.clone());
        Worker::new(bench.jobs.clone()).register(Held { db, entered, let_go, fenced })
    };
    let id = bench.enqueue(NewJob::of::<Held>(&())).await;
    let first = held();
    let first = tokio::spawn(async move { first.run_due().await });
    within(entered.notified()).await;

    let second = held();
    bench.pass(29);
    assert_eq!(second.run_due().await, 0, "the lease holds");
    bench.pass(1);
    assert_eq!(second.run_due().await, 1);
    assert_eq!(bench.status(id).await.attempts, 2);

    let_go.notify_one();
    within(fenced.notified()).await;
    within(first).await.unwrap();
    let status = bench.status(id).await;
    assert_eq!((status.state, status.attempts), (JobState::Done, 2));
}
