//! Runs the gateway, and keeps what it knows of sites true to the store.

use std::sync::Arc;
use std::time::Duration;

use outrigger_gateway::{
    CertificateFiles, Destination, Gateway, Identity, Listeners, Mount, Origin, PageSnippet, Settings, Site,
    Surroundings,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::app::{App, SharedApp};
use crate::store::StoreError;
use crate::store::ids::{AddonId, SiteId};
use crate::store::routes::{InstanceRow, Read, RoutedAddons, Routes, SiteRows};
use crate::store::sites;
use crate::store::snippets::Snippet;

/// How often secrets are looked at whose time may have come, which no write tells.
const LOOK_AT_SECRETS: Duration = Duration::from_secs(15);
/// Pause after the database could not be read; the gateway goes on with what it knows.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Answers for all sites until `shutdown`, then lets running requests end.
///
/// # Errors
/// When a setting cannot be, or the store cannot be read at the start. Later the gateway goes on with what it knows.
pub async fn serve(app: SharedApp, doors: Doors, shutdown: CancellationToken) -> anyhow::Result<()> {
    let gateway = Gateway::new(settings(&app), surroundings(&app))?;
    let (mut sites, mut addons) = (app.store.watch_sites_anywhere(), app.store.watch_addons_anywhere());
    let mut follower = Follower { app, gateway: gateway.clone(), last: None };
    follower.catch_up(false).await?;
    let Doors { listeners, certificate } = doors;
    let running = gateway.serve(Listeners { threads: follower.app.config.gateway.threads, ..listeners })?;
    let _summing_up = AbortOnDropHandle::new(tokio::spawn(sum_up(follower.app.clone())));
    let _renewing = certificate.map(|certificate| AbortOnDropHandle::new(tokio::spawn(renew(certificate))));
    loop {
        let look_at_secrets = tokio::select! {
            () = shutdown.cancelled() => break,
            () = sites.changed() => false,
            () = addons.changed() => false,
            () = tokio::time::sleep(LOOK_AT_SECRETS) => true,
        };
        while let Err(fault) = follower.catch_up(look_at_secrets).await {
            tracing::warn!(%fault, "the gateway cannot learn what changed, and goes on with what it knows");
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(AFTER_FAILURE) => {}
            }
        }
    }
    running.stop().await;
    Ok(())
}

/// How often measurements are summed up.
const SUM_UP: Duration = Duration::from_secs(5);

async fn sum_up(app: SharedApp) {
    loop {
        tokio::time::sleep(SUM_UP).await;
        app.metrics.sum_up();
    }
}

/// Where the gateway is entered.
#[derive(Debug, Default)]
pub struct Doors {
    /// The listeners.
    pub listeners: Listeners,
    /// The certificate of those for HTTPS; it is read again when its files change.
    pub certificate: Option<CertificateFiles>,
}

/// How often the files of the certificate are looked at.
const LOOK_AT_CERTIFICATE: Duration = Duration::from_secs(2);

async fn renew(certificate: CertificateFiles) {
    let mut last_fault = String::new();
    loop {
        tokio::time::sleep(LOOK_AT_CERTIFICATE).await;
        match certificate.read_again_if_changed() {
            Ok(true) => tracing::info!("the gateway has a new certificate"),
            Ok(false) => {}
            Err(fault) if fault.to_string() == last_fault => {}
            Err(fault) => {
                tracing::error!(%fault, "the gateway keeps its old certificate");
                last_fault = fault.to_string();
            }
        }
    }
}

fn settings(app: &App) -> Settings {
    let config = &app.config.gateway;
    Settings {
        header_prefix: config.header_prefix.clone(),
        path_prefix: config.path_prefix.clone(),
        signature_reuse: config.signature_reuse,
        ..Settings::default()
    }
}

fn surroundings(app: &SharedApp) -> Surroundings {
    let clock = app.store.clock_handle();
    let (entropy, outbound, proxies) = (app.clone(), app.clone(), app.clone());
    Surroundings {
        clock: Arc::new(move || clock.now()),
        entropy: Arc::new(move |bytes| entropy.store.entropy().fill(bytes)),
        may_connect: Arc::new(move |destination, address| {
            let networks = &outbound.config.gateway.origin_networks;
            let of_operator = destination == Destination::Origin && networks.iter().any(|net| net.contains(address));
            of_operator || outbound.outbound.allows(address)
        }),
        trusted_proxy: Arc::new(move |address| proxies.config.trusted_proxies.iter().any(|net| net.contains(address))),
        recorder: app.metrics.recorder(),
        tls: None,
    }
}

struct Follower {
    app: SharedApp,
    gateway: Gateway,
    /// How far it has read, and the add-ons as they were then.
    last: Option<(Read, RoutedAddons)>,
}

