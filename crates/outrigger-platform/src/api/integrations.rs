//! What integrations keep at sites and accounts, and how builds find them: the Integration API of Netlify's SDK
//! (contract integration-api, sections 2 and 10), and the lists that the netlify CLI asks for.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use outrigger_integrations::surface::SurfaceIntegration;
use outrigger_integrations::{Enablement, EnablementChange, EnablementError, Scope as Place, ScopeKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Json, Path};
use crate::app::{App, SharedApp};
use crate::auth::{Anybody, Grant, IntegrationContext, IntegrationReader, IntegrationWriter, Stranger, site_for};
use crate::error::{ApiError, ApiResult, bad_request, conflict, internal, not_found, unauthorized};
use crate::store::integration_tokens::{BuildToken, IntegrationToken};
use crate::store::sites::Site;
use crate::store::tokens::Scope;
use crate::store::{StoreError, Time};

/// How often a change that names no version is tried again when somebody else was faster.
const TRIES: usize = 8;

/// What an integration keeps at a site or account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EnablementBody {
    #[schema(value_type = Object)]
    pub config: Value,
    pub has_build_hook_enabled: bool,
    pub has_connectors_enabled: bool,
}

/// What it is to keep at first.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct EnableIntegration {
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
}

/// What is to be different. The configuration is replaced as a whole.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct UpdateEnablement {
    #[schema(value_type = Option<Object>)]
    pub config: Option<Map<String, Value>>,
    pub has_build_hook_enabled: Option<bool>,
    pub has_connectors_enabled: Option<bool>,
}

/// A token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TokenText {
    pub token: String,
}

/// What a build token shall be for.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct GenerateBuildToken {
    /// The account, if builds are to read what is kept there, too.
    pub team_id: Option<String>,
}

/// A build token, to be exchanged. It may stand in the header alone.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct ExchangeBuildToken {
    pub token: Option<String>,
}

/// What a build gets for its token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExchangedToken {
    pub token: String,
    pub site_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
}

/// An integration that is enabled at a site, as anybody may know it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SafeIntegration {
    pub slug: String,
    /// Below it are the integration's handlers and its build plugin.
    pub version: String,
    pub name: String,
    /// Whether it takes part in builds.
    pub has_build: bool,
    pub has_connector: bool,
}

/// The same, as builds get it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InstalledIntegration {
    #[serde(flatten)]
    pub integration: SafeIntegration,
    pub author: String,
    /// With which the build calls the integration, if whoever asks may change the site.
    pub extension_token: Option<String>,
}

type WithVersion<T> = (HeaderMap, axum::Json<T>);

fn enablement_body(enablement: &Enablement) -> WithVersion<EnablementBody> {
    let version = HeaderValue::try_from(format!("\"{}\"", enablement.version));
    let headers = version.map(|version| HeaderMap::from_iter([(header::ETAG, version)])).unwrap_or_default();
    let body = EnablementBody {
        config: enablement.context.clone(),
        has_build_hook_enabled: enablement.build_hook,
        has_connectors_enabled: enablement.connectors,
    };
    (headers, axum::Json(body))
}

impl From<EnablementError> for ApiError {
    fn from(error: EnablementError) -> Self {
        match error {
            EnablementError::AlreadyEnabled => conflict(error.to_string()),
            EnablementError::NotEnabled => ApiError::new(StatusCode::NOT_FOUND, error.to_string()),
            EnablementError::Conflict { .. } => ApiError::new(StatusCode::PRECONDITION_FAILED, error.to_string()),
            EnablementError::Store(error) => StoreError::from(error).into(),
            other => internal(other),
        }
    }
}

/// The version in `If-Match`, if there is one: the change is to be made to that one only.
fn expected_version(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
    version.map(Some).ok_or_else(|| bad_request("If-Match: send the ETag that was answered, such as \"3\""))
}

impl IntegrationContext {
    /// A token with which the integration acts on in the same name, and can do no more than with this one.
    fn token(&self, app: &App) -> ApiResult<String> {
        let Grant { scope, .. } = self.caller.grant;
        Ok(app.store.integration_token(&IntegrationToken {
            integration: self.integration.id.clone(),
            account: self.account.id.clone(),
            site: self.site.as_ref().map(|site| site.id.clone()),
            user: self.caller.user.id.clone(),
            scope: scope.min(Scope::Write),
            expires_at: app.store.integration_token_end(),
        })?)
    }

