//! Enqueueing, keys, lanes, listing, hurrying, pruning.

use std::time::Duration;

use futures_util::future::join_all;
use outrigger_db::{Clock, Job, JobFilter, JobState, NewJob, Next, StepError};

use crate::bench::{Bench, Scripted, enqueue, other_process, scripted, within};

#[tokio::test]
async fn a_job_exists_if_its_transaction_commits() {
    let bench = Bench::new().await;
    let tx = bench.test.db().begin().await.unwrap();
    let id = bench.jobs.enqueue(&tx, scripted()).await.unwrap();
    drop(tx);
    assert_eq!(bench.jobs.status(id).await.unwrap(), None);
    let id = bench.enqueue(scripted()).await;
    let status = bench.status(id).await;
    assert_eq!((status.state, status.step.as_str(), status.attempts), (JobState::Ready, "one", 0));
}

#[tokio::test]
async fn one_unfinished_job_per_kind_and_key() {
    let bench = Bench::new().await;
    let first = bench.enqueue(scripted().key("a")).await;
    assert_eq!(bench.enqueue(scripted().key("a")).await, first);
    assert_ne!(bench.enqueue(scripted().key("b")).await, first);
    assert_ne!(bench.enqueue(scripted()).await, bench.enqueue(scripted()).await, "no key, no sameness");
    bench.scripted(|_, _| Ok(Next::Continue)).run_due().await;
    assert_eq!(bench.state(first).await, JobState::Done);
    assert_ne!(bench.enqueue(scripted().key("a")).await, first, "a finished job is in nobody's way");
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_for_a_key_gives_all_the_same_job() {
    let bench = Bench::new().await;
    let (db, jobs) = other_process(bench.test.url()).await;
    for round in 0..5 {
        let new = || scripted().key(format!("round {round}"));
        let here = join_all((0..10).map(|_| bench.enqueue(new())));
        let there = join_all((0..10).map(|_| enqueue(&db, &jobs, new())));
        let (here, there) = within(async { tokio::join!(here, there) }).await;
        assert!(here.iter().chain(&there).all(|id| *id == here[0]), "{here:?} {there:?}");
    }
}

#[tokio::test]
async fn a_lane_waits_for_its_oldest_job() {
    let bench = Bench::new().await;
    let first = bench.enqueue(scripted().lane("x")).await;
    let second = bench.enqueue(scripted().lane("x")).await;
    let elsewhere = bench.enqueue(scripted().lane("y")).await;
    let worker = bench.scripted(move |step, attempt| match (step, attempt.number()) {
        ("one", 1) if attempt.job() == first => Err(StepError::retry("not yet")),
        _ => Ok(Next::Continue),
    });
    worker.run_due().await;
    assert_eq!(bench.state(first).await, JobState::Ready);
    assert_eq!(bench.state(second).await, JobState::Ready);
    assert_eq!(bench.state(elsewhere).await, JobState::Done);
    bench.pass(1);
    worker.run_due().await;
    assert_eq!(bench.state(first).await, JobState::Done);
    assert_eq!(bench.state(second).await, JobState::Done);
}

#[tokio::test]
async fn a_job_waits_for_its_time_unless_it_is_hurried() {
    let bench = Bench::new().await;
    let worker = bench.scripted(|_, _| Ok(Next::Continue));
    let later = bench.clock.now() + Duration::from_secs(60);
    let [first, second, third] = [
        bench.enqueue(scripted().at(later)).await,
        bench.enqueue(scripted().at(later)).await,
        bench.enqueue(scripted().at(later).key("k")).await,
    ];
    assert_eq!(worker.run_due().await, 0);
    let tx = bench.test.db().begin().await.unwrap();
    assert!(bench.jobs.hurry(&tx, first).await.unwrap());
    assert!(bench.jobs.hurry_key(&tx, Scripted::KIND, "k").await.unwrap());
    assert!(!bench.jobs.hurry_key(&tx, Scripted::KIND, "other").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(worker.run_due().await, 6);
    assert_eq!(bench.state(third).await, JobState::Done);
    let tx = bench.test.db().begin().await.unwrap();
    assert!(!bench.jobs.hurry(&tx, first).await.unwrap(), "a finished job cannot be hurried");
    drop(tx);
    bench.pass(60);
    assert_eq!(worker.run_due().await, 3);
    assert_eq!(bench.state(second).await, JobState::Done);
}

#[tokio::test]
async fn all_that_waits_in_a_lane_can_be_hurried() {
    let bench = Bench::new().await;
    let later = bench.clock.now() + Duration::from_secs(60);
    let in_lane = bench.enqueue(scripted().lane("a").at(later)).await;
    let elsewhere = bench.enqueue(scripted().lane("b").at(later)).await;
    let worker = bench.scripted(|_, _| Ok(Next::Finish));
    assert_eq!(worker.run_due().await, 0);
    let tx = bench.test.db().begin().await.unwrap();
    assert_eq!(bench.jobs.hurry_lane(&tx, "a").await.unwrap(), 1);
    assert_eq!(bench.jobs.hurry_lane(&tx, "c").await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(worker.run_due().await, 1);
    assert_eq!((bench.state(in_lane).await, bench.state(elsewhere).await), (JobState::Done, JobState::Ready));
}

#[tokio::test]
async fn lists_are_filtered_and_paged_by_id() {
    let bench = Bench::new().await;
    let done = bench.enqueue(scripted().lane("a")).await;
    bench.scripted(|_, _| Ok(Next::Finish)).run_due().await;
    let [second, third] = [bench.enqueue(scripted().lane("a")).await, bench.enqueue(scripted().lane("b")).await];
    let list = async |filter: JobFilter, after, limit| -> Vec<_> {
        bench.jobs.list(&filter, after, limit).await.unwrap().into_iter().map(|job| job.id).collect()
    };
    let all = JobFilter::default();
    assert_eq!(list(all.clone(), None, 10).await, [done, second, third]);
    assert_eq!(list(all.clone(), None, 2).await, [done, second]);
    assert_eq!(list(all.clone(), Some(second), 2).await, [third]);
    assert_eq!(list(JobFilter { unfinished_only: true, ..all.clone() }, None, 9).await, [second, third]);
    assert_eq!(list(JobFilter { lane: Some("a".into()), ..all.clone() }, None, 9).await, [done, second]);
    assert_eq!(list(JobFilter { kind: Some("none".into()), ..all.clone() }, None, 9).await, []);
    let both = JobFilter { kind: Some("scripted".into()), lane: Some("b".into()), unfinished_only: true };
    assert_eq!(list(both, None, 9).await, [third]);
}

#[tokio::test]
async fn pruning_takes_what_finished_before() {
    let bench = Bench::new().await;
    let worker = bench.scripted(|_, _| Ok(Next::Continue));
    let old = bench.enqueue(scripted()).await;
    worker.run_due().await;
    bench.pass(10);
    let young = bench.enqueue(scripted()).await;
    worker.run_due().await;
    let waiting = bench.enqueue(scripted().at(bench.clock.now() + Duration::from_secs(9))).await;
    assert_eq!(bench.jobs.prune(bench.clock.now()).await.unwrap(), 1);
    assert_eq!(bench.jobs.status(old).await.unwrap(), None);
    assert_eq!((bench.state(young).await, bench.state(waiting).await), (JobState::Done, JobState::Ready));
    assert_ne!(bench.enqueue(scripted()).await, old, "an id is never used again");
}

#[tokio::test]
async fn a_kind_without_a_handler_is_left_alone() {
    let bench = Bench::new().await;
    let id = bench.enqueue(NewJob::of::<Scripted>(&1)).await;
    assert_eq!(outrigger_db::Worker::new(bench.jobs.clone()).run_due().await, 0);
    let status = bench.status(id).await;
    assert_eq!((status.state, status.attempts), (JobState::Ready, 0));
}
