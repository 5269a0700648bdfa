//! The connections of one thread to upstreams that are waiting for their next request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use super::{Upload, Upstream};
use crate::deadline::Deadline;

/// A connection on which one request at a time is sent.
pub(crate) struct Connection {
    pub(super) sender: SendRequest<Upload>,
    /// Of the wait for an answer. One timer serves all requests of the connection.
    pub(super) deadline: Deadline,
}

struct Kept {
    connection: Connection,
    since: Instant,
}

/// By the id of the upstream; the last used connection is at the end.
pub(crate) struct Pool {
    kept: RefCell<HashMap<u64, Vec<Kept>>>,
    most: usize,
    longest: Duration,
}

impl Pool {
    pub(crate) fn new(most: usize, longest: Duration) -> Self {
        Self { kept: RefCell::default(), most, longest }
    }

    /// The connection that was used last, so that those in excess grow old.
    pub(crate) fn take(&self, upstream: &Upstream) -> Option<Connection> {
        let mut kept = self.kept.borrow_mut();
        let kept = kept.get_mut(&upstream.id)?;
        // One that was given back a moment ago may not be ready yet: it stays. Closed ones go with the next sweep.
        let place = kept.iter().rposition(|kept| kept.connection.sender.is_ready())?;
        Some(kept.remove(place).connection)
    }

    pub(crate) fn keep(&self, upstream_id: u64, connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut kept = self.kept.borrow_mut();
        let kept = kept.entry(upstream_id).or_default();
        if kept.len() < self.most {
            kept.push(Kept { connection, since: Instant::now() });
        }
    }

    /// Closes what nobody used for too long.
    pub(crate) fn sweep(&self) {
        let longest = self.longest;
        self.kept.borrow_mut().retain(|_, kept| {
            kept.retain(|kept| kept.since.elapsed() < longest && !kept.connection.sender.is_closed());
            !kept.is_empty()
        });
    }
}
