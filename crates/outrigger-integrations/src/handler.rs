//! API handlers: the server side of a surface, called by name.
//!
//! [`Handlers`] are those of an integration in Rust. What else can stand behind the names is a [`HandlerHost`] too.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

mod client;
mod native;

pub use client::{Caller, EnvEntry, EnvSetting, HostServices, IntegrationClient, Kept, MadeBuildHook};
pub use native::{HandlerContext, HandlerHost, Handlers};

/// A call of a handler.
#[derive(Clone, Debug)]
pub struct HandlerCall {
    /// Which.
    pub name: String,
    /// What stands behind the name in the address, with the slash before it; blank for nothing.
    pub rest: String,
    /// How.
    pub method: Method,
    /// With what in the query, percent-decoded.
    pub query: Vec<(String, String)>,
    /// With these headers.
    pub headers: HeaderMap,
    /// With this body; empty for none.
    pub body: Bytes,
}

/// Why a handler does not do what it was asked to. What is public goes to whoever called; the cause of a failure is
/// logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HandlerError {
    status: StatusCode,
    code: &'static str,
    message: String,
    cause: Option<String>,
}

impl HandlerError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), cause: None }
    }

    /// What was sent is not right: 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// The service refuses who we say we are: 401.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// Something that was asked for is not there: 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The integration is not enabled there: 404.
    pub fn not_enabled() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_enabled", "This integration is not enabled here.")
    }

    /// Somebody else was faster, or owns it: 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// The service is not there, or does not do what it should: 502.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "unavailable", message)
    }

    /// Something of ours is broken: 500. The cause is logged, and told to nobody.
    pub fn failed(cause: impl Into<String>) -> Self {
        let message = "An unhandled error occurred";
        Self { cause: Some(cause.into()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message) }
    }

    /// What it is called by programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// As it is answered.
    pub fn reply(&self) -> HandlerReply {
        if let Some(cause) = &self.cause {
            tracing::error!(%cause, "a handler failed");
        }
        HandlerReply::json(self.status, &json!({ "error": self.message, "code": self.code }))
    }
}

/// What a handler answers.
#[derive(Clone, Debug)]
pub struct HandlerReply {
    /// How it went.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl HandlerCall {
    /// A GET.
    pub fn get(name: impl Into<String>) -> Self {
        let (query, headers, body) = (Vec::new(), HeaderMap::new(), Bytes::new());
        Self { name: name.into(), rest: String::new(), method: Method::GET, query, headers, body }
    }

    /// A POST of JSON.
    pub fn post(name: impl Into<String>, body: &Value) -> Self {
        let mut call = Self { method: Method::POST, body: body.to_string().into(), ..Self::get(name) };
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        call
    }
}

impl HandlerReply {
    /// JSON, with this status.
    pub fn json(status: StatusCode, body: &Value) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self { status, headers, body: body.to_string().into() }
    }

    /// There is no handler of this name.
    pub fn no_such(name: &str) -> Self {
        Self::json(StatusCode::NOT_FOUND, &json!({ "error": format!("Handler {name} not found") }))
    }

    /// Whether it went well.
    pub fn is_ok(&self) -> bool {
        self.status.is_success()
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// When it is none, or another.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

type Call = dyn Fn(HandlerCall) -> BoxFuture<'static, HandlerReply> + Send + Sync;

/// Calls the handlers of one integration, for one person and place.
#[derive(Clone)]
pub struct HandlerCaller(Arc<Call>);

impl HandlerCaller {
    /// One that calls them so.
    pub fn new(call: impl Fn(HandlerCall) -> BoxFuture<'static, HandlerReply> + Send + Sync + 'static) -> Self {
        Self(Arc::new(call))
    }

    /// One for an integration without handlers.
    pub fn none() -> Self {
        Self::new(|call| Box::pin(std::future::ready(HandlerReply::no_such(&call.name))))
    }

    /// Calls one, and waits for its answer.
    pub async fn call(&self, call: HandlerCall) -> HandlerReply {
        (self.0)(call).await
    }
}

impl fmt::Debug for HandlerCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerCaller").finish_non_exhaustive()
    }
}
