//! What the gateway knows of sites, across all tenants.

use std::collections::HashMap;

use outrigger_db::generations::{generation, moved_since};
use sea_orm::entity::prelude::*;
use sea_orm::{DatabaseTransaction, QueryOrder, QuerySelect};

use super::addons::addon;
use super::ids::{AddonId, InstanceId, SiteId};
use super::instances::{InstanceState, instance};
use super::sites::{Site, site};
use super::snippets::{Snippet, snippet};
use super::{Store, StoreError};

/// The topic of sites: whatever of one the gateway knows.
pub(crate) const SITES: &str = "route_site";
/// The topic of add-ons: whatever of one the gateway knows.
pub(crate) const ADDONS: &str = "route_addon";

/// Sites read at once.
const BATCH: u64 = 500;

/// How far a reader has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Read {
    sites: i64,
    addons: i64,
}

/// An add-on, as far as the gateway needs to know it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RoutedAddon {
    pub(crate) slug: String,
    pub(crate) secret: String,
    pub(crate) snippets_enabled: bool,
}

pub(crate) type RoutedAddons = HashMap<AddonId, RoutedAddon>;

/// A site with all that is routed on it.
pub(crate) struct SiteRows {
    pub(crate) site: Site,
    pub(crate) domains: Vec<String>,
    /// Instances that are in use, oldest first.
    pub(crate) instances: Vec<InstanceRow>,
    /// Those that are switched on, in the order they go into a page.
    pub(crate) snippets: Vec<Snippet>,
}

/// An instance, without what is secret of it.
#[derive(Debug, Clone, sea_orm::FromQueryResult)]
pub(crate) struct InstanceRow {
    pub(crate) id: InstanceId,
    pub(crate) site_id: SiteId,
    pub(crate) addon_id: AddonId,
    pub(crate) remote_id: Option<String>,
    pub(crate) endpoint: Option<String>,
}

/// The store as it is at one moment.
pub(crate) struct Routes<'s> {
    store: &'s Store,
    tx: DatabaseTransaction,
}

impl Store {
    /// Opens a view that does not change while it is read.
    pub(crate) async fn routes_anywhere(&self) -> Result<Routes<'_>, StoreError> {
        Ok(Routes { store: self, tx: self.db.snapshot().await? })
    }

    /// Wakes when something of a site that the gateway knows may have changed.
    pub(crate) fn watch_sites_anywhere(&self) -> outrigger_db::Watch {
        self.db.changes().watch(SITES)
    }

    /// Wakes when something of an add-on that the gateway knows may have changed.
    pub(crate) fn watch_addons_anywhere(&self) -> outrigger_db::Watch {
        self.db.changes().watch(ADDONS)
    }
}

impl Routes<'_> {
    /// Where a reader of this view has come to.
    pub(crate) async fn read(&self) -> Result<Read, StoreError> {
        let (sites, addons) = (generation(&self.tx, SITES).await?, generation(&self.tx, ADDONS).await?);
        Ok(Read { sites, addons })
    }

    /// Sites of which something changed since then; those that are gone are among them.
    pub(crate) async fn sites_since(&self, read: Read) -> Result<Vec<SiteId>, StoreError> {
        ids(moved_since(&self.tx, SITES, read.sites).await?)
    }

    /// Sites on which one of these add-ons is in use.
    pub(crate) async fn sites_with(&self, addons: &[AddonId]) -> Result<Vec<SiteId>, StoreError> {
        let found = instance::Entity::find()
            .select_only()
            .column(instance::Column::SiteId)
            .filter(instance::Column::AddonId.is_in(addons.iter().cloned()))
            .filter(in_use())
            .distinct();
        Ok(found.into_tuple().all(&self.tx).await?)
    }

    /// Every add-on, with the secret that signs now. The clock decides too, not only what is stored.
    pub(crate) async fn addons(&self) -> Result<RoutedAddons, StoreError> {
        let rows: Vec<(AddonId, String, bool)> = addon::Entity::find()
            .select_only()
            .columns([addon::Column::Id, addon::Column::Slug, addon::Column::SnippetsEnabled])
            .into_tuple()
            .all(&self.tx)
            .await?;
        let mut addons = RoutedAddons::new();
        for (id, slug, snippets_enabled) in rows {
            if let Some(secret) = self.store.signing_secret_in(&id, &self.tx).await? {
                addons.insert(id, RoutedAddon { slug, secret, snippets_enabled });
            }
        }
        Ok(addons)
    }

    /// The ids of all sites after this one, a batch at a time.
    pub(crate) async fn ids_after(&self, last: Option<&SiteId>) -> Result<Vec<SiteId>, StoreError> {
        let mut query = site::Entity::find().select_only().column(site::Column::Id);
        if let Some(last) = last {
            query = query.filter(site::Column::Id.gt(last.clone()));
        }
        Ok(query.order_by_asc(site::Column::Id).limit(BATCH).into_tuple().all(&self.tx).await?)
    }

    /// These sites, as far as they are there; at most a batch of them.
    pub(crate) async fn sites(&self, ids: &[SiteId]) -> Result<Vec<SiteRows>, StoreError> {
        let among = |column: site::Column| column.is_in(ids.iter().cloned());
        let sites = site::Entity::find().filter(among(site::Column::Id)).all(&self.tx).await?;
        let mut domains = grouped(self.store.domains_of_sites(ids, &self.tx).await?);
        let mut instances = grouped(self.instances(ids).await?.into_iter().map(|row| (row.site_id.clone(), row)));
        let mut snippets = grouped(self.snippets(ids).await?.into_iter().map(|row| (row.site_id.clone(), row)));
        let rows = sites.into_iter().map(|site| SiteRows {
            domains: domains.remove(&site.id).unwrap_or_default(),
            instances: instances.remove(&site.id).unwrap_or_default(),
            snippets: snippets.remove(&site.id).unwrap_or_default(),
            site,
        });
        Ok(rows.collect())
    }

    async fn instances(&self, sites: &[SiteId]) -> Result<Vec<InstanceRow>, StoreError> {
        use instance::Column::{AddonId, Endpoint, Id, RemoteId, SiteId};
        Ok(instance::Entity::find()
            .select_only()
            .columns([Id, SiteId, AddonId, RemoteId, Endpoint])
            .filter(SiteId.is_in(sites.iter().cloned()))
            .filter(in_use())
            .order_by_asc(Id)
            .into_model()
            .all(&self.tx)
            .await?)
    }

    async fn snippets(&self, sites: &[SiteId]) -> Result<Vec<Snippet>, StoreError> {
        Ok(snippet::Entity::find()
            .filter(snippet::Column::SiteId.is_in(sites.iter().cloned()))
            .filter(snippet::Column::Enabled.eq(true))
            .order_by_asc(snippet::Column::Id)
            .all(&self.tx)
            .await?)
    }
}

/// An instance that is being changed goes on working as it was.
fn in_use() -> sea_orm::sea_query::SimpleExpr {
    instance::Column::State.is_in([InstanceState::Active, InstanceState::Updating])
}

fn ids(texts: Vec<String>) -> Result<Vec<SiteId>, StoreError> {
    let damaged = |_| StoreError::Damaged(serde::de::Error::custom("the id of a site that changed"));
    texts.iter().map(|text| text.parse().map_err(damaged)).collect()
}

fn grouped<T>(pairs: impl IntoIterator<Item = (SiteId, T)>) -> HashMap<SiteId, Vec<T>> {
    let mut groups: HashMap<SiteId, Vec<T>> = HashMap::new();
    for (site, row) in pairs {
        groups.entry(site).or_default().push(row);
    }
    groups
}
