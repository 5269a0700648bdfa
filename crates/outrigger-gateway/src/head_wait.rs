//! How long a client may take for the head of its next request.

use std::cell::Cell;
use std::future::poll_fn;
use std::time::Duration;

use tokio::time::Instant;

use crate::deadline::Deadline;

/// Since when the head of a request is waited for; not at all while one is answered.
#[derive(Debug)]
pub(crate) struct HeadWait(Cell<Option<Instant>>);

impl HeadWait {
    /// A connection begins.
    pub(crate) fn begin() -> Self {
        Self(Cell::new(Some(Instant::now())))
    }

    /// A head came.
    pub(crate) fn pause(&self) {
        self.0.set(None);
    }

    /// Its answer is out.
    pub(crate) fn resume(&self) {
        self.0.set(Some(Instant::now()));
    }

    /// Comes back when the wait is longer than that.
    pub(crate) async fn exceeds(&self, longest: Duration) {
        let mut deadline = Deadline::default();
        poll_fn(|cx| deadline.poll(cx, self.0.get().unwrap_or_else(Instant::now) + longest)).await;
    }
}
