//! What a handler may do for whom it was called: read and change the integration's context, and the variables and build
//! hooks of the site or account.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::HandlerError;
use crate::{Enablement, EnablementChange, EnablementError, Enablements, IntegrationId, Scope, StoreError};

/// For whom and where a handler is called.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The id of the account.
    pub account: String,
    /// The id of the site, if it is about one.
    pub site: Option<String>,
    /// The id of the person who is behind it, if there is one.
    pub user: Option<String>,
    /// With which the host's own API is called in their name, by handlers that are not in its process.
    pub token: Option<SecretString>,
    /// With which the service is called, if people connected with it by OAuth.
    pub provider_token: Option<SecretString>,
}

impl Caller {
    /// The site, or else the account.
    pub fn scope(&self) -> Scope {
        match &self.site {
            Some(site) => Scope::Site(site.as_str().into()),
            None => self.account_scope(),
        }
    }

    /// The account.
    pub fn account_scope(&self) -> Scope {
        Scope::Account(self.account.as_str().into())
    }
}

/// A variable of a site or account, as handlers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvEntry {
    /// Its name.
    pub name: String,
    /// Its value in all contexts, if it has one there.
    pub value: Option<String>,
    /// Whether people may not see the value.
    pub is_secret: bool,
}

/// A variable that a handler sets.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvSetting {
    /// Its name.
    pub name: String,
    /// Its value, in all contexts.
    pub value: String,
    /// Whether people may not see it.
    pub is_secret: bool,
}

impl EnvEntry {
    /// A variable with this value.
    pub fn new(name: impl Into<String>, value: Option<String>, is_secret: bool) -> Self {
        Self { name: name.into(), value, is_secret }
    }
}

/// Without the value.
impl fmt::Debug for EnvSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvSetting").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A build hook that a handler made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeBuildHook {
    /// Its id.
    pub id: String,
    /// Where a POST asks for a build. Whoever knows it can do so.
    pub url: String,
}

/// What a host does for handlers. It sees to it that only what belongs to the caller is touched.
pub trait HostServices: Send + Sync + 'static {
    /// The variables of the site, or of the account.
    fn env_list<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<Vec<EnvEntry>, HandlerError>>;
    /// Sets variables of the site, or of the account: all of them or none.
    fn env_set<'a>(&'a self, caller: &'a Caller, settings: Vec<EnvSetting>) -> BoxFuture<'a, Result<(), HandlerError>>;
    /// Deletes variables of the site, or of the account. What is not there is no error.
    fn env_delete<'a>(&'a self, caller: &'a Caller, names: Vec<String>) -> BoxFuture<'a, Result<(), HandlerError>>;
    /// Makes a build hook of the site.
    fn create_build_hook<'a>(
        &'a self,
        caller: &'a Caller,
        title: &'a str,
        branch: &'a str,
    ) -> BoxFuture<'a, Result<MadeBuildHook, HandlerError>>;
    /// Deletes a build hook of the site.
    fn delete_build_hook<'a>(&'a self, caller: &'a Caller, id: &'a str) -> BoxFuture<'a, Result<(), HandlerError>>;
}

/// An integration's context of type `C`, with the version that it was read at.
#[derive(Clone, Debug)]
pub struct Kept<C> {
    /// What the integration keeps.
    pub context: C,
    /// To be named when it is changed.
    pub version: i64,
}

/// What a handler may do for its caller. `C` is what the integration keeps at a site or account.
pub struct IntegrationClient<C> {
    pub(super) integration: IntegrationId,
    pub(super) caller: Caller,
    pub(super) enablements: Enablements,
    pub(super) services: Arc<dyn HostServices>,
    pub(super) context: PhantomData<fn() -> C>,
}

impl<C> Clone for IntegrationClient<C> {
    fn clone(&self) -> Self {
        Self {
            integration: self.integration.clone(),
            caller: self.caller.clone(),
            enablements: self.enablements.clone(),
            services: self.services.clone(),
            context: PhantomData,
        }
    }
}

