//! What hosts and pages do with deliveries.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{SignedDuration, Timestamp};
use outrigger_db::Tx;

use super::redact::Redactor;
use super::{DayCounts, Delivery, DeliveryDetail, DeliveryFilter, DeliveryState, Health, Origin};
use crate::notice::{Notice, NoticeGuard};
use crate::store::deliveries::{self, NewDelivery, StoredDelivery};
use crate::store::{StoreError, notices};
use crate::{Actor, ConfigId, ConfigOf, DeliveryId, Fault, Host, Integration, Manager, Scope};

/// Why nothing was put into a queue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// There is no such configuration or delivery in the scope.
    #[error("there is no such configuration or delivery here")]
    NotFound,
    /// The delivery is still in the queue.
    #[error("the delivery is still in the queue")]
    Waiting,
    /// What was asked for cannot be done.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sea_orm::DbErr> for DeliverError {
    fn from(error: sea_orm::DbErr) -> Self {
        StoreError::from(error).into()
    }
}

impl<H: Host> Manager<H> {
    /// Puts a message into the queue of a configuration, in the host's transaction. Handlers have
    /// [`Heard::deliver`](crate::Heard::deliver).
    ///
    /// # Errors
    /// When the message has no JSON form, or the database refuses.
    pub async fn deliver<I: Integration<H>>(
        &self,
        tx: &Tx,
        config: &ConfigOf<H, I>,
        message: &I::Message,
    ) -> Result<DeliveryId, DeliverError> {
        let message = serde_json::to_string(message)
            .map_err(|error| Fault::new(format!("the message cannot be written as JSON: {error}")))?;
        self.put_new(tx, (config.scope.clone(), config.id, I::ID), Origin::Host, &message).await
    }

    /// Puts the integration's sample message into the queue of a configuration, enabled or not: it is sent once it is.
    ///
    /// # Errors
    /// [`DeliverError::Fault`] when the integration has no sample, or cannot be asked for one.
    pub async fn send_sample(&self, scope: &Scope, config: ConfigId) -> Result<DeliveryId, DeliverError> {
        let integration = self.integration_of(scope, config).ok_or(DeliverError::NotFound)?;
        let handle = self.handle(&integration).ok_or_else(|| Fault::new("The integration is not installed."))?;
        let made = catch_unwind(AssertUnwindSafe(|| handle.sample()));
        let message = made.unwrap_or_default().ok_or_else(|| Fault::new("The integration has no sample."))?;
        let tx = self.post().db().begin().await?;
        let id = self.put_new(&tx, (scope.clone(), config, integration), Origin::Sample, &message).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn put_new(
        &self,
        tx: &Tx,
        (scope, config, integration): (Scope, ConfigId, crate::IntegrationId),
        origin: Origin,
        message: &str,
    ) -> Result<DeliveryId, DeliverError> {
        let id = DeliveryId::from_uuid(self.post().new_uuid());
        self.put(tx, &NewDelivery { id, scope, config, integration, origin, event: None }, message).await?;
        Ok(id)
    }

    /// The deliveries of a configuration, newest first, from the one that follows `after`. The configuration may have
    /// been deleted.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn deliveries(
        &self,
        scope: &Scope,
        config: ConfigId,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError> {
        Ok(deliveries::list(scope, self.post().db().conn(), config, filter, after, limit).await?)
    }

    /// A delivery, what is in it and what was tried.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delivery(&self, scope: &Scope, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        let conn = self.post().db().conn();
        let Some(stored) = deliveries::find(scope, conn, id).await? else { return Ok(None) };
        let attempts = deliveries::attempts(conn, id).await?;
        let message = self.shown_message(&stored);
        Ok(Some(DeliveryDetail { delivery: stored.delivery, message, attempts }))
    }

    /// The message without secrets. Where nobody can tell what is one, nothing is shown.
    fn shown_message(&self, stored: &StoredDelivery) -> serde_json::Value {
        let Some((integration, config)) = self.any_config(stored.delivery.config) else {
            return serde_json::Value::Null;
        };
        let secrets = self.secrets_of(&integration, &[config]);
        let message = self.post().open_message(stored.delivery.id, &stored.sealed_message).ok();
        let message = message.and_then(|message| serde_json::from_str(&message).ok()).unwrap_or_default();
        Redactor::new(secrets.iter().map(String::as_str)).json(message)
    }

