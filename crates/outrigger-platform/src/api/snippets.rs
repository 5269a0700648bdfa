//! Snippets of a site. Those of an add-on change with it and are refused here.

use axum::extract::State;
use axum::http::StatusCode;
use outrigger_addon::instances::SnippetPosition;
use serde::{Deserialize, Serialize};

use super::{Json, Path};
use crate::app::{App, SharedApp};
use crate::auth::{SiteContext, SiteReader, SiteWriter};
use crate::env_owners::owner_name;
use crate::error::{ApiResult, conflict, invalid_field, not_found};
use crate::store::Time;
use crate::store::ids::SnippetId;
use crate::store::snippets::{NewSnippet, Snippet};

const MAX_HTML_BYTES: usize = 64 * 1024;

/// A snippet, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SnippetBody {
    #[schema(value_type = String)]
    pub id: SnippetId,
    pub site_id: String,
    pub title: String,
    /// `head` or `footer`.
    pub general_position: String,
    pub general: String,
    /// Extension: who yields it: `the site` or ``add-on `slug` ``.
    pub owner: String,
    /// Extension: whether it is in pages at all.
    pub enabled: bool,
    /// Extension: percent of the visitors in whose pages it is.
    pub share: i32,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

/// What a snippet shall be.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WriteSnippet {
    #[serde(default)]
    pub title: String,
    /// `head` or `footer`; `head` when missing.
    #[serde(default)]
    pub general_position: Option<String>,
    /// The HTML.
    pub general: String,
}

/// In whose pages a snippet is.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RollOut {
    /// Whether it is in pages at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Percent of the visitors, 0 to 100. A visitor stays with what they have while the number grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<i32>,
}

async fn snippet_bodies(app: &App, context: &SiteContext, snippets: Vec<Snippet>) -> ApiResult<Vec<SnippetBody>> {
    let owners = app.store.owners_of_snippets(&context.site.id, &snippets).await?;
    let body = |snippet: Snippet| SnippetBody {
        owner: owner_name(snippet.instance_id.as_ref().and_then(|id| owners.get(id)).map(String::as_str)),
        id: snippet.id,
        site_id: snippet.site_id.to_string(),
        title: snippet.title,
        enabled: snippet.enabled,
        share: snippet.share,
        general_position: snippet.position,
        general: snippet.html,
        created_at: snippet.created_at,
        updated_at: snippet.updated_at,
    };
    Ok(snippets.into_iter().map(body).collect())
}

async fn snippet_body(app: &App, context: &SiteContext, snippet: Snippet) -> ApiResult<SnippetBody> {
    let body = snippet_bodies(app, context, vec![snippet]).await?.pop();
    body.ok_or_else(|| not_found("snippet"))
}

fn checked(body: WriteSnippet) -> ApiResult<NewSnippet> {
    let position = match body.general_position.as_deref() {
        None | Some("head") => SnippetPosition::Head,
        Some("footer") => SnippetPosition::Footer,
        Some(_) => return Err(invalid_field("general_position", "is `head` or `footer`")),
    };
    if body.title.chars().count() > 200 {
        return Err(invalid_field("title", "must have at most 200 characters"));
    }
    if body.general.len() > MAX_HTML_BYTES {
        return Err(invalid_field("general", format!("must have at most {MAX_HTML_BYTES} bytes")));
    }
    Ok(NewSnippet { title: body.title, position, html: body.general })
}

/// A snippet that people may edit.
async fn editable(app: &App, context: &SiteContext, id: &str) -> ApiResult<Snippet> {
    let snippet = find(app, context, id).await?;
    if snippet.instance_id.is_none() {
        return Ok(snippet);
    }
    let owner = snippet_body(app, context, snippet).await?.owner;
    Err(conflict(format!("this snippet is {owner}'s and changes with it; configure or remove the add-on")))
}

async fn find(app: &App, context: &SiteContext, id: &str) -> ApiResult<Snippet> {
    let missing = || not_found(format!("snippet `{id}`"));
    let id = id.parse().map_err(|_| missing())?;
    app.store.find_snippet(&context.site.id, &id).await?.ok_or_else(missing)
}

/// The snippets of a site in the order they go into a page.
#[utoipa::path(get, path = "/sites/{site_id}/snippets", operation_id = "listSiteSnippets", params(("site_id" = String, Path)), responses((status = 200, body = [SnippetBody])), tag = "snippets")]
pub async fn list_snippets(
    State(app): State<SharedApp>,
    SiteReader(context): SiteReader,
) -> ApiResult<axum::Json<Vec<SnippetBody>>> {
    let snippets = app.store.snippets_of_site(&context.site.id).await?;
    snippet_bodies(&app, &context, snippets).await.map(axum::Json)
}

