//! The registry of add-ons; `services` on the wire.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Json, Path, Query};
use crate::app::{App, SharedApp};
use crate::auth::{Caller, Operator};
use crate::error::{ApiResult, not_found};
use crate::ops::addons;
use crate::store::Time;
use crate::store::addons::{Addon, AddonAuth, NewAddon};
use crate::store::ids::AddonId;

/// An add-on, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AddonBody {
    #[schema(value_type = String)]
    pub id: AddonId,
    pub name: String,
    pub slug: String,
    pub service_path: String,
    pub description: String,
    pub long_description: String,
    pub events: Vec<String>,
    pub tags: Vec<String>,
    pub icon: String,
    pub manifest_url: String,
    pub environments: Vec<String>,
    /// Extension: base of the management API.
    pub url: String,
    /// Extension: how we prove ourselves there.
    pub auth: AddonAuth,
    /// Extension.
    pub staging: bool,
    /// Extension: takes no new sites since.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retired_at: Option<Time>,
    /// Extension: whether the snippets of its instances are in pages.
    #[serde(default = "switched_on")]
    pub snippets_enabled: bool,
    /// Extension: when the manifest was last fetched.
    #[schema(value_type = String, format = DateTime)]
    pub manifest_fetched_at: Time,
    /// Extension: why the last attempt to fetch the manifest failed.
    pub manifest_error: Option<String>,
    /// Extension: the secret of its signatures; in the answers that make one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Extension: when a new secret starts to sign.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_active_from: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

/// A new add-on.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterAddon {
    /// Its part of commands and paths.
    pub slug: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    /// Address of a picture.
    #[serde(default)]
    pub icon: String,
    /// Base of its management API.
    pub url: String,
    /// Where its manifest is, below the base.
    #[serde(default = "default_manifest_path")]
    pub manifest_path: String,
    #[serde(default = "default_auth")]
    pub auth: AddonAuth,
    /// A version for tests; its slug ends with `-staging`.
    #[serde(default)]
    pub staging: bool,
    /// The secret that the add-on has already; else one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

fn default_manifest_path() -> String {
    "/manifest".to_owned()
}

fn default_auth() -> AddonAuth {
    AddonAuth::Jws
}

/// How to rotate.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// For how long the old secret goes on signing; a day when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_seconds: Option<u32>,
    /// Makes no new secret, but lets the one that waits sign from now on.
    #[serde(default)]
    pub finish: bool,
}

/// Which add-ons to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub struct ListAddons {
    /// Part of slug, title or description.
    pub search: Option<String>,
    /// Extension: the slug after which to go on.
    pub after: Option<String>,
    /// Extension: retired ones too.
    #[serde(default)]
    pub retired: bool,
}

fn addon_body(addon: Addon) -> AddonBody {
    let base = addon.url.trim_end_matches('/');
    AddonBody {
        service_path: addon.service_path(),
        manifest_url: format!("{base}/{}", addon.manifest_path.trim_start_matches('/')),
        id: addon.id,
        name: addon.title,
        slug: addon.slug,
        long_description: addon.description.clone(),
        description: addon.description,
        events: Vec::new(),
        tags: Vec::new(),
        icon: addon.icon,
        environments: Vec::new(),
        url: addon.url,
        auth: addon.auth,
        staging: addon.staging,
        retired_at: addon.retired_at,
        snippets_enabled: addon.snippets_enabled,
        manifest_fetched_at: addon.manifest_fetched_at,
        manifest_error: addon.manifest_error,
        secret: None,
        secret_active_from: None,
        created_at: addon.created_at,
        updated_at: addon.updated_at,
    }
}

pub(crate) async fn find(app: &App, slug: &str) -> ApiResult<Addon> {
    app.store.find_addon(slug).await?.ok_or_else(|| not_found(format!("add-on `{slug}`")))
}

/// The add-ons of this platform, at most 100 at once, in order of slug.
#[utoipa::path(get, path = "/services", operation_id = "getServices", params(ListAddons), responses((status = 200, body = [AddonBody])), tag = "add-ons")]
pub async fn list_addons(
    State(app): State<SharedApp>,
    _caller: Caller,
    Query(query): Query<ListAddons>,
) -> ApiResult<axum::Json<Vec<AddonBody>>> {
    let addons = app.store.addons(query.search.as_deref(), query.after.as_deref(), 100, query.retired).await?;
    Ok(axum::Json(addons.into_iter().map(addon_body).collect()))
}

/// One add-on.
#[utoipa::path(get, path = "/services/{addon}", operation_id = "showService", params(("addon" = String, Path)), responses((status = 200, body = AddonBody), (status = 404, body = crate::error::ErrorBody)), tag = "add-ons")]
pub async fn show_addon(
    State(app): State<SharedApp>,
    _caller: Caller,
    Path(slug): Path<String>,
) -> ApiResult<axum::Json<AddonBody>> {
    let addon = find(&app, &slug).await?;
    let mut body = addon_body(addon.clone());
    body.secret_active_from = app.store.next_secret_active_from(&addon.id).await?;
    Ok(axum::Json(body))
}

