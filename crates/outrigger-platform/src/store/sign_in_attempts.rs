//! Failed attempts to prove who one is, counted for all nodes together.

use std::time::Duration;

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, ExprTrait, Statement};

use super::{Store, StoreError, Time};

mod sign_in_attempt {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sign_in_attempt")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject: String,
        pub failures: i64,
        pub window_began_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use sign_in_attempt::Column;

/// Failures are counted for so long from the first of them.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// How often it has been tried, the attempt that asked included.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    pub count: i64,
    /// When the count starts again.
    pub forgotten_at: Time,
}

/// A row in its window is counted on, an older one begins anew.
const COUNT: &str = "insert into sign_in_attempt (subject, failures, window_began_at) values ($1, 1, $2) \
    on conflict (subject) do update set \
    failures = case when sign_in_attempt.window_began_at > $3 then sign_in_attempt.failures + 1 else 1 end, \
    window_began_at = case when sign_in_attempt.window_began_at > $3 then sign_in_attempt.window_began_at else $2 end \
    returning subject, failures, window_began_at";

impl Store {
    /// Counts an attempt before it is made, so that many at once cannot pass together.
    pub async fn count_attempt_anywhere(&self, subject: &str) -> Result<Attempts, StoreError> {
        let now = self.now();
        let tx = self.begin().await?;
        let values = [subject.into(), now.into(), Time::from(now.timestamp() - WINDOW).into()];
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), COUNT, values);
        let row = sign_in_attempt::Entity::find().from_raw_sql(statement).one(&*tx).await?;
        self.commit(tx).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("the row that was just counted".to_owned()))?;
        Ok(Attempts { count: row.failures, forgotten_at: (row.window_began_at.timestamp() + WINDOW).into() })
    }

    /// Takes back the attempt that succeeded.
    pub async fn uncount_attempt_anywhere(&self, subject: &str) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        sign_in_attempt::Entity::update_many()
            .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1))
            .filter(Column::Subject.eq(subject))
            .filter(Column::Failures.gt(0))
            .exec(&*tx)
            .await?;
        self.commit(tx).await
    }

    /// Forgets all failures of a subject.
    pub async fn forget_attempts_anywhere(&self, subject: &str) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        sign_in_attempt::Entity::delete_by_id(subject).exec(&*tx).await?;
        self.commit(tx).await
    }

    pub(super) async fn prune_sign_in_attempts(&self, tx: &Tx) -> Result<u64, StoreError> {
        let over = Column::WindowBeganAt.lte(Time::from(self.now().timestamp() - WINDOW));
        Ok(sign_in_attempt::Entity::delete_many().filter(over).exec(&**tx).await?.rows_affected)
    }
}
