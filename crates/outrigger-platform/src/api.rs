//! The JSON surface, one file per resource. Paths, fields and status codes that the netlify CLI relies on are those of
//! the contract netlify-api; what is ours beside it is marked as an extension in the OpenAPI document.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::error::{ApiError, ApiResult};

pub mod accounts;
pub mod addons;
pub mod build_hooks;
pub mod callbacks;
pub mod deliveries;
pub mod env_vars;
pub mod extensions_host;
pub mod health;
pub mod instances;
pub mod logins;
pub mod sites;
pub mod snippets;
pub mod tokens;
pub mod users;

/// A JSON body. Its rejection is our error shape and names the field; a missing content type is forgiven.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, state: &S) -> ApiResult<Self> {
        let json = axum::http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(axum::http::header::CONTENT_TYPE, json);
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refuse_body(&rejection)),
        }
    }
}

fn refuse_body(rejection: &JsonRejection) -> ApiError {
    let status = match rejection {
        JsonRejection::JsonDataError(_) => axum::http::StatusCode::UNPROCESSABLE_ENTITY,
        other => other.status(),
    };
    ApiError::new(status, rejection.body_text())
}
