//! Connecting, and the transaction that is the only way to write.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{
    ConnAcquireErr, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::OwnedMutexGuard;

use crate::changes::{Changes, Signal};
use crate::dialect;

/// How long a writer waits for its turn before it says so: as long as a pool waits for a connection.
const TURN_LIMIT: Duration = Duration::from_secs(30);

/// Which database stands behind a [`Db`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file, many readers, one writer at a time.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// A connected database. Clones are cheap and share the pool.
///
/// Reads go through [`Db::conn`], writes through [`Db::begin`].
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    conn: DatabaseConnection,
    changes: Changes,
    /// SQLite has one writer: waiting here is fair and costs nothing, waiting in the file's lock is a spin.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Tasks that hold a transaction, watched over in builds with debug assertions.
    holders: Mutex<HashSet<tokio::task::Id>>,
}

impl Shared {
    fn holders(&self) -> MutexGuard<'_, HashSet<tokio::task::Id>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task that waits for a connection while its transaction keeps one waits for itself once all have one each.
    fn check_that_this_task_holds_none(&self) {
        if cfg!(debug_assertions) {
            let holds = tokio::task::try_id().is_some_and(|task| self.holders().contains(&task));
            assert!(!holds, "a task that holds a transaction asks for another connection: read in the transaction");
        }
    }
}

/// Notes that a task holds a transaction for as long as this lives.
struct Holder {
    shared: Arc<Shared>,
    task: tokio::task::Id,
}

impl Holder {
    fn new(shared: &Arc<Shared>) -> Option<Holder> {
        let task = tokio::task::try_id().filter(|_| cfg!(debug_assertions))?;
        shared.holders().insert(task);
        Some(Holder { shared: shared.clone(), task })
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.shared.holders().remove(&self.task);
    }
}

impl fmt::Debug for Db {
    // The pool would print its options, and they are nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("engine", &self.shared.engine).finish_non_exhaustive()
    }
}

impl Db {
    /// Connects to the database that `url` names.
    ///
    /// * `sqlite:/path/file.db` (or `sqlite:///path/file.db`): the file is made, readable by its owner only, when it
    ///   is missing; its folder has to exist.
    /// * `postgres://user:password@host/database` (or `postgresql://`); `?max_connections=` sets the size of the pool
    ///   (16 unless said), the other parameters are those of the driver (`sslmode`, `application_name`, ...).
    ///
    /// # Errors
    /// [`ConnectError`], which says what to do and never contains the password.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let folder = tempfile::tempdir()?;
    /// let db = outrigger_db::Db::connect(&format!("sqlite:{}/app.db", folder.path().display())).await?;
    /// assert_eq!(db.engine(), outrigger_db::Engine::Sqlite);
    /// db.close().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn connect(url: &str) -> Result<Db, ConnectError> {
        let (engine, conn, changes) = dialect::connect(url).await?;
        Ok(Db { shared: Arc::new(Shared { engine, conn, changes, turn: Arc::default(), holders: Mutex::default() }) })
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        self.shared.engine
    }

    /// The pool, for reads. A task that holds a transaction reads in that: it could wait here for its own connection.
    ///
    /// # Panics
    /// In builds with debug assertions, when the task holds a transaction of this database.
    pub fn conn(&self) -> &DatabaseConnection {
        self.shared.check_that_this_task_holds_none();
        &self.shared.conn
    }

    /// Begins a transaction that may write.
    ///
    /// On SQLite it has the file's write lock from its first moment, so it cannot fail half-way for want of it, and
    /// the writers of this process take turns: hold one transaction at a time in a task, and no longer than its
    /// statements take. On PostgreSQL it is an ordinary one at READ COMMITTED.
    ///
    /// # Errors
    /// When no connection, or no turn, could be had in time, or the engine refused.
    ///
    /// # Panics
    /// As [`Db::conn`].
    pub async fn begin(&self) -> Result<Tx, DbErr> {
        self.shared.check_that_this_task_holds_none();
        self.begin_beside().await
    }

    /// As [`Db::begin`], for one who does something beside the transaction in the same task, which goes on meanwhile.
    pub(crate) async fn begin_beside(&self) -> Result<Tx, DbErr> {
        let turn = match self.engine() {
            Engine::Sqlite => Some(self.turn().await?),
            Engine::Postgres => None,
        };
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = self.shared.conn.begin_with_options(immediate).await?;
        let (engine, changes) = (self.engine(), self.changes().clone());
        let holder = Holder::new(&self.shared);
        Ok(Tx { inner, turn, engine, changes, announced: Mutex::default(), moved: Mutex::default(), _holder: holder })
    }

    /// Begins a transaction that only reads, and sees the database as it was at its first statement throughout, however
    /// long it takes and whatever is committed meanwhile.
    ///
    /// # Errors
    /// When no connection could be had in time, or the engine refused.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        self.conn().begin_with_options(dialect::snapshot(self.engine())).await
    }

    async fn turn(&self) -> Result<OwnedMutexGuard<()>, DbErr> {
        tokio::time::timeout(TURN_LIMIT, self.shared.turn.clone().lock_owned())
            .await
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))
    }

    /// What changed, in this process and in others.
    pub fn changes(&self) -> &Changes {
        &self.shared.changes
    }

    /// Closes the pool for all clones, once its connections have come back, and ends the watch for changes.
    pub async fn close(self) {
        self.shared.changes.close().await;
        if let Err(error) = self.shared.conn.close_by_ref().await {
            tracing::warn!(%error, "the database pool did not close cleanly");
        }
    }
}