    async fn enable(&self, app: &App, body: EnableIntegration) -> ApiResult<(StatusCode, axum::Json<TokenText>)> {
        let context = Value::Object(body.config);
        app.enablements.enable(&self.place(), &self.integration.id, &context).await?;
        Ok((StatusCode::CREATED, axum::Json(TokenText { token: self.token(app)? })))
    }

    async fn update(
        &self,
        app: &App,
        headers: &HeaderMap,
        body: UpdateEnablement,
    ) -> ApiResult<WithVersion<EnablementBody>> {
        let expected = expected_version(headers)?;
        let change = EnablementChange {
            context: body.config.map(Value::Object),
            build_hook: body.has_build_hook_enabled,
            connectors: body.has_connectors_enabled,
        };
        for left in (0..TRIES).rev() {
            let changed = app.enablements.update(&self.place(), &self.integration.id, change.clone(), expected).await;
            match changed {
                // Who names no version means whatever is there.
                Err(EnablementError::Conflict { .. }) if expected.is_none() && left > 0 => {}
                changed => return Ok(enablement_body(&changed?)),
            }
        }
        Err(conflict("others are changing this all the time; try again"))
    }

    async fn disable(&self, app: &App) -> ApiResult<StatusCode> {
        app.enablements.disable(&self.place(), &self.integration.id).await?;
        Ok(StatusCode::NO_CONTENT)
    }
}

/// What the integration keeps at the site. The `ETag` is its version.
#[utoipa::path(get, path = "/site/{site_id}/integrations/{integration}", params(("site_id" = String, Path), ("integration" = String, Path)), responses((status = 200, body = EnablementBody), (status = 404, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn show_of_site(
    State(app): State<SharedApp>,
    IntegrationReader(context): IntegrationReader,
) -> ApiResult<WithVersion<EnablementBody>> {
    Ok(enablement_body(&context.enablement(&app).await?))
}

/// What the integration keeps at the account. The `ETag` is its version.
#[utoipa::path(get, path = "/team/{account_id}/integrations/{integration}", params(("account_id" = String, Path), ("integration" = String, Path)), responses((status = 200, body = EnablementBody), (status = 404, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn show_of_account(
    State(app): State<SharedApp>,
    IntegrationReader(context): IntegrationReader,
) -> ApiResult<WithVersion<EnablementBody>> {
    Ok(enablement_body(&context.enablement(&app).await?))
}

/// Enables the integration at the site, without telling it: this is what its own handler calls.
#[utoipa::path(post, path = "/site/{site_id}/integrations/{integration}", params(("site_id" = String, Path), ("integration" = String, Path)), request_body = EnableIntegration, responses((status = 201, body = TokenText), (status = 401, body = crate::error::ErrorBody), (status = 409, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn enable_at_site(
    State(app): State<SharedApp>,
    IntegrationWriter(context): IntegrationWriter,
    Json(body): Json<EnableIntegration>,
) -> ApiResult<(StatusCode, axum::Json<TokenText>)> {
    context.enable(&app, body).await
}

/// Enables the integration at the account, without telling it: this is what its own handler calls.
#[utoipa::path(post, path = "/team/{account_id}/integrations/{integration}", params(("account_id" = String, Path), ("integration" = String, Path)), request_body = EnableIntegration, responses((status = 201, body = TokenText), (status = 401, body = crate::error::ErrorBody), (status = 409, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn enable_at_account(
    State(app): State<SharedApp>,
    IntegrationWriter(context): IntegrationWriter,
    Json(body): Json<EnableIntegration>,
) -> ApiResult<(StatusCode, axum::Json<TokenText>)> {
    context.enable(&app, body).await
}

/// Changes what the integration keeps at the site; with `If-Match`, only if it still is at that version.
#[utoipa::path(put, path = "/site/{site_id}/integrations/{integration}", params(("site_id" = String, Path), ("integration" = String, Path), ("If-Match" = Option<String>, Header)), request_body = UpdateEnablement, responses((status = 200, body = EnablementBody), (status = 404, body = crate::error::ErrorBody), (status = 412, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn update_at_site(
    State(app): State<SharedApp>,
    IntegrationWriter(context): IntegrationWriter,
    headers: HeaderMap,
    Json(body): Json<UpdateEnablement>,
) -> ApiResult<WithVersion<EnablementBody>> {
    context.update(&app, &headers, body).await
}