/// Adds a snippet behind those that are there.
#[utoipa::path(post, path = "/sites/{site_id}/snippets", operation_id = "createSiteSnippet", params(("site_id" = String, Path)), request_body = WriteSnippet, responses((status = 201, body = SnippetBody), (status = 422, body = crate::error::ErrorBody)), tag = "snippets")]
pub async fn create_snippet(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Json(body): Json<WriteSnippet>,
) -> ApiResult<(StatusCode, axum::Json<SnippetBody>)> {
    let new = checked(body)?;
    let tx = app.store.begin().await?;
    let snippet = app.store.insert_snippet(&context.site.id, &tx, None, new).await?;
    app.store.commit(tx).await?;
    Ok((StatusCode::CREATED, axum::Json(snippet_body(&app, &context, snippet).await?)))
}

/// One snippet.
#[utoipa::path(get, path = "/sites/{site_id}/snippets/{snippet_id}", operation_id = "getSiteSnippet", params(("site_id" = String, Path), ("snippet_id" = String, Path)), responses((status = 200, body = SnippetBody), (status = 404, body = crate::error::ErrorBody)), tag = "snippets")]
pub async fn show_snippet(
    State(app): State<SharedApp>,
    SiteReader(context): SiteReader,
    Path(path): Path<(String, String)>,
) -> ApiResult<axum::Json<SnippetBody>> {
    let (_, id) = path;
    let snippet = find(&app, &context, &id).await?;
    snippet_body(&app, &context, snippet).await.map(axum::Json)
}

/// Changes a snippet.
#[utoipa::path(put, path = "/sites/{site_id}/snippets/{snippet_id}", operation_id = "updateSiteSnippet", params(("site_id" = String, Path), ("snippet_id" = String, Path)), request_body = WriteSnippet, responses((status = 204), (status = 409, body = crate::error::ErrorBody)), tag = "snippets")]
pub async fn update_snippet(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Path(path): Path<(String, String)>,
    Json(body): Json<WriteSnippet>,
) -> ApiResult<StatusCode> {
    let (_, id) = path;
    let snippet = editable(&app, &context, &id).await?;
    let new = checked(body)?;
    let tx = app.store.begin().await?;
    app.store.update_snippet(&context.site.id, &tx, &snippet.id, new).await?;
    app.store.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switches a snippet on or off, or has it in the pages of some visitors only; those of add-ons too.
#[utoipa::path(patch, path = "/sites/{site_id}/snippets/{snippet_id}", operation_id = "rollOutSiteSnippet", params(("site_id" = String, Path), ("snippet_id" = String, Path)), request_body = RollOut, responses((status = 200, body = SnippetBody), (status = 422, body = crate::error::ErrorBody)), tag = "snippets")]
pub async fn roll_out_snippet(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Path(path): Path<(String, String)>,
    Json(body): Json<RollOut>,
) -> ApiResult<axum::Json<SnippetBody>> {
    let (_, id) = path;
    let mut snippet = find(&app, &context, &id).await?;
    snippet.enabled = body.enabled.unwrap_or(snippet.enabled);
    snippet.share = body.share.unwrap_or(snippet.share);
    if !(0..=100).contains(&snippet.share) {
        return Err(invalid_field("share", "is a percentage: 0 to 100"));
    }
    let tx = app.store.begin().await?;
    app.store.roll_out_snippet(&context.site.id, &tx, &snippet.id, snippet.enabled, snippet.share).await?;
    app.store.commit(tx).await?;
    snippet_body(&app, &context, snippet).await.map(axum::Json)
}

/// Deletes a snippet.
#[utoipa::path(delete, path = "/sites/{site_id}/snippets/{snippet_id}", operation_id = "deleteSiteSnippet", params(("site_id" = String, Path), ("snippet_id" = String, Path)), responses((status = 204), (status = 409, body = crate::error::ErrorBody)), tag = "snippets")]
pub async fn delete_snippet(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Path(path): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    let (_, id) = path;
    let snippet = editable(&app, &context, &id).await?;
    let tx = app.store.begin().await?;
    app.store.delete_snippet(&context.site.id, &tx, &snippet.id).await?;
    app.store.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
