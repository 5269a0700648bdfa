//! Timers for what rarely comes to pass.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A moment that mostly moves on before it comes. The runtime's own timer is not moved with it, which would cost more
/// than all else here: it goes off too early now and then, and is set again.
#[derive(Debug, Default)]
pub(crate) struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Ready when this moment has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, moment: Instant) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(moment)));
        if timer.deadline() > moment {
            timer.as_mut().reset(moment);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= moment {
                return Poll::Ready(());
            }
            timer.as_mut().reset(moment);
        }
    }
}

/// A limit on how long nothing may happen. Costs nothing until something has to be waited for.
#[derive(Debug)]
pub(crate) struct Idle {
    limit: Duration,
    since: Option<Instant>,
    deadline: Deadline,
}

impl Idle {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, since: None, deadline: Deadline::default() }
    }

    /// Something happened.
    pub(crate) fn rest(&mut self) {
        self.since = None;
    }

    /// Nothing did: ready when that has been so for too long.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.deadline.poll(cx, since + self.limit)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_moment_that_moves_comes_when_it_is_there() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut deadline = Deadline::default();
        let is_there = |deadline: &mut Deadline, after: u32| {
            deadline.poll(&mut Context::from_waker(std::task::Waker::noop()), begin + second * after).is_ready()
        };
        assert!(!is_there(&mut deadline, 2));
        tokio::time::advance(second).await;
        assert!(!is_there(&mut deadline, 5), "it moved on");
        poll_fn(|cx| deadline.poll(cx, begin + second * 5)).await;
        assert_eq!(begin.elapsed().as_secs(), 5, "not when the timer went off first");
        assert!(!is_there(&mut deadline, 9));
        poll_fn(|cx| deadline.poll(cx, begin + second * 6)).await;
        assert_eq!(begin.elapsed().as_secs(), 6, "it came nearer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_begins_anew_with_what_happens() {
        let begin = Instant::now();
        let mut idle = Idle::new(Duration::from_secs(10));
        let is_over = |idle: &mut Idle| idle.poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready();
        assert!(!is_over(&mut idle));
        tokio::time::advance(Duration::from_secs(9)).await;
        idle.rest();
        assert!(!is_over(&mut idle));
        poll_fn(|cx| idle.poll(cx)).await;
        assert_eq!(begin.elapsed().as_secs(), 19);
    }
}
