//! What differs between the engines: how to connect, how to announce, and two clauses of SQL.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, Statement,
    TransactionOptions,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use url::Url;

use crate::changes::{Changes, Signal};
use crate::generations::Tracked;
use crate::{ConnectError, Engine};

/// The one channel of all announcements.
pub(crate) const CHANNEL: &str = "outrigger";
const SQLITE_CONNECTIONS: u32 = 8;

/// How long a statement waits for the locks of others.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What SQLite answers to those whom it does not let wait.
const SQLITE_BUSY: &str = "5";
const POSTGRES_CONNECTIONS: u32 = 16;
/// First half of the two-part advisory lock ids that this crate takes; the second says which lock.
const LANE_LOCKS: i32 = 0x6f75_7472;
const MIGRATION_LOCK: i64 = 0x6f75_7472_6967;

impl Engine {
    pub(crate) fn of(backend: DbBackend) -> Engine {
        match backend {
            DbBackend::Postgres => Engine::Postgres,
            _ => Engine::Sqlite,
        }
    }

    /// Ends the definition of a text column that is compared byte by byte, as both engines' programs compare: so a
    /// list has the same order on each, and a page of it can begin where the last one ended.
    pub fn bytewise(self) -> &'static str {
        match self {
            Engine::Sqlite => "COLLATE BINARY",
            Engine::Postgres => "COLLATE \"C\"",
        }
    }

    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Engine::Sqlite => DbBackend::Sqlite,
            Engine::Postgres => DbBackend::Postgres,
        }
    }

    /// Ends a SELECT of rows that the same statement goes on to change. SQLite has one writer and needs nothing.
    pub(crate) fn skip_locked(self) -> &'static str {
        match self {
            Engine::Sqlite => "",
            Engine::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

pub(crate) async fn connect(url: &str) -> Result<(Engine, DatabaseConnection, Changes), ConnectError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => sqlite(url).await,
        Some("postgres" | "postgresql") => postgres(url).await,
        _ => Err(ConnectError::Scheme),
    }
}

async fn sqlite(url: &str) -> Result<(Engine, DatabaseConnection, Changes), ConnectError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| ConnectError::Url(error.to_string()))?
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is an intent that somebody else is about to be called for: it has to survive a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY_TIMEOUT);
    let path = options.get_filename().to_owned();
    if path.as_os_str().is_empty() || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(ConnectError::Url("a SQLite database has to be a file: `sqlite:/path/file.db`".into()));
    }
    create_private(&path).map_err(|source| ConnectError::File { path: path.clone(), source })?;
    let open = |source| ConnectError::Open { place: path.display().to_string(), source };
    let first = first_connection(&options).await.map_err(open)?;
    let pool = SqlitePoolOptions::new()
        .max_connections(SQLITE_CONNECTIONS)
        .connect_with(options.clone())
        .await
        .map_err(open)?;
    let changes = Changes::of_sqlite(&options).await.map_err(open)?;
    // Not before there are others: the last one to leave takes the log away.
    first.close().await.map_err(open)?;
    Ok((Engine::Sqlite, pool.into(), changes))
}

/// Makes the file if it is missing, for its owner alone. SQLite gives its side files the same mode. One that is there
/// is not touched: closing it would drop the locks that this process has on it.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Changes a new file to write-ahead logging. Of several who come first at once, SQLite lets one do that and sends the
/// others away without the wait that it grants elsewhere, as two who wait for each other would wait for ever; they come
/// back and find it done.
async fn first_connection(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let deadline = tokio::time::Instant::now() + SQLITE_BUSY_TIMEOUT;
    loop {
        match options.connect().await {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(SQLITE_BUSY) && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            done => return done,
        }
    }
}

async fn postgres(url: &str) -> Result<(Engine, DatabaseConnection, Changes), ConnectError> {
    let (url, max_connections) = take_max_connections(url)?;
    let options = PgConnectOptions::from_str(url.as_str()).map_err(|error| ConnectError::Url(error.to_string()))?;
    let database = options.get_database().unwrap_or(options.get_username());
    let place = format!("{}:{}/{database}", options.get_host(), options.get_port());
    let open = |source| ConnectError::Open { place: place.clone(), source };
    // The pool would knock at a closed door for half a minute before it told anybody.
    options.connect().await.map_err(open)?.close().await.map_err(open)?;
    let pool =
        PgPoolOptions::new().max_connections(max_connections).connect_with(options.clone()).await.map_err(open)?;
    let changes = Changes::of_postgres(options).await.map_err(open)?;
    Ok((Engine::Postgres, pool.into(), changes))
}

/// The driver does not know this parameter, and would log it.
fn take_max_connections(url: &str) -> Result<(Url, u32), ConnectError> {
    let mut url = Url::parse(url).map_err(|error| ConnectError::Url(error.to_string()))?;
    let (ours, others): (Vec<_>, Vec<_>) =
        url.query_pairs().into_owned().partition(|(name, _)| name == "max_connections");
    let size = match ours.last() {
        None => POSTGRES_CONNECTIONS,
        Some((_, size)) => size
            .parse()
            .ok()
            .filter(|size| *size > 0)
            .ok_or_else(|| ConnectError::Url("`max_connections` has to be a whole number of at least 1".into()))?,
    };
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    Ok((url, size))
}

/// Puts what the transaction announced on the wire. PostgreSQL delivers it if and when the transaction commits;
/// SQLite's other processes see the commit itself.
pub(crate) async fn announce(
    tx: &DatabaseTransaction,
    engine: Engine,
    announced: &BTreeSet<Signal>,
) -> Result<(), DbErr> {
    if engine == Engine::Postgres {
        for payload in announced.iter().filter_map(Signal::payload) {
            let values = [CHANNEL.into(), payload.into()];
            tx.execute_raw(Statement::from_sql_and_values(engine.backend(), "SELECT pg_notify($1, $2)", values))
                .await?;
        }
    }
    Ok(())
}