    /// How many deliveries of a configuration there were on each of the last `days` days (UTC), today included, oldest
    /// first, by the state they are in now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delivery_counts(
        &self,
        scope: &Scope,
        config: ConfigId,
        days: u32,
    ) -> Result<Vec<DayCounts>, StoreError> {
        let today = self.post().now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let span = SignedDuration::from_hours(24 * i64::from(days.saturating_sub(1)));
        let first = today.checked_sub(span).unwrap_or(jiff::civil::Date::MIN);
        let since = first.to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::MIN, |start| start.timestamp());
        let found = deliveries::counts_by_day(scope, self.post().db().conn(), config, since).await?;
        let mut found: HashMap<_, _> = found.into_iter().map(|counts| (counts.day, counts)).collect();
        let all = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= today);
        Ok(all.map(|day| found.remove(&day).unwrap_or(DayCounts::none(day))).collect())
    }

    /// How the deliveries of these configurations are getting on, for those that have had any. The ids have to come
    /// from a list that was read with a scope.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn health(&self, configs: &[ConfigId]) -> Result<HashMap<ConfigId, Health>, StoreError> {
        let queues = deliveries::queues(self.post().db().conn(), configs).await?;
        Ok(queues.into_iter().map(|(config, queue)| (config, queue.health)).collect())
    }

    /// Sends a delivery that has left the queue again, under the same id, behind those that are in it.
    ///
    /// # Errors
    /// [`DeliverError::Waiting`] when it has not left the queue.
    pub async fn replay(&self, scope: &Scope, id: DeliveryId) -> Result<(), DeliverError> {
        let tx = self.post().db().begin().await?;
        let found = deliveries::find(scope, &*tx, id).await?.ok_or(DeliverError::NotFound)?;
        if !deliveries::requeue(scope, &tx, id, self.post().millis()).await? {
            return Err(DeliverError::Waiting);
        }
        self.enqueue(&tx, id, found.delivery.config).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sends all dead letters of a configuration that died at this time or later again, oldest first, and says how
    /// many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn replay_dead(&self, scope: &Scope, config: ConfigId, since: Timestamp) -> Result<u64, StoreError> {
        const BATCH: u64 = 100;
        let mut replayed = 0;
        loop {
            let tx = self.post().db().begin().await?;
            let dead = deliveries::dead_since(scope, &*tx, config, since, BATCH).await?;
            for id in &dead {
                if deliveries::requeue(scope, &tx, *id, self.post().millis()).await? {
                    self.enqueue(&tx, *id, config).await?;
                    replayed += 1;
                }
            }
            tx.commit().await?;
            if dead.is_empty() {
                return Ok(replayed);
            }
        }
    }

    /// Takes a delivery out of the queue. One that is being sent at this moment may still arrive.
    ///
    /// # Errors
    /// [`DeliverError::NotFound`] when it is not in the queue.
    pub async fn cancel_delivery(&self, scope: &Scope, id: DeliveryId, actor: &Actor) -> Result<(), DeliverError> {
        let tx = self.post().db().begin().await?;
        let found = deliveries::find(scope, &*tx, id).await?.ok_or(DeliverError::NotFound)?;
        let text = format!("Taken out by {}.", actor.name);
        let now = self.post().millis();
        if !deliveries::finish(&tx, id, DeliveryState::Cancelled, Some(&text), now).await? {
            return Err(DeliverError::NotFound);
        }
        // Its job is the first in the lane, or waits behind it; either way it finds nothing to do.
        self.wake_queue(&tx, found.delivery.config).await?;
        self.wake(&tx, id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes all that waits for a configuration out of its queue, and says how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn cancel_deliveries(&self, scope: &Scope, config: ConfigId, actor: &Actor) -> Result<u64, StoreError> {
        let tx = self.post().db().begin().await?;
        self.wake_queue(&tx, config).await?;
        let text = format!("Taken out by {}.", actor.name);
        let cancelled = deliveries::cancel_waiting(scope, &tx, config, &text, self.post().millis()).await?;
        tx.commit().await?;
        Ok(cancelled)
    }

    /// Seals the messages that are sealed with an old key anew, and says how many: after the master key was rotated.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reseal_deliveries(&self) -> Result<u64, StoreError> {
        self.post().reseal().await
    }

    /// The notices of a scope, newest first, from the one that follows `after`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn notices(&self, scope: &Scope, after: Option<&str>, limit: u64) -> Result<Vec<Notice>, StoreError> {
        Ok(notices::list(scope, self.post().db().conn(), after, limit).await?)
    }

    /// Calls `listener` with each notice that this process makes, once it is stored, until what this returns is
    /// dropped. Keep it short: it is called by the job that made the notice. [`Manager::notices`] has all of them.
    pub fn on_notice(&self, listener: impl Fn(&Notice) + Send + Sync + 'static) -> NoticeGuard {
        self.post().listeners.add(listener)
    }
}

impl DayCounts {
    fn none(day: jiff::civil::Date) -> Self {
        Self { day, waiting: 0, delivered: 0, dead: 0, cancelled: 0 }
    }
}
