//! Deliveries, their attempts, and the queue of each configuration.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, DbErr, Value};

use super::rows::{Row, all, change, count, first, text};
use crate::delivery::{
    AttemptOutcome, AttemptRecord, DayCounts, Delivery, DeliveryFilter, DeliveryState, Health, Origin,
};
use crate::{ConfigId, DeliveryId, EventId, IntegrationId, Scope};

const COLUMNS: &str = "id, scope, config_id, integration, origin, event_id, state, attempts, tries, reason, next_at, \
                       queued_at, created_at, updated_at, finished_at, sealed_message, \
                       (SELECT e.name FROM integration_event e WHERE e.id = event_id) AS event_name";
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// A delivery as the row has it.
#[derive(Clone, Debug)]
pub(crate) struct StoredDelivery {
    pub(crate) delivery: Delivery,
    /// How often it was tried since it was last put into the queue.
    pub(crate) tries: u32,
    pub(crate) sealed_message: String,
}

/// A delivery that is to be stored.
pub(crate) struct NewDelivery {
    pub(crate) id: DeliveryId,
    pub(crate) scope: Scope,
    pub(crate) config: ConfigId,
    pub(crate) integration: IntegrationId,
    pub(crate) origin: Origin,
    pub(crate) event: Option<EventId>,
}

fn read(row: &Row) -> Result<StoredDelivery, DbErr> {
    let delivery = Delivery {
        id: row.parse("id")?,
        scope: row.parse("scope")?,
        config: row.parse("config_id")?,
        integration: row.parse("integration")?,
        origin: row.parse("origin")?,
        event: row.parse_opt("event_id")?,
        event_name: row.get("event_name")?,
        state: row.parse("state")?,
        attempts: row.count("attempts")?,
        reason: row.get("reason")?,
        next_at: row.time_opt("next_at")?,
        queued_at: row.time("queued_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        finished_at: row.time_opt("finished_at")?,
    };
    Ok(StoredDelivery { delivery, tries: row.count("tries")?, sealed_message: row.get("sealed_message")? })
}

/// Stores a delivery in the queue. `false` if it is there already.
pub(crate) async fn insert(tx: &Tx, new: &NewDelivery, sealed_message: &str, now: i64) -> Result<bool, DbErr> {
    let sql = "INSERT INTO integration_delivery (id, scope, config_id, integration, origin, event_id, sealed_message, \
               state, attempts, tries, queued_at, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, 0, $8, $8, $8) ON CONFLICT (id) DO NOTHING";
    let values = vec![
        text(new.id),
        text(&new.scope),
        text(new.config),
        text(&new.integration),
        text(new.origin),
        new.event.map(|event| event.to_string()).into(),
        sealed_message.into(),
        now.into(),
    ];
    Ok(change(&**tx, sql, values).await? == 1)
}

/// A delivery, whosever it is: for the job that sends it.
pub(crate) async fn find_anywhere(
    conn: &impl ConnectionTrait,
    id: DeliveryId,
) -> Result<Option<StoredDelivery>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM integration_delivery WHERE id = $1");
    first(conn, &sql, vec![text(id)]).await?.as_ref().map(read).transpose()
}

/// A delivery of the scope.
pub(crate) async fn find(
    scope: &Scope,
    conn: &impl ConnectionTrait,
    id: DeliveryId,
) -> Result<Option<StoredDelivery>, DbErr> {
    Ok(find_anywhere(conn, id).await?.filter(|found| found.delivery.scope == *scope))
}

/// The deliveries of a configuration, newest first, from the one that follows `after`.
pub(crate) async fn list(
    scope: &Scope,
    conn: &impl ConnectionTrait,
    config: ConfigId,
    filter: &DeliveryFilter,
    after: Option<DeliveryId>,
    limit: u64,
) -> Result<Vec<Delivery>, DbErr> {
    let mut sql = format!("SELECT {COLUMNS} FROM integration_delivery WHERE config_id = $1 AND scope = $2");
    let mut values = vec![text(config), text(scope)];
    if let Some(state) = filter.state {
        values.push(text(state));
        sql.push_str(&format!(" AND state = ${}", values.len()));
    }
    if let Some(after) = after {
        values.push(text(after));
        sql.push_str(&format!(" AND id < ${}", values.len()));
    }
    sql.push_str(&format!(" ORDER BY id DESC LIMIT {limit}"));
    let rows = all(conn, &sql, values).await?;
    rows.iter().map(|row| read(row).map(|stored| stored.delivery)).collect()
}

