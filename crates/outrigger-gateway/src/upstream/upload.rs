//! The body of a request on its way to an upstream.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

use crate::deadline::Idle;
use crate::headers::passes_as_trailer;
use crate::settings::Settings;

/// Why the client's body did not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UploadFault {
    #[error("the request's body is too large")]
    TooLarge,
    #[error("the client stopped sending the request's body")]
    Stalled,
    #[error("the request's body broke off, or is not what its head says")]
    Broken,
}

/// What whoever waits for the answer has to know of the body.
#[derive(Debug)]
pub(crate) struct UploadState {
    /// When the upstream last took something.
    pub(crate) last_taken: Cell<Instant>,
    pub(crate) fault: Cell<Option<UploadFault>>,
    pub(crate) bytes: Cell<u64>,
}

/// `None` for a request without a body: such a request can be sent again.
#[derive(Debug)]
pub(crate) struct Upload(Option<Uploading>);

#[derive(Debug)]
struct Uploading {
    incoming: Incoming,
    state: Rc<UploadState>,
    idle: Idle,
    limit: u64,
    header_prefix: Box<str>,
}

impl Upload {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn new(incoming: Incoming, settings: &Settings) -> (Self, Option<Rc<UploadState>>) {
        if incoming.is_end_stream() {
            return (Self(None), None);
        }
        let state =
            UploadState { last_taken: Cell::new(Instant::now()), fault: Cell::default(), bytes: Cell::default() };
        let state = Rc::new(state);
        let idle = Idle::new(settings.timeouts.idle);
        let (limit, header_prefix) = (settings.limits.body_bytes, settings.header_prefix.as_str().into());
        (Self(Some(Uploading { incoming, state: state.clone(), idle, limit, header_prefix })), Some(state))
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl Uploading {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        self.state.last_taken.set(Instant::now());
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            ready!(self.idle.poll(cx));
            return Poll::Ready(Some(Err(UploadFault::Stalled)));
        };
        self.idle.rest();
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(self.checked(frame)),
            Some(Err(_)) => Some(Err(UploadFault::Broken)),
            None => None,
        })
    }

    fn checked(&self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, UploadFault> {
        if let Some(data) = frame.data_ref() {
            let bytes = self.state.bytes.get() + data.len() as u64;
            self.state.bytes.set(bytes);
            return if bytes > self.limit { Err(UploadFault::TooLarge) } else { Ok(frame) };
        }
        let trailers = frame.into_trailers().unwrap_or_default();
        let kept: HeaderMap = trailers
            .iter()
            .filter(|(name, _)| passes_as_trailer(name, &self.header_prefix))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        Ok(Frame::trailers(kept))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        let Some(uploading) = &mut self.get_mut().0 else { return Poll::Ready(None) };
        let frame = ready!(uploading.poll(cx));
        if let Some(Err(fault)) = &frame {
            uploading.state.fault.set(Some(*fault));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|uploading| uploading.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), |uploading| uploading.incoming.size_hint())
    }
}