impl Follower {
    /// Brings the table to what the store holds now. Costs what changed, not what there is.
    async fn catch_up(&mut self, look_at_secrets: bool) -> Result<(), StoreError> {
        let store = self.app.store.clone();
        let routes = store.routes_anywhere().await?;
        let read = routes.read().await?;
        let Some((last, known)) = &self.last else {
            let addons = routes.addons().await?;
            self.read_all(&routes, &addons).await?;
            self.last = Some((read, addons));
            return Ok(());
        };
        if read == *last && !look_at_secrets {
            return Ok(());
        }
        let mut moved = routes.sites_since(*last).await?;
        let addons = routes.addons().await?;
        let changed: Vec<AddonId> = addons.keys().filter(|id| known.get(id) != addons.get(id)).cloned().collect();
        if !changed.is_empty() {
            moved.extend(routes.sites_with(&changed).await?);
        }
        for batch in moved.chunks(500) {
            self.read(&routes, &addons, batch).await?;
        }
        self.last = Some((read, addons));
        Ok(())
    }

    async fn read_all(&self, routes: &Routes<'_>, addons: &RoutedAddons) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let batch = routes.ids_after(last.as_ref()).await?;
            let Some(newest) = batch.last().cloned() else { return Ok(()) };
            self.read(routes, addons, &batch).await?;
            last = Some(newest);
        }
    }

    /// Brings these sites to what the store holds; those that it does not hold are gone.
    async fn read(&self, routes: &Routes<'_>, addons: &RoutedAddons, ids: &[SiteId]) -> Result<(), StoreError> {
        let gone: Vec<&str> = ids.iter().map(SiteId::as_str).collect();
        let sites = routes.sites(ids).await?.into_iter().map(|rows| routed(&self.app, addons, rows));
        for fault in self.gateway.table().change(&gone, sites) {
            tracing::error!(%fault, "a site cannot be routed");
        }
        Ok(())
    }
}

fn routed(app: &App, addons: &RoutedAddons, rows: SiteRows) -> Site {
    let SiteRows { site, domains, instances, snippets } = rows;
    let identity = app.store.identity(&site).unwrap_or_else(|fault| {
        tracing::error!(site_id = %site.id, %fault, "its users' tokens cannot be verified");
        None
    });
    Site {
        id: site.id.to_string(),
        url: app.urls.site(&site),
        hosts: std::iter::once(app.urls.site_host(&site)).chain(domains).collect(),
        origin: origin(app, &site),
        identity: identity.and_then(known_identity),
        function_hooks: site.function_hooks.as_deref().and_then(|hooks| serde_json::from_str(hooks).ok()),
        snippets: snippets.iter().filter_map(|snippet| page_snippet(addons, &instances, snippet)).collect(),
        mounts: instances.into_iter().filter_map(|instance| mount(app, addons, instance)).collect(),
    }
}

fn origin(app: &App, site: &sites::Site) -> Option<Origin> {
    match site.origin_url.as_deref().map(Url::parse) {
        Some(Ok(url)) => Some(Origin::Upstream(url)),
        // Not written by us, which check it.
        Some(Err(_)) => None,
        None => app.config.gateway.sites_dir.as_ref().map(|dir| Origin::Files(dir.join(&site.name))),
    }
}

fn known_identity(identity: sites::Identity) -> Option<Identity> {
    match identity {
        sites::Identity::Secret(secret) => Some(Identity::Secret(secret)),
        sites::Identity::Jwks { url, issuer, audience } => {
            url.parse().ok().map(|url| Identity::Jwks { url, issuer, audience })
        }
    }
}

/// `None` for one whose add-on is switched off, or is not in use any more.
fn page_snippet(addons: &RoutedAddons, instances: &[InstanceRow], snippet: &Snippet) -> Option<PageSnippet> {
    if let Some(owner) = &snippet.instance_id {
        let instance = instances.iter().find(|instance| instance.id == *owner)?;
        addons.get(&instance.addon_id).filter(|addon| addon.snippets_enabled)?;
    }
    Some(PageSnippet {
        id: snippet.id.to_string(),
        position: snippet.position(),
        html: snippet.html.clone(),
        share: u8::try_from(snippet.share).unwrap_or(100),
    })
}

fn mount(app: &App, addons: &RoutedAddons, instance: InstanceRow) -> Option<Mount> {
    let addon = addons.get(&instance.addon_id)?;
    Some(Mount {
        slug: addon.slug.clone(),
        endpoint: instance.endpoint.as_deref().and_then(|endpoint| usable(app, &instance, endpoint)),
        secret: addon.secret.clone(),
        instance_id: instance.remote_id.clone().unwrap_or_default(),
        netlify_id: instance.id.to_string(),
    })
}

/// The policy may have become stricter since the partner named it.
fn usable(app: &App, instance: &InstanceRow, endpoint: &str) -> Option<Url> {
    let url: Url = endpoint.parse().ok()?;
    match app.outbound.check(&url) {
        Ok(()) => Some(url),
        Err(fault) => {
            tracing::warn!(instance_id = %instance.id, %fault, "its endpoint cannot be routed");
            None
        }
    }
}
