//! Inbound webhooks: what third-party services send to a configuration.
//!
//! An integration declares, for each configuration, how a request proves where it comes from
//! ([`Integration::inbound`](crate::Integration::inbound)), and is handed only requests that did
//! ([`Integration::receive`](crate::Integration::receive)). Everybody else gets one and the same answer, whether the
//! configuration does not exist, is disabled, takes no requests, or did not believe this one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::run::{Run, RunUpdate};
use crate::start::Outbox;
use crate::{ConfigOf, Context, Fault, Host, Integration, RunId};

mod believe;
mod public_key;
mod receive;
#[cfg(test)]
mod tests;
mod verifier;

pub(crate) use public_key::KeyCache;
pub use verifier::{Digest, Encoding, KeySource, PublicKeyAlgorithm, SignedContent, Verifier};

/// The most that a request may have as its body.
pub const MAX_INBOUND_BYTES: usize = 1024 * 1024;
/// How long an integration may take for a request.
pub(crate) const RECEIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A request from a third-party service, read whole.
#[derive(Clone, Debug)]
pub struct InboundRequest {
    /// Its method.
    pub method: Method,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its query, without the question mark.
    pub query: String,
    /// Its body, at most [`MAX_INBOUND_BYTES`].
    pub body: Bytes,
}

impl InboundRequest {
    /// A POST with these headers and this body.
    pub fn post(headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, headers, query: String::new(), body: body.into() }
    }

    /// A header that stands there once, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }
}

/// What is answered to a third-party service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundReply {
    /// The status.
    pub status: StatusCode,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl InboundReply {
    /// Taken; nothing to say.
    pub fn accepted() -> Self {
        Self { status: StatusCode::ACCEPTED, content_type: "text/plain; charset=utf-8", body: Bytes::new() }
    }

    /// Taken, and this is the answer.
    pub fn json(body: &serde_json::Value) -> Self {
        Self { status: StatusCode::OK, content_type: "application/json", body: body.to_string().into() }
    }

    fn constant(status: StatusCode, text: &'static str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: Bytes::from_static(text.as_bytes()) }
    }

    pub(crate) fn refused() -> Self {
        Self::constant(StatusCode::NOT_FOUND, "There is nothing here that takes this request.\n")
    }

    pub(crate) fn too_large() -> Self {
        Self::constant(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.\n")
    }

    pub(crate) fn later() -> Self {
        Self::constant(StatusCode::SERVICE_UNAVAILABLE, "This could not be handled now. Send it again later.\n")
    }
}

/// Given to [`Integration::receive`] with a request: collects what is to be stored, all of it or, when the integration
/// fails, nothing.
pub struct Received<H: Host, I: Integration<H>> {
    pub(crate) config: Arc<ConfigOf<H, I>>,
    pub(crate) run: Option<Run>,
    pub(crate) context: Context,
    pub(crate) outbox: Outbox,
}

impl<H: Host, I: Integration<H>> Received<H, I> {
    /// The configuration that the request is for.
    pub fn config(&self) -> &ConfigOf<H, I> {
        &self.config
    }

    /// The run whose token the request showed, if that is how it is verified.
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// The way out, the time and the randomness.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Changes a run of this configuration. One that has ended, or belongs to another, stays as it is.
    pub fn update_run(&self, run: RunId, update: RunUpdate) {
        self.outbox.update_run(self.config.id, run, update);
    }

    /// Puts a message into the configuration's queue.
    ///
    /// # Errors
    /// When the message cannot be written as JSON.
    pub fn deliver(&self, message: &I::Message) -> Result<(), Fault> {
        self.outbox.deliver(self.config.id, message)
    }
}
