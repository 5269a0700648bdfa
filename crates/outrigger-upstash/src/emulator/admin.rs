//! What tests and people ask of the emulator itself, at `/emulator`. A page from elsewhere cannot: the bodies are JSON,
//! and no other origin is allowed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Emulator, Fault, Shared};

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(about))
        .route("/accounts", post(add_account))
        .route("/faults", get(list_faults).post(add_fault).delete(heal))
}

async fn about(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let redis_server = shared.redis_server.clone();
    Json(json!({ "api_url": Emulator { shared }.api_url(), "redis_server": redis_server }))
}

#[derive(Deserialize)]
struct NewAccount {
    email: String,
}

async fn add_account(State(shared): State<Arc<Shared>>, Json(new): Json<NewAccount>) -> Json<Value> {
    let account = Emulator { shared }.add_account(&new.email);
    Json(json!({ "email": account.email, "api_key": account.api_key }))
}

async fn list_faults(State(shared): State<Arc<Shared>>) -> Json<Vec<Fault>> {
    Json(shared.faults().clone())
}

async fn add_fault(State(shared): State<Arc<Shared>>, Json(fault): Json<Fault>) -> StatusCode {
    shared.faults().push(fault);
    StatusCode::NO_CONTENT
}

async fn heal(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.faults().clear();
    StatusCode::NO_CONTENT
}
