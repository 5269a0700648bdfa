//! Sites.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Json, Query};
use crate::app::{App, SharedApp};
use crate::auth::{AccountReader, AccountWriter, Caller, SiteReader, SiteWriter, too_little};
use crate::error::{ApiResult, invalid_field, not_found, unprocessable};
use crate::ops::sites::{self, SiteChanges};
use crate::store::Time;
use crate::store::accounts::Account;
use crate::store::ids::{AccountId, SiteId};
use crate::store::sites::{Identity, Site, SiteFilter};
use crate::store::tokens::Scope;

/// A site, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SiteBody {
    #[schema(value_type = String)]
    pub id: SiteId,
    /// The same id; the CLI looks for it under this name too.
    #[schema(value_type = String)]
    pub site_id: SiteId,
    pub name: String,
    pub url: String,
    pub ssl_url: String,
    pub admin_url: String,
    #[schema(value_type = String)]
    pub account_id: AccountId,
    pub account_slug: String,
    pub account_name: String,
    /// Variables are those of the env endpoints.
    pub use_envelope: bool,
    /// The CLI crashes on a site without this.
    #[schema(value_type = Object)]
    pub build_settings: Map<String, Value>,
    #[schema(value_type = Object)]
    pub feature_flags: Map<String, Value>,
    /// The site's main name of its own.
    #[serde(default)]
    pub custom_domain: Option<String>,
    /// Its other names.
    #[serde(default)]
    pub domain_aliases: Vec<String>,
    /// Extension: what answers for the site.
    #[serde(default)]
    pub origin_url: Option<String>,
    /// Extension: who makes the tokens of its users: `secret`, or the URL of a key set.
    #[serde(default)]
    pub identity: Option<String>,
    /// Extension: functions of the site that an identity service calls, by event.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub function_hooks: Option<Map<String, Value>>,
    /// Extension: where builds are asked for.
    pub build_webhook_url: Option<String>,
    /// Extension: the secret that signs requests to the webhook; in the answer that sets one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_webhook_secret: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

/// What a new site shall be. Fields of other clients are ignored.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreateSite {
    /// Blank or missing: one is made up.
    #[serde(default)]
    pub name: Option<String>,
    /// The account, by id or slug, when the path does not name it; else the caller's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_slug: Option<String>,
}

/// What to change. Fields of other clients are ignored.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpdateSite {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Extension: where builds are asked for; an empty text removes it. Setting it makes a new secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_webhook_url: Option<String>,
    /// The site's main name of its own; an empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_domain: Option<String>,
    /// Its other names, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_aliases: Option<Vec<String>>,
    /// Extension: what answers for the site; an empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_url: Option<String>,
    /// Extension: who makes the tokens of its users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<WriteIdentity>,
    /// Extension: functions of the site that an identity service calls, by event; an empty object removes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub function_hooks: Option<Map<String, Value>>,
}

/// Who makes the tokens of a site's users: one of both, or, with neither, nobody.
#[derive(Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WriteIdentity {
    /// The secret that signs them (HS256).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The URL of the JSON Web Key Set with which they are verified (RS256, ES256, EdDSA).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// With a key set: what `iss` of each token has to be. Without it any issuer will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// With a key set: what `aud` of each token has to be or to hold. A service that makes tokens for several
    /// applications signs all of them with the same keys: without an audience, those of the others count as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

impl std::fmt::Debug for WriteIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteIdentity").field("jwks_url", &self.jwks_url).finish_non_exhaustive()
    }
}

impl WriteIdentity {
    fn checked(self) -> ApiResult<Option<Identity>> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (issuer, audience) = (given(self.issuer), given(self.audience));
        let is_narrowed = issuer.is_some() || audience.is_some();
        match (given(self.secret), given(self.jwks_url)) {
            (Some(_), Some(_)) => Err(invalid_field("identity", "has a secret or a key set, not both")),
            (None, Some(url)) => Ok(Some(Identity::Jwks { url, issuer, audience })),
            _ if is_narrowed => Err(invalid_field("identity", "has an issuer or an audience only with a key set")),
            (Some(secret), None) => Ok(Some(Identity::Secret(secret))),
            (None, None) => Ok(None),
        }
    }
}

/// Which sites to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub struct ListSites {
    /// Part of the name.
    pub name: Option<String>,
    /// From 1.
    pub page: Option<u64>,
    /// At most 100.
    pub per_page: Option<u64>,
}

