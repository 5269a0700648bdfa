//! Hooks: addresses that hear of what happens to a site's builds.

use outrigger_db::Tx;
use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::ids::SiteId;
use super::{Store, StoreError, Time};

/// One hook.
pub type Hook = hook::Model;

mod hook {
    use super::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "hook")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub site_id: SiteId,
        pub event: HookEvent,
        pub url: String,
        pub created_at: Time,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Hook").field("id", &self.id).field("event", &self.event).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a hook hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize, utoipa::ToSchema)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    /// A build was asked for.
    #[sea_orm(string_value = "deploy_building")]
    DeployBuilding,
    /// A deploy is there. Deploys are another product's, so this is kept, and not told yet.
    #[sea_orm(string_value = "deploy_created")]
    DeployCreated,
    /// A build or deploy failed. Kept, and not told yet.
    #[sea_orm(string_value = "deploy_failed")]
    DeployFailed,
}

impl Store {
    /// Makes a hook.
    pub async fn insert_hook(&self, site: &SiteId, tx: &Tx, event: HookEvent, url: &str) -> Result<Hook, StoreError> {
        let id = outrigger_db::uuid_v7(self.clock(), self.entropy()).to_string();
        let hook = Hook { id, site_id: site.clone(), event, url: url.to_owned(), created_at: self.now() };
        let row: hook::ActiveModel = hook.clone().into();
        hook::Entity::insert(row).exec_without_returning(&**tx).await?;
        Ok(hook)
    }

    /// The hooks of a site, oldest first.
    pub async fn hooks_of_site(&self, site: &SiteId) -> Result<Vec<Hook>, StoreError> {
        Ok(hook::Entity::find()
            .filter(hook::Column::SiteId.eq(site.clone()))
            .order_by_asc(hook::Column::Id)
            .all(self.db.conn())
            .await?)
    }

    /// The hook with this id, whose site says who may see it.
    pub async fn find_hook_anywhere(&self, id: &str) -> Result<Option<Hook>, StoreError> {
        Ok(hook::Entity::find_by_id(id).one(self.db.conn()).await?)
    }

    /// Deletes a hook of a site; false when there is none.
    pub async fn delete_hook(&self, site: &SiteId, tx: &Tx, id: &str) -> Result<bool, StoreError> {
        let deleted = hook::Entity::delete_by_id(id).filter(hook::Column::SiteId.eq(site.clone())).exec(&**tx).await?;
        Ok(deleted.rows_affected == 1)
    }
}
