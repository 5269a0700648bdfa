//! Build hooks: URLs that ask for a build. The unguessable id is all the proof that a caller needs.

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, Set};

use super::ids::{InstanceId, SiteId};
use super::{Store, StoreError, Time};

/// A build hook; `instance_id` names the instance it was made for.
pub type BuildHook = build_hook::Model;

pub(super) mod build_hook {
    use super::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "build_hook")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub site_id: SiteId,
        pub instance_id: Option<InstanceId>,
        pub title: String,
        pub branch: String,
        pub created_at: Time,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("BuildHook").field("site_id", &self.site_id).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl Store {
    /// Makes a hook with an unguessable id.
    pub async fn insert_build_hook(
        &self,
        site: &SiteId,
        tx: &Tx,
        owner: Option<&InstanceId>,
        title: &str,
        branch: &str,
    ) -> Result<BuildHook, StoreError> {
        let hook = BuildHook {
            id: outrigger_db::token(self.entropy()),
            site_id: site.clone(),
            instance_id: owner.cloned(),
            title: title.to_owned(),
            branch: branch.to_owned(),
            created_at: self.now(),
        };
        let row: build_hook::ActiveModel = hook.clone().into();
        build_hook::Entity::insert(row).exec_without_returning(&**tx).await?;
        Ok(hook)
    }

    /// The hooks of a site, oldest first.
    pub async fn build_hooks_of_site(&self, site: &SiteId) -> Result<Vec<BuildHook>, StoreError> {
        Ok(build_hook::Entity::find()
            .filter(build_hook::Column::SiteId.eq(site.clone()))
            .order_by_asc(build_hook::Column::CreatedAt)
            .order_by_asc(build_hook::Column::Id)
            .all(self.db.conn())
            .await?)
    }

    /// One hook of a site.
    pub async fn find_build_hook(&self, site: &SiteId, id: &str) -> Result<Option<BuildHook>, StoreError> {
        Ok(build_hook::Entity::find_by_id(id)
            .filter(build_hook::Column::SiteId.eq(site.clone()))
            .one(self.db.conn())
            .await?)
    }

    /// The hook with this id, which proves itself by it.
    pub async fn find_build_hook_anywhere(&self, id: &str) -> Result<Option<BuildHook>, StoreError> {
        Ok(build_hook::Entity::find_by_id(id).one(self.db.conn()).await?)
    }

    /// The hook that was made for an instance.
    pub async fn build_hook_of_instance(&self, owner: &InstanceId) -> Result<Option<BuildHook>, StoreError> {
        Ok(build_hook::Entity::find()
            .filter(build_hook::Column::InstanceId.eq(owner.clone()))
            .one(self.db.conn())
            .await?)
    }

    /// Changes title and branch; false when the site has no such hook.
    pub async fn update_build_hook(
        &self,
        site: &SiteId,
        tx: &Tx,
        id: &str,
        title: &str,
        branch: &str,
    ) -> Result<bool, StoreError> {
        let row = build_hook::ActiveModel {
            title: Set(title.to_owned()),
            branch: Set(branch.to_owned()),
            ..Default::default()
        };
        let updated = build_hook::Entity::update_many()
            .set(row)
            .filter(build_hook::Column::Id.eq(id))
            .filter(build_hook::Column::SiteId.eq(site.clone()))
            .exec(&**tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Deletes a hook of a site; false when there is none.
    pub async fn delete_build_hook(&self, site: &SiteId, tx: &Tx, id: &str) -> Result<bool, StoreError> {
        let deleted = build_hook::Entity::delete_by_id(id)
            .filter(build_hook::Column::SiteId.eq(site.clone()))
            .exec(&**tx)
            .await?;
        Ok(deleted.rows_affected == 1)
    }

    /// Deletes the hook that was made for an instance.
    pub async fn delete_build_hooks_of_instance(
        &self,
        site: &SiteId,
        tx: &Tx,
        owner: &InstanceId,
    ) -> Result<(), StoreError> {
        build_hook::Entity::delete_many()
            .filter(build_hook::Column::SiteId.eq(site.clone()))
            .filter(build_hook::Column::InstanceId.eq(owner.clone()))
            .exec(&**tx)
            .await?;
        Ok(())
    }
}
