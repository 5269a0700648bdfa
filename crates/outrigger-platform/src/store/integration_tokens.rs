//! Tokens of integrations. They are many and short-lived, so they are sealed and not stored: whoever shows one has all
//! that it says.

use jiff::SignedDuration;
use outrigger_integrations::IntegrationId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ids::{AccountId, SiteId, UserId};
use super::tokens::Scope;
use super::{Store, StoreError, Time};

/// With which an integration acts in somebody's name, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationToken {
    pub integration: IntegrationId,
    pub account: AccountId,
    /// The only site it reaches; none where the integration is at work for the account.
    pub site: Option<SiteId>,
    /// In whose name.
    pub user: UserId,
    /// The most it may do.
    pub scope: Scope,
    pub expires_at: Time,
}

/// With which the builds of a site ask for an [`IntegrationToken`]. It ends when the integration is disabled there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildToken {
    pub integration: IntegrationId,
    pub account: AccountId,
    pub site: SiteId,
    /// Who made it.
    pub user: UserId,
    /// Whether it is about what the integration keeps at the account, too.
    pub with_account: bool,
    /// When the integration was enabled at the site; another time is another enabling.
    pub enabled_at: Time,
}

/// Starts every token of an integration, so that secret scanners can tell one when it leaks.
const PREFIX: &str = "ori_";
/// Long enough for whatever a handler begins, short enough to be worth little later.
const LIFETIME: SignedDuration = SignedDuration::from_mins(30);
const TOKEN: &str = "integration token";
const BUILD_TOKEN: &str = "build token";

impl Store {
    /// When a token of an integration that is made now ends.
    pub fn integration_token_end(&self) -> Time {
        (self.clock().now() + LIFETIME).into()
    }

    /// The token's text.
    pub fn integration_token(&self, token: &IntegrationToken) -> Result<String, StoreError> {
        self.sealed_token(TOKEN, token)
    }

    /// What this text says, if it is a token of an integration that has not ended.
    pub fn open_integration_token(&self, text: &str) -> Option<IntegrationToken> {
        let token: IntegrationToken = self.open_token(TOKEN, text)?;
        (token.expires_at > self.now()).then_some(token)
    }

    /// The build token's text.
    pub fn build_token(&self, token: &BuildToken) -> Result<String, StoreError> {
        self.sealed_token(BUILD_TOKEN, token)
    }

    /// What this text says, if it is a build token.
    pub fn open_build_token(&self, text: &str) -> Option<BuildToken> {
        self.open_token(BUILD_TOKEN, text)
    }

    fn sealed_token<T: Serialize>(&self, what: &str, token: &T) -> Result<String, StoreError> {
        Ok(format!("{PREFIX}{}", self.keys.seal(&serde_json::to_string(token)?, what, &*self.entropy)))
    }

    fn open_token<T: DeserializeOwned>(&self, what: &str, text: &str) -> Option<T> {
        let opened = self.keys.open(text.strip_prefix(PREFIX)?, what).ok()?;
        serde_json::from_str(&opened).ok()
    }
}
