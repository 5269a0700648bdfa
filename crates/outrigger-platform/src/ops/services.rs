//! What handlers of integrations may do at a site or an account, for whoever called them.

use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;
use outrigger_integrations::handler::{Caller, EnvEntry, EnvSetting, HandlerError, HostServices, MadeBuildHook};

use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::ops::env_vars::{self, EnvInput};
use crate::store::StoreError;
use crate::store::env_vars::{EnvLevel, EnvValue};
use crate::store::ids::{AccountId, SiteId, UserId};

/// The platform, for handlers. It does not keep the platform alive.
pub struct PlatformServices(Weak<App>);

impl PlatformServices {
    /// Those of this platform.
    pub fn of(app: &SharedApp) -> Arc<Self> {
        Arc::new(Self(Arc::downgrade(app)))
    }

    fn app(&self) -> Result<SharedApp, HandlerError> {
        self.0.upgrade().ok_or_else(|| HandlerError::unavailable("The platform is stopping. Try again."))
    }
}

fn level(caller: &Caller) -> Result<EnvLevel, HandlerError> {
    let account: AccountId =
        caller.account.parse().map_err(|_| HandlerError::not_found("There is no such account."))?;
    let site = caller.site.as_ref().map(|site| site.parse::<SiteId>()).transpose();
    let site = site.map_err(|_| HandlerError::not_found("There is no such site."))?;
    Ok(EnvLevel { account, site })
}

fn site(caller: &Caller) -> Result<SiteId, HandlerError> {
    level(caller)?.site.ok_or_else(|| HandlerError::invalid("This needs a site."))
}

/// Changes are somebody's: handlers that act for nobody change nothing.
fn user(caller: &Caller) -> Result<UserId, HandlerError> {
    let user = caller.user.as_ref().and_then(|user| user.parse().ok());
    user.ok_or_else(|| HandlerError::unauthorized("This needs somebody who is signed in."))
}

impl From<ApiError> for HandlerErrorOf {
    fn from(error: ApiError) -> Self {
        let message = error.message().to_owned();
        Self(match error.status().as_u16() {
            404 => HandlerError::not_found(message),
            409 => HandlerError::conflict(message),
            400..=499 => HandlerError::invalid(message),
            _ => HandlerError::failed(error.into_cause().map_or(message, |cause| format!("{cause:#}"))),
        })
    }
}

impl From<StoreError> for HandlerErrorOf {
    fn from(error: StoreError) -> Self {
        Self(HandlerError::failed(error.to_string()))
    }
}

impl From<HandlerError> for HandlerErrorOf {
    fn from(error: HandlerError) -> Self {
        Self(error)
    }
}

/// An error of ours as one for handlers.
struct HandlerErrorOf(HandlerError);

/// Waits, and turns errors of ours into those for handlers.
fn serve<'a, T: Send + 'a>(
    work: impl Future<Output = Result<T, HandlerErrorOf>> + Send + 'a,
) -> BoxFuture<'a, Result<T, HandlerError>> {
    Box::pin(async move { work.await.map_err(|HandlerErrorOf(error)| error) })
}

impl HostServices for PlatformServices {
    fn env_list<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<Vec<EnvEntry>, HandlerError>> {
        serve(async move {
            let vars = self.app()?.store.env_vars(&level(caller)?).await?;
            let entry = |var: crate::store::env_vars::EnvVar| {
                let value = var.values.into_iter().find(|value| value.context == "all").map(|value| value.value);
                EnvEntry::new(var.name, value, var.is_secret)
            };
            Ok(vars.into_iter().map(entry).collect())
        })
    }

    fn env_set<'a>(&'a self, caller: &'a Caller, settings: Vec<EnvSetting>) -> BoxFuture<'a, Result<(), HandlerError>> {
        serve(async move {
            let input = |setting: EnvSetting| EnvInput {
                name: setting.name,
                scopes: Vec::new(),
                is_secret: setting.is_secret,
                values: vec![EnvValue {
                    id: None,
                    context: "all".to_owned(),
                    context_parameter: String::new(),
                    value: setting.value,
                }],
            };
            let inputs = settings.into_iter().map(input).collect();
            Ok(env_vars::put_env_vars(&*self.app()?, &level(caller)?, &user(caller)?, inputs).await?)
        })
    }

    fn env_delete<'a>(&'a self, caller: &'a Caller, names: Vec<String>) -> BoxFuture<'a, Result<(), HandlerError>> {
        serve(async move { Ok(env_vars::delete_env_vars(&*self.app()?, &level(caller)?, names).await?) })
    }

    fn create_build_hook<'a>(
        &'a self,
        caller: &'a Caller,
        title: &'a str,
        branch: &'a str,
    ) -> BoxFuture<'a, Result<MadeBuildHook, HandlerError>> {
        serve(async move {
            let (app, site) = (self.app()?, site(caller)?);
            let tx = app.store.begin().await?;
            let hook = app.store.insert_build_hook(&site, &tx, None, title, branch).await?;
            app.store.commit(tx).await?;
            Ok(MadeBuildHook { url: app.urls.build_hook(&hook.id), id: hook.id })
        })
    }

    fn delete_build_hook<'a>(&'a self, caller: &'a Caller, id: &'a str) -> BoxFuture<'a, Result<(), HandlerError>> {
        serve(async move {
            let (app, site) = (self.app()?, site(caller)?);
            let tx = app.store.begin().await?;
            if !app.store.delete_build_hook(&site, &tx, id).await? {
                return Err(HandlerError::not_found("There is no such build hook.").into());
            }
            Ok(app.store.commit(tx).await?)
        })
    }
}
