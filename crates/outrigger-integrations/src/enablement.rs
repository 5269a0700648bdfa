//! An integration with a surface is enabled at a site or an account, once; what it keeps there is its context.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use outrigger_db::{Clock, Db, Entropy, Keys, Tx};
use serde::Serialize;
use serde_json::Value;

use crate::store::StoreError;
use crate::store::enablements::{self, SealedEnablement};
use crate::{IntegrationId, Scope};

mod connection;

pub use connection::{Connection, KeptConnection};

const BATCH: u64 = 100;

/// That an integration is enabled somewhere.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Enablement {
    /// Which.
    pub integration: IntegrationId,
    /// Where.
    pub scope: Scope,
    /// What it keeps there. It may hold secrets, so `Debug` does not show it.
    pub context: Value,
    /// Counts the changes.
    pub version: i64,
    /// Whether it takes part in builds.
    pub build_hook: bool,
    /// Whether its connectors are switched on.
    pub connectors: bool,
    /// When it was enabled.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Enablement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { integration, scope, version, .. } = self;
        f.debug_struct("Enablement")
            .field("integration", integration)
            .field("scope", scope)
            .field("version", version)
            .finish_non_exhaustive()
    }
}

/// What is to be different. `None` leaves it as it is.
#[derive(Clone, Default)]
pub struct EnablementChange {
    /// The whole context: nothing of the one before is left.
    pub context: Option<Value>,
    /// Whether it takes part in builds.
    pub build_hook: Option<bool>,
    /// Whether its connectors are switched on.
    pub connectors: Option<bool>,
}

impl fmt::Debug for EnablementChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnablementChange").field("context", &self.context.is_some()).finish_non_exhaustive()
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnablementError {
    /// It is enabled there already.
    #[error("the integration is enabled here already")]
    AlreadyEnabled,
    /// It is not enabled there.
    #[error("the integration is not enabled here")]
    NotEnabled,
    /// Somebody else has changed it since it was read.
    #[error("the integration's context was changed meanwhile; it is at version {current} now")]
    Conflict {
        /// The version it has now.
        current: i64,
    },
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where integrations are enabled, in a database to which [`migrations`](crate::migrations) have been applied. Contexts
/// are sealed as a whole. Clones are cheap.
#[derive(Clone)]
pub struct Enablements {
    db: Db,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Enablements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enablements").field("db", &self.db).finish_non_exhaustive()
    }
}

impl Enablements {
    /// Those in this database, sealed with these keys.
    pub fn new(db: Db, keys: Arc<Keys>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { db, keys, clock, entropy }
    }

    /// The integration at this place, if it is enabled there.
    ///
    /// # Errors
    /// When the database refuses, or the context does not open.
    pub async fn find(&self, scope: &Scope, integration: &IntegrationId) -> Result<Option<Enablement>, StoreError> {
        let row = enablements::find(scope, self.db.conn(), integration).await?;
        row.map(|row| self.open(row)).transpose()
    }

