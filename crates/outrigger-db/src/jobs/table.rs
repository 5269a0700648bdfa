//! The table of jobs: its rows, its migration, and all SQL of the engine.

use std::fmt;

use sea_orm::{
    ColIdx, ConnectionTrait, DbErr, FromQueryResult, QueryResult, Statement, TryGetError, TryGetable, Value,
};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::JobFilter;
use crate::generations::CreateGeneration;
use crate::{Db, Engine, Tx, dialect};

/// Announced when a job may be due, and with the id of a job as detail when somebody who waits for it should look.
pub(super) const TOPIC: &str = "job";

/// Names one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Writes an enum of words that are stored as text: names and texts stand side by side, once.
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// The word that is stored and shown.
            $vis fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                match String::try_get_by(row, index)?.as_str() {
                    $($word => Ok($name::$variant),)*
                    other => Err(DbErr::Type(format!("a job row says `{other}`, which this version does not know")).into()),
                }
            }
        }

        impl From<$name> for Value {
            fn from(word: $name) -> Value {
                word.as_str().into()
            }
        }
    };
}

words! {
    /// Where a job stands.
    pub enum JobState {
        /// Waits for its time, its lane or a free worker.
        Ready = "ready",
        /// A worker has it.
        Running = "running",
        /// A step asked to be run again later, as it waits for something outside.
        Polling = "polling",
        /// Succeeded.
        Done = "done",
        /// Failed, and everything was undone.
        Undone = "undone",
        /// Failed, and not everything could be undone: a person has to look.
        Stuck = "stuck",
    }
}

impl JobState {
    /// Whether nothing more will happen.
    pub fn is_finished(self) -> bool {
        matches!(self, JobState::Done | JobState::Undone | JobState::Stuck)
    }
}

words! {
    /// Which way a job goes.
    pub(super) enum Phase {
        Forward = "forward",
        /// Back, one step after the other.
        Undo = "undo",
        /// All is undone; `ended` is to be called.
        Cleaned = "cleaned",
        /// An undo was given up; `ended` is to be called.
        Abandoned = "abandoned",
    }
}

#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) key: Option<String>,
    pub(super) lane: Option<String>,
    pub(super) payload: String,
    pub(super) phase: Phase,
    pub(super) step: String,
    pub(super) state: JobState,
    /// Of the current step, the running one included.
    pub(super) attempts: i32,
    /// When the present row of failures of this step began.
    pub(super) failing_since: Option<i64>,
    /// From when a worker may take it: for a job that runs, the end of its lease.
    pub(super) run_at: i64,
    /// Counts how often it was taken: the fencing token.
    pub(super) claim: i64,
    /// What went wrong last.
    pub(super) reason: Option<String>,
    /// Why it is being undone, and at which step that began.
    pub(super) failure: Option<String>,
    pub(super) failed_step: Option<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) finished_at: Option<i64>,
}

/// Named one by one: with `*`, a column that a newer version adds would break prepared statements of this one.
const COLUMNS: &str = "id, kind, key, lane, payload, phase, step, state, attempts, failing_since, run_at, claim, \
                       reason, failure, failed_step, created_at, updated_at, finished_at";

/// The migrations of this crate's own tables, for [`Db::migrate`].
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(CreateJob), Box::new(CreateGeneration)]
}

struct CreateJob;

impl MigrationName for CreateJob {
    fn name(&self) -> &str {
        "outrigger_db_0001_create_job"
    }
}

#[async_trait]
impl MigrationTrait for CreateJob {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use sea_orm_migration::sea_query::{ColumnDef, Table};
        let column = |name: &'static str| ColumnDef::new(name);
        let mut table = Table::create();
        table.table("job").col(column("id").big_integer().not_null().auto_increment().primary_key());
        for name in ["kind", "payload", "phase", "step", "state"] {
            table.col(column(name).text().not_null());
        }
        for name in ["key", "lane", "reason", "failure", "failed_step"] {
            table.col(column(name).text());
        }
        for name in ["run_at", "claim", "created_at", "updated_at"] {
            table.col(column(name).big_integer().not_null());
        }
        for name in ["failing_since", "finished_at"] {
            table.col(column(name).big_integer());
        }
        table.col(column("attempts").integer().not_null());
        manager.create_table(table).await?;
        // Finished jobs are most of the table and no claim looks at them, hence partial indexes.
        for index in [
            "CREATE UNIQUE INDEX job_key ON job (kind, key) WHERE finished_at IS NULL AND key IS NOT NULL",
            "CREATE INDEX job_due ON job (run_at, id) WHERE finished_at IS NULL",
            "CREATE INDEX job_lane ON job (lane, id) WHERE finished_at IS NULL AND lane IS NOT NULL",
            "CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL",
        ] {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use sea_orm_migration::sea_query::Table;
        manager.drop_table(Table::drop().table("job").take()).await
    }
}

