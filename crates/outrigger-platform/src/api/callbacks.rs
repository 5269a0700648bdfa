//! Where partners report that an instance is ready. The token in the URL is the proof; after the end it is spent.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use outrigger_addon::instances::InstanceDetails;

use super::Path;
use crate::app::SharedApp;
use crate::auth::Stranger;
use crate::error::{ApiResult, not_found, unprocessable};
use crate::jobs::merge_details;
use crate::store::StoreError;
use crate::store::ids::InstanceId;
use crate::store::instances::{Answer, InstanceState};

/// Takes an add-on's report. A repeated or late one is accepted and changes nothing.
#[utoipa::path(post, path = "/callbacks/{instance_id}/{token}", operation_id = "reportInstance", params(("instance_id" = String, Path), ("token" = String, Path)), request_body = Object, responses((status = 204), (status = 404, body = crate::error::ErrorBody), (status = 422, body = crate::error::ErrorBody)), security(()), tag = "callbacks")]
pub async fn report_instance(
    State(app): State<SharedApp>,
    _: Stranger,
    Path((id, token)): Path<(String, String)>,
    body: Bytes,
) -> ApiResult<StatusCode> {
    let missing = || not_found("callback");
    let id: InstanceId = id.parse().map_err(|_| missing())?;
    let tx = app.store.begin().await?;
    let mut instance = app.store.lock_instance_anywhere(&tx, &id).await?.ok_or_else(missing)?;
    if !same_text(&instance.secrets.callback_token, &token) {
        return Err(missing());
    }
    let details = InstanceDetails::parse(&body).map_err(|fault| unprocessable(fault.to_string()))?;
    let waits = matches!(instance.state, InstanceState::Provisioning | InstanceState::Updating);
    let Some(answer) = instance.answer.take().filter(|_| waits) else { return Ok(StatusCode::NO_CONTENT) };
    instance.answer = Some(Answer { details: merge_details(answer.details, details), poll_at: None });
    app.store.update_instance(&instance.site_id.clone(), &tx, &instance).await?;
    app.store.jobs().hurry_lane(&tx, id.as_str()).await.map_err(StoreError::from)?;
    app.store.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes as long for a near miss as for a wild guess.
fn same_text(left: &str, right: &str) -> bool {
    left.len() == right.len() && left.bytes().zip(right.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
