//! Sites of accounts.

use std::fmt;

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{ExprTrait, QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};

use super::ids::{AccountId, SiteId};
use super::search::contains;
use super::{Store, StoreError, Time, taken};

/// A site. Its build webhook's secret stays sealed until a delivery is signed.
pub type Site = site::Model;

pub(super) mod site {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "site")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SiteId,
        pub account_id: AccountId,
        pub name: String,
        pub build_webhook_url: Option<String>,
        pub sealed_build_webhook_secret: Option<String>,
        /// What answers for the site, unless that is a folder or nothing.
        pub origin_url: Option<String>,
        pub sealed_identity: Option<String>,
        /// JSON: functions of the site that an identity service calls.
        pub function_hooks: Option<String>,
        pub created_at: Time,
        pub updated_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who makes the tokens of a site's users.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Whoever knows this secret (HS256).
    Secret(String),
    /// Whoever has the private keys to the key set at this URL, with tokens that name this issuer and audience.
    Jwks { url: String, issuer: Option<String>, audience: Option<String> },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

const IDENTITY: &str = "site.identity";

/// Which sites to list, and which part of the list.
#[derive(Debug, Clone, Default)]
pub struct SiteFilter {
    /// Part of the name.
    pub name: Option<String>,
    /// Pages before this one are skipped; the Netlify client counts pages from 1.
    pub page: u64,
    /// Sites on a page.
    pub per_page: u64,
}

impl Store {
    /// Makes a site; its name must be free on the whole platform, because it becomes a host name.
    pub async fn insert_site(&self, account: &AccountId, tx: &Tx, name: &str) -> Result<Site, StoreError> {
        let now = self.now();
        let site = Site {
            id: SiteId::generate(self.clock(), self.entropy()),
            account_id: account.clone(),
            name: name.to_owned(),
            build_webhook_url: None,
            sealed_build_webhook_secret: None,
            origin_url: None,
            sealed_identity: None,
            function_hooks: None,
            created_at: now,
            updated_at: now,
        };
        let row: site::ActiveModel = site.clone().into();
        site::Entity::insert(row).exec_without_returning(&**tx).await.map_err(taken("the site's name"))?;
        self.reroute(&site.id, tx);
        Ok(site)
    }

    /// The site with this id or name, whoever owns it.
    pub async fn find_site_anywhere(&self, id_or_name: &str) -> Result<Option<Site>, StoreError> {
        let by_id_or_name = site::Column::Id.eq(id_or_name).or(site::Column::Name.eq(id_or_name));
        Ok(site::Entity::find().filter(by_id_or_name).one(self.db.conn()).await?)
    }

    /// Lets only one transaction at a time decide what a site gets. SQLite has one writer at a time as it is.
    pub async fn lock_site(&self, site: &SiteId, tx: &Tx) -> Result<(), StoreError> {
        site::Entity::find_by_id(site.clone()).lock_exclusive().one(&**tx).await?;
        Ok(())
    }

    /// Sites of the accounts, newest first.
    pub async fn sites_of_accounts(
        &self,
        accounts: &[AccountId],
        filter: &SiteFilter,
    ) -> Result<Vec<Site>, StoreError> {
        let mut query = site::Entity::find().filter(site::Column::AccountId.is_in(accounts.iter().cloned()));
        if let Some(part) = filter.name.as_deref().filter(|part| !part.is_empty()) {
            // Names are lower-case ASCII.
            query = query.filter(Expr::col(site::Column::Name).like(contains(part)));
        }
        // An offset is a signed number to the engines.
        let skipped = Ord::min(filter.page.saturating_sub(1).saturating_mul(filter.per_page), u64::MAX / 2);
        Ok(query.order_by_desc(site::Column::Id).offset(skipped).limit(filter.per_page).all(self.db.conn()).await?)
    }

    /// Sites of an account that are older than the given one, newest first.
    pub async fn sites_of_account(
        &self,
        account: &AccountId,
        before: Option<&SiteId>,
        limit: u64,
    ) -> Result<Vec<Site>, StoreError> {
        let mut query = site::Entity::find().filter(site::Column::AccountId.eq(account.clone()));
        if let Some(before) = before {
            query = query.filter(site::Column::Id.lt(before.clone()));
        }
        Ok(query.order_by_desc(site::Column::Id).limit(limit).all(self.db.conn()).await?)
    }

