//! One-time links that sign a person in: shown once, stored as a hash, gone when used.

use std::time::Duration;

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;

use super::ids::UserId;
use super::tokens::hash;
use super::users::{User, person};
use super::{Store, StoreError, Time};

mod sign_in_link {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sign_in_link")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: String,
        pub user_id: UserId,
        pub created_at: Time,
        pub expires_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl Store {
    /// Makes a link that works for so long. The answer is its secret, which cannot be read again.
    pub async fn insert_sign_in_link(&self, user: &UserId, tx: &Tx, lifetime: Duration) -> Result<String, StoreError> {
        let secret = outrigger_db::token(self.entropy());
        let now = self.now();
        let row = sign_in_link::Model {
            hash: hash(&secret),
            user_id: user.clone(),
            created_at: now,
            expires_at: (now.timestamp() + lifetime).into(),
        };
        let row: sign_in_link::ActiveModel = row.into();
        sign_in_link::Entity::insert(row).exec_without_returning(&**tx).await?;
        Ok(secret)
    }

    /// Whom the link signs in, if it still works. It goes on working.
    pub async fn find_sign_in_link_anywhere(&self, secret: &str) -> Result<Option<User>, StoreError> {
        let link = sign_in_link::Entity::find_by_id(hash(secret))
            .filter(sign_in_link::Column::ExpiresAt.gt(self.now()))
            .one(self.db.conn())
            .await?;
        let Some(link) = link else { return Ok(None) };
        Ok(person::Entity::find_by_id(link.user_id).one(self.db.conn()).await?)
    }

    /// Takes a link out of use; false when somebody was faster, or it has expired.
    pub async fn use_sign_in_link(&self, user: &UserId, tx: &Tx, secret: &str) -> Result<bool, StoreError> {
        let used = sign_in_link::Entity::delete_many()
            .filter(sign_in_link::Column::Hash.eq(hash(secret)))
            .filter(sign_in_link::Column::UserId.eq(user.clone()))
            .filter(sign_in_link::Column::ExpiresAt.gt(self.now()))
            .exec(&**tx)
            .await?;
        Ok(used.rows_affected == 1)
    }

    pub(super) async fn prune_sign_in_links(&self, tx: &Tx) -> Result<u64, StoreError> {
        let expired = sign_in_link::Column::ExpiresAt.lte(self.now());
        Ok(sign_in_link::Entity::delete_many().filter(expired).exec(&**tx).await?.rows_affected)
    }
}
