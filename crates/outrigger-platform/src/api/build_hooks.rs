//! Build hooks of a site, and the address where they are called.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Json, Path};
use crate::app::{App, SharedApp};
use crate::auth::{SiteWriter, Stranger};
use crate::error::{ApiResult, invalid_field, not_found};
use crate::ops::build_hooks;
use crate::store::Time;
use crate::store::build_hooks::BuildHook;

/// A build hook, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BuildHookBody {
    pub id: String,
    pub title: String,
    pub branch: String,
    /// A POST to it asks for a build; whoever has it may.
    pub url: String,
    pub site_id: String,
    /// Extension: it was made for an add-on and goes with it.
    pub of_addon: bool,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
}

/// What a build hook shall be. Fields of other clients are ignored.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WriteBuildHook {
    pub title: String,
    /// Empty for the site's main branch.
    #[serde(default)]
    pub branch: String,
}

fn build_hook_body(app: &App, hook: BuildHook) -> BuildHookBody {
    BuildHookBody {
        url: app.urls.build_hook(&hook.id),
        id: hook.id,
        title: hook.title,
        branch: hook.branch,
        site_id: hook.site_id.to_string(),
        of_addon: hook.instance_id.is_some(),
        created_at: hook.created_at,
    }
}

fn checked(body: WriteBuildHook) -> ApiResult<WriteBuildHook> {
    for (field, text) in [("title", &body.title), ("branch", &body.branch)] {
        if text.chars().count() > 200 {
            return Err(invalid_field(field, "must have at most 200 characters"));
        }
    }
    Ok(body)
}

/// The build hooks of a site.
#[utoipa::path(get, path = "/sites/{site_id}/build_hooks", operation_id = "listSiteBuildHooks", params(("site_id" = String, Path)), responses((status = 200, body = [BuildHookBody])), tag = "builds")]
pub async fn list_build_hooks(
    State(app): State<SharedApp>,
    // The URL of a hook lets whoever has it start builds, so a right to look is not enough.
    SiteWriter(context): SiteWriter,
) -> ApiResult<axum::Json<Vec<BuildHookBody>>> {
    let hooks = app.store.build_hooks_of_site(&context.site.id).await?;
    Ok(axum::Json(hooks.into_iter().map(|hook| build_hook_body(&app, hook)).collect()))
}

/// Makes a build hook.
#[utoipa::path(post, path = "/sites/{site_id}/build_hooks", operation_id = "createSiteBuildHook", params(("site_id" = String, Path)), request_body = WriteBuildHook, responses((status = 201, body = BuildHookBody)), tag = "builds")]
pub async fn create_build_hook(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Json(body): Json<WriteBuildHook>,
) -> ApiResult<(StatusCode, axum::Json<BuildHookBody>)> {
    let body = checked(body)?;
    let tx = app.store.begin().await?;
    let hook = app.store.insert_build_hook(&context.site.id, &tx, None, &body.title, &body.branch).await?;
    app.store.commit(tx).await?;
    Ok((StatusCode::CREATED, axum::Json(build_hook_body(&app, hook))))
}

/// One build hook.
#[utoipa::path(get, path = "/sites/{site_id}/build_hooks/{hook_id}", operation_id = "getSiteBuildHook", params(("site_id" = String, Path), ("hook_id" = String, Path)), responses((status = 200, body = BuildHookBody), (status = 404, body = crate::error::ErrorBody)), tag = "builds")]
pub async fn show_build_hook(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Path(path): Path<(String, String)>,
) -> ApiResult<axum::Json<BuildHookBody>> {
    let (_, id) = path;
    let hook = app.store.find_build_hook(&context.site.id, &id).await?;
    let hook = hook.ok_or_else(|| not_found("build hook"))?;
    Ok(axum::Json(build_hook_body(&app, hook)))
}

/// Changes title and branch.
#[utoipa::path(put, path = "/sites/{site_id}/build_hooks/{hook_id}", operation_id = "updateSiteBuildHook", params(("site_id" = String, Path), ("hook_id" = String, Path)), request_body = WriteBuildHook, responses((status = 204), (status = 404, body = crate::error::ErrorBody)), tag = "builds")]
pub async fn update_build_hook(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Path(path): Path<(String, String)>,
    Json(body): Json<WriteBuildHook>,
) -> ApiResult<StatusCode> {
    let (_, id) = path;
    let body = checked(body)?;
    let tx = app.store.begin().await?;
    if !app.store.update_build_hook(&context.site.id, &tx, &id, &body.title, &body.branch).await? {
        return Err(not_found("build hook"));
    }
    app.store.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a build hook.
#[utoipa::path(delete, path = "/sites/{site_id}/build_hooks/{hook_id}", operation_id = "deleteSiteBuildHook", params(("site_id" = String, Path), ("hook_id" = String, Path)), responses((status = 204), (status = 404, body = crate::error::ErrorBody)), tag = "builds")]
pub async fn delete_build_hook(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Path(path): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    let (_, id) = path;
    let tx = app.store.begin().await?;
    if !app.store.delete_build_hook(&context.site.id, &tx, &id).await? {
        return Err(not_found("build hook"));
    }
    app.store.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for a build. The unguessable id is the proof.
#[utoipa::path(post, path = "/build_hooks/{hook_id}", operation_id = "triggerBuildHook", params(("hook_id" = String, Path)), responses((status = 200, description = "A build is asked for"), (status = 404, body = crate::error::ErrorBody)), security(()), tag = "builds")]
pub async fn trigger_build_hook(
    State(app): State<SharedApp>,
    _: Stranger,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let hook = app.store.find_build_hook_anywhere(&id).await?.ok_or_else(|| not_found("build hook"))?;
    // Counted per hook too, so that a loop in somebody's script stays that somebody's.
    app.limits.check_request(&id, app.store.clock().now())?;
    build_hooks::trigger_build_hook(&app, &hook).await?;
    Ok(StatusCode::OK)
}
