//! A limit on how long nothing may happen.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Costs nothing until something has to be waited for.
#[derive(Debug)]
pub(crate) struct Idle {
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl Idle {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, sleep: None, is_running: false }
    }

    /// Something happened.
    pub(crate) fn rest(&mut self) {
        self.is_running = false;
    }

    /// Nothing did: ready when that has been so for too long.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if !self.is_running {
            sleep.as_mut().reset(Instant::now() + limit);
            self.is_running = true;
        }
        sleep.as_mut().poll(cx)
    }
}
