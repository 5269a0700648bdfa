//! For Prometheus.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use crate::app::SharedApp;
use crate::auth::OperatorReader;

/// What this process has counted and measured since it started, in Prometheus' text format. A token that may only read
/// is enough.
#[utoipa::path(
    get,
    path = "/metrics",
    responses(
        (status = 200, description = "Metrics", content_type = "text/plain"),
        (status = 403, description = "Not an operator", body = crate::error::ErrorBody)
    ),
    tag = "health"
)]
pub async fn show_metrics(State(app): State<SharedApp>, _: OperatorReader) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.text())
}
