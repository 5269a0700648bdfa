//! What a token lets a request do.

use outrigger_integrations::IntegrationId;

use crate::app::App;
use crate::error::{ApiResult, internal};
use crate::store::Time;
use crate::store::ids::{AccountId, SiteId};
use crate::store::integration_tokens::IntegrationToken;
use crate::store::tokens::{Scope, Token};
use crate::store::users::User;

/// What a request may do at most, whatever the user may.
#[derive(Debug, Clone)]
pub struct Grant {
    /// For whom requests are counted.
    pub(super) id: String,
    /// The most it may do.
    pub scope: Scope,
    /// The only account it reaches.
    pub account_id: Option<AccountId>,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// The integration that acts in the user's name, if it is not the user who does.
    pub integration: Option<IntegrationGrant>,
}

/// That an integration acts in somebody's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationGrant {
    /// Which.
    pub integration: IntegrationId,
    /// The only site it reaches; none where it is at work for the account.
    pub site: Option<SiteId>,
}

impl Grant {
    /// Whether it lets a request do anything at this site.
    pub(crate) fn reaches_site(&self, site: &SiteId) -> bool {
        self.only_site().is_none_or(|only| only == site)
    }

    /// Whether it is for a site, and not for its account.
    pub(crate) fn is_of_one_site(&self) -> bool {
        self.only_site().is_some()
    }

    fn only_site(&self) -> Option<&SiteId> {
        self.integration.as_ref()?.site.as_ref()
    }
}

impl From<Token> for Grant {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.to_string(),
            scope: token.scope,
            account_id: token.account_id,
            expires_at: token.expires_at,
            integration: None,
        }
    }
}

impl From<IntegrationToken> for Grant {
    fn from(token: IntegrationToken) -> Self {
        Self {
            id: format!("{}/{}/{}", token.integration, token.account, token.user),
            scope: token.scope,
            account_id: Some(token.account),
            expires_at: Some(token.expires_at),
            integration: Some(IntegrationGrant { integration: token.integration, site: token.site }),
        }
    }
}

/// What this secret lets a request do, and in whose name; nothing, if it is no valid token.
pub(super) async fn find(app: &App, secret: &str) -> ApiResult<Option<(User, Grant)>> {
    if let Some(token) = app.store.open_integration_token(secret) {
        // Tokens of integrations outlive nobody: whoever is gone has no grant either.
        let user = app.store.find_user(&token.user).await?;
        return Ok(user.map(|user| (user, token.into())));
    }
    let Some(token) = app.store.find_valid_token(secret).await? else { return Ok(None) };
    app.store.touch_token(&token).await?;
    let user = app.store.find_user(&token.user_id).await?;
    let user = user.ok_or_else(|| internal(anyhow::anyhow!("token {} has no user", token.id)))?;
    Ok(Some((user, token.into())))
}
