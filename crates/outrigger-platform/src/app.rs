//! What every part of the server is given.

use std::sync::Arc;

use outrigger_integrations::Outbound;

use crate::config::Config;
use crate::limits::Limits;
use crate::provider_client::{Endpoint, ProviderClient};
use crate::store::addons::Addon;
use crate::store::{Store, StoreError};
use crate::urls::Urls;

/// The parts of a running platform.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub urls: Urls,
    pub provider: ProviderClient,
    pub outbound: Outbound,
    pub(crate) limits: Limits,
}

/// What handlers and jobs hold.
pub type SharedApp = Arc<App>;

impl App {
    /// Puts the parts together. `outbound` is the only way to the world outside.
    pub fn new(config: Config, store: Store, outbound: Outbound) -> SharedApp {
        let urls = Urls::new(config.public_url(), &config.base_domain);
        let provider = ProviderClient::new(outbound.clone(), store.clock_handle());
        let limits = Limits::new(&config);
        Arc::new(Self { config, store, urls, provider, outbound, limits })
    }

    /// Where an add-on is, and how we prove ourselves there now.
    pub(crate) async fn endpoint_of(&self, addon: &Addon) -> Result<Endpoint, StoreError> {
        let damaged = |what: &str| {
            StoreError::Damaged(serde::de::Error::custom(format!("add-on `{}` has no {what}", addon.slug)))
        };
        let secret = self.store.signing_secret(&addon.id).await?.ok_or_else(|| damaged("secret"))?;
        let url = addon.url.parse().map_err(|_| damaged("valid URL"))?;
        Ok(Endpoint { url, auth: addon.auth, secret })
    }
}