impl<C> fmt::Debug for IntegrationClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntegrationClient")
            .field("integration", &self.integration)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl<C: Serialize + DeserializeOwned> IntegrationClient<C> {
    /// A client for this caller.
    pub fn new(
        integration: IntegrationId,
        caller: Caller,
        enablements: Enablements,
        services: Arc<dyn HostServices>,
    ) -> Self {
        Self { integration, caller, enablements, services, context: PhantomData }
    }

    /// The integration's context, at the site or else at the account.
    ///
    /// # Errors
    /// [`HandlerError::not_enabled`], or when the store refuses.
    pub async fn get(&self) -> Result<Kept<C>, HandlerError> {
        self.find(&self.caller.scope()).await
    }

    /// The integration's context at the account, also when the caller is at a site.
    ///
    /// # Errors
    /// As [`IntegrationClient::get`].
    pub async fn get_of_account(&self) -> Result<Kept<C>, HandlerError> {
        self.find(&self.caller.account_scope()).await
    }

    async fn find(&self, scope: &Scope) -> Result<Kept<C>, HandlerError> {
        let found = self.enablements.find(scope, &self.integration).await.map_err(store_failed)?;
        let Enablement { context, version, .. } = found.ok_or_else(HandlerError::not_enabled)?;
        let context = serde_json::from_value(context).map_err(|error| {
            HandlerError::failed(format!("the context of `{}` is damaged: {error}", self.integration))
        })?;
        Ok(Kept { context, version })
    }

    /// Replaces the context at the site, or else at the account, if it is still at this version.
    ///
    /// # Errors
    /// [`HandlerError::conflict`] when it was changed meanwhile, [`HandlerError::not_enabled`], or when the store
    /// refuses.
    pub async fn update(&self, context: &C, version: i64) -> Result<i64, HandlerError> {
        let context = serde_json::to_value(context).map_err(|error| HandlerError::failed(error.to_string()))?;
        let change = EnablementChange { context: Some(context), ..EnablementChange::default() };
        let updated = self.enablements.update(&self.caller.scope(), &self.integration, change, Some(version)).await;
        Ok(updated?.version)
    }

    /// Enables the integration at the site, or else at the account. That it is enabled already is no error.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn enable(&self, context: &C) -> Result<(), HandlerError> {
        let context = serde_json::to_value(context).map_err(|error| HandlerError::failed(error.to_string()))?;
        match self.enablements.enable(&self.caller.scope(), &self.integration, &context).await {
            Ok(_) | Err(EnablementError::AlreadyEnabled) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Disables the integration at the site, or else at the account; what it kept is gone. That it is not enabled is no
    /// error.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn disable(&self) -> Result<(), HandlerError> {
        match self.enablements.disable(&self.caller.scope(), &self.integration).await {
            Ok(()) | Err(EnablementError::NotEnabled) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The variables of the site, or else of the account.
    ///
    /// # Errors
    /// When the host refuses.
    pub async fn env(&self) -> Result<Vec<EnvEntry>, HandlerError> {
        self.services.env_list(&self.caller).await
    }

    /// Sets variables of the site, or else of the account, all or none.
    ///
    /// # Errors
    /// When the host refuses: a name is not allowed, or belongs to somebody else.
    pub async fn set_env(&self, settings: Vec<EnvSetting>) -> Result<(), HandlerError> {
        self.services.env_set(&self.caller, settings).await
    }

    /// Deletes variables of the site, or else of the account.
    ///
    /// # Errors
    /// When the host refuses.
    pub async fn delete_env(&self, names: Vec<String>) -> Result<(), HandlerError> {
        self.services.env_delete(&self.caller, names).await
    }

    /// Makes a build hook of the site.
    ///
    /// # Errors
    /// When the host refuses, or there is no site.
    pub async fn create_build_hook(&self, title: &str, branch: &str) -> Result<MadeBuildHook, HandlerError> {
        self.services.create_build_hook(&self.caller, title, branch).await
    }

    /// Deletes a build hook of the site.
    ///
    /// # Errors
    /// When the host refuses, or there is none.
    pub async fn delete_build_hook(&self, id: &str) -> Result<(), HandlerError> {
        self.services.delete_build_hook(&self.caller, id).await
    }
}

fn store_failed(error: StoreError) -> HandlerError {
    HandlerError::failed(error.to_string())
}

impl From<EnablementError> for HandlerError {
    fn from(error: EnablementError) -> Self {
        match error {
            EnablementError::NotEnabled => Self::not_enabled(),
            EnablementError::AlreadyEnabled | EnablementError::Conflict { .. } => Self::conflict(error.to_string()),
            EnablementError::Store(error) => store_failed(error),
        }
    }
}
