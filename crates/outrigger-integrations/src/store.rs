//! Where configurations are kept: the only SQL of the framework.

mod actor;
mod configs;
pub(crate) mod connections;
pub(crate) mod deliveries;
pub(crate) mod enablements;
pub(crate) mod events;
mod extra_columns;
mod fold;
mod history;
mod list;
mod migrations;
mod newer;
pub(crate) mod notices;
mod references;
mod reseal;
mod row;
pub(crate) mod rows;
pub(crate) mod runs;
mod stored;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use jiff::Timestamp;
use outrigger_db::{Clock, Db, Entropy, Keys, SealError};
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};

pub use actor::Actor;
pub use events::HearingState;
pub use extra_columns::{extra_column_migration, extra_migrations, extra_sql};
pub(crate) use fold::fold;
pub(crate) use history::diff;
pub use history::{Change, ChangeKind, FieldChange, HistoryPage};
pub use list::{Counts, Cursor, InvalidCursor, ListFilter, ListState, Page};
pub(crate) use list::{ListQuery, Listed};
pub use migrations::migrations;
pub(crate) use newer::Newer;
pub(crate) use row::SealedRow;
pub use rows::UnknownWord;
pub use stored::StoredConfig;

use crate::Host;

/// The topic under which the database counts changes of configurations.
pub(crate) const TOPIC: &str = "integration_config";

/// Configurations in a database, on SQLite and PostgreSQL alike. Clones are cheap.
///
/// The host makes it and gives it to the [`Manager`](crate::Manager), through which everything else goes.
pub struct ConfigStore<H> {
    db: Db,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    host: PhantomData<fn() -> H>,
}

impl<H> Clone for ConfigStore<H> {
    fn clone(&self) -> Self {
        let (db, keys) = (self.db.clone(), self.keys.clone());
        Self { db, keys, clock: self.clock.clone(), entropy: self.entropy.clone(), host: PhantomData }
    }
}

impl<H> fmt::Debug for ConfigStore<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigStore").field("db", &self.db).finish_non_exhaustive()
    }
}

/// The store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused or was not there.
    #[error("the database: {0}")]
    Database(#[from] DbErr),
    /// The database did not answer in time.
    #[error("the database does not answer")]
    NoAnswer,
    /// A secret cannot be opened.
    #[error("the secret `{field}` of the configuration cannot be opened: {source}")]
    Sealed {
        /// The field that it is the value of.
        field: String,
        /// Why not.
        source: SealError,
    },
    /// A row says what this version of the program cannot read.
    #[error("a stored configuration cannot be read: {0}")]
    Unreadable(String),
}

/// A job that could not read or write tries again later.
impl From<StoreError> for outrigger_db::StepError {
    fn from(error: StoreError) -> Self {
        Self::retry(error.to_string())
    }
}

impl<H: Host> ConfigStore<H> {
    /// A store in `db`, to which [`migrations`] and the host's own [`extra_migrations`] have been applied. Secrets are
    /// sealed with `keys`; times of rows come from `clock`.
    pub fn new(db: Db, keys: Arc<Keys>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { db, keys, clock, entropy, host: PhantomData }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The keys of secrets.
    pub(crate) fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    /// The present as it is stored: to the millisecond.
    pub(crate) fn now(&self) -> Timestamp {
        time(self.clock.now().as_millisecond())
    }
}

pub(crate) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn statement(conn: &impl ConnectionTrait, sql: impl Into<String>, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}

/// Numbers the values of a statement as they are written down.
#[derive(Default)]
struct Values {
    values: Vec<Value>,
}

impl Values {
    /// The placeholder of one more value.
    fn put(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }
}