/// The days from `since` on that have any, oldest first.
pub(crate) async fn counts_by_day(
    scope: &Scope,
    conn: &impl ConnectionTrait,
    config: ConfigId,
    since: Timestamp,
) -> Result<Vec<DayCounts>, DbErr> {
    let sql = format!(
        "SELECT created_at / {DAY_MILLIS} AS day, state, COUNT(*) AS number FROM integration_delivery \
         WHERE config_id = $1 AND scope = $2 AND created_at >= $3 \
         GROUP BY created_at / {DAY_MILLIS}, state ORDER BY day"
    );
    let rows = all(conn, &sql, vec![text(config), text(scope), since.as_millisecond().into()]).await?;
    let mut days: Vec<DayCounts> = Vec::new();
    for row in rows {
        let day = day(row.get("day")?);
        if days.last().is_none_or(|last| last.day != day) {
            days.push(DayCounts { day, waiting: 0, delivered: 0, dead: 0, cancelled: 0 });
        }
        let number = u64::try_from(row.get::<i64>("number")?).unwrap_or(0);
        let state: DeliveryState = row.parse("state")?;
        if let Some(counts) = days.last_mut() {
            match state {
                DeliveryState::Waiting => counts.waiting += number,
                DeliveryState::Delivered => counts.delivered += number,
                DeliveryState::Dead => counts.dead += number,
                DeliveryState::Cancelled => counts.cancelled += number,
            }
        }
    }
    Ok(days)
}

fn day(number: i64) -> Date {
    let start = Timestamp::from_millisecond(number.saturating_mul(DAY_MILLIS)).unwrap_or(Timestamp::MAX);
    start.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Notes that an attempt begins, before anything is sent. `None` when the delivery is not where `stored` says: somebody
/// else has it.
pub(crate) async fn begin_attempt(tx: &Tx, stored: &StoredDelivery, now: i64) -> Result<Option<u32>, DbErr> {
    let number = stored.delivery.attempts.saturating_add(1);
    let sql = "UPDATE integration_delivery SET attempts = $1, tries = tries + 1, next_at = NULL, updated_at = $2 \
               WHERE id = $3 AND state = 'waiting' AND attempts = $4";
    let id = stored.delivery.id;
    let values = vec![count(number), now.into(), text(id), count(stored.delivery.attempts)];
    if change(&**tx, sql, values).await? == 0 {
        return Ok(None);
    }
    let sql = "INSERT INTO integration_attempt (delivery_id, number, outcome, summary, started_at) \
               VALUES ($1, $2, 'running', '', $3)";
    change(&**tx, sql, vec![text(id), count(number), now.into()]).await?;
    Ok(Some(number))
}

/// What is written when an attempt has ended.
pub(crate) struct Ended<'a> {
    pub(crate) outcome: AttemptOutcome,
    pub(crate) status: Option<u16>,
    pub(crate) summary: &'a str,
    pub(crate) duration: Option<Duration>,
}

