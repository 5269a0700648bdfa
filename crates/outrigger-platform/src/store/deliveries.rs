//! Deliveries to build webhooks, with a log of every attempt.

use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};

use super::ids::{AttemptId, DeliveryId, SiteId};
use super::{Store, StoreError, Time};

/// One request for a build.
pub type Delivery = delivery::Model;
/// One try to deliver it.
pub type DeliveryAttempt = delivery_attempt::Model;

mod delivery {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: DeliveryId,
        pub site_id: SiteId,
        pub hook_title: String,
        pub url: String,
        pub body: String,
        pub state: DeliveryState,
        pub created_at: Time,
        pub finished_at: Option<Time>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod delivery_attempt {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery_attempt")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: AttemptId,
        pub delivery_id: DeliveryId,
        pub status: Option<i32>,
        pub error: Option<String>,
        pub duration_ms: i64,
        pub started_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize, utoipa::ToSchema)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be sent, or sent again.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// The receiver answered 2xx.
    #[sea_orm(string_value = "delivered")]
    Delivered,
    /// Given up.
    #[sea_orm(string_value = "failed")]
    Failed,
    /// The site has no build webhook: nothing was sent.
    #[sea_orm(string_value = "skipped")]
    Skipped,
}

/// How one try went.
#[derive(Clone, Debug)]
pub struct AttemptOutcome {
    pub status: Option<u16>,
    pub error: Option<String>,
    pub duration_ms: i64,
    pub started_at: Time,
}

impl Store {
    /// Notes that a build was asked for. `url` is the site's webhook at that moment, empty when it has none.
    pub async fn insert_delivery(
        &self,
        site: &SiteId,
        tx: &Tx,
        hook_title: &str,
        url: &str,
        body: impl FnOnce(Time) -> String,
    ) -> Result<Delivery, StoreError> {
        let id = DeliveryId::generate(self.clock(), self.entropy());
        let now = self.now();
        let delivery = Delivery {
            site_id: site.clone(),
            hook_title: hook_title.to_owned(),
            url: url.to_owned(),
            body: body(now),
            state: if url.is_empty() { DeliveryState::Skipped } else { DeliveryState::Pending },
            created_at: now,
            finished_at: url.is_empty().then_some(now),
            id,
        };
        let row: delivery::ActiveModel = delivery.clone().into();
        delivery::Entity::insert(row).exec_without_returning(&**tx).await?;
        Ok(delivery)
    }

    /// One delivery, for the job that carries it out.
    pub async fn find_delivery_anywhere(&self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
        Ok(delivery::Entity::find_by_id(id.clone()).one(self.db.conn()).await?)
    }

    /// The site's deliveries, newest first, before the given one.
    pub async fn deliveries_of_site(
        &self,
        site: &SiteId,
        before: Option<&DeliveryId>,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut query = delivery::Entity::find()
            .filter(delivery::Column::SiteId.eq(site.clone()))
            .order_by_desc(delivery::Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(delivery::Column::Id.lt(before.clone()));
        }
        Ok(query.all(self.db.conn()).await?)
    }

    /// The tries of these deliveries, oldest first.
    pub async fn attempts_of_deliveries(
        &self,
        site: &SiteId,
        deliveries: &[Delivery],
    ) -> Result<Vec<DeliveryAttempt>, StoreError> {
        let ids = deliveries.iter().filter(|delivery| delivery.site_id == *site).map(|delivery| delivery.id.clone());
        Ok(delivery_attempt::Entity::find()
            .filter(delivery_attempt::Column::DeliveryId.is_in(ids))
            .order_by_asc(delivery_attempt::Column::Id)
            .all(self.db.conn())
            .await?)
    }

    /// Writes a try into the log, and the delivery's state when it has ended.
    pub async fn log_attempt(
        &self,
        site: &SiteId,
        tx: &Tx,
        delivery: &DeliveryId,
        outcome: AttemptOutcome,
        ended: Option<DeliveryState>,
    ) -> Result<(), StoreError> {
        let row = delivery_attempt::ActiveModel {
            id: Set(AttemptId::generate(self.clock(), self.entropy())),
            delivery_id: Set(delivery.clone()),
            status: Set(outcome.status.map(i32::from)),
            error: Set(outcome.error),
            duration_ms: Set(outcome.duration_ms),
            started_at: Set(outcome.started_at),
        };
        delivery_attempt::Entity::insert(row).exec_without_returning(&**tx).await?;
        match ended {
            Some(state) => self.end_delivery(site, tx, delivery, state).await,
            None => Ok(()),
        }
    }

    /// Writes what became of a delivery.
    pub async fn end_delivery(
        &self,
        site: &SiteId,
        tx: &Tx,
        delivery: &DeliveryId,
        state: DeliveryState,
    ) -> Result<(), StoreError> {
        let row = delivery::ActiveModel { state: Set(state), finished_at: Set(Some(self.now())), ..Default::default() };
        delivery::Entity::update_many()
            .set(row)
            .filter(delivery::Column::Id.eq(delivery.clone()))
            .filter(delivery::Column::SiteId.eq(site.clone()))
            .exec(&**tx)
            .await?;
        Ok(())
    }
}