/// Changes what the integration keeps at the account; with `If-Match`, only if it still is at that version.
#[utoipa::path(put, path = "/team/{account_id}/integrations/{integration}", params(("account_id" = String, Path), ("integration" = String, Path), ("If-Match" = Option<String>, Header)), request_body = UpdateEnablement, responses((status = 200, body = EnablementBody), (status = 404, body = crate::error::ErrorBody), (status = 412, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn update_at_account(
    State(app): State<SharedApp>,
    IntegrationWriter(context): IntegrationWriter,
    headers: HeaderMap,
    Json(body): Json<UpdateEnablement>,
) -> ApiResult<WithVersion<EnablementBody>> {
    context.update(&app, &headers, body).await
}

/// Disables the integration at the site and forgets what it kept, without telling it.
#[utoipa::path(delete, path = "/site/{site_id}/integrations/{integration}", params(("site_id" = String, Path), ("integration" = String, Path)), responses((status = 204), (status = 404, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn disable_at_site(
    State(app): State<SharedApp>,
    IntegrationWriter(context): IntegrationWriter,
) -> ApiResult<StatusCode> {
    context.disable(&app).await
}

/// Disables the integration at the account and forgets what it kept, without telling it.
#[utoipa::path(delete, path = "/team/{account_id}/integrations/{integration}", params(("account_id" = String, Path), ("integration" = String, Path)), responses((status = 204), (status = 404, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn disable_at_account(
    State(app): State<SharedApp>,
    IntegrationWriter(context): IntegrationWriter,
) -> ApiResult<StatusCode> {
    context.disable(&app).await
}

/// Makes a token for the builds of the site. It lasts until the integration is disabled there.
#[utoipa::path(post, path = "/site/{site_id}/integrations/{integration}/generate-build-token", params(("site_id" = String, Path), ("integration" = String, Path)), request_body = GenerateBuildToken, responses((status = 201, body = TokenText), (status = 404, body = crate::error::ErrorBody)), tag = "integrations")]
pub async fn generate_build_token(
    State(app): State<SharedApp>,
    IntegrationWriter(context): IntegrationWriter,
    Json(body): Json<GenerateBuildToken>,
) -> ApiResult<(StatusCode, axum::Json<TokenText>)> {
    let enabled = context.enablement(&app).await?;
    let IntegrationContext { caller, account, site, integration } = context;
    let site = site.ok_or_else(|| internal(anyhow::anyhow!("this address is one of sites")))?;
    let asked = body.team_id.filter(|team| !team.is_empty());
    if let Some(team) = asked.as_ref().filter(|team| **team != account.id.as_str() && **team != account.slug) {
        return Err(not_found(format!("account `{team}` of this site")));
    }
    let token = app.store.build_token(&BuildToken {
        integration: integration.id,
        account: account.id,
        site: site.id,
        user: caller.user.id,
        with_account: asked.is_some(),
        enabled_at: enabled.created_at.into(),
    })?;
    Ok((StatusCode::CREATED, axum::Json(TokenText { token })))
}

