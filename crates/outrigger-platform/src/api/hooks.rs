//! Hooks: addresses that hear of a site's builds.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Json, Path, Query};
use crate::app::{App, SharedApp};
use crate::auth::{Caller, site_for};
use crate::error::{ApiResult, conflict, invalid_field, not_found};
use crate::store::Time;
use crate::store::hooks::{Hook, HookEvent};
use crate::store::sites::Site;
use crate::store::tokens::Scope;

/// More are a mistake.
const MOST_HOOKS: usize = 100;

/// A hook, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HookBody {
    pub id: String,
    /// `url`: a POST to an address.
    #[serde(rename = "type")]
    pub kind: String,
    pub event: HookEvent,
    pub site_id: String,
    pub data: HookData,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
}

/// Where a hook leads.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HookData {
    pub url: String,
}

/// What a hook shall be. Fields of other clients are ignored.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreateHook {
    /// `url` is the only one there is.
    #[serde(rename = "type")]
    pub kind: String,
    pub event: HookEvent,
    /// The site, by id or name.
    pub site_id: String,
    pub data: HookData,
}

/// Whose hooks to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub struct ListHooks {
    /// The site, by id or name.
    pub site_id: String,
}

fn hook_body(hook: Hook) -> HookBody {
    HookBody {
        id: hook.id,
        kind: "url".to_owned(),
        event: hook.event,
        site_id: hook.site_id.to_string(),
        data: HookData { url: hook.url },
        created_at: hook.created_at,
    }
}

/// The address of a hook may hold a secret, so a right to look is not enough to see one.
async fn site(app: &App, caller: Caller, id_or_name: &str) -> ApiResult<Site> {
    Ok(site_for(app, caller, id_or_name, Scope::Write).await?.site)
}

/// The hook, if it is one of a site that the caller may change.
async fn find(app: &App, caller: Caller, id: &str) -> ApiResult<Hook> {
    let missing = || not_found(format!("hook `{id}`"));
    let hook = app.store.find_hook_anywhere(id).await?.ok_or_else(missing)?;
    match site(app, caller, hook.site_id.as_str()).await {
        Err(refused) if refused.status() == StatusCode::NOT_FOUND => Err(missing()),
        found => found.map(|_| hook),
    }
}

/// The hooks of a site.
#[utoipa::path(get, path = "/hooks", operation_id = "listHooksBySiteId", params(ListHooks), responses((status = 200, body = [HookBody])), tag = "builds")]
pub async fn list_hooks(
    State(app): State<SharedApp>,
    caller: Caller,
    Query(query): Query<ListHooks>,
) -> ApiResult<axum::Json<Vec<HookBody>>> {
    let site = site(&app, caller, &query.site_id).await?;
    Ok(axum::Json(app.store.hooks_of_site(&site.id).await?.into_iter().map(hook_body).collect()))
}

/// Lets an address hear of a site's builds: of each that is asked for, and, once deploys are known here, of those.
#[utoipa::path(post, path = "/hooks", operation_id = "createHookBySiteId", request_body = CreateHook, responses((status = 201, body = HookBody), (status = 422, body = crate::error::ErrorBody)), tag = "builds")]
pub async fn create_hook(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<CreateHook>,
) -> ApiResult<(StatusCode, axum::Json<HookBody>)> {
    let site = site(&app, caller, &body.site_id).await?;
    if body.kind != "url" {
        return Err(invalid_field("type", "must be `url`, the only one there is"));
    }
    let fault = |fault: String| invalid_field("data.url", fault);
    let url = body.data.url.parse().map_err(|error| fault(format!("is no valid URL: {error}")))?;
    app.outbound.check(&url).map_err(|error| fault(error.to_string()))?;
    if app.store.hooks_of_site(&site.id).await?.len() >= MOST_HOOKS {
        return Err(conflict(format!("the site has {MOST_HOOKS} hooks, which is the most; delete some first")));
    }
    let tx = app.store.begin().await?;
    let hook = app.store.insert_hook(&site.id, &tx, body.event, &body.data.url).await?;
    app.store.commit(tx).await?;
    Ok((StatusCode::CREATED, axum::Json(hook_body(hook))))
}

/// One hook.
#[utoipa::path(get, path = "/hooks/{hook_id}", operation_id = "getHook", params(("hook_id" = String, Path)), responses((status = 200, body = HookBody), (status = 404, body = crate::error::ErrorBody)), tag = "builds")]
pub async fn show_hook(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<axum::Json<HookBody>> {
    Ok(axum::Json(hook_body(find(&app, caller, &id).await?)))
}

/// Deletes a hook.
#[utoipa::path(delete, path = "/hooks/{hook_id}", operation_id = "deleteHook", params(("hook_id" = String, Path)), responses((status = 204), (status = 404, body = crate::error::ErrorBody)), tag = "builds")]
pub async fn delete_hook(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let hook = find(&app, caller, &id).await?;
    let tx = app.store.begin().await?;
    if !app.store.delete_hook(&hook.site_id, &tx, &hook.id).await? {
        return Err(not_found(format!("hook `{id}`")));
    }
    app.store.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
