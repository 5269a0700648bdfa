//! The body of an upstream's answer on its way to the client.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::pool::{Connection, Pool};
use crate::deadline::Idle;

/// Why the answer ends before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadFault {
    #[error("the upstream stopped sending its answer")]
    Stalled,
    #[error("the upstream's answer broke off: {0}")]
    Broken(#[from] hyper::Error),
}

/// Holds the connection until the answer has been read, and gives it back then. One that was not read to its end is
/// closed.
pub(crate) struct Download {
    incoming: Incoming,
    idle: Idle,
    lease: Option<Lease>,
}

pub(crate) struct Lease {
    pub(crate) connection: Connection,
    pub(crate) upstream_id: u64,
    pub(crate) pool: Rc<Pool>,
}

impl Lease {
    fn give_back(self) {
        self.pool.keep(self.upstream_id, self.connection);
    }
}

impl Download {
    pub(crate) fn new(incoming: Incoming, lease: Lease, idle: Duration) -> Self {
        let mut download = Self { incoming, idle: Idle::new(idle), lease: Some(lease) };
        download.give_back_at_end();
        download
    }

    fn give_back_at_end(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = DownloadFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DownloadFault>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) else {
            ready!(this.idle.poll(cx));
            this.lease = None;
            return Poll::Ready(Some(Err(DownloadFault::Stalled)));
        };
        this.idle.rest();
        match &frame {
            Some(Err(_)) => this.lease = None,
            None => this.lease.take().into_iter().for_each(Lease::give_back),
            Some(Ok(_)) => this.give_back_at_end(),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(DownloadFault::Broken)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
