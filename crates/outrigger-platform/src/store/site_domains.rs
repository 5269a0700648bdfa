//! Names of sites beside the one below the base domain.

use std::collections::HashMap;

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, QueryOrder, Set};

use super::ids::SiteId;
use super::sites::Site;
use super::{Store, StoreError, taken};

pub(super) mod site_domain {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "site_domain")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub host: String,
        pub site_id: SiteId,
        pub place: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl Store {
    /// The names of a site, the main one first.
    pub async fn domains_of_site(&self, site: &SiteId) -> Result<Vec<String>, StoreError> {
        let mut domains = self.domains_of_sites(std::slice::from_ref(site), self.db.conn()).await?;
        Ok(domains.drain(..).map(|(_, host)| host).collect())
    }

    /// The names of these sites.
    pub async fn domains_by_site(&self, sites: &[Site]) -> Result<HashMap<SiteId, Vec<String>>, StoreError> {
        let ids: Vec<SiteId> = sites.iter().map(|site| site.id.clone()).collect();
        let mut by_site: HashMap<SiteId, Vec<String>> = HashMap::new();
        for (site, host) in self.domains_of_sites(&ids, self.db.conn()).await? {
            by_site.entry(site).or_default().push(host);
        }
        Ok(by_site)
    }

    /// The names of some sites, each with its site, in the order of each site.
    pub(super) async fn domains_of_sites(
        &self,
        sites: &[SiteId],
        conn: &impl ConnectionTrait,
    ) -> Result<Vec<(SiteId, String)>, StoreError> {
        let rows = site_domain::Entity::find()
            .filter(site_domain::Column::SiteId.is_in(sites.iter().cloned()))
            .order_by_asc(site_domain::Column::Place)
            .all(conn)
            .await?;
        Ok(rows.into_iter().map(|row| (row.site_id, row.host)).collect())
    }

    /// Gives a site exactly these names, the main one first. None may be another site's.
    pub async fn set_domains(&self, site: &SiteId, tx: &Tx, hosts: &[String]) -> Result<(), StoreError> {
        site_domain::Entity::delete_many().filter(site_domain::Column::SiteId.eq(site.clone())).exec(&**tx).await?;
        for (place, host) in (0..).zip(hosts) {
            let row =
                site_domain::ActiveModel { host: Set(host.clone()), site_id: Set(site.clone()), place: Set(place) };
            let inserted = site_domain::Entity::insert(row).exec_without_returning(&**tx).await;
            inserted.map_err(taken("one of the domains"))?;
        }
        self.reroute(site, tx);
        Ok(())
    }
}
