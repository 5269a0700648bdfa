//! The registry of add-ons: where they are, their secrets, their last good manifest.

use outrigger_addon::manifest::Manifest;
use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, ExprTrait, QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};

use super::ids::{AddonId, AddonSecretId};
use super::search::{contains, folded};
use super::{Store, StoreError, Time, routes, taken};

/// A registered add-on.
pub type Addon = addon::Model;

pub(super) mod addon {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "addon")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: AddonId,
        pub slug: String,
        pub title: String,
        pub description: String,
        pub icon: String,
        pub url: String,
        pub manifest_path: String,
        pub auth: AddonAuth,
        pub staging: bool,
        pub manifest: String,
        pub manifest_etag: Option<String>,
        pub manifest_fetched_at: Time,
        pub manifest_error: Option<String>,
        pub retired_at: Option<Time>,
        pub created_at: Time,
        pub updated_at: Time,
        pub search_text: String,
        /// Off: the snippets of all its instances are in no page.
        pub snippets_enabled: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod addon_secret {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "addon_secret")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: AddonSecretId,
        pub addon_id: AddonId,
        pub sealed: String,
        pub active_from: Time,
        pub created_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How a request proves to the partner that it comes from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize, utoipa::ToSchema)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum AddonAuth {
    /// `X-Nf-Sign`, a JWS over the request's claims.
    #[sea_orm(string_value = "jws")]
    Jws,
    /// `Authorization: Bearer` with the add-on's secret.
    #[sea_orm(string_value = "bearer")]
    Bearer,
    /// Both headers.
    #[sea_orm(string_value = "both")]
    Both,
}

/// What an operator says about a new add-on.
#[derive(Debug, Clone)]
pub struct NewAddon {
    pub slug: String,
    pub title: String,
    pub description: String,
    pub icon: String,
    pub url: String,
    pub manifest_path: String,
    pub auth: AddonAuth,
    pub staging: bool,
}

/// A manifest as the partner served it.
#[derive(Debug, Clone)]
pub struct FetchedManifest {
    pub manifest: Manifest,
    /// The document itself, kept so that a newer version of us may read more of it.
    pub document: String,
    pub etag: Option<String>,
}

/// What is searched. Lines keep a part from matching across two fields.
pub(super) fn search_text(slug: &str, title: &str, description: &str) -> String {
    folded(&format!("{slug}\n{title}\n{description}"))
}

impl addon::Model {
    /// The last good manifest.
    pub fn manifest(&self) -> Result<Manifest, StoreError> {
        Manifest::parse(self.manifest.as_bytes()).map_err(|fault| {
            StoreError::Damaged(serde::de::Error::custom(format!("manifest of add-on `{}`: {fault}", self.slug)))
        })
    }

    /// The path below a site's address where the gateway serves the add-on.
    pub fn service_path(&self) -> String {
        format!("/.netlify/{}", self.slug)
    }
}

impl Store {
    /// Registers an add-on; its slug must be free. Its secret is made separately, by `insert_addon_secret`.
    pub async fn insert_addon(&self, tx: &Tx, new: NewAddon, fetched: FetchedManifest) -> Result<Addon, StoreError> {
        let now = self.now();
        let addon = Addon {
            id: AddonId::generate(self.clock(), self.entropy()),
            search_text: search_text(&new.slug, &new.title, &new.description),
            snippets_enabled: true,
            slug: new.slug,
            title: new.title,
            description: new.description,
            icon: new.icon,
            url: new.url,
            manifest_path: new.manifest_path,
            auth: new.auth,
            staging: new.staging,
            manifest: fetched.document,
            manifest_etag: fetched.etag,
            manifest_fetched_at: now,
            manifest_error: None,
            retired_at: None,
            created_at: now,
            updated_at: now,
        };
        let row: addon::ActiveModel = addon.clone().into();
        addon::Entity::insert(row).exec_without_returning(&**tx).await.map_err(taken("the add-on's slug"))?;
        Ok(addon)
    }

