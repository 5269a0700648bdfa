//! The only SQL of the platform: one file per group of tables, entities and queries together, the same on SQLite and
//! PostgreSQL. The tenant (account or site) is the first argument of every function; a function that looks across
//! tenants says so in its name (`…_anywhere`).

use std::fmt::Display;
use std::sync::Arc;

use outrigger_db::{Clock, Db, Entropy, Jobs, Keys, SealError, Tx};
use outrigger_integrations::surface::{VisitLimits, Visits};
use outrigger_integrations::{ConfigStore, Context, Enablements, Outbound};
use sea_orm::DbErr;
use sea_orm_migration::MigrationTrait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::events::PlatformHost;
use crate::store::ids::SiteId;

pub mod accounts;
pub mod addons;
pub mod build_hooks;
pub mod deliveries;
pub mod env_vars;
pub mod hooks;
pub mod ids;
pub mod instances;
pub mod integration_tokens;
mod migrations;
mod reseal;
pub(crate) mod routes;
mod search;
pub mod sessions;
mod sign_in_attempts;
mod sign_in_links;
pub mod site_domains;
pub mod sites;
pub mod snippets;
pub mod tickets;
mod time;
pub mod tokens;
pub mod users;

pub use reseal::Resealed;
pub use sign_in_attempts::Attempts;
pub use time::Time;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    /// A sealed record does not open with the keys we have.
    #[error("a sealed record does not open (is the key file the one it was written with?): {0}")]
    Seal(#[from] SealError),
    /// A row holds text that is not what we wrote.
    #[error("a stored record is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    /// The configurations of integrations cannot be read or written.
    #[error("integrations: {0}")]
    Integrations(outrigger_integrations::StoreError),
    /// The value must be unique and is there already.
    #[error("{0} is taken")]
    Taken(&'static str),
}

impl From<outrigger_integrations::StoreError> for StoreError {
    fn from(error: outrigger_integrations::StoreError) -> Self {
        match error {
            outrigger_integrations::StoreError::Database(error) => Self::Database(error),
            other => Self::Integrations(other),
        }
    }
}

/// The database together with what every write needs: keys, time and randomness.
#[derive(Clone)]
pub struct Store {
    db: Db,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    jobs: Jobs,
}

/// Every migration of the platform, for [`Db::migrate`].
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    migrations::all()
}

impl Store {
    /// A store on a migrated database.
    pub fn new(db: Db, keys: Arc<Keys>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let jobs = Jobs::new(db.clone(), clock.clone(), entropy.clone());
        Self { db, keys, clock, entropy, jobs }
    }

    /// The configurations of integrations, in the same database.
    pub(crate) fn configs(&self) -> ConfigStore<PlatformHost> {
        ConfigStore::new(self.db.clone(), self.keys.clone(), self.clock.clone(), self.entropy.clone())
    }

    /// Where integrations with a surface are enabled, in the same database.
    pub(crate) fn enablements(&self) -> Enablements {
        Enablements::new(self.db.clone(), self.keys.clone(), self.clock.clone(), self.entropy.clone())
    }

    /// Nobody's visits yet.
    pub(crate) fn visits(&self) -> Visits {
        Visits::new(self.clock.clone(), self.entropy.clone(), VisitLimits::default())
    }

    /// What integrations reach the world with.
    pub(crate) fn context(&self, outbound: Outbound) -> Context {
        Context { outbound, clock: self.clock.clone(), entropy: self.entropy.clone() }
    }

    /// The keys, for another store of the same process.
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.clone()
    }

    /// The job engine on the same database.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// The clock that stamps rows.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The same clock, to keep.
    pub fn clock_handle(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The randomness behind ids and tokens.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// Starts a write. Dropping the transaction rolls it back.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.db.begin().await?)
    }

    /// Says that what the gateway knows of a site changes with this transaction.
    fn reroute(&self, site: &SiteId, tx: &Tx) {
        tx.moves(routes::SITES, site.as_str());
    }

    /// Ends a write.
    pub async fn commit(&self, tx: Tx) -> Result<(), StoreError> {
        Ok(tx.commit().await?)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.db.conn().ping().await?)
    }

    fn now(&self) -> Time {
        self.clock.now().into()
    }

    /// The record is bound to its column and row: moved elsewhere, it does not open.
    fn seal(&self, column: &str, id: &dyn Display, plain: &str) -> String {
        self.keys.seal(plain, &format!("{column}/{id}"), &*self.entropy)
    }

    fn open(&self, column: &str, id: &dyn Display, sealed: &str) -> Result<String, StoreError> {
        Ok(self.keys.open(sealed, &format!("{column}/{id}"))?)
    }

    fn seal_json<T: Serialize>(&self, column: &str, id: &dyn Display, value: &T) -> Result<String, StoreError> {
        Ok(self.seal(column, id, &serde_json::to_string(value)?))
    }

    fn open_json<T: DeserializeOwned>(&self, column: &str, id: &dyn Display, sealed: &str) -> Result<T, StoreError> {
        Ok(serde_json::from_str(&self.open(column, id, sealed)?)?)
    }
}

/// Turns the violation of a unique index into the word for what is taken. SQLite names no index, so a statement must
/// have just one that can be violated.
fn taken(what: &'static str) -> impl Fn(DbErr) -> StoreError {
    move |error| match error.sql_err() {
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => StoreError::Taken(what),
        _ => StoreError::Database(error),
    }
}
