//! One request in the counts and in the log, once it is over.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use crate::body::{Body, BodyFault};
use crate::head_wait::HeadWait;
use crate::meters::Meters;
use crate::upstream::UploadState;

/// What is known of a request so far. Dropping it ends the request.
pub(crate) struct Record {
    began: Instant,
    /// Whose request it is, as far as that is known.
    pub(crate) meters: Arc<Meters>,
    /// The body that the client sends, if it sends one.
    pub(crate) upload: Option<Rc<UploadState>>,
    answer: Option<(StatusCode, Duration)>,
    sent: u64,
    line: Option<Line>,
    head_wait: Option<Rc<HeadWait>>,
}

/// What only the log tells.
struct Line {
    request_id: String,
    method: Method,
    /// Without the query: secrets are sent in queries.
    path: String,
}

impl Record {
    pub(crate) fn begin<B>(
        request: &Request<B>,
        request_id: &str,
        meters: Arc<Meters>,
        head_wait: Rc<HeadWait>,
    ) -> Self {
        head_wait.pause();
        // With HTTP/2 the next request does not wait for this one.
        let head_wait = (request.version() != Version::HTTP_2).then_some(head_wait);
        let is_logged = tracing::enabled!(target: "outrigger_gateway::access", tracing::Level::INFO);
        let line = is_logged.then(|| Line {
            request_id: request_id.to_owned(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        });
        Self { began: Instant::now(), meters, upload: None, answer: None, sent: 0, line, head_wait }
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        let after = self.began.elapsed();
        self.meters.answered(status, after);
        self.answer = Some((status, after));
    }

    fn log(&self, line: &Line, received: u64) {
        let (status, first_byte) = self.answer.map_or((None, None), |(status, after)| (Some(status), Some(after)));
        tracing::info!(
            target: "outrigger_gateway::access",
            request_id = line.request_id,
            site = &*self.meters.site,
            addon = &*self.meters.addon,
            method = line.method.as_str(),
            path = line.path,
            status = status.map(|status| status.as_u16()),
            received,
            sent = self.sent,
            first_byte_ms = first_byte.map(milliseconds),
            total_ms = milliseconds(self.began.elapsed()),
            "request"
        );
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(head_wait) = &self.head_wait {
            head_wait.resume();
        }
        let received = self.upload.as_ref().map_or(0, |upload| upload.bytes.get());
        self.meters.received.increment(received);
        self.meters.sent.increment(self.sent);
        if self.answer.is_none() {
            self.meters.left();
        }
        if let Some(line) = &self.line {
            self.log(line, received);
        }
    }
}

/// The body of an answer, whose end is that of its request.
pub(crate) struct Recorded {
    pub(crate) body: Body,
    pub(crate) record: Record,
}

impl HttpBody for Recorded {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            this.record.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