/// Writes how an attempt that runs has ended.
pub(crate) async fn end_attempt(tx: &Tx, id: DeliveryId, number: u32, ended: &Ended<'_>) -> Result<(), DbErr> {
    let sql = "UPDATE integration_attempt SET outcome = $1, status = $2, summary = $3, duration_ms = $4 \
               WHERE delivery_id = $5 AND number = $6 AND outcome = 'running'";
    let duration = ended.duration.map(|duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    let values = vec![
        text(ended.outcome),
        ended.status.map(i32::from).into(),
        ended.summary.into(),
        duration.into(),
        text(id),
        count(number),
    ];
    change(&**tx, sql, values).await.map(drop)
}

/// The attempts of a delivery, oldest first.
pub(crate) async fn attempts(conn: &impl ConnectionTrait, id: DeliveryId) -> Result<Vec<AttemptRecord>, DbErr> {
    let sql = "SELECT number, outcome, status, summary, started_at, duration_ms FROM integration_attempt \
               WHERE delivery_id = $1 ORDER BY number";
    let rows = all(conn, sql, vec![text(id)]).await?;
    let attempt = |row: &Row| {
        let duration = row.get::<Option<i64>>("duration_ms")?.and_then(|millis| u64::try_from(millis).ok());
        Ok(AttemptRecord {
            number: row.count("number")?,
            outcome: row.parse("outcome")?,
            status: row.get::<Option<i32>>("status")?.and_then(|status| u16::try_from(status).ok()),
            summary: row.get("summary")?,
            started_at: row.time("started_at")?,
            duration: duration.map(Duration::from_millis),
        })
    };
    rows.iter().map(attempt).collect()
}

/// Whether the last attempt was begun and nobody has said how it ended.
pub(crate) async fn has_open_attempt(conn: &impl ConnectionTrait, id: DeliveryId, number: u32) -> Result<bool, DbErr> {
    let sql = "SELECT number FROM integration_attempt WHERE delivery_id = $1 AND number = $2 AND outcome = 'running'";
    Ok(first(conn, sql, vec![text(id), count(number)]).await?.is_some())
}

/// Keeps a delivery in the queue and says what it waits for.
pub(crate) async fn wait(tx: &Tx, id: DeliveryId, reason: &str, next_at: Option<i64>, now: i64) -> Result<(), DbErr> {
    let sql = "UPDATE integration_delivery SET reason = $1, next_at = $2, updated_at = $3 \
               WHERE id = $4 AND state = 'waiting'";
    change(&**tx, sql, vec![reason.into(), next_at.into(), now.into(), text(id)]).await.map(drop)
}

/// Takes a delivery out of the queue.
pub(crate) async fn finish(
    tx: &Tx,
    id: DeliveryId,
    state: DeliveryState,
    reason: Option<&str>,
    now: i64,
) -> Result<bool, DbErr> {
    let sql = "UPDATE integration_delivery SET state = $1, reason = $2, next_at = NULL, updated_at = $3, \
               finished_at = $3 WHERE id = $4 AND state = 'waiting'";
    Ok(change(&**tx, sql, vec![text(state), reason.into(), now.into(), text(id)]).await? == 1)
}

/// Cancels all that wait for a configuration.
pub(crate) async fn cancel_waiting(
    scope: &Scope,
    tx: &Tx,
    config: ConfigId,
    reason: &str,
    now: i64,
) -> Result<u64, DbErr> {
    let sql = "UPDATE integration_delivery SET state = 'cancelled', reason = $1, next_at = NULL, updated_at = $2, \
               finished_at = $2 WHERE config_id = $3 AND scope = $4 AND state = 'waiting'";
    change(&**tx, sql, vec![reason.into(), now.into(), text(config), text(scope)]).await
}

/// Puts a delivery that has left the queue back into it. `false` if it has not, or is not there.
pub(crate) async fn requeue(scope: &Scope, tx: &Tx, id: DeliveryId, now: i64) -> Result<bool, DbErr> {
    let sql = "UPDATE integration_delivery SET state = 'waiting', tries = 0, reason = NULL, next_at = NULL, \
               queued_at = $1, updated_at = $1, finished_at = NULL WHERE id = $2 AND scope = $3 AND state <> 'waiting'";
    Ok(change(&**tx, sql, vec![now.into(), text(id), text(scope)]).await? == 1)
}

/// The dead letters of a configuration that died at this time or later, oldest first, at most `limit`.
pub(crate) async fn dead_since(
    scope: &Scope,
    conn: &impl ConnectionTrait,
    config: ConfigId,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<DeliveryId>, DbErr> {
    let sql = format!(
        "SELECT id FROM integration_delivery WHERE config_id = $1 AND scope = $2 AND state = 'dead' \
         AND finished_at >= $3 ORDER BY id LIMIT {limit}"
    );
    let rows = all(conn, &sql, vec![text(config), text(scope), since.as_millisecond().into()]).await?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// The first delivery in the queue of a configuration, which is the one that its job is at.
pub(crate) async fn head(conn: &impl ConnectionTrait, config: ConfigId) -> Result<Vec<DeliveryId>, DbErr> {
    // Jobs of a queue run in the order in which they were enqueued; after a replay that is not the order of the ids.
    let sql = "SELECT id FROM integration_delivery WHERE config_id = $1 AND state = 'waiting' \
               ORDER BY queued_at, id LIMIT 20";
    let rows = all(conn, sql, vec![text(config)]).await?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// Messages that were sealed with another key than the active one are rewritten by the caller: a page of all rows.
pub(crate) async fn sealed_page(
    conn: &impl ConnectionTrait,
    after: &str,
    limit: u64,
) -> Result<Vec<(DeliveryId, String)>, DbErr> {
    let sql = format!("SELECT id, sealed_message FROM integration_delivery WHERE id > $1 ORDER BY id LIMIT {limit}");
    let rows = all(conn, &sql, vec![after.into()]).await?;
    rows.iter().map(|row| Ok((row.parse("id")?, row.get("sealed_message")?))).collect()
}

/// Replaces a sealed message by the same sealed anew.
pub(crate) async fn replace_sealed(tx: &Tx, id: DeliveryId, old: &str, new: &str) -> Result<(), DbErr> {
    let sql = "UPDATE integration_delivery SET sealed_message = $1 WHERE id = $2 AND sealed_message = $3";
    change(&**tx, sql, vec![new.into(), text(id), old.into()]).await.map(drop)
}

/// Deletes what left the queue before a time, a bounded number of it, with its attempts.
pub(crate) async fn prune(tx: &Tx, finished_before: i64, limit: u64) -> Result<u64, DbErr> {
    let old =
        format!("SELECT id FROM integration_delivery WHERE finished_at < $1 ORDER BY finished_at, id LIMIT {limit}");
    let sql = format!("DELETE FROM integration_attempt WHERE delivery_id IN ({old})");
    change(&**tx, &sql, vec![finished_before.into()]).await?;
    change(&**tx, &format!("DELETE FROM integration_delivery WHERE id IN ({old})"), vec![finished_before.into()]).await
}

/// The row of a configuration's queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueRow {
    /// For the rate limit.
    pub(crate) busy_until: i64,
    pub(crate) health: Health,
}

fn read_queue(row: &Row) -> Result<QueueRow, DbErr> {
    let health = Health {
        delivered_at: row.time_opt("delivered_at")?,
        failing_since: row.time_opt("failing_since")?,
        failures: row.count("failures")?,
        reason: row.get("reason")?,
        switched_off_at: row.time_opt("switched_off_at")?,
    };
    Ok(QueueRow { busy_until: row.get("busy_until")?, health })
}

const QUEUE_COLUMNS: &str = "config_id, busy_until, delivered_at, failing_since, failures, reason, switched_off_at";

/// The queue of a configuration; an empty one if nothing was ever sent.
pub(crate) async fn queue(conn: &impl ConnectionTrait, config: ConfigId) -> Result<QueueRow, DbErr> {
    let sql = format!("SELECT {QUEUE_COLUMNS} FROM integration_queue WHERE config_id = $1");
    let found = first(conn, &sql, vec![text(config)]).await?;
    found.as_ref().map_or_else(|| Ok(QueueRow::default()), read_queue)
}

/// The queues of these configurations, those that have one.
pub(crate) async fn queues(
    conn: &impl ConnectionTrait,
    configs: &[ConfigId],
) -> Result<Vec<(ConfigId, QueueRow)>, DbErr> {
    let mut found = Vec::new();
    // Both engines have a limit on parameters.
    for configs in configs.chunks(1000) {
        let places: Vec<String> = (1..=configs.len()).map(|n| format!("${n}")).collect();
        let sql = format!("SELECT {QUEUE_COLUMNS} FROM integration_queue WHERE config_id IN ({})", places.join(", "));
        for row in all(conn, &sql, configs.iter().map(text).collect()).await? {
            found.push((row.parse("config_id")?, read_queue(&row)?));
        }
    }
    Ok(found)
}

/// Writes the queue of a configuration. The job of the queue is the only one that does.
pub(crate) async fn save_queue(tx: &Tx, config: ConfigId, queue: &QueueRow) -> Result<(), DbErr> {
    let sql = format!(
        "INSERT INTO integration_queue ({QUEUE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (config_id) DO UPDATE SET busy_until = excluded.busy_until, delivered_at = excluded.delivered_at, \
         failing_since = excluded.failing_since, failures = excluded.failures, reason = excluded.reason, \
         switched_off_at = excluded.switched_off_at"
    );
    let millis = |time: Option<Timestamp>| -> Value { time.map(Timestamp::as_millisecond).into() };
    let health = &queue.health;
    let values = vec![
        text(config),
        queue.busy_until.into(),
        millis(health.delivered_at),
        millis(health.failing_since),
        count(health.failures),
        health.reason.clone().into(),
        millis(health.switched_off_at),
    ];
    change(&**tx, &sql, values).await.map(drop)
}
