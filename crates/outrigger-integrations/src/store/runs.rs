//! Runs.

use jiff::Timestamp;
use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, DbErr};

use super::rows::{Row, all, change, first, text};
use crate::run::{Run, RunStatus};
use crate::{ConfigId, RunId, Scope};

const COLUMNS: &str = "id, scope, config_id, integration, subject, state, progress, link, rerun_of, deadline_at, \
                       created_at, updated_at, finished_at";
const UNFINISHED: &str = "state IN ('waiting', 'pending')";

fn read(row: &Row) -> Result<Run, DbErr> {
    Ok(Run {
        id: row.parse("id")?,
        scope: row.parse("scope")?,
        config: row.parse("config_id")?,
        integration: row.parse("integration")?,
        subject: row.get("subject")?,
        status: row.parse("state")?,
        progress: row.get("progress")?,
        link: row.get("link")?,
        rerun_of: row.parse_opt("rerun_of")?,
        deadline_at: row.time("deadline_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        finished_at: row.time_opt("finished_at")?,
    })
}

/// Stores a run. `false` if it is there already.
pub(crate) async fn insert(tx: &Tx, run: &Run, token_hash: &str) -> Result<bool, DbErr> {
    let sql = "INSERT INTO integration_run (id, scope, config_id, integration, subject, token_hash, state, rerun_of, \
               deadline_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) \
               ON CONFLICT (id) DO NOTHING";
    let values = vec![
        text(run.id),
        text(&run.scope),
        text(run.config),
        text(&run.integration),
        run.subject.as_str().into(),
        token_hash.into(),
        text(run.status),
        run.rerun_of.map(|of| of.to_string()).into(),
        run.deadline_at.as_millisecond().into(),
        run.created_at.as_millisecond().into(),
    ];
    Ok(change(&**tx, sql, values).await? == 1)
}

/// A run, whosever it is: for jobs.
pub(crate) async fn find_anywhere(conn: &impl ConnectionTrait, id: RunId) -> Result<Option<Run>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM integration_run WHERE id = $1");
    first(conn, &sql, vec![text(id)]).await?.as_ref().map(read).transpose()
}

/// The run of a configuration that has this token.
pub(crate) async fn find_by_token(
    conn: &impl ConnectionTrait,
    config: ConfigId,
    token_hash: &str,
) -> Result<Option<Run>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM integration_run WHERE token_hash = $1 AND config_id = $2");
    first(conn, &sql, vec![token_hash.into(), text(config)]).await?.as_ref().map(read).transpose()
}

/// The runs of a configuration, newest first, from the one that follows `after`.
pub(crate) async fn list(
    scope: &Scope,
    conn: &impl ConnectionTrait,
    config: ConfigId,
    after: Option<RunId>,
    limit: u64,
) -> Result<Vec<Run>, DbErr> {
    let mut sql = format!("SELECT {COLUMNS} FROM integration_run WHERE config_id = $1 AND scope = $2");
    let mut values = vec![text(config), text(scope)];
    if let Some(after) = after {
        values.push(text(after));
        sql.push_str(" AND id < $3");
    }
    sql.push_str(&format!(" ORDER BY id DESC LIMIT {limit}"));
    all(conn, &sql, values).await?.iter().map(read).collect()
}

/// Writes where a run stands, if it has not ended. `false` if it has, or is not there.
pub(crate) async fn update(tx: &Tx, run: &Run, now: Timestamp) -> Result<bool, DbErr> {
    let sql = format!(
        "UPDATE integration_run SET state = $1, progress = $2, link = $3, updated_at = $4, finished_at = $5 \
         WHERE id = $6 AND {UNFINISHED}"
    );
    let values = vec![
        text(run.status),
        run.progress.clone().into(),
        run.link.clone().into(),
        now.as_millisecond().into(),
        run.finished_at.map(Timestamp::as_millisecond).into(),
        text(run.id),
    ];
    Ok(change(&**tx, &sql, values).await? == 1)
}

/// Ends a run that has not ended.
pub(crate) async fn end(tx: &Tx, id: RunId, status: RunStatus, progress: &str, now: i64) -> Result<bool, DbErr> {
    let sql = format!(
        "UPDATE integration_run SET state = $1, progress = $2, updated_at = $3, finished_at = $3 \
         WHERE id = $4 AND {UNFINISHED}"
    );
    Ok(change(&**tx, &sql, vec![text(status), progress.into(), now.into(), text(id)]).await? == 1)
}

/// Deletes runs that ended before a time, a bounded number of them.
pub(crate) async fn prune(tx: &Tx, finished_before: i64, limit: u64) -> Result<u64, DbErr> {
    let sql = format!(
        "DELETE FROM integration_run WHERE id IN (SELECT id FROM integration_run WHERE finished_at < $1 \
         ORDER BY finished_at, id LIMIT {limit})"
    );
    change(&**tx, &sql, vec![finished_before.into()]).await
}
