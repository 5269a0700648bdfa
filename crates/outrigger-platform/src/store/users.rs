//! People who sign in.

use std::collections::BTreeSet;

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, Set};

use super::ids::UserId;
use super::{Store, StoreError, Time, taken};

/// A person. `operator` may also register add-ons and sees the whole platform's registry.
pub type User = person::Model;

pub(super) mod person {
    use super::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "person")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: UserId,
        pub email: String,
        pub full_name: String,
        pub password_hash: Option<String>,
        pub operator: bool,
        pub created_at: Time,
        pub last_login_at: Option<Time>,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("User").field("id", &self.id).field("operator", &self.operator).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl Store {
    /// Makes a user. The e-mail address is kept in lower case and must be free.
    pub async fn insert_user(
        &self,
        tx: &Tx,
        email: &str,
        full_name: &str,
        password_hash: Option<String>,
        operator: bool,
    ) -> Result<User, StoreError> {
        let user = User {
            id: UserId::generate(self.clock(), self.entropy()),
            email: email.to_lowercase(),
            full_name: full_name.to_owned(),
            password_hash,
            operator,
            created_at: self.now(),
            last_login_at: None,
        };
        let row: person::ActiveModel = user.clone().into();
        person::Entity::insert(row).exec_without_returning(&**tx).await.map_err(taken("the e-mail address"))?;
        Ok(user)
    }

    /// The user with this id.
    pub async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(person::Entity::find_by_id(id.clone()).one(self.db.conn()).await?)
    }

    /// The users with these ids.
    pub async fn users(&self, ids: impl IntoIterator<Item = UserId>) -> Result<Vec<User>, StoreError> {
        let ids: BTreeSet<UserId> = ids.into_iter().collect();
        Ok(person::Entity::find().filter(person::Column::Id.is_in(ids)).all(self.db.conn()).await?)
    }

    /// The user with this e-mail address, in any case.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        Ok(person::Entity::find().filter(person::Column::Email.eq(email.to_lowercase())).one(self.db.conn()).await?)
    }

    /// Users after the given one, oldest first.
    pub async fn users_anywhere(&self, after: Option<&UserId>, limit: u64) -> Result<Vec<User>, StoreError> {
        let mut query = person::Entity::find().order_by_asc(person::Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(person::Column::Id.gt(after.clone()));
        }
        Ok(query.all(self.db.conn()).await?)
    }

    /// Sets or clears the password.
    pub async fn set_password_hash(&self, user: &UserId, tx: &Tx, hash: Option<String>) -> Result<(), StoreError> {
        let row = person::ActiveModel { id: Set(user.clone()), password_hash: Set(hash), ..Default::default() };
        person::Entity::update(row).exec(&**tx).await?;
        Ok(())
    }

    /// Notes that the user signed in now.
    pub async fn touch_login(&self, user: &UserId, tx: &Tx) -> Result<(), StoreError> {
        let row =
            person::ActiveModel { id: Set(user.clone()), last_login_at: Set(Some(self.now())), ..Default::default() };
        person::Entity::update(row).exec(&**tx).await?;
        Ok(())
    }
}
