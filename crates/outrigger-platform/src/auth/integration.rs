//! Integrations that act in somebody's name: the addresses that are for them, and the integration in the path.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use outrigger_integrations::handler::Caller as HandlerCaller;
use outrigger_integrations::surface::SurfaceIntegration;
use outrigger_integrations::{Enablement, IntegrationId, Scope as Place, ScopeKind};

use super::{AccountContext, Caller, account_context, path_value, site_context, token, too_little};
use crate::app::App;
use crate::error::{ApiResult, forbidden, invalid_integration, not_found};
use crate::store::accounts::Account;
use crate::store::ids::{AccountId, SiteId, UserId};
use crate::store::sites::Site;
use crate::store::tokens::Scope;

/// Where integrations put their token (contract integration-api, section 2).
pub(crate) const INTEGRATION_TOKEN_HEADER: HeaderName = HeaderName::from_static("netlify-token");

/// All that a token of an integration is for (contract integration-api, sections 2 and 3).
const FOR_INTEGRATIONS: [&str; 16] = [
    "/site/{site_id}/integrations/{integration}",
    "/site/{site_id}/integrations/{integration}/generate-build-token",
    "/team/{account_id}/integrations/{integration}",
    "/team/{account_id}/integrations/installations/meta/{site_id}",
    "/api/v1/accounts/{account_id}",
    "/api/v1/accounts/{account_id}/env",
    "/api/v1/accounts/{account_id}/env/{key}",
    "/api/v1/accounts/{account_id}/env/{key}/value/{value_id}",
    "/api/v1/sites",
    "/api/v1/sites/{site_id}",
    "/api/v1/sites/{site_id}/env",
    "/api/v1/sites/{site_id}/builds",
    "/api/v1/sites/{site_id}/build_hooks",
    "/api/v1/sites/{site_id}/build_hooks/{hook_id}",
    "/api/v1/hooks",
    "/api/v1/hooks/{hook_id}",
];

/// Whether a token of an integration is for the address with this template.
pub(super) fn may_call(path: &str) -> bool {
    FOR_INTEGRATIONS.contains(&path)
}

/// The integration that the path names, at the site or account that it names, and who asks about it.
#[derive(Debug, Clone)]
pub struct IntegrationContext {
    pub caller: Caller,
    pub account: Account,
    /// None where it is about the account.
    pub site: Option<Site>,
    pub integration: SurfaceIntegration,
}

/// May look at what the integration in the path keeps.
pub struct IntegrationReader(pub IntegrationContext);
/// May enable, change and disable the integration in the path.
pub struct IntegrationWriter(pub IntegrationContext);

impl IntegrationContext {
    /// Where it is, or may be, enabled.
    pub(crate) fn place(&self) -> Place {
        match &self.site {
            Some(site) => Place::Site(site.id.as_str().into()),
            None => Place::Account(self.account.id.as_str().into()),
        }
    }

    /// How it is enabled there.
    pub(crate) async fn enablement(&self, app: &App) -> ApiResult<Enablement> {
        let found = app.enablements.find(&self.place(), &self.integration.id).await;
        let found = found.map_err(crate::store::StoreError::from)?;
        found.ok_or_else(|| not_found(format!("`{}` is not enabled here", self.integration.id)))
    }

    async fn find(parts: &mut Parts, app: &Arc<App>, needed: Scope) -> ApiResult<Self> {
        let (caller, account, site, scope) = match path_value(parts, app, &["account_id"]).await {
            Ok(_) => {
                let AccountContext { caller, account, scope } = account_context(parts, app, Scope::Read).await?;
                (caller, account, None, scope)
            }
            Err(_) => {
                let context = site_context(parts, app, Scope::Read).await?;
                (context.caller, context.account, Some(context.site), context.scope)
            }
        };
        let slug = path_value(parts, app, &["integration"]).await?;
        let own = match &caller.grant.integration {
            Some(grant) if grant.integration.as_str() != slug => {
                return Err(forbidden(format!("this token is one of the integration `{}`", grant.integration)));
            }
            grant => grant.is_some(),
        };
        // What is kept may be secret, so people need more to see it than the integration itself.
        let needed = if own { needed } else { Scope::Write };
        if scope < needed {
            return Err(too_little(needed));
        }
        let kind = if site.is_some() { ScopeKind::Site } else { ScopeKind::Account };
        let integration = app.surfaces.find(&slug).filter(|integration| integration.places.contains(&kind));
        let integration = integration.ok_or_else(|| invalid_integration(&slug))?;
        Ok(Self { caller, account, site, integration })
    }
}

impl FromRequestParts<Arc<App>> for IntegrationReader {
    type Rejection = crate::error::ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        IntegrationContext::find(parts, app, Scope::Read).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for IntegrationWriter {
    type Rejection = crate::error::ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        IntegrationContext::find(parts, app, Scope::Write).await.map(Self)
    }
}

/// For whom a handler of the integration is called, by the token that came along. Pages send it as a cookie, builds send
/// a build token, and that to one handler only.
pub(crate) fn handler_caller(
    app: &App,
    headers: &HeaderMap,
    integration: &IntegrationId,
    handler: &str,
) -> Option<HandlerCaller> {
    let secret = handler_cookie(headers).or_else(|| token(headers))?;
    let caller = |account: AccountId, site: Option<SiteId>, user: UserId| HandlerCaller {
        account: account.to_string(),
        site: site.map(|site| site.to_string()),
        user: Some(user.to_string()),
        token: Some(secret.into()),
        provider_token: headers.get("provider-oauth-token").and_then(|token| token.to_str().ok()).map(Into::into),
    };
    if handler == BUILD_CONTEXT {
        let token = app.store.open_build_token(secret).filter(|token| token.integration == *integration);
        return token.map(|token| caller(token.account, Some(token.site), token.user));
    }
    let token = app.store.open_integration_token(secret).filter(|token| token.integration == *integration);
    token.map(|token| caller(token.account, token.site, token.user))
}

/// The handler that builds ask what they need to know.
const BUILD_CONTEXT: &str = "build-context";

fn handler_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == "_nf-auth").map(|(_, token)| token)
}
