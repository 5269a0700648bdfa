//! Workers and waiters at once, in one process and in two.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use outrigger_db::{Attempt, Job, JobId, JobState, Jobs, NewJob, Next, StepError, Worker};
use tokio_util::sync::CancellationToken;

use crate::bench::{Answer, Bench, Log, Scripted, enqueue, other_process, scripted, within};

/// A running worker; stops when dropped.
struct Running(CancellationToken);

impl Running {
    fn start(worker: Worker) -> Running {
        let shutdown = CancellationToken::new();
        let until = shutdown.clone();
        tokio::spawn(async move { worker.run(until).await });
        Running(shutdown)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Counts its runs, and sees whether another of its lane runs at the same time.
#[derive(Clone, Default)]
struct Counted {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    runs: BTreeMap<JobId, u32>,
    inside: HashMap<i64, JobId>,
    by_lane: HashMap<i64, Vec<JobId>>,
    overlaps: Vec<(JobId, JobId)>,
}

impl Job for Counted {
    const KIND: &'static str = "counted";
    const STEPS: &'static [&'static str] = &["only"];
    type Payload = i64;

    async fn step(&self, _: &'static str, lane: &i64, attempt: &Attempt) -> Answer {
        {
            let mut seen = self.seen.lock().unwrap();
            *seen.runs.entry(attempt.job()).or_default() += 1;
            seen.by_lane.entry(*lane).or_default().push(attempt.job());
            if let Some(other) = seen.inside.insert(*lane, attempt.job()) {
                seen.overlaps.push((other, attempt.job()));
            }
        }
        tokio::task::yield_now().await;
        self.seen.lock().unwrap().inside.remove(lane);
        Ok(Next::Continue)
    }
}

async fn all_done(jobs: &Jobs, ids: &[JobId]) {
    let waits = ids.iter().map(|id| jobs.wait(*id, Duration::from_secs(60)));
    for status in within(join_all(waits)).await {
        assert_eq!(status.unwrap().unwrap().state, JobState::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_jobs_two_processes_none_run_twice() {
    let bench = Bench::new().await;
    let (here, jobs_here) = other_process(bench.test.url()).await;
    let (_there, jobs_there) = other_process(bench.test.url()).await;
    let counted = Counted::default();
    let tx = here.begin().await.unwrap();
    let mut ids = Vec::new();
    for n in 0..300 {
        ids.push(jobs_here.enqueue(&tx, NewJob::of::<Counted>(&n)).await.unwrap());
    }
    tx.commit().await.unwrap();
    let workers = [&jobs_here, &jobs_here, &jobs_there, &jobs_there]
        .map(|jobs| Running::start(Worker::new(jobs.clone()).register(counted.clone())));
    all_done(&jobs_here, &ids).await;
    drop(workers);
    let seen = counted.seen.lock().unwrap();
    assert_eq!(seen.runs.len(), 300);
    assert!(seen.runs.values().all(|runs| *runs == 1), "{:?}", seen.runs);
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_keep_their_order_across_processes() {
    let bench = Bench::new().await;
    let (here, jobs_here) = other_process(bench.test.url()).await;
    let (there, jobs_there) = other_process(bench.test.url()).await;
    let counted = Counted::default();
    let _workers =
        [&jobs_here, &jobs_there].map(|jobs| Running::start(Worker::new(jobs.clone()).register(counted.clone())));
    // Enqueued from both sides while the workers run.
    let new = |n: i64| NewJob::of::<Counted>(&(n % 5)).lane(format!("lane {}", n % 5));
    let ids = within(join_all((0..60).map(|n| {
        let (db, jobs) = if n % 2 == 0 { (&here, &jobs_here) } else { (&there, &jobs_there) };
        enqueue(db, jobs, new(n))
    })))
    .await;
    all_done(&jobs_there, &ids).await;
    let seen = counted.seen.lock().unwrap();
    assert_eq!(seen.overlaps, []);
    assert_eq!(seen.by_lane.values().map(Vec::len).sum::<usize>(), 60);
    for ids in seen.by_lane.values() {
        assert!(ids.is_sorted(), "{ids:?}");
    }
}

/// Ten in turn: by the backstop alone each would take a second.
async fn wakes_at_once(waits: &Jobs, works: &Jobs, db: &outrigger_db::Db) {
    let log = Log::default();
    let _worker = Running::start(Worker::new(works.clone()).register(Scripted::new(&log, |_, _| Ok(Next::Continue))));
    let began = Instant::now();
    for _ in 0..10 {
        let id = enqueue(db, waits, scripted()).await;
        all_done(waits, &[id]).await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_wakes_at_once() {
    let bench = Bench::new().await;
    let (db, jobs) = other_process(bench.test.url()).await;
    wakes_at_once(&jobs, &jobs, &db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_wakes_at_once_for_work_done_elsewhere() {
    let bench = Bench::new().await;
    let (db, waits) = other_process(bench.test.url()).await;
    let (_there, works) = other_process(bench.test.url()).await;
    wakes_at_once(&waits, &works, &db).await;
}

#[tokio::test]
async fn a_wait_tells_what_is_there() {
    let bench = Bench::new().await;
    assert_eq!(bench.jobs.wait(JobId(404), Duration::from_secs(60)).await.unwrap(), None);
    let id = bench.enqueue(scripted()).await;
    let status = within(bench.jobs.wait(id, Duration::from_millis(1))).await.unwrap().unwrap();
    assert_eq!(status.state, JobState::Ready, "the limit is over");
    let polling = bench.scripted(|_, _| Ok(Next::Poll { after: Duration::from_secs(9) }));
    let (status, _) = tokio::join!(within(bench.jobs.wait(id, Duration::from_secs(60))), polling.run_due());
    assert_eq!(status.unwrap().unwrap().state, JobState::Polling);
    bench.pass(9);
    let failing = bench.scripted(|step, _| match step {
        "one" => Err(StepError::fail("no")),
        _ => Ok(Next::Continue),
    });
    failing.run_due().await;
    let status = within(bench.jobs.wait(id, Duration::from_secs(60))).await.unwrap().unwrap();
    assert_eq!(status.state, JobState::Undone);
}
