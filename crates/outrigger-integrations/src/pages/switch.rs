//! Switching a configuration on and off.

use std::sync::Arc;

use axum::body::Body;
use http::StatusCode;

use super::edit::as_json;
use super::policy::{Action, Policy};
use super::problem::Problem;
use super::request::{Answer, Request, json as json_answer};
use crate::Host;

/// `POST /{config}/enabled`
pub(super) async fn enable<H: Host, P: Policy>(request: Arc<Request<H, P>>, body: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::Edit, None, Some(id)).await?;
    let posted = request.posted(body).await?;
    let enabled = posted.flag("enabled").ok_or_else(|| Problem::Malformed("`enabled` is missing".to_owned()))?;
    let config = request.pages.manager.set_enabled(&request.scope, id, enabled, &request.actor()).await?;
    if request.wants_json() {
        return Ok(json_answer(StatusCode::OK, &as_json(&request, &config)));
    }
    let done = if enabled { "enabled" } else { "disabled" };
    let to = match posted.text("back") {
        Some("config") => format!("{}?done={done}", request.urls().config(id)),
        _ => format!("{}?done={done}&config={id}", request.urls().list()),
    };
    Ok(request.redirect(&to))
}
