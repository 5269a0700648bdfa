//! Accounts (teams) and who belongs to them.

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{ExprTrait, QueryOrder, Set};
use serde::{Deserialize, Serialize};

use super::ids::{AccountId, UserId};
use super::{Store, StoreError, Time, taken};

/// A team that owns sites.
pub type Account = account::Model;

pub(super) mod account {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "account")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: AccountId,
        pub slug: String,
        pub name: String,
        pub created_at: Time,
        pub updated_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod membership {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "membership")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub account_id: AccountId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        pub role: Role,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a user may do in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May look.
    #[sea_orm(string_value = "viewer")]
    Viewer,
    /// May change sites and their add-ons.
    #[sea_orm(string_value = "developer")]
    Developer,
    /// May also change the account, its tokens and members.
    #[sea_orm(string_value = "owner")]
    Owner,
}

impl Store {
    /// Makes an account; its slug must be free.
    pub async fn insert_account(&self, tx: &Tx, slug: &str, name: &str) -> Result<Account, StoreError> {
        let now = self.now();
        let account = Account {
            id: AccountId::generate(self.clock(), self.entropy()),
            slug: slug.to_owned(),
            name: name.to_owned(),
            created_at: now,
            updated_at: now,
        };
        let row: account::ActiveModel = account.clone().into();
        account::Entity::insert(row).exec_without_returning(&**tx).await.map_err(taken("the account's slug"))?;
        Ok(account)
    }

    /// Adds a user to an account or changes the role there.
    pub async fn set_member(&self, account: &AccountId, tx: &Tx, user: &UserId, role: Role) -> Result<(), StoreError> {
        let row =
            membership::ActiveModel { account_id: Set(account.clone()), user_id: Set(user.clone()), role: Set(role) };
        let on_conflict =
            sea_orm::sea_query::OnConflict::columns([membership::Column::AccountId, membership::Column::UserId])
                .update_column(membership::Column::Role)
                .to_owned();
        membership::Entity::insert(row).on_conflict(on_conflict).exec_without_returning(&**tx).await?;
        Ok(())
    }

    /// The account of this id or slug, whoever owns it.
    pub async fn find_account_anywhere(&self, id_or_slug: &str) -> Result<Option<Account>, StoreError> {
        let by_id_or_slug = account::Column::Id.eq(id_or_slug).or(account::Column::Slug.eq(id_or_slug));
        Ok(account::Entity::find().filter(by_id_or_slug).one(self.db.conn()).await?)
    }

    /// What the user is in the account, if anything.
    pub async fn role_in_account(&self, account: &AccountId, user: &UserId) -> Result<Option<Role>, StoreError> {
        let key = (account.clone(), user.clone());
        Ok(membership::Entity::find_by_id(key).one(self.db.conn()).await?.map(|row| row.role))
    }

    /// The accounts a user belongs to, with the role in each, oldest first.
    pub async fn accounts_of_user(&self, user: &UserId) -> Result<Vec<(Account, Role)>, StoreError> {
        let memberships =
            membership::Entity::find().filter(membership::Column::UserId.eq(user.clone())).all(self.db.conn()).await?;
        let ids = memberships.iter().map(|row| row.account_id.clone());
        let accounts = account::Entity::find()
            .filter(account::Column::Id.is_in(ids))
            .order_by_asc(account::Column::Id)
            .all(self.db.conn())
            .await?;
        let role_of = |id: &AccountId| memberships.iter().find(|row| row.account_id == *id).map(|row| row.role);
        Ok(accounts.into_iter().filter_map(|account| role_of(&account.id).map(|role| (account, role))).collect())
    }

    /// The owners of an account.
    pub async fn owners_of_account(&self, account: &AccountId) -> Result<Vec<UserId>, StoreError> {
        let owners = membership::Entity::find()
            .filter(membership::Column::AccountId.eq(account.clone()))
            .filter(membership::Column::Role.eq(Role::Owner))
            .all(self.db.conn())
            .await?;
        Ok(owners.into_iter().map(|row| row.user_id).collect())
    }
}
