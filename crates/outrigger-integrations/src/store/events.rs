//! Events, and how far each has come with each integration.

use jiff::Timestamp;
use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, DbErr};

use super::rows::{Row, all, change, count, first, text, words};
use crate::rule::FactValues;
use crate::{EventId, IntegrationId, Scope};

/// An event as the row has it.
#[derive(Clone, Debug)]
pub(crate) struct StoredEvent {
    pub(crate) id: EventId,
    pub(crate) name: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) facts: FactValues,
    pub(crate) payload: String,
    pub(crate) created_at: Timestamp,
}

words! {
    /// How far an event has come with one integration.
    #[non_exhaustive]
    pub enum HearingState {
        /// The integration has not heard it yet, or has failed and is told again later.
        Waiting = "waiting",
        /// It has heard it, or did not want to.
        Heard = "heard",
        /// It was given up.
        Failed = "failed",
    }
}

/// The row of an event and an integration.
#[derive(Clone, Debug)]
pub(crate) struct StoredHearing {
    pub(crate) integration: IntegrationId,
    pub(crate) state: HearingState,
    pub(crate) attempts: u32,
    pub(crate) deliveries: u32,
    pub(crate) reason: Option<String>,
    pub(crate) updated_at: Timestamp,
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, DbErr> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(|error| DbErr::Json(error.to_string()))
}

fn to_json(value: &impl serde::Serialize) -> Result<String, DbErr> {
    serde_json::to_string(value).map_err(|error| DbErr::Json(error.to_string()))
}

/// Stores an event.
pub(crate) async fn insert(tx: &Tx, event: &StoredEvent) -> Result<(), DbErr> {
    let sql = "INSERT INTO integration_event (id, name, scopes, facts, payload, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = vec![
        text(event.id),
        event.name.as_str().into(),
        to_json(&event.scopes)?.into(),
        to_json(&event.facts)?.into(),
        event.payload.as_str().into(),
        event.created_at.as_millisecond().into(),
    ];
    change(&**tx, sql, values).await.map(drop)
}

/// An event, wherever it happened: for the jobs, and for explanations, which look at its scopes themselves.
pub(crate) async fn find_anywhere(conn: &impl ConnectionTrait, id: EventId) -> Result<Option<StoredEvent>, DbErr> {
    let sql = "SELECT id, name, scopes, facts, payload, created_at FROM integration_event WHERE id = $1";
    let Some(row) = first(conn, sql, vec![text(id)]).await? else { return Ok(None) };
    Ok(Some(StoredEvent {
        id: row.parse("id")?,
        name: row.get("name")?,
        scopes: json(&row, "scopes")?,
        facts: json(&row, "facts")?,
        payload: row.get("payload")?,
        created_at: row.time("created_at")?,
    }))
}

/// Notes that an integration is to hear of an event. `false` if that is known already.
pub(crate) async fn insert_hearing(
    tx: &Tx,
    event: EventId,
    integration: &IntegrationId,
    now: i64,
) -> Result<bool, DbErr> {
    let sql = "INSERT INTO integration_hearing (event_id, integration, state, attempts, deliveries, updated_at) \
               VALUES ($1, $2, 'waiting', 0, 0, $3) ON CONFLICT (event_id, integration) DO NOTHING";
    Ok(change(&**tx, sql, vec![text(event), text(integration), now.into()]).await? == 1)
}

const HEARING_COLUMNS: &str = "integration, state, attempts, deliveries, reason, updated_at";

fn read_hearing(row: &Row) -> Result<StoredHearing, DbErr> {
    Ok(StoredHearing {
        integration: row.parse("integration")?,
        state: row.parse("state")?,
        attempts: row.count("attempts")?,
        deliveries: row.count("deliveries")?,
        reason: row.get("reason")?,
        updated_at: row.time("updated_at")?,
    })
}

/// How far an event has come with an integration.
pub(crate) async fn hearing(
    conn: &impl ConnectionTrait,
    event: EventId,
    integration: &IntegrationId,
) -> Result<Option<StoredHearing>, DbErr> {
    let sql = format!("SELECT {HEARING_COLUMNS} FROM integration_hearing WHERE event_id = $1 AND integration = $2");
    first(conn, &sql, vec![text(event), text(integration)]).await?.as_ref().map(read_hearing).transpose()
}

/// How far an event has come with all integrations.
pub(crate) async fn hearings(conn: &impl ConnectionTrait, event: EventId) -> Result<Vec<StoredHearing>, DbErr> {
    let sql = format!("SELECT {HEARING_COLUMNS} FROM integration_hearing WHERE event_id = $1 ORDER BY integration");
    all(conn, &sql, vec![text(event)]).await?.iter().map(read_hearing).collect()
}

/// Notes that the integration is being told, before it is. `false` when somebody else has it.
pub(crate) async fn begin_hearing(
    tx: &Tx,
    event: EventId,
    integration: &IntegrationId,
    attempts: u32,
    now: i64,
) -> Result<bool, DbErr> {
    let sql = "UPDATE integration_hearing SET attempts = $1, updated_at = $2 \
               WHERE event_id = $3 AND integration = $4 AND state = 'waiting' AND attempts = $5";
    let values = vec![count(attempts.saturating_add(1)), now.into(), text(event), text(integration), count(attempts)];
    Ok(change(&**tx, sql, values).await? == 1)
}

/// Writes what came of it.
pub(crate) async fn save_hearing(
    tx: &Tx,
    event: EventId,
    integration: &IntegrationId,
    state: HearingState,
    deliveries: u32,
    reason: Option<&str>,
    now: i64,
) -> Result<(), DbErr> {
    let sql = "UPDATE integration_hearing SET state = $1, deliveries = $2, reason = $3, updated_at = $4 \
               WHERE event_id = $5 AND integration = $6 AND state = 'waiting'";
    let values = vec![text(state), count(deliveries), reason.into(), now.into(), text(event), text(integration)];
    change(&**tx, sql, values).await.map(drop)
}

/// Deletes events that are older and that nobody waits for, a bounded number of them.
pub(crate) async fn prune(tx: &Tx, before: i64, limit: u64) -> Result<u64, DbErr> {
    let sql = format!(
        "SELECT id FROM integration_event WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM integration_hearing \
         WHERE event_id = integration_event.id AND state = 'waiting') ORDER BY created_at, id LIMIT {limit}"
    );
    let rows = all(&**tx, &sql, vec![before.into()]).await?;
    for row in &rows {
        let id: String = row.get("id")?;
        change(&**tx, "DELETE FROM integration_hearing WHERE event_id = $1", vec![id.as_str().into()]).await?;
        change(&**tx, "DELETE FROM integration_event WHERE id = $1", vec![id.into()]).await?;
    }
    Ok(rows.len().try_into().unwrap_or(u64::MAX))
}
