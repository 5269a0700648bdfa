//! The JSON surface, one file per resource. Paths, fields and status codes that the netlify CLI relies on are those of
//! the contract netlify-api; what is ours beside it is marked as an extension in the OpenAPI document.

use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use outrigger_addon::body::{BodyFault, check_document};
use serde::de::DeserializeOwned;

use crate::error::{ApiError, ApiResult, bad_request, invalid_field, not_found, unprocessable};

pub mod accounts;
pub mod addons;
pub mod build_hooks;
pub mod callbacks;
pub mod deliveries;
pub mod env_vars;
pub mod handlers;
pub mod health;
pub mod hooks;
pub mod instances;
pub mod integrations;
pub mod logins;
pub mod metrics;
pub mod oauth;
pub mod sites;
pub mod snippets;
pub mod tokens;
pub mod users;

/// A JSON body. Its rejection is our error shape and names the field; a missing content type is forgiven.
pub struct Json<T>(pub T);

/// Values of the path. What cannot be one of them names nothing that we have.
pub struct Path<T>(pub T);

/// Values of the query. Its rejection is our error shape and names the field.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
        if let Ok(document) = serde_json::from_slice(&body) {
            check_document(&document).map_err(|fault| match fault {
                BodyFault::Field(fault) => invalid_field(&fault.field, fault.message),
                other => unprocessable(other.to_string()),
            })?;
        }
        match axum::Json::<T>::from_bytes(&body) {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refuse_body(&rejection)),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(values)| Self(values)).map_err(|_| not_found("this address"))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(values)| Self(values)).map_err(|rejection| bad_request(rejection.body_text()))
    }
}

fn refuse_body(rejection: &JsonRejection) -> ApiError {
    let status = match rejection {
        JsonRejection::JsonDataError(_) => StatusCode::UNPROCESSABLE_ENTITY,
        other => other.status(),
    };
    ApiError::new(status, without_value(&rejection.body_text()))
}

/// Takes the value out of "invalid type: string "x", expected a map": it may be a secret that stands in the wrong place,
/// and the text ends up in logs of others, since it is the reason phrase too.
fn without_value(text: &str) -> String {
    let start = ["invalid type: ", "invalid value: "].iter().find_map(|start| Some(text.find(start)? + start.len()));
    let (Some(start), Some(end)) = (start, text.rfind(", expected")) else { return text.to_owned() };
    let kind = text[start..].split([' ', ',']).next().unwrap_or_default();
    format!("{}{kind}{}", &text[..start], &text[end.max(start)..])
}

#[cfg(test)]
mod tests {
    use super::without_value;

    #[test]
    fn a_value_in_the_wrong_place_is_not_repeated() {
        let check = |text: &str, expected: &str| assert_eq!(without_value(text), expected);
        check("a: invalid type: string \"s, expected\", expected a map", "a: invalid type: string, expected a map");
        check(
            "invalid type: integer `5`, expected a string at line 1",
            "invalid type: integer, expected a string at line 1",
        );
        check("invalid type: null, expected a map", "invalid type: null, expected a map");
        check("missing field `name`", "missing field `name`");
    }
}
