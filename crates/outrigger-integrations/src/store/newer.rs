//! What a process has to read to know the present again.

use outrigger_db::generations::generation;
use sea_orm::{ConnectionTrait, QueryResult};

use super::row::{SealedRow, columns};
use super::{ConfigStore, StoreError, TOPIC, statement};
use crate::{ConfigId, Host};

/// Rows as they are at one generation.
pub(crate) struct Newer<H: Host> {
    pub(crate) generation: i64,
    /// Whether these are all rows there are, and not only those that changed.
    pub(crate) whole: bool,
    /// What became of each: `None` of one that is gone.
    pub(crate) rows: Vec<(ConfigId, Option<SealedRow<H>>)>,
}

impl<H: Host> ConfigStore<H> {
    /// The rows that changed after the generation `seen`, or all of them for a process that has seen none or whose
    /// database went back in time, as one that was restored does. `None` when nothing changed.
    ///
    /// Rows and generation are read in one snapshot of the database.
    pub(crate) async fn newer_anywhere(&self, seen: Option<i64>) -> Result<Option<Newer<H>>, StoreError> {
        if let Some(seen) = seen
            && generation(self.db.conn(), TOPIC).await? == seen
        {
            return Ok(None);
        }
        let snapshot = self.db.snapshot().await?;
        let now = generation(&snapshot, TOPIC).await?;
        let known = seen.filter(|seen| *seen <= now);
        let rows = match known {
            Some(seen) => changed(&snapshot, seen).await?,
            None => all(&snapshot).await?,
        };
        snapshot.commit().await?;
        Ok(Some(Newer { generation: now, whole: known.is_none(), rows }))
    }
}

type Rows<H> = Vec<(ConfigId, Option<SealedRow<H>>)>;

async fn all<H: Host>(conn: &impl ConnectionTrait) -> Result<Rows<H>, StoreError> {
    let sql =
        format!("SELECT c.id, {} FROM integration_config c WHERE c.deleted_at IS NULL ORDER BY c.id", columns::<H>());
    let found = conn.query_all_raw(statement(conn, sql, Vec::new())).await?;
    found.iter().map(|row| Ok((key(row)?, live(row)))).collect()
}

async fn changed<H: Host>(conn: &impl ConnectionTrait, seen: i64) -> Result<Rows<H>, StoreError> {
    let sql = format!(
        "SELECT g.row_key, {} FROM generation_row g \
         LEFT JOIN integration_config c ON c.id = g.row_key AND c.deleted_at IS NULL \
         WHERE g.topic = $1 AND g.n > $2 ORDER BY g.row_key",
        columns::<H>()
    );
    let found = conn.query_all_raw(statement(conn, sql, vec![TOPIC.into(), seen.into()])).await?;
    found.iter().map(|row| Ok((key(row)?, live(row)))).collect()
}

fn key(row: &QueryResult) -> Result<ConfigId, StoreError> {
    let key: String = row.try_get_by_index(0)?;
    key.parse().map_err(|error: crate::InvalidId| StoreError::Unreadable(error.to_string()))
}

/// The row, if it is there. One that cannot be read must not hide the others.
fn live<H: Host>(row: &QueryResult) -> Option<SealedRow<H>> {
    let there = row.try_get_by_index::<Option<String>>(1).ok().flatten();
    let read = there.map(|id| (id, SealedRow::read(row, 1)))?;
    read.1.inspect_err(|error| tracing::error!(config = read.0, %error, "a configuration is left out")).ok()
}
