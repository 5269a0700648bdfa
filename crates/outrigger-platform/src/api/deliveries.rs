//! What became of requests for builds. Extension.

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::Query;
use super::sites::shown_address;
use crate::app::SharedApp;
use crate::auth::SiteReader;
use crate::error::{ApiResult, bad_request};
use crate::store::Time;
use crate::store::deliveries::{Delivery, DeliveryAttempt, DeliveryState};
use crate::store::ids::DeliveryId;
use crate::store::tokens::Scope;

/// A delivery with its attempts.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryBody {
    #[schema(value_type = String)]
    pub id: DeliveryId,
    /// Title of the build hook that was called.
    pub title: String,
    pub url: String,
    pub state: DeliveryState,
    pub attempts: Vec<AttemptBody>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Time>,
}

/// One try.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttemptBody {
    /// The receiver's status, if it answered.
    pub status: Option<i32>,
    pub error: Option<String>,
    pub duration_ms: i64,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Time,
}

/// Which part of the log.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub struct ListDeliveries {
    /// Only those older than this one.
    pub before: Option<String>,
}

pub(crate) fn delivery_body(delivery: Delivery, attempts: Vec<AttemptBody>, scope: Scope) -> DeliveryBody {
    DeliveryBody {
        id: delivery.id,
        title: delivery.hook_title,
        url: shown_address(delivery.url, scope),
        state: delivery.state,
        attempts,
        created_at: delivery.created_at,
        finished_at: delivery.finished_at,
    }
}

fn attempt_body(attempt: &DeliveryAttempt) -> AttemptBody {
    AttemptBody {
        status: attempt.status,
        error: attempt.error.clone(),
        duration_ms: attempt.duration_ms,
        started_at: attempt.started_at,
    }
}

/// The site's deliveries, newest first, 50 at once.
#[utoipa::path(get, path = "/sites/{site_id}/deliveries", operation_id = "listSiteDeliveries", params(("site_id" = String, Path), ListDeliveries), responses((status = 200, body = [DeliveryBody])), tag = "builds")]
pub async fn list_deliveries(
    State(app): State<SharedApp>,
    SiteReader(context): SiteReader,
    Query(query): Query<ListDeliveries>,
) -> ApiResult<axum::Json<Vec<DeliveryBody>>> {
    let before = query.before.map(|id| id.parse::<DeliveryId>()).transpose();
    let before = before.map_err(|fault| bad_request(format!("before: {fault}")))?;
    let site = &context.site.id;
    let deliveries = app.store.deliveries_of_site(site, before.as_ref(), 50).await?;
    let attempts = app.store.attempts_of_deliveries(site, &deliveries).await?;
    let bodies = deliveries.into_iter().map(|delivery| {
        let of_it = attempts.iter().filter(|attempt| attempt.delivery_id == delivery.id).map(attempt_body).collect();
        delivery_body(delivery, of_it, context.scope)
    });
    Ok(axum::Json(bodies.collect()))
}
