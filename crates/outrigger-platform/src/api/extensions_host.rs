//! The three paths that the netlify CLI asks of its extensions host, sent here by `outrigger netlify` (contract
//! netlify-api, section 3). Nothing can be installed there yet, so the lists are empty; whether a site exists is not
//! told, since the CLI sends no token.

use axum::Json;
use serde_json::Value;

use crate::auth::Stranger;

/// Extensions of a site.
#[utoipa::path(get, path = "/site/{site_id}/integrations/safe", params(("site_id" = String, Path)), responses((status = 200, body = [Object])), security(()), tag = "extensions host")]
pub async fn list_safe_integrations(_: Stranger) -> Json<Vec<Value>> {
    Json(Vec::new())
}

/// Extensions of an account's site.
#[utoipa::path(get, path = "/team/{account_id}/integrations/installations/meta/{site_id}", params(("account_id" = String, Path), ("site_id" = String, Path)), responses((status = 200, body = [Object])), security(()), tag = "extensions host")]
pub async fn list_installed_integrations(_: Stranger) -> Json<Vec<Value>> {
    Json(Vec::new())
}

/// All extensions.
#[utoipa::path(get, path = "/integrations", responses((status = 200, body = [Object])), security(()), tag = "extensions host")]
pub async fn list_integrations(_: Stranger) -> Json<Vec<Value>> {
    Json(Vec::new())
}
