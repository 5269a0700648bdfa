//! Who calls, and what they may do. The extractor in a handler's signature is the permission it needs.
//!
//! Something of another account is "not found", never "forbidden": its existence is nobody else's business.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::app::App;
use crate::client_address::{client_address, counted_as};
use crate::error::{ApiResult, forbidden, internal, not_found, unauthorized};
use crate::store::accounts::{Account, Role};
use crate::store::addons::Addon;
use crate::store::ids::AccountId;
use crate::store::instances::Instance;
use crate::store::sites::Site;
use crate::store::tokens::Scope;
use crate::store::users::User;

mod browser;
mod grant;
mod integration;
mod password;

pub use browser::{AccountVisitor, Browser, ClientAddress, PageRefusal, SignedIn, SiteVisitor, SystemVisitor};
pub(crate) use browser::{clear_session_cookie, session_cookie, set_session_cookie};
pub use grant::{Grant, IntegrationGrant};
pub(crate) use integration::{INTEGRATION_TOKEN_HEADER, handler_caller};
pub use integration::{IntegrationContext, IntegrationReader, IntegrationWriter};
pub(crate) use password::{hash_password, verify_password};

/// A user, and what their token lets the request do.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    pub grant: Grant,
}

/// An account and who asks about it.
#[derive(Debug, Clone)]
pub struct AccountContext {
    pub caller: Caller,
    pub account: Account,
    /// What the caller may do here.
    pub scope: Scope,
}

/// A site, its account and who asks about them.
#[derive(Debug, Clone)]
pub struct SiteContext {
    pub caller: Caller,
    pub account: Account,
    pub site: Site,
    /// What the caller may do here.
    pub scope: Scope,
}

/// An instance in the path, which is of the add-on and on the site that the path names, and who asks about it.
#[derive(Debug, Clone)]
pub struct InstanceContext {
    pub site: SiteContext,
    pub addon: Addon,
    pub instance: Instance,
}

/// May look at the site in the path.
pub struct SiteReader(pub SiteContext);
/// May change the site in the path.
pub struct SiteWriter(pub SiteContext);
/// May look at the instance in the path.
pub struct InstanceReader(pub InstanceContext);
/// May change the instance in the path.
pub struct InstanceWriter(pub InstanceContext);
/// May look at the account in the path.
pub struct AccountReader(pub AccountContext);
/// May change variables and sites of the account in the path.
pub struct AccountWriter(pub AccountContext);
/// Anybody: the address is open to all, and how often one may ask is counted by where the request comes from.
pub struct Stranger;
/// Anybody, too; who shows a token is known.
pub struct Anybody(pub Option<Caller>);
/// May look at what all accounts share.
pub struct OperatorReader(pub Caller);
/// May change the registry of add-ons.
pub struct Operator(pub Caller);

impl Caller {
    /// What the caller may do in an account: the lesser of the role there and the token's scope.
    pub async fn scope_in(&self, app: &App, account: &AccountId) -> ApiResult<Option<Scope>> {
        if self.grant.account_id.as_ref().is_some_and(|only| only != account) {
            return Ok(None);
        }
        let role = app.store.role_in_account(account, &self.user.id).await?;
        Ok(role.map(|role| self.scope_as(role)))
    }

    /// The lesser of a role and the token's scope.
    pub(crate) fn scope_as(&self, role: Role) -> Scope {
        let by_role = match role {
            Role::Viewer => Scope::Read,
            Role::Developer => Scope::Write,
            Role::Owner => Scope::Admin,
        };
        by_role.min(self.grant.scope)
    }

    /// The accounts the caller may look at, with the role in each.
    pub async fn accounts(&self, app: &App) -> ApiResult<Vec<(Account, Role)>> {
        let mut accounts = app.store.accounts_of_user(&self.user.id).await?;
        if let Some(only) = &self.grant.account_id {
            accounts.retain(|(account, _)| account.id == *only);
        }
        Ok(accounts)
    }

    /// Refuses a token whose scope is too small.
    pub fn require(&self, needed: Scope) -> ApiResult<()> {
        if self.grant.scope < needed {
            return Err(too_little(needed));
        }
        Ok(())
    }
}

pub(crate) fn too_little(needed: Scope) -> crate::error::ApiError {
    let needed = match needed {
        Scope::Read => "read",
        Scope::Write => "write",
        Scope::Admin => "admin",
    };
    forbidden(format!("this needs the right to {needed}: use a token of that scope, or ask an owner for the role"))
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = crate::error::ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let Some(secret) = token(&parts.headers) else {
            count_stranger(app, parts)?;
            return Err(unauthorized("no token: send `Authorization: Bearer TOKEN`"));
        };
        let Some((user, grant)) = grant::find(app, secret).await? else {
            // Guessing counts as asking without a token.
            count_stranger(app, parts)?;
            return Err(unauthorized("this token is unknown, expired or revoked"));
        };
        app.limits.check_request(&grant.id, app.store.clock().now())?;
        let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        if grant.integration.is_some() && !integration::may_call(path) {
            return Err(forbidden("a token of an integration is not for this address"));
        }
        Ok(Self { user, grant })
    }
}