    /// The add-on with this slug, retired ones included.
    pub async fn find_addon(&self, slug: &str) -> Result<Option<Addon>, StoreError> {
        Ok(addon::Entity::find().filter(addon::Column::Slug.eq(slug)).one(self.db.conn()).await?)
    }

    /// The add-on with this id.
    pub async fn addon(&self, id: &AddonId) -> Result<Option<Addon>, StoreError> {
        Ok(addon::Entity::find_by_id(id.clone()).one(self.db.conn()).await?)
    }

    /// The add-ons with these ids.
    pub async fn addons_by_id(&self, ids: impl IntoIterator<Item = AddonId>) -> Result<Vec<Addon>, StoreError> {
        Ok(addon::Entity::find().filter(addon::Column::Id.is_in(ids)).all(self.db.conn()).await?)
    }

    /// Add-ons in order of slug, after the given one; `search` looks at slug, title and description, in any case.
    pub async fn addons(
        &self,
        search: Option<&str>,
        after: Option<&str>,
        limit: u64,
        with_retired: bool,
    ) -> Result<Vec<Addon>, StoreError> {
        let mut query = addon::Entity::find().order_by_asc(addon::Column::Slug).limit(limit);
        if let Some(part) = search.filter(|part| !part.is_empty()) {
            query = query.filter(Expr::col(addon::Column::SearchText).like(contains(part)));
        }
        if let Some(after) = after {
            query = query.filter(addon::Column::Slug.gt(after));
        }
        if !with_retired {
            query = query.filter(addon::Column::RetiredAt.is_null());
        }
        Ok(query.all(self.db.conn()).await?)
    }

    /// Keeps a freshly fetched manifest; `None` says that the partner still serves the one we have.
    pub async fn keep_manifest(
        &self,
        addon: &AddonId,
        tx: &Tx,
        fetched: Option<FetchedManifest>,
    ) -> Result<(), StoreError> {
        let mut row = addon::ActiveModel {
            id: Set(addon.clone()),
            manifest_fetched_at: Set(self.now()),
            manifest_error: Set(None),
            ..Default::default()
        };
        if let Some(fetched) = fetched {
            row.manifest = Set(fetched.document);
            row.manifest_etag = Set(fetched.etag);
            row.updated_at = Set(self.now());
        }
        addon::Entity::update(row).exec(&**tx).await?;
        Ok(())
    }

    /// Notes why the manifest could not be fetched; the last good one stays.
    pub async fn note_manifest_error(&self, addon: &AddonId, tx: &Tx, error: &str) -> Result<(), StoreError> {
        let row = addon::ActiveModel {
            id: Set(addon.clone()),
            manifest_error: Set(Some(error.to_owned())),
            ..Default::default()
        };
        addon::Entity::update(row).exec(&**tx).await?;
        Ok(())
    }

