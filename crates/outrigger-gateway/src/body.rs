//! The body of an answer: one type, so that nothing is boxed on the way.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tower::BoxError;
use tower_http::compression::CompressionBody;
use tower_http::services::fs::ServeFileSystemResponseBody;

use crate::inject::Injected;
use crate::upstream::{Download, DownloadFault};

pub(crate) enum Body {
    Full(Full<Bytes>),
    Download(Download),
    File(ServeFileSystemResponseBody),
    Injected(Box<Injected>),
    Coded(Box<CompressionBody<Injected>>),
}

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error(transparent)]
    Download(#[from] DownloadFault),
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("the page cannot be coded, or is not coded as its head says: {0}")]
    Coding(String),
}

impl BodyFault {
    /// Coders pass faults of what they code on in a box.
    fn of_coder(fault: BoxError) -> Self {
        fault.downcast().map_or_else(|other| BodyFault::Coding(other.to_string()), |fault| *fault)
    }
}

impl Body {
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        Body::Full(Full::new(bytes.into()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match self.get_mut() {
            Body::Full(full) => Pin::new(full).poll_frame(cx).map_err(|never| match never {}),
            Body::Download(download) => Pin::new(download).poll_frame(cx).map_err(BodyFault::Download),
            Body::File(file) => Pin::new(file).poll_frame(cx).map_err(BodyFault::File),
            Body::Injected(page) => Pin::new(&mut **page).poll_frame(cx),
            Body::Coded(page) => Pin::new(&mut **page).poll_frame(cx).map_err(BodyFault::of_coder),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Full(full) => full.is_end_stream(),
            Body::Download(download) => download.is_end_stream(),
            Body::File(file) => file.is_end_stream(),
            Body::Injected(page) => page.is_end_stream(),
            Body::Coded(page) => page.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Full(full) => full.size_hint(),
            Body::Download(download) => download.size_hint(),
            Body::File(file) => file.size_hint(),
            Body::Injected(page) => page.size_hint(),
            Body::Coded(page) => page.size_hint(),
        }
    }
}
