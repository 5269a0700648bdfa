//! Bearer tokens: shown once, stored as a hash.

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, Set};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::{AccountId, TokenId, UserId};
use super::{Store, StoreError, Time, taken};

/// A token as it may be listed: without its secret.
pub type Token = token::Model;

mod token {
    use super::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "token")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TokenId,
        pub user_id: UserId,
        pub account_id: Option<AccountId>,
        pub name: String,
        pub hash: String,
        pub scope: Scope,
        pub created_at: Time,
        pub expires_at: Option<Time>,
        pub last_used_at: Option<Time>,
        pub revoked_at: Option<Time>,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Token").field("id", &self.id).field("scope", &self.scope).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a token may do at most, whatever its user may.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Look, variables included.
    #[sea_orm(string_value = "read")]
    Read,
    /// Change sites and their add-ons.
    #[sea_orm(string_value = "write")]
    Write,
    /// Change accounts and tokens; register add-ons when the user is an operator.
    #[sea_orm(string_value = "admin")]
    Admin,
}

/// What a new token shall be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Limits the token to one account; `None` for all of the user's.
    pub account: Option<AccountId>,
    /// What its owner calls it.
    pub name: String,
    /// The most it may do.
    pub scope: Scope,
    /// When it stops working.
    pub expires_at: Option<Time>,
}

/// Starts every token, so that secret scanners can tell one when it leaks.
const PREFIX: &str = "ort_";
/// `last_used_at` is a hint for people; writing it more often would cost a write per request.
const TOUCH_EVERY_MS: i64 = 60_000;

/// Of 256 random bits: a plain hash of them cannot be searched, and a slow one would tax every request.
pub(super) fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// Makes a token and returns it with its secret, which cannot be read again.
    pub async fn insert_token(&self, user: &UserId, tx: &Tx, new: NewToken) -> Result<(Token, String), StoreError> {
        let secret = format!("{PREFIX}{}", outrigger_db::token(self.entropy()));
        let token = Token {
            id: TokenId::generate(self.clock(), self.entropy()),
            user_id: user.clone(),
            account_id: new.account,
            name: new.name,
            hash: hash(&secret),
            scope: new.scope,
            created_at: self.now(),
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let row: token::ActiveModel = token.clone().into();
        token::Entity::insert(row).exec_without_returning(&**tx).await.map_err(taken("the token"))?;
        Ok((token, secret))
    }

    /// The token with this secret, if it is neither revoked nor expired.
    pub async fn find_valid_token(&self, secret: &str) -> Result<Option<Token>, StoreError> {
        let found = token::Entity::find()
            .filter(token::Column::Hash.eq(hash(secret)))
            .filter(token::Column::RevokedAt.is_null())
            .one(self.db.conn())
            .await?;
        let now = self.now();
        Ok(found.filter(|token| token.expires_at.is_none_or(|expiry| expiry > now)))
    }

    /// Notes that the token was used, at most once a minute.
    pub async fn touch_token(&self, token: &Token) -> Result<(), StoreError> {
        let now = self.now();
        let age_ms = |used: Time| now.timestamp().duration_since(used.timestamp()).as_millis();
        if token.last_used_at.is_some_and(|used| age_ms(used) < i128::from(TOUCH_EVERY_MS)) {
            return Ok(());
        }
        let tx = self.begin().await?;
        let row = token::ActiveModel { id: Set(token.id.clone()), last_used_at: Set(Some(now)), ..Default::default() };
        token::Entity::update(row).exec(&*tx).await?;
        self.commit(tx).await
    }

    /// The user's tokens that are not revoked, oldest first.
    pub async fn tokens_of_user(&self, user: &UserId) -> Result<Vec<Token>, StoreError> {
        Ok(token::Entity::find()
            .filter(token::Column::UserId.eq(user.clone()))
            .filter(token::Column::RevokedAt.is_null())
            .order_by_asc(token::Column::Id)
            .all(self.db.conn())
            .await?)
    }

    /// Revokes one of the user's tokens; false when there is no such token.
    pub async fn revoke_token(&self, user: &UserId, tx: &Tx, id: &TokenId) -> Result<bool, StoreError> {
        let revoked = token::Entity::update_many()
            .col_expr(token::Column::RevokedAt, Expr::value(self.now()))
            .filter(token::Column::Id.eq(id.clone()))
            .filter(token::Column::UserId.eq(user.clone()))
            .filter(token::Column::RevokedAt.is_null())
            .exec(&**tx)
            .await?;
        Ok(revoked.rows_affected == 1)
    }
}