/// The token that came with a request. Integrations send it in a header of its own, too.
fn token(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).or_else(|| headers.get(INTEGRATION_TOKEN_HEADER)?.to_str().ok())
}

/// Whom a request without a valid token is counted for.
fn address(app: &App, parts: &Parts) -> String {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    peer.map_or_else(String::new, |peer| counted_as(client_address(peer, &parts.headers, &app.config.trusted_proxies)))
}

fn count_stranger(app: &App, parts: &Parts) -> ApiResult<()> {
    app.limits.check_address(&address(app, parts), app.store.clock().now())
}

impl FromRequestParts<Arc<App>> for Stranger {
    type Rejection = crate::error::ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        count_stranger(app, parts)?;
        Ok(Self)
    }
}

impl FromRequestParts<Arc<App>> for Anybody {
    type Rejection = crate::error::ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        if token(&parts.headers).is_some() {
            return Caller::from_request_parts(parts, app).await.map(|caller| Self(Some(caller)));
        }
        count_stranger(app, parts)?;
        Ok(Self(None))
    }
}

/// The scheme's name is case-insensitive (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

pub(crate) async fn path_value(parts: &mut Parts, app: &Arc<App>, names: &[&str]) -> ApiResult<String> {
    // What is no UTF-8 names nothing that we have.
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| not_found("this address"))?;
    let value = params.iter().find(|(name, _)| names.contains(name)).map(|(_, value)| value.to_owned());
    value.ok_or_else(|| internal(anyhow::anyhow!("the route has none of the path values {names:?}")))
}

async fn site_context(parts: &mut Parts, app: &Arc<App>, needed: Scope) -> ApiResult<SiteContext> {
    let caller = Caller::from_request_parts(parts, app).await?;
    let id_or_name = path_value(parts, app, &["site_id", "site"]).await?;
    site_for(app, caller, &id_or_name, needed).await
}

/// The site, when the caller may do what is needed there.
pub(crate) async fn site_for(app: &App, caller: Caller, id_or_name: &str, needed: Scope) -> ApiResult<SiteContext> {
    let missing = || not_found(format!("site `{id_or_name}`"));
    let site = app.store.find_site_anywhere(id_or_name).await?.ok_or_else(missing)?;
    if !caller.grant.reaches_site(&site.id) {
        return Err(missing());
    }
    let scope = caller.scope_in(app, &site.account_id).await?.ok_or_else(missing)?;
    if scope < needed {
        return Err(too_little(needed));
    }
    let account = app.store.find_account_anywhere(site.account_id.as_str()).await?.ok_or_else(missing)?;
    Ok(SiteContext { caller, account, site, scope })
}

/// The add-on and the instance that the path names must belong together.
async fn instance_context(parts: &mut Parts, app: &Arc<App>, needed: Scope) -> ApiResult<InstanceContext> {
    let site = site_context(parts, app, needed).await?;
    let slug = path_value(parts, app, &["addon"]).await?;
    let id = path_value(parts, app, &["instance_id"]).await?;
    let missing = || not_found(format!("instance `{id}` of add-on `{slug}`"));
    let id = id.parse().map_err(|_| missing())?;
    let instance = app.store.find_instance(&site.site.id, &id).await?.ok_or_else(missing)?;
    let addon = app.store.find_addon(&slug).await?.filter(|addon| addon.id == instance.addon_id);
    Ok(InstanceContext { site, addon: addon.ok_or_else(missing)?, instance })
}

async fn operator(parts: &mut Parts, app: &Arc<App>, needed: Scope) -> ApiResult<Caller> {
    let caller = Caller::from_request_parts(parts, app).await?;
    // A token that is limited to one account must not reach what all accounts share.
    if !caller.user.operator || caller.grant.account_id.is_some() {
        return Err(forbidden("only an operator of the platform, with a token for all accounts, may do this"));
    }
    caller.require(needed)?;
    Ok(caller)
}

async fn account_context(parts: &mut Parts, app: &Arc<App>, needed: Scope) -> ApiResult<AccountContext> {
    let caller = Caller::from_request_parts(parts, app).await?;
    let id_or_slug = path_value(parts, app, &["account_id", "account_slug", "account"]).await?;
    let missing = || not_found(format!("account `{id_or_slug}`"));
    let account = app.store.find_account_anywhere(&id_or_slug).await?.ok_or_else(missing)?;
    let scope = caller.scope_in(app, &account.id).await?.ok_or_else(missing)?;
    if scope < needed {
        return Err(too_little(needed));
    }
    Ok(AccountContext { caller, account, scope })
}

macro_rules! extractor {
    ($name:ident, $context:ident, $needed:expr) => {
        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = crate::error::ApiError;

            async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
                $context(parts, app, $needed).await.map(Self)
            }
        }
    };
}

extractor!(SiteReader, site_context, Scope::Read);
extractor!(SiteWriter, site_context, Scope::Write);
extractor!(InstanceReader, instance_context, Scope::Read);
extractor!(InstanceWriter, instance_context, Scope::Write);
extractor!(AccountReader, account_context, Scope::Read);
extractor!(AccountWriter, account_context, Scope::Write);
extractor!(OperatorReader, operator, Scope::Read);
extractor!(Operator, operator, Scope::Admin);
