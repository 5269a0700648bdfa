//! The tasks that keep a manager going.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Manager, Shared};
use crate::Host;
use crate::store::TOPIC;

/// How soon an unreadable database is asked again.
const RETRY: Duration = Duration::from_millis(500);

/// The tasks of a manager. Dropping it ends them: the configurations in memory then stay as they are, and nothing is
/// started or stopped any more.
#[must_use = "dropping it ends the tasks"]
#[derive(Debug)]
pub struct Running {
    tasks: Vec<JoinHandle<()>>,
    _stop: DropGuard,
}

impl Running {
    /// Ends the tasks and waits for them.
    pub async fn end(self) {
        let Self { tasks, _stop } = self;
        drop(_stop);
        for task in tasks {
            let _ = task.await;
        }
    }
}

impl<H: Host> Manager<H> {
    /// Keeps the configurations in memory true, and starts and stops integrations, until what it returns is dropped.
    /// It needs a Tokio runtime.
    pub fn run(&self) -> Running {
        let stop = CancellationToken::new();
        let follow = stop.clone().run_until_cancelled_owned(follow(self.shared.clone()));
        let supervise = stop.clone().run_until_cancelled_owned(super::lifecycle::supervise(self.shared.clone()));
        let tasks = vec![tokio::spawn(async { _ = follow.await }), tokio::spawn(async { _ = supervise.await })];
        Running { tasks, _stop: stop.drop_guard() }
    }
}

async fn follow<H: Host>(shared: Arc<Shared<H>>) {
    // Before the first reading, so that nothing changes unseen in between.
    let mut changes = shared.store.db().changes().watch(TOPIC);
    let mut turns = shared.turns.subscribe();
    loop {
        let read = shared.refresh().await.is_ok();
        let pause = if read { shared.limits.poll } else { RETRY.min(shared.limits.poll) };
        tokio::select! {
            () = changes.changed() => {}
            () = tokio::time::sleep(pause) => {}
            _ = turns.wait_for(|_| shared.must_read_again()), if read => {}
        }
    }
}
