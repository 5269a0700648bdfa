//! A worker that is told to stop.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::{Attempt, Job, JobState, NewJob, Next, Worker};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::bench::{Answer, Bench, within};

/// Says that its first step began, and waits to be let on.
#[derive(Clone, Default)]
struct Slow {
    entered: Arc<Notify>,
    let_on: Arc<Notify>,
}

impl Job for Slow {
    const KIND: &'static str = "slow";
    const STEPS: &'static [&'static str] = &["slow", "quick"];
    type Payload = ();

    async fn step(&self, step: &'static str, _: &(), _: &Attempt) -> Answer {
        if step == "slow" {
            self.entered.notify_one();
            self.let_on.notified().await;
        }
        Ok(Next::Continue)
    }
}

#[tokio::test]
async fn the_running_step_ends_and_the_rest_is_given_back() {
    let bench = Bench::new().await;
    let (slow, shutdown) = (Slow::default(), CancellationToken::new());
    let id = bench.enqueue(NewJob::of::<Slow>(&())).await;
    let worker = Worker::new(bench.jobs.clone()).register(slow.clone());
    let until = shutdown.clone();
    let running = tokio::spawn(async move { worker.run(until).await });
    within(slow.entered.notified()).await;
    shutdown.cancel();
    slow.let_on.notify_one();
    within(running).await.unwrap();
    let status = bench.status(id).await;
    assert_eq!((status.state, status.step.as_str(), status.attempts), (JobState::Ready, "quick", 0));
    assert_eq!(Worker::new(bench.jobs.clone()).register(slow).run_due().await, 1);
    assert_eq!(bench.state(id).await, JobState::Done);
}

#[tokio::test]
async fn a_step_that_takes_too_long_is_given_back_unfinished() {
    let bench = Bench::new().await;
    let (slow, shutdown) = (Slow::default(), CancellationToken::new());
    let id = bench.enqueue(NewJob::of::<Slow>(&())).await;
    let worker = Worker::new(bench.jobs.clone()).register(slow.clone()).drain(Duration::ZERO);
    let until = shutdown.clone();
    let running = tokio::spawn(async move { worker.run(until).await });
    within(slow.entered.notified()).await;
    shutdown.cancel();
    within(running).await.unwrap();
    let status = bench.status(id).await;
    assert_eq!((status.state, status.step.as_str(), status.attempts), (JobState::Ready, "slow", 0));
    assert_eq!(bench.due_in(id).await, 0, "another worker goes on at once");
}