    /// Notes that the add-on's management API has moved.
    pub async fn move_addon(&self, addon: &AddonId, tx: &Tx, url: &str) -> Result<(), StoreError> {
        let row = addon::ActiveModel {
            id: Set(addon.clone()),
            url: Set(url.to_owned()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        addon::Entity::update(row).exec(&**tx).await?;
        Ok(())
    }

    /// Switches the snippets of all instances of an add-on on or off.
    pub async fn switch_snippets(&self, addon: &AddonId, tx: &Tx, enabled: bool) -> Result<(), StoreError> {
        let row = addon::ActiveModel {
            id: Set(addon.clone()),
            snippets_enabled: Set(enabled),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        addon::Entity::update(row).exec(&**tx).await?;
        tx.moves(routes::ADDONS, addon.as_str());
        Ok(())
    }

    /// Retires an add-on: its instances go on, new ones are refused.
    pub async fn retire_addon(&self, addon: &AddonId, tx: &Tx) -> Result<(), StoreError> {
        let now = self.now();
        let row = addon::ActiveModel {
            id: Set(addon.clone()),
            retired_at: Set(Some(now)),
            updated_at: Set(now),
            ..Default::default()
        };
        addon::Entity::update(row).exec(&**tx).await?;
        Ok(())
    }

    /// Keeps a secret of an add-on that signs from `active_from` on, and forgets those that no longer count.
    pub async fn insert_addon_secret(
        &self,
        addon: &AddonId,
        tx: &Tx,
        secret: &str,
        active_from: Time,
    ) -> Result<(), StoreError> {
        self.delete_spent_secrets(addon, tx).await?;
        let id = AddonSecretId::generate(self.clock(), self.entropy());
        let row = addon_secret::ActiveModel {
            sealed: Set(self.seal("addon_secret", &id, secret)),
            id: Set(id),
            addon_id: Set(addon.clone()),
            active_from: Set(active_from),
            created_at: Set(self.now()),
        };
        addon_secret::Entity::insert(row).exec_without_returning(&**tx).await?;
        tx.moves(routes::ADDONS, addon.as_str());
        Ok(())
    }

    /// The secret that signs now: the newest that is already active.
    pub async fn signing_secret(&self, addon: &AddonId) -> Result<Option<String>, StoreError> {
        self.signing_secret_in(addon, self.db.conn()).await
    }

    pub(super) async fn signing_secret_in(
        &self,
        addon: &AddonId,
        conn: &impl ConnectionTrait,
    ) -> Result<Option<String>, StoreError> {
        let newest = addon_secret::Entity::find()
            .filter(addon_secret::Column::AddonId.eq(addon.clone()))
            .filter(addon_secret::Column::ActiveFrom.lte(self.now()))
            .order_by_desc(addon_secret::Column::ActiveFrom)
            .order_by_desc(addon_secret::Column::Id)
            .one(conn)
            .await?;
        newest.map(|row| self.open("addon_secret", &row.id, &row.sealed)).transpose()
    }

    /// When a secret that waits for its turn starts to sign.
    pub async fn next_secret_active_from(&self, addon: &AddonId) -> Result<Option<Time>, StoreError> {
        let waiting = addon_secret::Entity::find()
            .filter(addon_secret::Column::AddonId.eq(addon.clone()))
            .filter(addon_secret::Column::ActiveFrom.gt(self.now()))
            .order_by_asc(addon_secret::Column::ActiveFrom)
            .one(self.db.conn())
            .await?;
        Ok(waiting.map(|row| row.active_from))
    }

    /// Lets a waiting secret sign from now on.
    pub async fn activate_secrets(&self, addon: &AddonId, tx: &Tx) -> Result<(), StoreError> {
        let now = self.now();
        addon_secret::Entity::update_many()
            .col_expr(addon_secret::Column::ActiveFrom, Expr::value(now))
            .filter(addon_secret::Column::AddonId.eq(addon.clone()))
            .filter(addon_secret::Column::ActiveFrom.gt(now))
            .exec(&**tx)
            .await?;
        tx.moves(routes::ADDONS, addon.as_str());
        Ok(())
    }

    async fn delete_spent_secrets(&self, addon: &AddonId, tx: &Tx) -> Result<(), StoreError> {
        let newest_active = addon_secret::Entity::find()
            .filter(addon_secret::Column::AddonId.eq(addon.clone()))
            .filter(addon_secret::Column::ActiveFrom.lte(self.now()))
            .order_by_desc(addon_secret::Column::ActiveFrom)
            .order_by_desc(addon_secret::Column::Id)
            .one(&**tx)
            .await?;
        let Some(newest_active) = newest_active else { return Ok(()) };
        addon_secret::Entity::delete_many()
            .filter(addon_secret::Column::AddonId.eq(addon.clone()))
            .filter(addon_secret::Column::Id.ne(newest_active.id))
            .exec(&**tx)
            .await?;
        Ok(())
    }
}