fn statement(conn: &impl ConnectionTrait, sql: impl Into<String>, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}

async fn rows(conn: &impl ConnectionTrait, sql: String, values: Vec<Value>) -> Result<Vec<Row>, DbErr> {
    let found = conn.query_all_raw(statement(conn, sql, values)).await?;
    found.iter().map(|row| Row::from_query_result(row, "")).collect()
}

async fn changed(tx: &Tx, sql: &str, values: Vec<Value>) -> Result<u64, DbErr> {
    Ok(tx.execute_raw(statement(&**tx, sql, values)).await?.rows_affected())
}

/// `$first, ...`, one for each of `count` values.
fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Inserts the job, or finds the unfinished one that has its key. A transaction elsewhere that is about to insert the
/// same key is waited for, so a race has the same answer.
pub(super) async fn insert(tx: &Tx, engine: Engine, row: &Row) -> Result<i64, DbErr> {
    if let Some(lane) = &row.lane {
        dialect::lock_lane(tx, engine, lane).await?;
    }
    let sql = "INSERT INTO job (kind, key, lane, payload, phase, step, state, attempts, run_at, claim, created_at, \
               updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
               ON CONFLICT (kind, key) WHERE finished_at IS NULL AND key IS NOT NULL DO NOTHING RETURNING id";
    let values: Vec<Value> = vec![
        row.kind.as_str().into(),
        row.key.clone().into(),
        row.lane.clone().into(),
        row.payload.as_str().into(),
        row.phase.into(),
        row.step.as_str().into(),
        row.state.into(),
        row.attempts.into(),
        row.run_at.into(),
        row.claim.into(),
        row.created_at.into(),
        row.updated_at.into(),
    ];
    let same_key = "SELECT id FROM job WHERE kind = $1 AND key = $2 AND finished_at IS NULL";
    let key: Vec<Value> = vec![row.kind.as_str().into(), row.key.clone().into()];
    // Goes round only if the job that was in the way finishes between the two statements.
    loop {
        for (sql, values) in [(sql, &values), (same_key, &key)] {
            if let Some(found) = tx.query_one_raw(statement(&**tx, sql, values.clone())).await? {
                return found.try_get("", "id");
            }
        }
    }
}

/// The jobs that a worker may take once their time has come; the names of its kinds are parameters from `first` on. Of
/// a lane only the oldest unfinished job is ever one of them.
fn takeable(first: usize, kinds: usize) -> String {
    format!(
        "finished_at IS NULL AND kind IN ({}) AND (lane IS NULL OR NOT EXISTS (SELECT 1 FROM job older \
         WHERE older.lane = job.lane AND older.id < job.id AND older.finished_at IS NULL))",
        placeholders(first, kinds)
    )
}

/// Takes up to `limit` due jobs, those due longest first. An expired lease makes a running job due.
pub(super) async fn claim(db: &Db, kinds: &[&str], limit: usize, now: i64, lease: i64) -> Result<Vec<Row>, DbErr> {
    let sql = format!(
        "WITH due AS MATERIALIZED (SELECT id FROM job WHERE run_at <= $1 AND {} ORDER BY run_at, id LIMIT {limit} {}) \
         UPDATE job SET state = 'running', claim = claim + 1, attempts = attempts + 1, run_at = $2, updated_at = $1 \
         WHERE id IN (SELECT id FROM due) RETURNING {COLUMNS}",
        takeable(3, kinds.len()),
        db.engine().skip_locked(),
    );
    let tx = db.begin().await?;
    let values = [now.into(), (now + lease).into()].into_iter().chain(names(kinds)).collect();
    let mut claimed = rows(&*tx, sql, values).await?;
    tx.commit().await?;
    claimed.sort_by_key(|row| row.id);
    Ok(claimed)
}

/// When the next job can be taken, if there is one: it may be in the past.
pub(super) async fn next_due(db: &Db, kinds: &[&str]) -> Result<Option<i64>, DbErr> {
    let sql = format!("SELECT run_at FROM job WHERE {} ORDER BY run_at LIMIT 1", takeable(1, kinds.len()));
    let found = db.conn().query_one_raw(statement(db.conn(), sql, names(kinds).collect())).await?;
    found.map(|row| row.try_get("", "run_at")).transpose()
}

