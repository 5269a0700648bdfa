//! Generations: a number for each topic that grows with every change of it, in the writer's own transaction.
//!
//! Whoever keeps rows in memory reads the number and the rows in one [snapshot](crate::Db::snapshot), and knows later
//! by the number alone whether they are still true. [`Tracked`] makes the database itself keep the number, and note
//! which rows moved, so that a write by another program counts like our own and a reader fetches only what is newer.
//!
//! * `generation (topic, n)` has one row for each topic.
//! * `generation_row (topic, row_key, n)` has one row for each row that ever changed in a tracked table: the key of
//!   that row as text, and the generation of its last change. It stays when the row is deleted; that is how the others
//!   learn of it.
//!
//! The row of a topic is locked from the first change until the transaction ends, so the transactions that change one
//! topic commit in the order of their numbers: no number appears after a larger one was seen.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use crate::{Engine, Tx, dialect};

/// A table whose changes the database itself counts under a topic.
///
/// The three are plain words (letters, digits, `_`) of the program's own; the key column has one value for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The table.
    pub table: &'static str,
    /// Its key column, which `generation_row.row_key` repeats as text.
    pub key: &'static str,
    /// The topic, also announced: a [`Watch`](crate::Watch) of it wakes.
    pub topic: &'static str,
}

impl Tracked {
    /// Makes the triggers, in the migration that makes the table.
    ///
    /// From then on every insert, update, delete and truncate counts, whoever does it and by whatever road.
    ///
    /// # Errors
    /// When the engine refuses, as it does before this crate's own [`migrations`](crate::migrations) have run.
    ///
    /// # Panics
    /// When one of the names is no plain word.
    pub async fn create(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        for sql in triggers(Engine::of(conn.get_database_backend()), self) {
            conn.execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}

/// The SQL that [`Tracked::create`] executes, for those who keep their schema by hand: one statement each.
///
/// ```
/// use outrigger_db::generations::{Tracked, triggers};
/// use outrigger_db::Engine;
///
/// let sites = Tracked { table: "site", key: "id", topic: "site" };
/// assert!(triggers(Engine::Sqlite, &sites).iter().any(|sql| sql.starts_with("CREATE TRIGGER")));
/// assert!(triggers(Engine::Postgres, &sites).iter().any(|sql| sql.contains("pg_notify")));
/// ```
///
/// # Panics
/// When one of the names is no plain word.
pub fn triggers(engine: Engine, tracked: &Tracked) -> Vec<String> {
    for name in [tracked.table, tracked.key, tracked.topic] {
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        assert!(plain && !name.is_empty(), "`{name}` is no plain word");
    }
    let begin = format!(
        "INSERT INTO generation (topic, n) SELECT '{topic}', 1 \
         WHERE NOT EXISTS (SELECT 1 FROM generation WHERE topic = '{topic}')",
        topic = tracked.topic
    );
    std::iter::once(begin).chain(dialect::change_triggers(engine, tracked)).collect()
}

/// The generation of a topic: 0 when nothing ever changed. Read it in the [snapshot](crate::Db::snapshot) in which
/// the rows are read.
///
/// # Errors
/// When the engine refused.
///
/// ```
/// use outrigger_db::generations::generation;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let test = outrigger_db::testing::TestDb::new(outrigger_db::migrations()).await;
/// # let db = test.db();
/// let tx = db.begin().await?;
/// let moved = tx.bump("site").await?;
/// tx.commit().await?;
/// assert_eq!(generation(db.conn(), "site").await?, moved);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn generation(conn: &impl ConnectionTrait, topic: &str) -> Result<i64, DbErr> {
    let sql = "SELECT n FROM generation WHERE topic = $1";
    let found =
        conn.query_one_raw(Statement::from_sql_and_values(conn.get_database_backend(), sql, [topic.into()])).await?;
    found.map_or(Ok(0), |row| row.try_get_by_index(0))
}

impl Tx {
    /// Moves a topic on by one and [announces](Tx::announce) it; both happen if and when this commits.
    ///
    /// Where a [`Tracked`] table counts by itself, call this *before* the rows are changed all the same: it takes the
    /// topic's turn first, so that two writers wait for each other instead of meeting in a deadlock. The turn is held
    /// until the transaction ends.
    ///
    /// # Errors
    /// When the engine refused.
    pub async fn bump(&self, topic: &'static str) -> Result<i64, DbErr> {
        self.announce(topic);
        let sql = "INSERT INTO generation (topic, n) VALUES ($1, 1) \
                   ON CONFLICT (topic) DO UPDATE SET n = generation.n + 1 RETURNING n";
        let statement = Statement::from_sql_and_values(self.get_database_backend(), sql, [topic.into()]);
        let row = self.query_one_raw(statement).await?;
        row.ok_or_else(|| DbErr::RecordNotFound("a generation that was just written".into()))?.try_get_by_index(0)
    }
}

impl Tx {
    pub(crate) async fn count(&self, moved: &BTreeSet<(&'static str, String)>) -> Result<(), DbErr> {
        let sql = "INSERT INTO generation_row (topic, row_key, n) VALUES ($1, $2, $3) \
                   ON CONFLICT (topic, row_key) DO UPDATE SET n = excluded.n";
        // In the order of the topics, so that two writers never wait for each other.
        let topics: BTreeSet<&'static str> = moved.iter().map(|(topic, _)| *topic).collect();
        for topic in topics {
            let n = self.bump(topic).await?;
            for (_, key) in moved.iter().filter(|(of, _)| *of == topic) {
                let values = [topic.into(), key.as_str().into(), n.into()];
                self.execute_raw(Statement::from_sql_and_values(self.get_database_backend(), sql, values)).await?;
            }
        }
        Ok(())
    }
}

/// The keys that moved since a generation, whether by a [`Tracked`] table or by [`Tx::moves`]. Read them in the
/// [snapshot](crate::Db::snapshot) in which the [generation] and what is kept under the keys are read.
///
/// # Errors
/// When the engine refused.
///
/// ```
/// use outrigger_db::generations::moved_since;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let test = outrigger_db::testing::TestDb::new(outrigger_db::migrations()).await;
/// # let db = test.db();
/// let tx = db.begin().await?;
/// tx.moves("route", "site-1");
/// tx.commit().await?;
/// assert_eq!(moved_since(db.conn(), "route", 0).await?, ["site-1"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn moved_since(conn: &impl ConnectionTrait, topic: &str, n: i64) -> Result<Vec<String>, DbErr> {
    let sql = "SELECT row_key FROM generation_row WHERE topic = $1 AND n > $2 ORDER BY n, row_key";
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, [topic.into(), n.into()]);
    conn.query_all_raw(statement).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

pub(crate) struct CreateGeneration;

impl MigrationName for CreateGeneration {
    fn name(&self) -> &str {
        "outrigger_db_0002_create_generation"
    }
}

#[async_trait]
impl MigrationTrait for CreateGeneration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in [
            "CREATE TABLE generation (topic TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)",
            "CREATE TABLE generation_row (topic TEXT NOT NULL, row_key TEXT NOT NULL, n BIGINT NOT NULL, \
             PRIMARY KEY (topic, row_key))",
            "CREATE INDEX generation_row_newer ON generation_row (topic, n)",
        ] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