    /// All that are enabled at this place.
    ///
    /// # Errors
    /// When the database refuses, or a context does not open.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<Enablement>, StoreError> {
        enablements::list(scope, self.db.conn()).await?.into_iter().map(|row| self.open(row)).collect()
    }

    /// Enables an integration.
    ///
    /// # Errors
    /// [`EnablementError::AlreadyEnabled`], or that of the database.
    pub async fn enable(
        &self,
        scope: &Scope,
        integration: &IntegrationId,
        context: &Value,
    ) -> Result<Enablement, EnablementError> {
        let now = self.now();
        let new = Enablement {
            integration: integration.clone(),
            scope: scope.clone(),
            context: context.clone(),
            version: 1,
            build_hook: false,
            connectors: false,
            created_at: now,
            updated_at: now,
        };
        let tx = self.begin().await?;
        if !enablements::insert(&tx, &self.seal(&new)).await? {
            return Err(EnablementError::AlreadyEnabled);
        }
        tx.commit().await?;
        Ok(new)
    }

    /// Changes an integration. `expected` is the version that the change is based on; without one it is based on
    /// whatever is there.
    ///
    /// # Errors
    /// [`EnablementError::NotEnabled`], [`EnablementError::Conflict`], or that of the database.
    pub async fn update(
        &self,
        scope: &Scope,
        integration: &IntegrationId,
        change: EnablementChange,
        expected: Option<i64>,
    ) -> Result<Enablement, EnablementError> {
        let tx = self.begin().await?;
        let changed = self.update_in(&tx, scope, integration, change, expected).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// The same, in the transaction of a step of a job, or of the host.
    ///
    /// # Errors
    /// As [`Enablements::update`].
    pub async fn update_in(
        &self,
        tx: &Tx,
        scope: &Scope,
        integration: &IntegrationId,
        change: EnablementChange,
        expected: Option<i64>,
    ) -> Result<Enablement, EnablementError> {
        let row = enablements::find(scope, &**tx, integration).await?.ok_or(EnablementError::NotEnabled)?;
        let before = self.open(row)?;
        if expected.is_some_and(|expected| expected != before.version) {
            return Err(EnablementError::Conflict { current: before.version });
        }
        let version = before.version;
        let changed = Enablement {
            context: change.context.unwrap_or(before.context),
            build_hook: change.build_hook.unwrap_or(before.build_hook),
            connectors: change.connectors.unwrap_or(before.connectors),
            version: version + 1,
            updated_at: self.now(),
            ..before
        };
        if !enablements::update(tx, &self.seal(&changed), version).await? {
            return Err(EnablementError::Conflict { current: version + 1 });
        }
        Ok(changed)
    }

    /// Disables an integration. What it kept is gone.
    ///
    /// # Errors
    /// [`EnablementError::NotEnabled`], or that of the database.
    pub async fn disable(&self, scope: &Scope, integration: &IntegrationId) -> Result<(), EnablementError> {
        let tx = self.begin().await?;
        if !enablements::delete(scope, &tx, integration).await? {
            return Err(EnablementError::NotEnabled);
        }
        tx.commit().await?;
        Ok(())
    }

    /// Forgets all that are enabled at a place, in the transaction in which the host removes it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_scope(&self, tx: &Tx, scope: &Scope) -> Result<u64, StoreError> {
        Ok(enablements::delete_all(scope, tx).await?)
    }

    /// Seals every context and connection anew that an older key has sealed, in all scopes, and says how many. Part of a
    /// rotation of keys; it may be cut short and run again.
    ///
    /// # Errors
    /// When the database refuses, or something does not open.
    pub async fn reseal_anywhere(&self) -> Result<u64, StoreError> {
        let (mut after, mut resealed) = ((String::new(), String::new()), 0);
        loop {
            let rows = enablements::page_anywhere(self.db.conn(), (&after.0, &after.1), BATCH).await?;
            let Some(last) = rows.last() else { return Ok(resealed + self.reseal_connections_anywhere().await?) };
            after = (last.scope.to_string(), last.integration.to_string());
            let tx = self.db.begin().await?;
            for row in rows {
                if self.keys.ring().needs_reseal(&row.sealed_context) {
                    let (version, opened) = (row.version, self.open(row)?);
                    // One that is changed meanwhile is sealed with the newest key by whoever changes it.
                    resealed += u64::from(enablements::update(&tx, &self.seal(&opened), version).await?);
                }
            }
            tx.commit().await?;
        }
    }

    async fn begin(&self) -> Result<Tx, EnablementError> {
        Ok(self.db.begin().await?)
    }

    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    fn seal(&self, enablement: &Enablement) -> SealedEnablement {
        let Enablement { integration, scope, context, .. } = enablement;
        SealedEnablement {
            scope: scope.clone(),
            integration: integration.clone(),
            sealed_context: self.keys.seal(&context.to_string(), &bound_to(scope, integration), &*self.entropy),
            version: enablement.version,
            build_hook: enablement.build_hook,
            connectors: enablement.connectors,
            created_at: enablement.created_at,
            updated_at: enablement.updated_at,
        }
    }

    fn open(&self, row: SealedEnablement) -> Result<Enablement, StoreError> {
        let opened = self.keys.open(&row.sealed_context, &bound_to(&row.scope, &row.integration));
        let opened = opened.map_err(|source| StoreError::Sealed { field: "context".to_owned(), source })?;
        let context = serde_json::from_str(&opened).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        let SealedEnablement { scope, integration, version, build_hook, connectors, created_at, updated_at, .. } = row;
        Ok(Enablement { integration, scope, context, version, build_hook, connectors, created_at, updated_at })
    }
}

/// A sealed context opens in its own row only.
fn bound_to(scope: &Scope, integration: &IntegrationId) -> String {
    format!("integration_enablement/{scope}/{integration}")
}
