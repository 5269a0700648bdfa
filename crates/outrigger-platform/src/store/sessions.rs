//! Sessions of people in a browser: the cookie is shown once, stored as a hash.

use std::time::Duration;

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, Set};

use super::ids::{SessionId, UserId};
use super::tokens::hash;
use super::users::{User, person};
use super::{Store, StoreError, Time};

/// A session as it may be listed: without its secret.
pub type Session = session::Model;

mod session {
    use super::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SessionId,
        pub user_id: UserId,
        pub hash: String,
        pub way: Way,
        pub user_agent: String,
        pub address: String,
        pub created_at: Time,
        pub last_used_at: Time,
        pub expires_at: Time,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How the person proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Way {
    /// With a password.
    #[sea_orm(string_value = "password")]
    Password,
    /// With a one-time link.
    #[sea_orm(string_value = "link")]
    Link,
}

/// What a new session shall be.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub way: Way,
    /// What the browser calls itself.
    pub user_agent: String,
    /// Where the person signed in from.
    pub address: String,
}

/// A session ends after this, however busy it is.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// A session that nobody used for so long has ended.
pub const IDLE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// `last_used_at` is rounded to this: writing it more often would cost a write per page.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

impl Store {
    /// Starts a session. The answer is its secret, for the cookie, which cannot be read again.
    pub async fn insert_session(
        &self,
        user: &UserId,
        tx: &Tx,
        new: NewSession,
    ) -> Result<(Session, String), StoreError> {
        let secret = outrigger_db::token(self.entropy());
        let now = self.now();
        let session = Session {
            id: SessionId::generate(self.clock(), self.entropy()),
            user_id: user.clone(),
            hash: hash(&secret),
            way: new.way,
            user_agent: new.user_agent,
            address: new.address,
            created_at: now,
            last_used_at: now,
            expires_at: (now.timestamp() + LIFETIME).into(),
        };
        let row: session::ActiveModel = session.clone().into();
        session::Entity::insert(row).exec_without_returning(&**tx).await?;
        Ok((session, secret))
    }

    /// The session with this secret and whose it is, if it has not ended.
    pub async fn find_session_anywhere(&self, secret: &str) -> Result<Option<(Session, User)>, StoreError> {
        let by_secret = session::Column::Hash.eq(hash(secret));
        let found = session::Entity::find().filter(by_secret).filter(self.alive()).one(self.db.conn()).await?;
        let Some(session) = found else { return Ok(None) };
        let user = person::Entity::find_by_id(session.user_id.clone()).one(self.db.conn()).await?;
        Ok(user.map(|user| (session, user)))
    }

    /// Notes that the session was used, at most once a minute.
    pub async fn touch_session(&self, session: &Session) -> Result<(), StoreError> {
        let now = self.now();
        if session.last_used_at.timestamp() + TOUCH_EVERY > now.timestamp() {
            return Ok(());
        }
        let tx = self.begin().await?;
        // The row may be gone by now: somebody signed out.
        session::Entity::update_many()
            .set(session::ActiveModel { last_used_at: Set(now), ..Default::default() })
            .filter(session::Column::Id.eq(session.id.clone()))
            .exec(&*tx)
            .await?;
        self.commit(tx).await
    }

    /// The user's sessions that have not ended, oldest first.
    pub async fn sessions_of_user(&self, user: &UserId) -> Result<Vec<Session>, StoreError> {
        Ok(session::Entity::find()
            .filter(session::Column::UserId.eq(user.clone()))
            .filter(self.alive())
            .order_by_asc(session::Column::Id)
            .all(self.db.conn())
            .await?)
    }

    /// Ends one of the user's sessions; false when there is no such session.
    pub async fn delete_session(&self, user: &UserId, tx: &Tx, id: &SessionId) -> Result<bool, StoreError> {
        let deleted = session::Entity::delete_many()
            .filter(session::Column::Id.eq(id.clone()))
            .filter(session::Column::UserId.eq(user.clone()))
            .exec(&**tx)
            .await?;
        Ok(deleted.rows_affected == 1)
    }

    /// Ends all of the user's sessions but the one to keep.
    pub async fn delete_sessions_of_user(
        &self,
        user: &UserId,
        tx: &Tx,
        keep: Option<&SessionId>,
    ) -> Result<(), StoreError> {
        let mut query = session::Entity::delete_many().filter(session::Column::UserId.eq(user.clone()));
        if let Some(keep) = keep {
            query = query.filter(session::Column::Id.ne(keep.clone()));
        }
        query.exec(&**tx).await?;
        Ok(())
    }

    /// Forgets what has ended: sessions, links, attempts and tickets.
    pub async fn prune_sign_ins_anywhere(&self) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let sessions = session::Entity::delete_many().filter(self.alive().not()).exec(&*tx).await?.rows_affected;
        let links = self.prune_sign_in_links(&tx).await?;
        let attempts = self.prune_sign_in_attempts(&tx).await?;
        let tickets = self.prune_tickets(&tx).await?;
        self.commit(tx).await?;
        Ok(sessions + links + attempts + tickets)
    }

    fn alive(&self) -> sea_orm::Condition {
        let now = self.now();
        sea_orm::Condition::all()
            .add(session::Column::ExpiresAt.gt(now))
            .add(session::Column::LastUsedAt.gt(Time::from(now.timestamp() - IDLE)))
    }
}
