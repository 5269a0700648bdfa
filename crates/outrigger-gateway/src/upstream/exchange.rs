//! One request to an upstream, and the head of its answer.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use tokio::time::{Instant, timeout};

use super::connect::ConnectError;
use super::download::Lease;
use super::pool::{Connection, Pool};
use super::upload::UploadFault;
use super::{Connector, Upload, UploadState, Upstream};
use crate::deadline::Deadline;
use crate::mounted::Endpoint;
use crate::settings::{HEADERS_OF_LIBRARY, Settings};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    #[error("it could not be reached several times in a row, and is left alone for a while")]
    LeftAlone,
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    #[error("no answer within {0:?}")]
    FirstByteTimeout(Duration),
    #[error(transparent)]
    Upload(UploadFault),
    #[error("no answer that could be understood: {0}")]
    Answer(hyper::Error),
}

/// What an exchange needs of its thread.
pub(crate) struct Exchange<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) upstream: &'a Upstream,
    pub(crate) connector: &'a Connector,
    pub(crate) pool: &'a Rc<Pool>,
    pub(crate) settings: &'a Settings,
}

impl Exchange<'_> {
    /// Sends the request. One that a kept connection lost because the server closed it meanwhile is sent again, if
    /// that changes nothing for the server.
    pub(crate) async fn run(
        &self,
        request: Request<Upload>,
        upload: Option<Rc<UploadState>>,
    ) -> Result<(Response<Incoming>, Lease), ExchangeError> {
        if !self.upstream.breaker.allows(Instant::now()) {
            return Err(ExchangeError::LeftAlone);
        }
        let done = self.send(request, upload).await;
        match &done {
            Ok(_) => self.upstream.breaker.succeeded(),
            // The client's own fault says nothing about the server.
            Err(ExchangeError::Upload(_)) => {}
            Err(_) => self.upstream.breaker.failed(Instant::now()),
        }
        done
    }

    async fn send(
        &self,
        mut request: Request<Upload>,
        upload: Option<Rc<UploadState>>,
    ) -> Result<(Response<Incoming>, Lease), ExchangeError> {
        while let Some(mut connection) = self.pool.take(self.upstream) {
            let spare = is_repeatable(&request).then(|| copy(&request));
            let lost = match self.answer(&mut connection, request, upload.as_ref()).await {
                Ok(response) => return Ok((response, self.lease(connection))),
                Err(lost) => lost,
            };
            // Not sent at all, or lost without a byte of an answer.
            match lost.unsent.or(spare.filter(|_| lost.is_silent)) {
                Some(again) => request = again,
                None => return Err(lost.error),
            }
        }
        let mut connection = Box::pin(self.connect()).await?;
        let answer = self.answer(&mut connection, request, upload.as_ref()).await;
        answer.map(|response| (response, self.lease(connection))).map_err(|lost| lost.error)
    }

    fn lease(&self, connection: Connection) -> Lease {
        Lease { connection, upstream_id: self.upstream.id, pool: self.pool.clone() }
    }

    async fn connect(&self) -> Result<Connection, ExchangeError> {
        let longest = self.settings.timeouts.connect;
        let connecting = timeout(longest, self.connector.connect(self.endpoint)).await;
        let stream = connecting.map_err(|_| ExchangeError::ConnectTimeout(longest))??;
        let mut builder = http1::Builder::new();
        builder.max_header_size(self.settings.limits.head_bytes);
        if self.settings.limits.headers != HEADERS_OF_LIBRARY {
            builder.max_headers(self.settings.limits.headers);
        }
        let (sender, connection) = builder.handshake(stream).await.map_err(ExchangeError::Answer)?;
        // Whoever waits for an answer is told how the connection ended.
        tokio::task::spawn_local(connection.with_upgrades());
        Ok(Connection { sender, deadline: Deadline::default() })
    }

    async fn answer(
        &self,
        connection: &mut Connection,
        request: Request<Upload>,
        upload: Option<&Rc<UploadState>>,
    ) -> Result<Response<Incoming>, Lost> {
        let longest = self.settings.timeouts.first_byte;
        let Connection { sender, deadline } = connection;
        let mut answer = pin!(sender.try_send_request(request));
        let begin = Instant::now();
        poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(answer.map_err(|mut lost| {
                    let unsent = lost.take_message();
                    Lost::new(unsent, lost.into_error(), upload)
                }));
            }
            // The wait for an answer begins when the request is out.
            let since = upload.map_or(begin, |upload| upload.last_taken.get());
            ready!(deadline.poll(cx, since + longest));
            let error = ExchangeError::FirstByteTimeout(longest);
            Poll::Ready(Err(Lost { unsent: None, is_silent: false, error }))
        })
        .await
    }
}

struct Lost {
    unsent: Option<Request<Upload>>,
    /// The connection ended before any answer.
    is_silent: bool,
    error: ExchangeError,
}

impl Lost {
    fn new(unsent: Option<Request<Upload>>, error: hyper::Error, upload: Option<&Rc<UploadState>>) -> Self {
        let is_silent = error.is_incomplete_message() || error.is_closed() || error.is_canceled() || is_reset(&error);
        let fault = upload.and_then(|upload| upload.fault.get());
        Self { unsent, is_silent, error: fault.map_or(ExchangeError::Answer(error), ExchangeError::Upload) }
    }
}

fn is_reset(error: &hyper::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| matches!(cause.kind(), BrokenPipe | ConnectionReset))
}

/// Whether sending it twice is the same as sending it once (RFC 9110 section 9.2.2), and possible.
fn is_repeatable(request: &Request<Upload>) -> bool {
    request.body().is_none() && request.method().is_idempotent()
}

fn copy(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::none());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