fn site_body(app: &App, site: Site, account: &Account, scope: Scope, domains: Vec<String>) -> SiteBody {
    let url = app.urls.site(&site);
    let mut domains = domains.into_iter();
    SiteBody {
        identity: shown_identity(app, &site),
        custom_domain: domains.next(),
        domain_aliases: domains.collect(),
        function_hooks: site.function_hooks.as_deref().and_then(|hooks| serde_json::from_str(hooks).ok()),
        origin_url: site.origin_url.clone().map(|url| shown_address(url, scope)),
        admin_url: app.urls.site_admin(&site),
        site_id: site.id.clone(),
        id: site.id,
        name: site.name,
        ssl_url: url.clone(),
        url,
        account_id: account.id.clone(),
        account_slug: account.slug.clone(),
        account_name: account.name.clone(),
        use_envelope: true,
        build_settings: Map::new(),
        feature_flags: Map::new(),
        build_webhook_url: site.build_webhook_url.map(|url| shown_address(url, scope)),
        build_webhook_secret: None,
        created_at: site.created_at,
        updated_at: site.updated_at,
    }
}

fn shown_identity(app: &App, site: &Site) -> Option<String> {
    match app.store.identity(site) {
        Ok(Some(Identity::Secret(_))) => Some("secret".to_owned()),
        Ok(Some(Identity::Jwks { url, .. })) => Some(url),
        Ok(None) | Err(_) => None,
    }
}

/// The address of a webhook may hold a secret, so who may only look sees no more than where it is.
pub(crate) fn shown_address(address: String, scope: Scope) -> String {
    if scope >= Scope::Write {
        return address;
    }
    let origin = address.parse::<url::Url>().map(|url| url.origin().ascii_serialization());
    origin.map(|origin| format!("{origin}/…")).unwrap_or_default()
}

/// `accounts` with what the caller may do in each.
async fn list(app: &App, accounts: Vec<(Account, Scope)>, query: ListSites) -> ApiResult<axum::Json<Vec<SiteBody>>> {
    let ids: Vec<AccountId> = accounts.iter().map(|(account, _)| account.id.clone()).collect();
    let per_page = query.per_page.unwrap_or(100).clamp(1, 100);
    let filter = SiteFilter { name: query.name, page: query.page.unwrap_or(1), per_page };
    let sites = app.store.sites_of_accounts(&ids, &filter).await?;
    let mut domains = app.store.domains_by_site(&sites).await?;
    let bodies = sites.into_iter().filter_map(|site| {
        let (account, scope) = accounts.iter().find(|(account, _)| account.id == site.account_id)?;
        let domains = domains.remove(&site.id).unwrap_or_default();
        Some(site_body(app, site, account, *scope, domains))
    });
    Ok(axum::Json(bodies.collect()))
}

/// The sites of all accounts that the token reaches, newest first.
#[utoipa::path(get, path = "/sites", operation_id = "listSites", params(ListSites), responses((status = 200, body = [SiteBody])), tag = "sites")]
pub async fn list_sites(
    State(app): State<SharedApp>,
    caller: Caller,
    Query(query): Query<ListSites>,
) -> ApiResult<axum::Json<Vec<SiteBody>>> {
    let accounts = caller.accounts(&app).await?.into_iter();
    let accounts = accounts.map(|(account, role)| (account, caller.scope_as(role))).collect();
    let mut sites = list(&app, accounts, query).await?;
    sites.retain(|site| caller.grant.reaches_site(&site.id));
    Ok(sites)
}

/// The sites of one account.
#[utoipa::path(get, path = "/{account_slug}/sites", operation_id = "listSitesForAccount", params(("account_slug" = String, Path), ListSites), responses((status = 200, body = [SiteBody])), tag = "sites")]
pub async fn list_sites_of_account(
    State(app): State<SharedApp>,
    AccountReader(context): AccountReader,
    Query(query): Query<ListSites>,
) -> ApiResult<axum::Json<Vec<SiteBody>>> {
    list(&app, vec![(context.account, context.scope)], query).await
}

async fn create(app: &App, account: &Account, name: Option<String>) -> ApiResult<(StatusCode, axum::Json<SiteBody>)> {
    let site = sites::create_site(app, account, name.as_deref().unwrap_or_default().trim()).await?;
    Ok((StatusCode::CREATED, axum::Json(site_body(app, site, account, Scope::Write, Vec::new()))))
}

/// Makes a site in the account that the body names, or in the caller's first.
#[utoipa::path(post, path = "/sites", operation_id = "createSite", request_body = CreateSite, responses((status = 201, body = SiteBody), (status = 422, body = crate::error::ErrorBody)), tag = "sites")]
pub async fn create_site(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<CreateSite>,
) -> ApiResult<(StatusCode, axum::Json<SiteBody>)> {
    let wanted = body.account_slug.as_deref();
    let mut accounts = caller.accounts(&app).await?.into_iter();
    let (account, role) = accounts
        .find(|(account, _)| wanted.is_none_or(|wanted| account.slug == wanted || account.id.as_str() == wanted))
        .ok_or_else(|| not_found("account"))?;
    if caller.scope_as(role) < Scope::Write {
        return Err(too_little(Scope::Write));
    }
    create(&app, &account, body.name).await
}