/// A transaction. It reads and writes as the [`DatabaseTransaction`] it derefs to; dropping it rolls it back.
pub struct Tx {
    // Before `turn`: the rollback of a dropped transaction is on its way before the next writer has its turn.
    inner: DatabaseTransaction,
    turn: Option<OwnedMutexGuard<()>>,
    engine: Engine,
    changes: Changes,
    announced: Mutex<BTreeSet<Signal>>,
    moved: Mutex<BTreeSet<(&'static str, String)>>,
    _holder: Option<Holder>,
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl std::ops::Deref for Tx {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

impl Tx {
    /// Says that `topic` changes with this transaction: if and when it commits, every [`Watch`](crate::Watch) of the
    /// topic wakes, in every process on this database.
    ///
    /// A topic is a short word, such as the name of a table, without a colon.
    pub fn announce(&self, topic: &'static str) {
        self.signal(Signal::Topic(topic.into()));
    }

    /// As [`Tx::announce`], but heard only by those who care about `detail`.
    pub(crate) fn announce_detail(&self, topic: &'static str, detail: String) {
        self.signal(Signal::Detail(topic.into(), detail.into()));
    }

    /// Says that what others keep under `key` of `topic` changes with this transaction: its generation moves, as that
    /// of a row of a [`Tracked`](crate::generations::Tracked) table does, and the topic is [announced](Tx::announce).
    ///
    /// That is written last, when this commits: the topic's turn is held for a moment only, and whoever waits for it
    /// holds nothing that is still needed here.
    pub fn moves(&self, topic: &'static str, key: impl Into<String>) {
        self.announce(topic);
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).insert((topic, key.into()));
    }

    fn signal(&self, signal: Signal) {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).insert(signal);
    }

    /// Commits, then wakes those who watch what was announced.
    ///
    /// # Errors
    /// When the engine refused or the connection broke. In the second case nobody can tell whether it committed.
    pub async fn commit(self) -> Result<(), DbErr> {
        let moved = std::mem::take(&mut *self.moved.lock().unwrap_or_else(PoisonError::into_inner));
        self.count(&moved).await?;
        let announced = self.announced.into_inner().unwrap_or_else(PoisonError::into_inner);
        dialect::announce(&self.inner, self.engine, &announced).await?;
        self.inner.commit().await?;
        drop(self.turn);
        announced.into_iter().for_each(|signal| self.changes.publish(signal));
        Ok(())
    }
}

/// Why a database could not be connected to. None of these contains a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL begins with no known scheme.
    #[error("the database URL has to begin with `sqlite:`, `postgres://` or `postgresql://`")]
    Scheme,
    /// The URL cannot be read.
    #[error("the database URL cannot be read: {0}")]
    Url(String),
    /// The file of a SQLite database could not be made or opened.
    #[error("the database file {} cannot be opened: {source}; its folder has to exist and be writable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database was found but did not let us in, or did not answer.
    #[error("the database at {place} cannot be used: {source}")]
    Open {
        /// Host, port and database, or the file.
        place: String,
        /// What the driver said.
        source: sqlx::Error,
    },
}
