//! What every part of the server is given.

use std::collections::BTreeSet;
use std::sync::Arc;

use outrigger_integrations::surface::{SurfaceRegistry, Visits};
use outrigger_integrations::{Enablements, Manager, Outbound, ScopeKind};

use crate::config::Config;
use crate::events::PlatformHost;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::provider_client::{Endpoint, ProviderClient};
use crate::store::addons::Addon;
use crate::store::{Resealed, Store, StoreError};
use crate::urls::Urls;

/// The parts of a running platform.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub urls: Urls,
    pub provider: ProviderClient,
    pub outbound: Outbound,
    /// What is connected with third-party services. It names no integration: whoever runs the platform registers them.
    pub manager: Manager<PlatformHost>,
    /// The integrations with a surface, where they are enabled, and who is at them. These too are registered by whoever
    /// runs the platform.
    pub surfaces: SurfaceRegistry,
    pub enablements: Enablements,
    pub visits: Visits,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    /// Held while a connection's token is changed for another one.
    pub(crate) refreshing: tokio::sync::Mutex<()>,
}

/// What handlers and jobs hold.
pub type SharedApp = Arc<App>;

impl App {
    /// Puts the parts together. `outbound` is the only way to the world outside.
    pub fn new(config: Config, store: Store, outbound: Outbound) -> SharedApp {
        let urls = Urls::new(config.public_url(), &config.base_domain, &config.sites_url());
        let provider = ProviderClient::new(outbound.clone(), store.clock_handle());
        let limits = Limits::new(&config);
        let manager = Manager::builder().store(store.configs()).context(store.context(outbound.clone())).build();
        let (surfaces, enablements) = (SurfaceRegistry::default(), store.enablements());
        let (visits, metrics) = (store.visits(), Metrics::new());
        Arc::new(Self {
            config,
            store,
            urls,
            provider,
            outbound,
            manager,
            surfaces,
            enablements,
            visits,
            limits,
            metrics,
            refreshing: tokio::sync::Mutex::default(),
        })
    }

    /// Seals all that is secret in the database with the newest key; `progress` hears of each batch.
    pub async fn reseal_anywhere(&self, progress: &(dyn Fn(Resealed) + Sync)) -> Result<Resealed, StoreError> {
        let mut done = self.store.reseal_anywhere(progress).await?;
        done.moved += self.manager.store().reseal_anywhere().await? as u64;
        progress(done);
        done.moved += self.manager.reseal_deliveries().await?;
        done.moved += self.enablements.reseal_anywhere().await?;
        progress(done);
        Ok(done)
    }

    /// What people will miss who want to connect integrations, for the operator to read.
    pub fn missing_oauth(&self) -> Vec<String> {
        let mut integrations = self.surfaces.at(ScopeKind::Site);
        integrations.extend(self.surfaces.at(ScopeKind::Account));
        let clients = &self.config.oauth;
        let unset = integrations
            .iter()
            .filter(|it| it.program.definition().use_identity == Some(true) && !clients.contains_key(it.id.as_str()))
            .map(|it| format!("nobody can connect `{0}`: the settings have no [oauth.{0}]", it.id));
        let unknown = clients
            .keys()
            .filter(|slug| !integrations.iter().any(|it| it.id.as_str() == *slug))
            .map(|slug| format!("[oauth.{slug}] is for an integration that is not installed"));
        unset.chain(unknown).collect::<BTreeSet<_>>().into_iter().collect()
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