/// Gives a build a token with which the integration may look at what it keeps, for a while.
#[utoipa::path(post, path = "/site/{site_id}/integrations/{integration}/exchange-build-token", params(("site_id" = String, Path), ("integration" = String, Path)), request_body = ExchangeBuildToken, responses((status = 200, body = ExchangedToken), (status = 401, body = crate::error::ErrorBody)), security(()), tag = "integrations")]
pub async fn exchange_build_token(
    State(app): State<SharedApp>,
    _: Stranger,
    Path((site_id, slug)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<ExchangeBuildToken>,
) -> ApiResult<axum::Json<ExchangedToken>> {
    let shown = headers.get(crate::auth::INTEGRATION_TOKEN_HEADER).and_then(|token| token.to_str().ok());
    let shown = shown.or(body.token.as_deref()).and_then(|token| app.store.open_build_token(token));
    let refused = || unauthorized("this is no build token of the integration at this site, or no longer");
    let fits = |token: &BuildToken| token.integration.as_str() == slug && token.site.as_str() == site_id;
    let token = shown.filter(fits).ok_or_else(refused)?;
    let place = Place::Site(token.site.as_str().into());
    let enabled = app.enablements.find(&place, &token.integration).await.map_err(StoreError::from)?;
    if enabled.is_none_or(|enabled| Time::from(enabled.created_at) != token.enabled_at) {
        return Err(refused());
    }
    let place = Place::Account(token.account.as_str().into());
    let at_account = app.enablements.find(&place, &token.integration).await.map_err(StoreError::from)?;
    let text = app.store.integration_token(&IntegrationToken {
        integration: token.integration,
        account: token.account.clone(),
        site: Some(token.site.clone()),
        user: token.user,
        scope: Scope::Read,
        expires_at: app.store.integration_token_end(),
    })?;
    // Builds read what is kept at the account as soon as they know which it is, and fail where nothing is.
    let team_id = (token.with_account && at_account.is_some()).then(|| token.account.to_string());
    Ok(axum::Json(ExchangedToken { token: text, site_id: token.site.to_string(), team_id }))
}

/// What is enabled at a site and its account. Slugs, names and addresses only: anybody may ask.
async fn enabled_at(app: &App, site: &Site) -> ApiResult<Vec<(SurfaceIntegration, SafeIntegration)>> {
    let places = [Place::Site(site.id.as_str().into()), Place::Account(site.account_id.as_str().into())];
    let mut found: Vec<(SurfaceIntegration, SafeIntegration)> = Vec::new();
    for place in &places {
        for enabled in app.enablements.list(place).await.map_err(StoreError::from)? {
            let Some(integration) = app.surfaces.find(enabled.integration.as_str()) else { continue };
            if found.iter().any(|(known, _)| known.id == integration.id) {
                continue;
            }
            let safe = SafeIntegration {
                slug: integration.id.to_string(),
                version: app.urls.integration(&integration.id),
                name: integration.about.name.to_string(),
                has_build: enabled.build_hook && integration.build_plugin.is_some(),
                has_connector: enabled.connectors,
            };
            found.push((integration, safe));
        }
    }
    Ok(found)
}

/// The integrations that are enabled at a site. Of a site that is not there, none: that is not told.
#[utoipa::path(get, path = "/site/{site_id}/integrations/safe", params(("site_id" = String, Path)), responses((status = 200, body = [SafeIntegration])), security(()), tag = "integrations")]
pub async fn list_safe_integrations(
    State(app): State<SharedApp>,
    _: Stranger,
    Path(site_id): Path<String>,
) -> ApiResult<axum::Json<Vec<SafeIntegration>>> {
    let Some(site) = app.store.find_site_anywhere(&site_id).await? else { return Ok(axum::Json(Vec::new())) };
    let enabled = enabled_at(&app, &site).await?;
    Ok(axum::Json(enabled.into_iter().map(|(_, safe)| safe).collect()))
}

/// The integrations that are enabled at a site of an account, for its builds.
#[utoipa::path(get, path = "/team/{account_id}/integrations/installations/meta/{site_id}", params(("account_id" = String, Path), ("site_id" = String, Path)), responses((status = 200, body = [InstalledIntegration])), security(()), tag = "integrations")]
pub async fn list_installed_integrations(
    State(app): State<SharedApp>,
    Anybody(caller): Anybody,
    Path((account_id, site_id)): Path<(String, String)>,
) -> ApiResult<axum::Json<Vec<InstalledIntegration>>> {
    let site = app.store.find_site_anywhere(&site_id).await?;
    let account = app.store.find_account_anywhere(&account_id).await?;
    let (Some(site), Some(account)) = (site, account) else { return Ok(axum::Json(Vec::new())) };
    if site.account_id != account.id {
        return Ok(axum::Json(Vec::new()));
    }
    let writer = match caller {
        Some(caller) => site_for(&app, caller, site.id.as_str(), Scope::Write).await.ok(),
        None => None,
    };
    let mut installed = Vec::new();
    for (integration, safe) in enabled_at(&app, &site).await? {
        let token = writer.as_ref().map(|writer| {
            let (caller, account, site) = (writer.caller.clone(), writer.account.clone(), Some(writer.site.clone()));
            IntegrationContext { caller, account, site, integration }.token(&app)
        });
        installed.push(InstalledIntegration {
            integration: safe,
            author: String::new(),
            extension_token: token.transpose()?,
        });
    }
    Ok(axum::Json(installed))
}

/// All integrations with pages of their own.
#[utoipa::path(get, path = "/integrations", responses((status = 200, body = [Object])), security(()), tag = "integrations")]
pub async fn list_integrations(State(app): State<SharedApp>, _: Stranger) -> axum::Json<Vec<Value>> {
    let known = |kind| app.surfaces.at(kind).into_iter().map(|integration| (integration.id.to_string(), integration));
    let all: BTreeMap<String, SurfaceIntegration> = known(ScopeKind::Site).chain(known(ScopeKind::Account)).collect();
    let row = |(slug, integration): (String, SurfaceIntegration)| {
        json!({
            "slug": slug, "name": integration.about.name.to_string(), "description": integration.about.summary.to_string(),
            "hostSiteUrl": app.urls.integration(&integration.id),
        })
    };
    axum::Json(all.into_iter().map(row).collect())
}