/// The last good manifest of an add-on.
#[utoipa::path(get, path = "/services/{addon}/manifest", operation_id = "showServiceManifest", params(("addon" = String, Path)), responses((status = 200, body = Object), (status = 404, body = crate::error::ErrorBody)), tag = "add-ons")]
pub async fn show_manifest(
    State(app): State<SharedApp>,
    _caller: Caller,
    Path(slug): Path<String>,
) -> ApiResult<axum::Json<Value>> {
    Ok(axum::Json(find(&app, &slug).await?.manifest()?.to_json()))
}

/// Registers an add-on. Its secret is in this answer and never again.
#[utoipa::path(post, path = "/services", operation_id = "registerAddon", request_body = RegisterAddon, responses((status = 201, body = AddonBody), (status = 422, body = crate::error::ErrorBody), (status = 502, body = crate::error::ErrorBody)), tag = "add-ons")]
pub async fn register_addon(
    State(app): State<SharedApp>,
    _operator: Operator,
    Json(body): Json<RegisterAddon>,
) -> ApiResult<(StatusCode, axum::Json<AddonBody>)> {
    let new = NewAddon {
        slug: body.slug,
        title: body.title,
        description: body.description,
        icon: body.icon,
        url: body.url,
        manifest_path: body.manifest_path,
        auth: body.auth,
        staging: body.staging,
    };
    let (addon, secret) = addons::register_addon(&app, new, body.secret).await?;
    let mut body = addon_body(addon);
    body.secret = Some(secret);
    Ok((StatusCode::CREATED, axum::Json(body)))
}

/// Makes a new secret, or ends the overlap of the last rotation.
#[utoipa::path(post, path = "/services/{addon}/rotate-secret", operation_id = "rotateAddonSecret", params(("addon" = String, Path)), request_body = RotateSecret, responses((status = 200, body = AddonBody)), tag = "add-ons")]
pub async fn rotate_secret(
    State(app): State<SharedApp>,
    _operator: Operator,
    Path(slug): Path<String>,
    Json(body): Json<RotateSecret>,
) -> ApiResult<axum::Json<AddonBody>> {
    let addon = find(&app, &slug).await?;
    let mut answer = addon_body(addon.clone());
    if body.finish {
        addons::finish_secret_rotation(&app, &addon).await?;
        return Ok(axum::Json(answer));
    }
    let overlap = Duration::from_secs(body.overlap_seconds.unwrap_or(24 * 60 * 60).into());
    let (secret, active_from) = addons::rotate_addon_secret(&app, &addon, overlap).await?;
    answer.secret = Some(secret);
    answer.secret_active_from = Some(active_from.into());
    Ok(axum::Json(answer))
}

/// Fetches the manifest again.
#[utoipa::path(post, path = "/services/{addon}/refresh", operation_id = "refreshAddon", params(("addon" = String, Path)), responses((status = 200, body = AddonBody)), tag = "add-ons")]
pub async fn refresh_addon(
    State(app): State<SharedApp>,
    _operator: Operator,
    Path(slug): Path<String>,
) -> ApiResult<axum::Json<AddonBody>> {
    let addon = find(&app, &slug).await?;
    Ok(axum::Json(addon_body(addons::refresh_manifest(&app, &addon).await?)))
}

fn switched_on() -> bool {
    true
}

/// Whether the snippets of an add-on's instances are in pages.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SwitchSnippets {
    /// Off takes those of all its instances out of all pages at once.
    pub enabled: bool,
}

/// Switches the snippets of all instances of an add-on on or off.
#[utoipa::path(put, path = "/services/{addon}/snippets", operation_id = "switchAddonSnippets", params(("addon" = String, Path)), request_body = SwitchSnippets, responses((status = 200, body = AddonBody)), tag = "add-ons")]
pub async fn switch_snippets(
    State(app): State<SharedApp>,
    _operator: Operator,
    Path(slug): Path<String>,
    Json(body): Json<SwitchSnippets>,
) -> ApiResult<axum::Json<AddonBody>> {
    let addon = find(&app, &slug).await?;
    addons::switch_snippets(&app, &addon, body.enabled).await?;
    Ok(axum::Json(addon_body(find(&app, &slug).await?)))
}

/// Retires an add-on: its instances go on, new ones are refused.
#[utoipa::path(delete, path = "/services/{addon}", operation_id = "retireAddon", params(("addon" = String, Path)), responses((status = 204)), tag = "add-ons")]
pub async fn retire_addon(
    State(app): State<SharedApp>,
    _operator: Operator,
    Path(slug): Path<String>,
) -> ApiResult<StatusCode> {
    let addon = find(&app, &slug).await?;
    addons::retire_addon(&app, &addon).await?;
    Ok(StatusCode::NO_CONTENT)
}
