//! What can go wrong for a provider, and what the platform hears of it.

use std::error::Error;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use outrigger_addon::env_name::EnvNameError;
use outrigger_addon::instances::RequestError;
use serde_json::json;
use thiserror::Error;

/// Why a request was not done. As a response it is `{"code": 422, "message": "…"}` with the status named at each.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// 404: there is no such instance.
    #[error("there is no such instance")]
    NotFound,
    /// 410: there was such an instance.
    #[error("the instance is gone")]
    Gone,
    /// 422: the user asked for something impossible. The message is shown to the user.
    #[error("{message}")]
    Invalid {
        /// What is wrong and what to do about it.
        message: String,
    },
    /// 409: the request contradicts what is there. The message is shown to the user.
    #[error("{message}")]
    Conflict {
        /// What it contradicts.
        message: String,
    },
    /// 503 with `Retry-After`: not now; nothing was done.
    #[error("busy; try again in {} s", whole_seconds(*retry_after))]
    Busy {
        /// When to ask again; sent in whole seconds, rounded up, at least one.
        retry_after: Duration,
    },
    /// 401: the request does not prove where it comes from.
    #[error("the request is not proven to come from the platform: {reason}")]
    Unauthorized {
        /// What is missing or wrong. Never repeats a secret or a token.
        reason: String,
    },
    /// 500: our own fault. The source is logged and not sent.
    #[error("the add-on had an internal error; its operator finds the cause in its log")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl ProviderError {
    /// [`ProviderError::Invalid`] with this message.
    pub fn invalid(message: impl Into<String>) -> Self {
        ProviderError::Invalid { message: message.into() }
    }

    /// [`ProviderError::Conflict`] with this message.
    pub fn conflict(message: impl Into<String>) -> Self {
        ProviderError::Conflict { message: message.into() }
    }

    /// [`ProviderError::Internal`] with this cause: `.map_err(ProviderError::internal)?`.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ProviderError::Internal(cause.into())
    }

    pub(crate) fn unauthorized(reason: impl ToString) -> Self {
        ProviderError::Unauthorized { reason: reason.to_string() }
    }

    fn status(&self) -> StatusCode {
        match self {
            ProviderError::NotFound => StatusCode::NOT_FOUND,
            ProviderError::Gone => StatusCode::GONE,
            ProviderError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            ProviderError::Conflict { .. } => StatusCode::CONFLICT,
            ProviderError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            ProviderError::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            ProviderError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A variable's name is written by the add-on's author, so a bad one is the author's fault.
impl From<EnvNameError> for ProviderError {
    fn from(error: EnvNameError) -> Self {
        ProviderError::internal(error)
    }
}

impl From<RequestError> for ProviderError {
    fn from(error: RequestError) -> Self {
        ProviderError::invalid(error.to_string())
    }
}

impl IntoResponse for ProviderError {
    fn into_response(self) -> Response {
        if let ProviderError::Internal(cause) = &self {
            tracing::error!(error = cause.as_ref() as &(dyn Error + 'static), "a request failed");
        }
        let mut response = fault(self.status(), &self.to_string());
        match self {
            ProviderError::Busy { retry_after } => {
                response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(retry_after).into());
            }
            // RFC 9110 section 15.5.2 wants a challenge with each 401.
            ProviderError::Unauthorized { .. } => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

pub(crate) fn fault(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "code": status.as_u16(), "message": message }))).into_response()
}

fn whole_seconds(time: Duration) -> u64 {
    let started = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(started).max(1)
}
