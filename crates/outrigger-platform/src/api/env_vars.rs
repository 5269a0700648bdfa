//! Variables of accounts and sites. Errors carry `msg`, because the CLI reads only that here.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Json, Path};
use crate::app::{App, SharedApp};
use crate::auth::{AccountContext, AccountReader, AccountWriter, SiteReader, site_for};
use crate::env_owners::owner_name;
use crate::error::{ApiResult, forbidden, not_found};
use crate::ops::env_vars::{self, EnvInput};
use crate::ops::plan::MASK;
use crate::store::Time;
use crate::store::env_vars::{EnvLevel, EnvValue, EnvVar};
use crate::store::ids::UserId;
use crate::store::tokens::Scope;

/// A variable, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnvVarBody {
    pub key: String,
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Specific contexts before `all`.
    #[serde(default)]
    pub values: Vec<EnvValueBody>,
    #[serde(default)]
    pub is_secret: bool,
    /// Extension: who sets it: ``add-on `slug` ``, `the site` or `the account`; in `/sites/{site_id}/env` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<UpdatedBy>,
}

/// Who changed a variable last.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpdatedBy {
    #[schema(value_type = String)]
    pub id: UserId,
    pub full_name: String,
    pub email: String,
}

/// A value for one deploy context.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnvValueBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default = "all")]
    pub context: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_parameter: Option<String>,
    pub value: String,
}

fn all() -> String {
    "all".to_owned()
}

/// What part of the variables is asked for.
#[derive(Default)]
struct EnvQuery {
    site: Option<String>,
    contexts: Vec<String>,
    scope: Option<String>,
}

impl EnvQuery {
    /// Lists come as `context_name=a` or `context_name[]=a&context_name[]=b`.
    fn parse(query: Option<&str>) -> Self {
        let mut parsed = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                // Clients that mean the account level leave it out or empty.
                "site_id" => parsed.site = Some(value.into_owned()).filter(|site| !site.is_empty()),
                "context_name" | "context_name[]" => parsed.contexts.push(value.into_owned()),
                "scope" => parsed.scope = Some(value.replace('_', "-")),
                _ => {}
            }
        }
        parsed.contexts.retain(|context| !matches!(context.as_str(), "" | "all"));
        parsed
    }

    fn keep(&self, vars: &mut Vec<EnvVar>) {
        if let Some(scope) = self.scope.as_deref().filter(|scope| !matches!(*scope, "" | "any")) {
            vars.retain(|var| var.scopes.iter().any(|there| there == scope));
        }
        if self.contexts.is_empty() {
            return;
        }
        let wanted = |value: &EnvValue| {
            value.context == "all"
                || self.contexts.iter().any(|context| {
                    *context == value.context
                        || (value.context == "branch"
                            && context.strip_prefix("branch:").unwrap_or(context) == value.context_parameter)
                })
        };
        vars.iter_mut().for_each(|var| var.values.retain(wanted));
        vars.retain(|var| !var.values.is_empty());
    }
}

/// The level in path and query. A site must be one of the account's.
async fn level(app: &App, context: &AccountContext, query: &EnvQuery) -> ApiResult<EnvLevel> {
    let account = context.account.id.clone();
    let Some(wanted) = &query.site else {
        if context.caller.grant.is_of_one_site() {
            return Err(forbidden("this token is for one site; name it with `site_id`"));
        }
        return Ok(EnvLevel { account, site: None });
    };
    let site = site_for(app, context.caller.clone(), wanted, Scope::Read).await?.site;
    if site.account_id != account {
        return Err(not_found(format!("site `{wanted}`")));
    }
    Ok(EnvLevel { account, site: Some(site.id) })
}

fn input(body: EnvVarBody) -> EnvInput {
    EnvInput {
        name: body.key,
        scopes: body.scopes,
        is_secret: body.is_secret,
        values: body.values.into_iter().map(value_input).collect(),
    }
}

fn value_input(body: EnvValueBody) -> EnvValue {
    EnvValue {
        id: None,
        context: body.context,
        context_parameter: body.context_parameter.unwrap_or_default(),
        value: body.value,
    }
}

/// What a caller with this scope may see. Who may only look learns that a secret is there, and not which.
async fn bodies(app: &App, scope: Scope, vars: Vec<EnvVar>) -> ApiResult<Vec<EnvVarBody>> {
    let users = app.store.users(vars.iter().filter_map(|var| var.updated_by.clone())).await?;
    let editor = |id: &UserId| {
        let user = users.iter().find(|user| user.id == *id)?;
        Some(UpdatedBy { id: user.id.clone(), full_name: user.full_name.clone(), email: user.email.clone() })
    };
    let body = |var: EnvVar| EnvVarBody {
        values: value_bodies(&var, scope),
        key: var.name,
        scopes: var.scopes,
        is_secret: var.is_secret,
        owner: None,
        updated_at: Some(var.updated_at),
        updated_by: var.updated_by.as_ref().and_then(editor),
    };
    Ok(vars.into_iter().map(body).collect())
}

