//! Tickets: a program asks for a token in a person's name, and the person decides in a browser.

use std::time::Duration;

use outrigger_db::Tx;
use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::ids::UserId;
use super::tokens::hash;
use super::{Store, StoreError, Time};

/// A ticket, without its secret.
pub type Ticket = ticket::Model;

mod ticket {
    use super::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ticket")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: String,
        pub client_id: String,
        pub address: String,
        pub state: TicketState,
        /// Who decided.
        pub user_id: Option<UserId>,
        pub created_at: Time,
        pub expires_at: Time,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Ticket").field("state", &self.state).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How far a ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum TicketState {
    /// Nobody has decided.
    #[sea_orm(string_value = "open")]
    Open,
    /// The program may fetch its token, once.
    #[sea_orm(string_value = "granted")]
    Granted,
    #[sea_orm(string_value = "denied")]
    Denied,
    /// The token was fetched.
    #[sea_orm(string_value = "exchanged")]
    Exchanged,
}

/// From its making to the last moment at which the token can be fetched. The netlify CLI waits for five minutes.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

impl Store {
    /// Makes a ticket. The answer has its secret, which cannot be read again.
    pub async fn insert_ticket(&self, tx: &Tx, client_id: &str, address: &str) -> Result<(Ticket, String), StoreError> {
        let secret = outrigger_db::token(self.entropy());
        let now = self.now();
        let ticket = Ticket {
            hash: hash(&secret),
            client_id: client_id.to_owned(),
            address: address.to_owned(),
            state: TicketState::Open,
            user_id: None,
            created_at: now,
            expires_at: (now.timestamp() + LIFETIME).into(),
        };
        let row: ticket::ActiveModel = ticket.clone().into();
        ticket::Entity::insert(row).exec_without_returning(&**tx).await?;
        Ok((ticket, secret))
    }

    /// The ticket with this secret, if it has not expired.
    pub async fn find_ticket_anywhere(&self, secret: &str) -> Result<Option<Ticket>, StoreError> {
        let alive = ticket::Column::ExpiresAt.gt(self.now());
        Ok(ticket::Entity::find_by_id(hash(secret)).filter(alive).one(self.db.conn()).await?)
    }

    /// Writes down what a user decided; false when it was decided before, or has expired.
    pub async fn decide_ticket(
        &self,
        user: &UserId,
        tx: &Tx,
        ticket: &Ticket,
        state: TicketState,
    ) -> Result<bool, StoreError> {
        let row = ticket::ActiveModel { state: Set(state), user_id: Set(Some(user.clone())), ..Default::default() };
        self.move_ticket(tx, ticket, TicketState::Open, row).await
    }

    /// Takes a granted ticket out of use; false when somebody was faster, or it has expired.
    pub async fn exchange_ticket(&self, tx: &Tx, ticket: &Ticket) -> Result<bool, StoreError> {
        let row = ticket::ActiveModel { state: Set(TicketState::Exchanged), ..Default::default() };
        self.move_ticket(tx, ticket, TicketState::Granted, row).await
    }

    async fn move_ticket(
        &self,
        tx: &Tx,
        ticket: &Ticket,
        from: TicketState,
        to: ticket::ActiveModel,
    ) -> Result<bool, StoreError> {
        let moved = ticket::Entity::update_many()
            .set(to)
            .filter(ticket::Column::Hash.eq(ticket.hash.clone()))
            .filter(ticket::Column::State.eq(from))
            .filter(ticket::Column::ExpiresAt.gt(self.now()))
            .exec(&**tx)
            .await?;
        Ok(moved.rows_affected == 1)
    }

    pub(super) async fn prune_tickets(&self, tx: &Tx) -> Result<u64, StoreError> {
        let expired = ticket::Column::ExpiresAt.lte(self.now());
        Ok(ticket::Entity::delete_many().filter(expired).exec(&**tx).await?.rows_affected)
    }
}