/// A transaction that reads one state of the database. SQLite's readers do so by themselves.
pub(crate) fn snapshot(engine: Engine) -> TransactionOptions {
    match engine {
        Engine::Sqlite => TransactionOptions::default(),
        Engine::Postgres => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        },
    }
}

/// Triggers that move the topic's generation with every change of the table, and note the rows.
pub(crate) fn change_triggers(engine: Engine, tracked: &Tracked) -> Vec<String> {
    match engine {
        Engine::Sqlite => sqlite_triggers(tracked),
        Engine::Postgres => postgres_triggers(tracked),
    }
}

/// Row by row. No upsert: a conflict clause of the foreign statement would override the one in the trigger.
fn sqlite_triggers(Tracked { table, key, topic }: &Tracked) -> Vec<String> {
    let note = |row: &str| {
        format!(
            "DELETE FROM generation_row WHERE topic = '{topic}' AND row_key = CAST({row}.{key} AS TEXT); \
             INSERT INTO generation_row (topic, row_key, n) \
             SELECT topic, CAST({row}.{key} AS TEXT), n FROM generation WHERE topic = '{topic}';"
        )
    };
    let trigger = |event: &str, when: &str, name: &str, notes: String| {
        format!(
            "CREATE TRIGGER tracked_{table}_{name} AFTER {event} ON {table} {when} BEGIN \
             UPDATE generation SET n = n + 1 WHERE topic = '{topic}'; {notes} END"
        )
    };
    vec![
        trigger("INSERT", "", "insert", note("NEW")),
        trigger("DELETE", "", "delete", note("OLD")),
        trigger("UPDATE", "", "update", format!("{}{}", note("OLD"), note("NEW"))),
    ]
}

/// Statement by statement: a change of many rows moves the generation once.
fn postgres_triggers(Tracked { table, key, topic }: &Tracked) -> Vec<String> {
    let function = |name: &str, rows: &str| {
        format!(
            "CREATE FUNCTION tracked_{table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ \
             DECLARE moved BIGINT; BEGIN \
             IF NOT EXISTS ({rows}) THEN RETURN NULL; END IF; \
             UPDATE generation SET n = n + 1 WHERE topic = '{topic}' RETURNING n INTO STRICT moved; \
             INSERT INTO generation_row (topic, row_key, n) \
             SELECT DISTINCT '{topic}', CAST(changed.{key} AS TEXT), moved FROM ({rows}) AS changed \
             ON CONFLICT (topic, row_key) DO UPDATE SET n = EXCLUDED.n; \
             PERFORM pg_notify('{CHANNEL}', '{topic}'); RETURN NULL; END $$"
        )
    };
    let trigger = |name: &str, event: &str, tables: &str| {
        format!(
            "CREATE TRIGGER tracked_{table}_{name} {event} ON {table} {tables} \
             FOR EACH STATEMENT EXECUTE FUNCTION tracked_{table}_{name}()"
        )
    };
    let (old, new) = (format!("SELECT {key} FROM old_rows"), format!("SELECT {key} FROM new_rows"));
    vec![
        function("insert", &new),
        trigger("insert", "AFTER INSERT", "REFERENCING NEW TABLE AS new_rows"),
        function("delete", &old),
        trigger("delete", "AFTER DELETE", "REFERENCING OLD TABLE AS old_rows"),
        function("update", &format!("{old} UNION {new}")),
        trigger("update", "AFTER UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        function("truncate", &format!("SELECT {key} FROM {table}")),
        trigger("truncate", "BEFORE TRUNCATE", ""),
    ]
}

/// Makes the writers of one lane wait for each other, so that ids within a lane commit in their order. Without it a
/// smaller id could appear after a larger one has begun to run.
pub(crate) async fn lock_lane(tx: &DatabaseTransaction, engine: Engine, lane: &str) -> Result<(), DbErr> {
    let sql = "SELECT pg_advisory_xact_lock($1, hashtext($2))";
    lock(tx, engine, sql, vec![LANE_LOCKS.into(), lane.into()]).await
}

/// Lets one process at a time change the schema.
pub(crate) async fn lock_schema(tx: &DatabaseTransaction, engine: Engine) -> Result<(), DbErr> {
    lock(tx, engine, "SELECT pg_advisory_xact_lock($1)", vec![MIGRATION_LOCK.into()]).await
}

/// Takes an advisory lock until the transaction ends. On SQLite the transaction itself is the lock.
async fn lock(
    tx: &DatabaseTransaction,
    engine: Engine,
    sql: &'static str,
    values: Vec<sea_orm::Value>,
) -> Result<(), DbErr> {
    if engine == Engine::Postgres {
        tx.execute_raw(Statement::from_sql_and_values(engine.backend(), sql, values)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_size_is_taken_out_of_the_url() {
        let check = |url: &str, rest: &str, size: u32| {
            let (url, taken) = take_max_connections(url).unwrap();
            assert_eq!((url.as_str(), taken), (rest, size));
        };
        check("postgres://u:p@h/d", "postgres://u:p@h/d", 16);
        check("postgres://u:p@h/d?max_connections=3", "postgres://u:p@h/d", 3);
        check("postgres://h/d?sslmode=disable&max_connections=3", "postgres://h/d?sslmode=disable", 3);
        assert!(take_max_connections("postgres://h/d?max_connections=0").is_err());
        assert!(take_max_connections("postgres://h/d?max_connections=many").is_err());
    }
}