fn value_bodies(var: &EnvVar, scope: Scope) -> Vec<EnvValueBody> {
    let value_body = |value: &EnvValue| EnvValueBody {
        id: value.id.as_ref().map(ToString::to_string),
        context: value.context.clone(),
        context_parameter: Some(value.context_parameter.clone()).filter(|parameter| !parameter.is_empty()),
        value: shown_value(var, value, scope).to_owned(),
    };
    var.values.iter().map(value_body).collect()
}

/// The value, or a mask where it is a secret and the caller may only look.
pub(crate) fn shown_value<'a>(var: &EnvVar, value: &'a EnvValue, scope: Scope) -> &'a str {
    if var.is_secret && scope < Scope::Write { MASK } else { &value.value }
}

async fn one_body(app: &App, scope: Scope, var: EnvVar) -> ApiResult<axum::Json<EnvVarBody>> {
    let body = bodies(app, scope, vec![var]).await?.pop();
    body.map(axum::Json).ok_or_else(|| not_found("variable"))
}

/// The variables that people edit by hand, of the account or of one of its sites. Those of add-ons are in the
/// instances and in `/sites/{site_id}/env`.
#[utoipa::path(get, path = "/accounts/{account_id}/env", operation_id = "getEnvVars", params(("account_id" = String, Path), ("site_id" = Option<String>, Query), ("context_name" = Option<String>, Query), ("scope" = Option<String>, Query)), responses((status = 200, body = [EnvVarBody])), tag = "variables")]
pub async fn list_env_vars(
    State(app): State<SharedApp>,
    AccountReader(context): AccountReader,
    RawQuery(query): RawQuery,
) -> ApiResult<axum::Json<Vec<EnvVarBody>>> {
    let query = EnvQuery::parse(query.as_deref());
    let level = level(&app, &context, &query).await?;
    let mut vars = app.store.env_vars(&level).await?;
    vars.retain(|var| var.owner.is_none());
    query.keep(&mut vars);
    Ok(axum::Json(bodies(&app, context.scope, vars).await?))
}

/// Makes variables, all or none.
#[utoipa::path(post, path = "/accounts/{account_id}/env", operation_id = "createEnvVars", params(("account_id" = String, Path), ("site_id" = Option<String>, Query)), request_body = [EnvVarBody], responses((status = 201, body = [EnvVarBody]), (status = 409, body = crate::error::ErrorBody), (status = 422, body = crate::error::ErrorBody)), tag = "variables")]
pub async fn create_env_vars(
    State(app): State<SharedApp>,
    AccountWriter(context): AccountWriter,
    RawQuery(query): RawQuery,
    Json(body): Json<Vec<EnvVarBody>>,
) -> ApiResult<(StatusCode, axum::Json<Vec<EnvVarBody>>)> {
    let level = level(&app, &context, &EnvQuery::parse(query.as_deref())).await?;
    let inputs = body.into_iter().map(input).collect();
    let made = env_vars::create_env_vars(&app, &level, &context.caller.user.id, inputs).await?;
    Ok((StatusCode::CREATED, axum::Json(bodies(&app, context.scope, made).await?)))
}

