//! Faults on demand: what Upstash does on a bad day, for the next so many requests.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Shared;
use super::connection::Drop;

/// Which half fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// The developer API.
    Developer,
    /// The Redis REST interface of the databases.
    Rest,
}

/// What happens in place of an answer, or with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 401.
    Unauthorized,
    /// 404.
    NotFound,
    /// 429 with a `Retry-After` of this many seconds.
    RateLimited(u32),
    /// 500.
    Failed,
    /// 200 with a page.
    Html,
    /// The right answer, this many milliseconds late.
    Slow(u64),
    /// The request is executed, and the connection dropped without an answer.
    Dropped,
    /// The connection is dropped before anything is executed.
    Unheard,
}

/// A fault, and for which requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The half that fails.
    pub half: Half,
    /// Only requests with this in their path.
    #[serde(default)]
    pub path: String,
    /// What happens.
    pub kind: FaultKind,
    /// For how many requests; for all, if absent.
    #[serde(default)]
    pub times: Option<u32>,
}

impl Fault {
    /// For all requests to a half.
    pub fn all(half: Half, kind: FaultKind) -> Fault {
        Fault { half, path: String::new(), kind, times: None }
    }

    /// For one request whose path has this in it.
    pub fn once(half: Half, path: &str, kind: FaultKind) -> Fault {
        Fault { half, path: path.to_owned(), kind, times: Some(1) }
    }
}

fn take(faults: &mut Vec<Fault>, half: Half, path: &str) -> Option<FaultKind> {
    let at = faults.iter().position(|fault| fault.half == half && path.contains(&fault.path))?;
    let kind = faults[at].kind;
    if let Some(times) = &mut faults[at].times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            faults.remove(at);
        }
    }
    Some(kind)
}

pub(super) async fn inject(
    State((shared, half)): State<(Arc<Shared>, Half)>,
    request: Request,
    next: Next,
) -> Response {
    let kind = take(&mut shared.faults(), half, request.uri().path());
    match kind {
        None => next.run(request).await,
        Some(FaultKind::Unauthorized) => error(StatusCode::UNAUTHORIZED, "Unauthorized").into_response(),
        Some(FaultKind::NotFound) => error(StatusCode::NOT_FOUND, "not found").into_response(),
        Some(FaultKind::Failed) => error(StatusCode::INTERNAL_SERVER_ERROR, "internal server error").into_response(),
        Some(FaultKind::RateLimited(seconds)) => {
            let mut response = error(StatusCode::TOO_MANY_REQUESTS, "too many requests").into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        Some(FaultKind::Html) => axum::response::Html("<!doctype html><title>Maintenance</title>").into_response(),
        Some(FaultKind::Slow(millis)) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            next.run(request).await
        }
        Some(FaultKind::Dropped) => dropped(next.run(request).await),
        Some(FaultKind::Unheard) => dropped(Response::default()),
    }
}

fn dropped(mut response: Response) -> Response {
    response.extensions_mut().insert(Drop);
    response
}

/// A refusal, in the shape that all of Upstash's clients understand.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    text: String,
}

pub(super) fn error(status: StatusCode, text: &str) -> Refusal {
    Refusal { status, text: text.to_owned() }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, axum::Json(json!({ "error": self.text }))).into_response()
    }
}