/// Makes a site in an account.
#[utoipa::path(post, path = "/{account_slug}/sites", operation_id = "createSiteInTeam", params(("account_slug" = String, Path)), request_body = CreateSite, responses((status = 201, body = SiteBody), (status = 422, body = crate::error::ErrorBody)), tag = "sites")]
pub async fn create_site_in_account(
    State(app): State<SharedApp>,
    AccountWriter(context): AccountWriter,
    Json(body): Json<CreateSite>,
) -> ApiResult<(StatusCode, axum::Json<SiteBody>)> {
    create(&app, &context.account, body.name).await
}

/// One site, by id or name.
#[utoipa::path(get, path = "/sites/{site_id}", operation_id = "getSite", params(("site_id" = String, Path)), responses((status = 200, body = SiteBody), (status = 404, body = crate::error::ErrorBody)), tag = "sites")]
pub async fn show_site(
    State(app): State<SharedApp>,
    SiteReader(context): SiteReader,
) -> ApiResult<axum::Json<SiteBody>> {
    let domains = app.store.domains_of_site(&context.site.id).await?;
    Ok(axum::Json(site_body(&app, context.site, &context.account, context.scope, domains)))
}

/// Renames a site or sets its build webhook.
#[utoipa::path(patch, path = "/sites/{site_id}", operation_id = "updateSite", params(("site_id" = String, Path)), request_body = UpdateSite, responses((status = 200, body = SiteBody), (status = 422, body = crate::error::ErrorBody)), tag = "sites")]
pub async fn update_site(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Json(body): Json<UpdateSite>,
) -> ApiResult<axum::Json<SiteBody>> {
    let domains = wanted_domains(&app, &context.site, &body).await?;
    let identity = body.identity.map(WriteIdentity::checked).transpose()?;
    let hooks = body.function_hooks.map(|hooks| (!hooks.is_empty()).then(|| Value::Object(hooks).to_string()));
    let changes = SiteChanges {
        name: body.name.as_deref(),
        build_webhook_url: body.build_webhook_url.as_deref(),
        origin_url: body.origin_url.as_deref(),
        domains: domains.as_deref(),
        identity: identity.as_ref().map(Option::as_ref),
        function_hooks: hooks.as_ref().map(Option::as_deref),
    };
    let secret = sites::update_site(&app, &context.site, changes).await?;
    let changed = app.store.find_site_anywhere(context.site.id.as_str()).await?;
    let changed = changed.ok_or_else(|| not_found("site (it was removed meanwhile)"))?;
    let domains = app.store.domains_of_site(&changed.id).await?;
    let mut body = site_body(&app, changed, &context.account, context.scope, domains);
    body.build_webhook_secret = secret;
    Ok(axum::Json(body))
}

/// The main name and the others are kept as one list; who sets one of both keeps the other.
async fn wanted_domains(app: &App, site: &Site, body: &UpdateSite) -> ApiResult<Option<Vec<String>>> {
    if body.custom_domain.is_none() && body.domain_aliases.is_none() {
        return Ok(None);
    }
    let mut before = app.store.domains_of_site(&site.id).await?.into_iter();
    let (main, others) = (before.next(), before.collect());
    let main = body.custom_domain.clone().or(main).filter(|main| !main.is_empty());
    Ok(Some(main.into_iter().chain(body.domain_aliases.clone().unwrap_or(others)).collect()))
}

/// Deletes a site after its add-ons.
#[utoipa::path(delete, path = "/sites/{site_id}", operation_id = "deleteSite", params(("site_id" = String, Path)), responses((status = 204), (status = 409, body = crate::error::ErrorBody)), tag = "sites")]
pub async fn delete_site(State(app): State<SharedApp>, SiteWriter(context): SiteWriter) -> ApiResult<StatusCode> {
    sites::delete_site(&app, &context.site).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for a build, as a build hook does.
#[utoipa::path(post, path = "/sites/{site_id}/builds", operation_id = "createSiteBuild", params(("site_id" = String, Path)), responses((status = 200, body = super::deliveries::DeliveryBody)), tag = "builds")]
pub async fn create_build(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
) -> ApiResult<axum::Json<super::deliveries::DeliveryBody>> {
    if context.site.build_webhook_url.is_none() {
        return Err(unprocessable("the site has no build webhook; set one with `outrigger sites webhook`"));
    }
    let trigger = crate::ops::build_hooks::BuildTrigger { title: "API", branch: "" };
    let delivery = crate::ops::build_hooks::request_build(&app, &context.site, trigger).await?;
    Ok(axum::Json(super::deliveries::delivery_body(delivery, Vec::new(), context.scope)))
}
