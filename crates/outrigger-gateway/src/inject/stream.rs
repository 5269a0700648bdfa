//! The body of a page that is changed while it passes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use hyper::body::{Body as HttpBody, Frame};
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::{Compression, CompressionBody};
use tower_http::decompression::{Decompression, DecompressionBody};

use super::Additions;
use super::page::Page;
use crate::body::{Body, BodyFault};

/// How the origin coded the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    /// In a way that can be undone.
    Known,
}

impl Coding {
    /// `None` for what nobody here can read.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        match (codings.next().map(|coding| coding.to_str().unwrap_or_default()), codings.next()) {
            (None | Some("identity"), None) => Some(Coding::Plain),
            (Some("gzip" | "br" | "deflate" | "zstd"), None) => Some(Coding::Known),
            _ => None,
        }
    }
}

pub(crate) struct Injected {
    source: Source,
    page: Page,
    /// Nothing comes from the source any more.
    is_over: bool,
    /// What comes behind the body.
    trailers: Option<HeaderMap>,
}

enum Source {
    Plain(Body),
    Decoded(Box<DecompressionBody<Body>>),
}

impl Injected {
    pub(super) async fn answer(
        head: Parts,
        body: Body,
        coding: Coding,
        additions: Additions,
        accept_encoding: Option<HeaderValue>,
    ) -> Response<Body> {
        let wrap = |source| Injected { source, page: Page::new(additions), is_over: false, trailers: None };
        let response = match coding {
            Coding::Plain => Response::from_parts(head, wrap(Source::Plain(body))),
            Coding::Known => {
                decoded(Response::from_parts(head, body)).await.map(|body| wrap(Source::Decoded(Box::new(body))))
            }
        };
        match accept_encoding {
            Some(accepted) => coded(response, accepted).await.map(|body| Body::Coded(Box::new(body))),
            None => response.map(|body| Body::Injected(Box::new(body))),
        }
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match &mut self.source {
            Source::Plain(body) => Pin::new(body).poll_frame(cx),
            Source::Decoded(body) => {
                let frame = ready!(Pin::new(&mut **body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(|fault| BodyFault::Coding(fault.to_string()))))
            }
        }
    }

    fn take(&mut self, frame: Option<Frame<Bytes>>) {
        match frame.map(Frame::into_data) {
            Some(Ok(data)) => self.page.push(data),
            Some(Err(trailers)) => self.trailers = trailers.into_trailers().ok(),
            None => {
                self.is_over = true;
                self.page.end();
            }
        }
    }
}

/// The answer without its coding. Decoders need no more memory than their window, however much comes out.
async fn decoded(response: Response<Body>) -> Response<DecompressionBody<Body>> {
    let given = tower::service_fn(async |request: Request<Response<Body>>| Ok::<_, Infallible>(request.into_body()));
    let answer = Decompression::new(given).oneshot(Request::new(response)).await;
    answer.unwrap_or_else(|never| match never {})
}

/// The answer in a coding that the client understands. What is there goes out whenever nothing more comes for a while.
async fn coded(response: Response<Injected>, accepted: HeaderValue) -> Response<CompressionBody<Injected>> {
    let given =
        tower::service_fn(async |request: Request<Response<Injected>>| Ok::<_, Infallible>(request.into_body()));
    let mut request = Request::new(response);
    request.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
    let answer = Compression::new(given).quality(CompressionLevel::Fastest).oneshot(request).await;
    answer.unwrap_or_else(|never| match never {})
}

impl HttpBody for Injected {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        loop {
            if let Some(piece) = this.page.next() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if this.is_over {
                return Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            match this.poll_source(cx) {
                Poll::Ready(Some(Err(fault))) => return Poll::Ready(Some(Err(fault))),
                Poll::Ready(frame) => this.take(frame.and_then(Result::ok)),
                Poll::Pending => {
                    this.page.rest();
                    return this.page.next().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece)))));
                }
            }
        }
    }
}