/// One variable.
#[utoipa::path(get, path = "/accounts/{account_id}/env/{key}", operation_id = "getEnvVar", params(("account_id" = String, Path), ("key" = String, Path), ("site_id" = Option<String>, Query)), responses((status = 200, body = EnvVarBody), (status = 404, body = crate::error::ErrorBody)), tag = "variables")]
pub async fn show_env_var(
    State(app): State<SharedApp>,
    AccountReader(context): AccountReader,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> ApiResult<axum::Json<EnvVarBody>> {
    let (_, key) = path;
    let level = level(&app, &context, &EnvQuery::parse(query.as_deref())).await?;
    let found = app.store.find_env_var(&level, &key).await?.filter(|var| var.owner.is_none());
    let found = found.ok_or_else(|| not_found(format!("variable `{key}`")))?;
    one_body(&app, context.scope, found).await
}

/// Replaces a variable.
#[utoipa::path(put, path = "/accounts/{account_id}/env/{key}", operation_id = "updateEnvVar", params(("account_id" = String, Path), ("key" = String, Path), ("site_id" = Option<String>, Query)), request_body = EnvVarBody, responses((status = 200, body = EnvVarBody), (status = 409, body = crate::error::ErrorBody), (status = 422, body = crate::error::ErrorBody)), tag = "variables")]
pub async fn update_env_var(
    State(app): State<SharedApp>,
    AccountWriter(context): AccountWriter,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Json(mut body): Json<EnvVarBody>,
) -> ApiResult<axum::Json<EnvVarBody>> {
    let (_, key) = path;
    let level = level(&app, &context, &EnvQuery::parse(query.as_deref())).await?;
    body.key = key;
    let var = env_vars::put_env_var(&app, &level, &context.caller.user.id, input(body)).await?;
    one_body(&app, context.scope, var).await
}

/// Sets the value of one context.
#[utoipa::path(patch, path = "/accounts/{account_id}/env/{key}", operation_id = "setEnvVarValue", params(("account_id" = String, Path), ("key" = String, Path), ("site_id" = Option<String>, Query)), request_body = EnvValueBody, responses((status = 201, body = EnvVarBody), (status = 404, body = crate::error::ErrorBody)), tag = "variables")]
pub async fn set_env_value(
    State(app): State<SharedApp>,
    AccountWriter(context): AccountWriter,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Json(body): Json<EnvValueBody>,
) -> ApiResult<(StatusCode, axum::Json<EnvVarBody>)> {
    let (_, key) = path;
    let level = level(&app, &context, &EnvQuery::parse(query.as_deref())).await?;
    let user = &context.caller.user.id;
    let var = env_vars::set_env_value(&app, &level, user, &key, value_input(body)).await?;
    Ok((StatusCode::CREATED, one_body(&app, context.scope, var).await?))
}

/// Deletes a variable.
#[utoipa::path(delete, path = "/accounts/{account_id}/env/{key}", operation_id = "deleteEnvVar", params(("account_id" = String, Path), ("key" = String, Path), ("site_id" = Option<String>, Query)), responses((status = 204), (status = 404, body = crate::error::ErrorBody), (status = 409, body = crate::error::ErrorBody)), tag = "variables")]
pub async fn delete_env_var(
    State(app): State<SharedApp>,
    AccountWriter(context): AccountWriter,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> ApiResult<StatusCode> {
    let (_, key) = path;
    let level = level(&app, &context, &EnvQuery::parse(query.as_deref())).await?;
    env_vars::delete_env_var(&app, &level, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes the value of one context.
#[utoipa::path(delete, path = "/accounts/{account_id}/env/{key}/value/{value_id}", operation_id = "deleteEnvVarValue", params(("account_id" = String, Path), ("key" = String, Path), ("value_id" = String, Path), ("site_id" = Option<String>, Query)), responses((status = 204), (status = 404, body = crate::error::ErrorBody)), tag = "variables")]
pub async fn delete_env_value(
    State(app): State<SharedApp>,
    AccountWriter(context): AccountWriter,
    Path(path): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> ApiResult<StatusCode> {
    let (_, key, value_id) = path;
    let level = level(&app, &context, &EnvQuery::parse(query.as_deref())).await?;
    let id = value_id.parse().map_err(|_| not_found(format!("value `{value_id}` of `{key}`")))?;
    env_vars::delete_env_value(&app, &level, &context.caller.user.id, &key, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All that reaches a site: of the account, of its add-ons, its own. A name that the site or an add-on sets hides the
/// account's.
#[utoipa::path(get, path = "/sites/{site_id}/env", operation_id = "getSiteEnvVars", params(("site_id" = String, Path), ("context_name" = Option<String>, Query), ("scope" = Option<String>, Query)), responses((status = 200, body = [EnvVarBody])), tag = "variables")]
pub async fn list_env_of_site(
    State(app): State<SharedApp>,
    SiteReader(context): SiteReader,
    RawQuery(query): RawQuery,
) -> ApiResult<axum::Json<Vec<EnvVarBody>>> {
    let query = EnvQuery::parse(query.as_deref());
    let mut level = EnvLevel { account: context.account.id.clone(), site: None };
    let mut shared = app.store.env_vars(&level).await?;
    level.site = Some(context.site.id.clone());
    let mut own = app.store.env_vars(&level).await?;
    query.keep(&mut own);
    query.keep(&mut shared);
    shared.retain(|var| !own.iter().any(|own| own.name == var.name));
    let of_site = own.iter().map(|var| owner_name(var.owner.as_ref().map(|owner| owner.addon.as_str())));
    let owners: Vec<String> = of_site.chain(shared.iter().map(|_| "the account".to_owned())).collect();
    own.append(&mut shared);
    let mut found = bodies(&app, context.scope, own).await?;
    for (body, owner) in found.iter_mut().zip(owners) {
        body.owner = Some(owner);
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(axum::Json(found))
}
