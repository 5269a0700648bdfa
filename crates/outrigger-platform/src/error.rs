//! What a request gets when it fails: a status, a text for the caller, and a cause for the log only.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::store::StoreError;

/// The body of every error answer. `msg` repeats `message`, because the variables commands of the netlify CLI read only
/// that name (contract netlify-api, section 6).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// The HTTP status.
    pub code: u16,
    /// What went wrong, whose fault it is, and what to do next.
    pub message: String,
    /// The same text.
    pub msg: String,
    /// Which fields of the request are at fault, when it is about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// A word for programs, where one looks for it (contract integration-api, section 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

/// A fault in one field of a request.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// The field's name, with dots where it is nested.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// A failed request.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: String,
    fields: Vec<FieldError>,
    word: Option<&'static str>,
    limited: Option<Limited>,
    cause: Option<anyhow::Error>,
}

/// When a caller that asks too often may ask again.
#[derive(Debug, Clone, Copy)]
struct Limited {
    per_minute: u32,
    retry_after_seconds: u64,
    /// Unix seconds; what the netlify CLI waits for (contract netlify-api, section 6).
    reset: u64,
}

/// Goes with an error's answer, so that a page can say it to somebody in a browser.
#[derive(Debug, Clone)]
pub(crate) struct ErrorText(pub(crate) String);

/// What every handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), fields: Vec::new(), word: None, limited: None, cause: None }
    }

    pub(crate) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.fields = fields;
        self
    }

    pub(crate) fn with_cause(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The text for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The private cause, for a log or an operator's terminal.
    pub fn into_cause(self) -> Option<anyhow::Error> {
        self.cause
    }

    /// The fields at fault.
    pub(crate) fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// When it makes sense to try again.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.limited.map(|limited| limited.retry_after_seconds)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

pub(crate) fn bad_request(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, message)
}

pub(crate) fn unauthorized(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, message)
}

/// The SDK expects 401 here, with this word in it (contract integration-api, section 2).
pub(crate) fn invalid_integration(slug: &str) -> ApiError {
    let message = format!("there is no integration `{slug}` for this place");
    ApiError { word: Some("invalid_integration_slug"), ..unauthorized(message) }
}

pub(crate) fn forbidden(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, message)
}

/// Also for things of another account: their existence is nobody else's business.
pub(crate) fn not_found(what: impl fmt::Display) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("{what} not found"))
}

pub(crate) fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, message)
}

pub(crate) fn unprocessable(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// `seconds` is how long to wait.
pub(crate) fn too_many_requests(what: &str, per_minute: u32, seconds: u64, now: jiff::Timestamp) -> ApiError {
    let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, format!("{what}; try again in {seconds} s"));
    let reset = u64::try_from(now.as_second()).unwrap_or_default() + seconds;
    error.limited = Some(Limited { per_minute, retry_after_seconds: seconds, reset });
    error
}

/// The partner's fault, not ours and not the caller's.
pub(crate) fn bad_gateway(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_GATEWAY, message)
}

pub(crate) fn internal(cause: impl Into<anyhow::Error>) -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "something failed on our side; try again, and give the operator the request id of this answer",
    )
    .with_cause(cause)
}

/// A write that names one field: its fault is the message.
pub(crate) fn invalid_field(field: &str, message: impl Into<String>) -> ApiError {
    let message = message.into();
    unprocessable(format!("{field}: {message}")).with_fields(vec![FieldError { field: field.to_owned(), message }])
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken(what) => unprocessable(format!("{what} is taken; choose another")),
            other => internal(other),
        }
    }
}

/// Netlify's CLI shows the reason phrase and not the body (contract netlify-api, section 6), so the message goes there
/// too. 401 and 404 keep the standard phrase: the CLI compares it.
fn reason_phrase(status: StatusCode, message: &str) -> Option<hyper::ext::ReasonPhrase> {
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) {
        return None;
    }
    let printable = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let phrase: String = message.chars().take(200).map(printable).collect();
    hyper::ext::ReasonPhrase::try_from(phrase).ok()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(status = self.status.as_u16(), cause = format!("{cause:#}"), "request failed");
        }
        let phrase = reason_phrase(self.status, &self.message);
        let shown = ErrorText(self.message.clone());
        let body = ErrorBody {
            code: self.status.as_u16(),
            msg: self.message.clone(),
            message: self.message,
            fields: self.fields,
            error: self.word,
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(limited) = self.limited {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(limited.retry_after_seconds));
            headers.insert("x-ratelimit-limit", HeaderValue::from(limited.per_minute));
            headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
            headers.insert("x-ratelimit-reset", HeaderValue::from(limited.reset));
        }
        if let Some(phrase) = phrase {
            response.extensions_mut().insert(phrase);
        }
        response.extensions_mut().insert(shown);
        response
    }
}