    /// How many sites the accounts have.
    pub async fn count_sites(&self, accounts: &[AccountId]) -> Result<u64, StoreError> {
        let of_accounts = site::Column::AccountId.is_in(accounts.iter().cloned());
        Ok(site::Entity::find().filter(of_accounts).count(self.db.conn()).await?)
    }

    /// Renames a site; the name must be free.
    pub async fn rename_site(&self, site: &SiteId, tx: &Tx, name: &str) -> Result<(), StoreError> {
        let row = site::ActiveModel {
            id: Set(site.clone()),
            name: Set(name.to_owned()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        site::Entity::update(row).exec(&**tx).await.map_err(taken("the site's name"))?;
        self.reroute(site, tx);
        Ok(())
    }

    /// Sets where builds of the site are asked for, with the secret that signs the request; `None` removes both.
    pub async fn set_build_webhook(
        &self,
        site: &SiteId,
        tx: &Tx,
        url_and_secret: Option<(&str, &str)>,
    ) -> Result<(), StoreError> {
        let sealed = url_and_secret.map(|(_, secret)| self.seal("site.build_webhook_secret", site, secret));
        let row = site::ActiveModel {
            id: Set(site.clone()),
            build_webhook_url: Set(url_and_secret.map(|(url, _)| url.to_owned())),
            sealed_build_webhook_secret: Set(sealed),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        site::Entity::update(row).exec(&**tx).await?;
        Ok(())
    }

    /// Sets what answers for the site; `None` leaves it to the site's folder, if there is one.
    pub async fn set_origin(&self, site: &SiteId, tx: &Tx, url: Option<&str>) -> Result<(), StoreError> {
        let row = site::ActiveModel { origin_url: Set(url.map(str::to_owned)), ..self.changed_site(site) };
        site::Entity::update(row).exec(&**tx).await?;
        self.reroute(site, tx);
        Ok(())
    }

    /// Sets who makes the tokens of the site's users.
    pub async fn set_identity(&self, site: &SiteId, tx: &Tx, identity: Option<&Identity>) -> Result<(), StoreError> {
        let sealed = identity.map(|identity| self.seal_json(IDENTITY, site, identity)).transpose()?;
        let row = site::ActiveModel { sealed_identity: Set(sealed), ..self.changed_site(site) };
        site::Entity::update(row).exec(&**tx).await?;
        self.reroute(site, tx);
        Ok(())
    }

    /// Who makes the tokens of the site's users.
    pub fn identity(&self, site: &Site) -> Result<Option<Identity>, StoreError> {
        site.sealed_identity.as_deref().map(|sealed| self.open_json(IDENTITY, &site.id, sealed)).transpose()
    }

    /// Sets which functions of the site an identity service calls: JSON.
    pub async fn set_function_hooks(&self, site: &SiteId, tx: &Tx, hooks: Option<&str>) -> Result<(), StoreError> {
        let row = site::ActiveModel { function_hooks: Set(hooks.map(str::to_owned)), ..self.changed_site(site) };
        site::Entity::update(row).exec(&**tx).await?;
        self.reroute(site, tx);
        Ok(())
    }

    fn changed_site(&self, site: &SiteId) -> site::ActiveModel {
        site::ActiveModel { id: Set(site.clone()), updated_at: Set(self.now()), ..Default::default() }
    }

    /// The secret that signs requests to the site's build webhook.
    pub fn build_webhook_secret(&self, site: &Site) -> Result<Option<String>, StoreError> {
        let sealed = site.sealed_build_webhook_secret.as_deref();
        sealed.map(|sealed| self.open("site.build_webhook_secret", &site.id, sealed)).transpose()
    }

    /// Deletes a site and all it owns, tombstones of detached instances included.
    pub async fn delete_site(&self, site: &SiteId, tx: &Tx) -> Result<(), StoreError> {
        self.delete_tombstones(site, tx).await?;
        site::Entity::delete_by_id(site.clone()).exec(&**tx).await?;
        self.reroute(site, tx);
        Ok(())
    }
}
