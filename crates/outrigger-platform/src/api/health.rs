//! For load balancers and people who want to know whether it runs.

use axum::extract::State;
use axum::http::StatusCode;

use crate::app::SharedApp;
use crate::error::{ApiError, ApiResult};

/// The process runs.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "The process runs")), tag = "health")]
pub async fn show_health() -> &'static str {
    "ok"
}

/// The process can serve: its database answers.
#[utoipa::path(get, path = "/readyz", responses((status = 200, description = "The database answers"), (status = 503, body = crate::error::ErrorBody)), tag = "health")]
pub async fn show_readiness(State(app): State<SharedApp>) -> ApiResult<&'static str> {
    let ready = app.store.ping().await;
    ready.map_err(|cause| {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").with_cause(cause)
    })?;
    Ok("ready")
}
