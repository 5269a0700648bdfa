//! Notices, and the ids of inbound messages that have been taken.

use jiff::Timestamp;
use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, DbErr};

use super::rows::{Row, all, change, first, text};
use crate::notice::Notice;
use crate::{ConfigId, Scope};

/// Stores a notice.
pub(crate) async fn insert(tx: &Tx, notice: &Notice) -> Result<(), DbErr> {
    let sql = "INSERT INTO integration_notice (id, scope, config_id, integration, kind, reason, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = vec![
        notice.id.as_str().into(),
        text(&notice.scope),
        notice.config.map(|config| config.to_string()).into(),
        text(&notice.integration),
        text(notice.kind),
        notice.reason.as_str().into(),
        notice.at.as_millisecond().into(),
    ];
    change(&**tx, sql, values).await.map(drop)
}

/// The notices of a scope, newest first, from the one that follows `after`.
pub(crate) async fn list(
    scope: &Scope,
    conn: &impl ConnectionTrait,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Notice>, DbErr> {
    let mut sql = "SELECT id, scope, config_id, integration, kind, reason, created_at FROM integration_notice \
                   WHERE scope = $1"
        .to_owned();
    let mut values = vec![text(scope)];
    if let Some(after) = after {
        values.push(after.into());
        sql.push_str(" AND id < $2");
    }
    sql.push_str(&format!(" ORDER BY id DESC LIMIT {limit}"));
    let notice = |row: &Row| {
        Ok(Notice {
            id: row.get("id")?,
            scope: row.parse("scope")?,
            config: row.parse_opt("config_id")?,
            integration: row.parse("integration")?,
            kind: row.parse("kind")?,
            reason: row.get("reason")?,
            at: row.time("created_at")?,
        })
    };
    all(conn, &sql, values).await?.iter().map(notice).collect()
}

/// Deletes notices that are older.
pub(crate) async fn prune(tx: &Tx, before: i64) -> Result<u64, DbErr> {
    change(&**tx, "DELETE FROM integration_notice WHERE created_at < $1", vec![before.into()]).await
}

/// Whether an inbound message was taken before.
pub(crate) async fn was_received(conn: &impl ConnectionTrait, config: ConfigId, id: &str) -> Result<bool, DbErr> {
    let sql = "SELECT received_at FROM integration_received WHERE config_id = $1 AND message_id = $2";
    Ok(first(conn, sql, vec![text(config), id.into()]).await?.is_some())
}

/// Notes that an inbound message is taken. `false` if it was before.
pub(crate) async fn insert_received(tx: &Tx, config: ConfigId, id: &str, now: Timestamp) -> Result<bool, DbErr> {
    let sql = "INSERT INTO integration_received (config_id, message_id, received_at) VALUES ($1, $2, $3) \
               ON CONFLICT (config_id, message_id) DO NOTHING";
    Ok(change(&**tx, sql, vec![text(config), id.into(), now.as_millisecond().into()]).await? == 1)
}

/// Forgets inbound messages that are too old to be believed again.
pub(crate) async fn prune_received(tx: &Tx, before: i64) -> Result<u64, DbErr> {
    change(&**tx, "DELETE FROM integration_received WHERE received_at < $1", vec![before.into()]).await
}