fn names(kinds: &[&str]) -> impl Iterator<Item = Value> {
    kinds.iter().map(|kind| (*kind).into())
}

/// Writes what became of a step and tells those who care. `false` when the job is no longer where `before` says: it
/// was taken over, or the step was recorded already.
pub(super) async fn save(tx: &Tx, before: &Row, after: &Row) -> Result<bool, DbErr> {
    let sql = "UPDATE job SET phase = $1, step = $2, state = $3, attempts = $4, failing_since = $5, run_at = $6, \
               reason = $7, failure = $8, failed_step = $9, updated_at = $10, finished_at = $11 \
               WHERE id = $12 AND claim = $13 AND state = 'running' AND phase = $14 AND step = $15";
    let values = vec![
        after.phase.into(),
        after.step.as_str().into(),
        after.state.into(),
        after.attempts.into(),
        after.failing_since.into(),
        after.run_at.into(),
        after.reason.clone().into(),
        after.failure.clone().into(),
        after.failed_step.clone().into(),
        after.updated_at.into(),
        after.finished_at.into(),
        before.id.into(),
        before.claim.into(),
        before.phase.into(),
        before.step.as_str().into(),
    ];
    let saved = changed(tx, sql, values).await? == 1;
    if saved && (after.state == JobState::Polling || after.state.is_finished()) {
        tx.announce_detail(TOPIC, after.id.to_string());
    }
    if saved && after.state.is_finished() && after.lane.is_some() {
        tx.announce(TOPIC);
    }
    Ok(saved)
}

/// Moves the end of the lease. `false` when the lease is no longer ours.
pub(super) async fn extend(db: &Db, row: &Row, until: i64) -> Result<bool, DbErr> {
    // The step goes on beside this, in the same task.
    let tx = db.begin_beside().await?;
    let sql = "UPDATE job SET run_at = $1 WHERE id = $2 AND claim = $3 AND state = 'running'";
    let ours = changed(&tx, sql, vec![until.into(), row.id.into(), row.claim.into()]).await? == 1;
    tx.commit().await?;
    Ok(ours)
}

const HURRY: &str = "UPDATE job SET run_at = $1, updated_at = $1 WHERE state IN ('ready', 'polling') AND ";

pub(super) async fn hurry(tx: &Tx, id: i64, now: i64) -> Result<bool, DbErr> {
    Ok(changed(tx, &format!("{HURRY} id = $2"), vec![now.into(), id.into()]).await? > 0)
}

pub(super) async fn hurry_lane(tx: &Tx, lane: &str, now: i64) -> Result<u64, DbErr> {
    changed(tx, &format!("{HURRY} lane = $2 AND finished_at IS NULL"), vec![now.into(), lane.into()]).await
}

pub(super) async fn hurry_key(tx: &Tx, kind: &str, key: &str, now: i64) -> Result<bool, DbErr> {
    Ok(changed(tx, &format!("{HURRY} kind = $2 AND key = $3"), vec![now.into(), kind.into(), key.into()]).await? > 0)
}

/// Those of `ids` that exist.
pub(super) async fn find(db: &Db, ids: &[i64]) -> Result<Vec<Row>, DbErr> {
    let mut found = Vec::new();
    // Both engines have a limit on parameters, in the tens of thousands.
    for ids in ids.chunks(1000) {
        let sql = format!("SELECT {COLUMNS} FROM job WHERE id IN ({})", placeholders(1, ids.len()));
        found.extend(rows(db.conn(), sql, ids.iter().map(|id| (*id).into()).collect()).await?);
    }
    Ok(found)
}

pub(super) async fn list(db: &Db, filter: &JobFilter, after: i64, limit: u64) -> Result<Vec<Row>, DbErr> {
    let mut sql = format!("SELECT {COLUMNS} FROM job WHERE id > $1");
    let mut values: Vec<Value> = vec![after.into()];
    for (column, wanted) in [("kind", &filter.kind), ("lane", &filter.lane)] {
        if let Some(wanted) = wanted {
            values.push(wanted.as_str().into());
            sql.push_str(&format!(" AND {column} = ${}", values.len()));
        }
    }
    if filter.unfinished_only {
        sql.push_str(" AND finished_at IS NULL");
    }
    sql.push_str(&format!(" ORDER BY id LIMIT {limit}"));
    rows(db.conn(), sql, values).await
}

pub(super) async fn prune(tx: &Tx, finished_before: i64) -> Result<u64, DbErr> {
    changed(tx, "DELETE FROM job WHERE finished_at < $1", vec![finished_before.into()]).await
}
