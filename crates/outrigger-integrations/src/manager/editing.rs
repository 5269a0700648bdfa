//! Making, saving, switching, deleting.

use outrigger_db::{Tx, uuid_v7};

use super::asking::guarded;
use super::{Manager, Shared};
use crate::form;
use crate::registered::Registered;
use crate::snapshot::Handle;
use crate::store::{ChangeKind, diff};
use crate::{
    Actor, ConfigId, FieldFaults, Host, Integration, IntegrationId, Scope, Settings, StoreError, StoredConfig, Values,
};

/// A configuration as somebody wants it.
pub struct Draft<H: Host> {
    /// Which configuration it is to become; `None` for a new one.
    pub id: Option<ConfigId>,
    /// The integration that it configures.
    pub integration: IntegrationId,
    /// Its name for people.
    pub name: String,
    /// Whether the integration shall act on it.
    pub enabled: bool,
    /// All values of the settings, those that did not change too. Secrets are in plain text.
    pub values: Values,
    /// The host's own columns.
    pub extra: H::Extra,
}

impl<H: Host> Draft<H> {
    /// A new configuration with these settings, switched off.
    ///
    /// ```
    /// use outrigger_integrations::{Draft, Host, Integration};
    ///
    /// fn draft<H: Host<Extra = ()>, I: Integration<H>>(settings: &I::Settings) -> Draft<H> {
    ///     Draft { enabled: true, ..Draft::new::<I>("Team channel", settings, ()) }
    /// }
    /// ```
    pub fn new<I: Integration<H>>(name: impl Into<String>, settings: &I::Settings, extra: H::Extra) -> Self {
        let (name, values) = (name.into(), settings.to_values());
        Self { id: None, integration: I::ID, name, enabled: false, values, extra }
    }

    /// The configuration as it is.
    pub fn of(config: &StoredConfig<H>) -> Self {
        Self {
            id: Some(config.id),
            integration: config.integration.clone(),
            name: config.name.clone(),
            enabled: config.enabled,
            values: config.values.clone(),
            extra: config.extra.clone(),
        }
    }
}

impl<H: Host> Clone for Draft<H> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            integration: self.integration.clone(),
            name: self.name.clone(),
            enabled: self.enabled,
            values: self.values.clone(),
            extra: self.extra.clone(),
        }
    }
}

impl<H: Host> std::fmt::Debug for Draft<H> {
    // The values have secrets among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Draft");
        shown.field("id", &self.id).field("integration", &self.integration).field("name", &self.name);
        shown.field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

/// What was saved.
#[non_exhaustive]
pub struct Saved<H: Host> {
    /// The configuration as it is now.
    pub config: StoredConfig<H>,
    /// The names of values that the integration does not know. They are kept.
    pub unknown: Vec<String>,
}

/// Why a draft was not saved.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SaveError<H: Host> {
    /// The draft is not right.
    #[error("{0}")]
    Faults(FieldFaults),
    /// The host's columns are not right: one points at something that is not there.
    #[error("{0}")]
    Extra(FieldFaults),
    /// Somebody else has saved the configuration since it was read.
    #[error("{} has changed the configuration meanwhile", by.name)]
    Conflict {
        /// The configuration as it is now.
        theirs: Box<StoredConfig<H>>,
        /// Who saved it.
        by: Actor,
    },
    /// This scope has no such configuration of this integration.
    #[error("there is no such configuration")]
    NotFound,
    /// The integration is not registered.
    #[error("the integration is not installed")]
    NotInstalled,
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a configuration was not switched, deleted or had back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// This scope has no such configuration.
    #[error("there is no such configuration")]
    NotFound,
    /// Its integration is not registered, so it cannot be switched on.
    #[error("the integration is not installed")]
    NotInstalled,
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

// By hand, as a derive would ask the same of `H`.
impl<H: Host> std::fmt::Debug for Saved<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saved").field("config", &self.config).field("unknown", &self.unknown).finish()
    }
}

impl<H: Host> std::fmt::Debug for SaveError<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Faults(faults) => f.debug_tuple("Faults").field(faults).finish(),
            Self::Extra(faults) => f.debug_tuple("Extra").field(faults).finish(),
            Self::Conflict { theirs, by } => {
                f.debug_struct("Conflict").field("theirs", theirs).field("by", by).finish()
            }
            Self::NotFound => f.write_str("NotFound"),
            Self::NotInstalled => f.write_str("NotInstalled"),
            Self::Store(error) => f.debug_tuple("Store").field(error).finish(),
        }
    }
}

impl<H: Host> From<sea_orm::DbErr> for SaveError<H> {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<sea_orm::DbErr> for EditError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl<H: Host> Manager<H> {
    /// Saves a draft, and gives it a version and times. This process sees it when this returns; others at once.
    ///
    /// `expected` is the version that the person has seen; if there is a later one, nothing is saved. Without one the
    /// draft replaces whatever is there.
    ///
    /// # Errors
    /// [`SaveError`]; nothing was saved then.
    pub async fn save(
        &self,
        scope: &Scope,
        draft: Draft<H>,
        expected: Option<i64>,
        actor: &Actor,
    ) -> Result<Saved<H>, SaveError<H>> {
        let tx = self.shared.store.db().begin().await?;
        let saved = self.save_in(&tx, scope, draft, expected, actor).await?;
        tx.commit().await?;
        self.shared.follow_own().await;
        Ok(saved)
    }

    /// As [`save`](Manager::save), in the caller's transaction: it is saved if and when that commits. From here to
    /// there nobody else can save a configuration, so do it late.
    ///
    /// # Errors
    /// [`SaveError`]. The transaction may go on after all but the last of them.
    pub async fn save_in(
        &self,
        tx: &Tx,
        scope: &Scope,
        draft: Draft<H>,
        expected: Option<i64>,
        actor: &Actor,
    ) -> Result<Saved<H>, SaveError<H>> {
        let handle = self.shared.handle(&draft.integration).ok_or(SaveError::NotInstalled)?;
        let faults = self.faults(scope, &draft);
        if !faults.is_empty() {
            return Err(SaveError::Faults(faults));
        }
        let store = &self.shared.store;
        store.lock(tx).await?;
        let before = match draft.id {
            Some(id) => Some(self.editable(tx, scope, id, &draft.integration).await?),
            None => None,
        };
        if let Some(before) = before.as_ref().filter(|before| expected.is_some_and(|seen| seen != before.version)) {
            let last = store.history(&**tx, scope, before.id, None, 1).await?.changes.pop();
            let by = last.map_or_else(Actor::system, |change| change.actor);
            return Err(SaveError::Conflict { theirs: Box::new(before.clone()), by });
        }
        let missing = store.check_references(tx, &draft.extra).await?;
        if !missing.is_empty() {
            return Err(SaveError::Extra(missing));
        }
        let after = self.next(scope, draft, &handle, before.as_ref());
        let unknown = form::unknown_keys(handle.form(), &after.values);
        self.write(tx, before, &after, actor).await?;
        Ok(Saved { config: after, unknown })
    }

    async fn editable(
        &self,
        tx: &Tx,
        scope: &Scope,
        id: ConfigId,
        integration: &IntegrationId,
    ) -> Result<StoredConfig<H>, SaveError<H>> {
        let found = self.shared.store.find(&**tx, scope, id).await?;
        let found = found.filter(|found| found.deleted_at.is_none() && found.integration == *integration);
        found.ok_or(SaveError::NotFound)
    }

    /// What the draft makes of the configuration.
    fn next(
        &self,
        scope: &Scope,
        draft: Draft<H>,
        handle: &Handle<H>,
        before: Option<&StoredConfig<H>>,
    ) -> StoredConfig<H> {
        let store = &self.shared.store;
        let form = handle.form();
        let mut values = form::without_transient(form, draft.values);
        let mut sealed: std::collections::BTreeSet<String> =
            form.secret_fields().map(|field| field.name.clone().into_owned()).collect();
        if let Some(before) = before {
            // What nobody knows was in no form, so nobody has decided to take it away.
            let present = migrated(&**handle, before).unwrap_or_else(|| before.values.clone());
            for name in form::unknown_keys(form, &present) {
                if let Some(value) = present.get(&name) {
                    values.entry(name).or_insert_with(|| value.clone());
                }
            }
            sealed.extend(before.sealed.iter().cloned());
        }
        sealed.retain(|name| values.contains_key(name));
        let now = store.now();
        let new = || ConfigId::from_uuid(uuid_v7(&**store.clock(), &**store.entropy()));
        StoredConfig {
            id: before.map_or_else(new, |before| before.id),
            scope: scope.clone(),
            integration: draft.integration,
            name: draft.name.trim().to_owned(),
            enabled: draft.enabled,
            values,
            sealed,
            settings_version: handle.settings_version(),
            extra: draft.extra,
            version: before.map_or(1, |before| before.version + 1),
            created_at: before.map_or(now, |before| before.created_at),
            updated_at: now,
            deleted_at: None,
        }
    }

    async fn write(
        &self,
        tx: &Tx,
        before: Option<StoredConfig<H>>,
        after: &StoredConfig<H>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let what = match &before {
            None => ChangeKind::Created,
            Some(before) => what_changed(before, after),
        };
        match &before {
            None => store.insert(tx, after).await?,
            Some(_) => {
                store.update(tx, after).await?;
                // What waited for this change goes on.
                self.wake_queue(tx, after.id).await?;
            }
        }
        store.note(tx, what, before.as_ref(), after, actor).await
    }

    /// Switches a configuration on or off. One of an integration that is not installed can be switched off only.
    ///
    /// # Errors
    /// [`EditError`].
    pub async fn set_enabled(
        &self,
        scope: &Scope,
        id: ConfigId,
        enabled: bool,
        actor: &Actor,
    ) -> Result<StoredConfig<H>, EditError> {
        self.edit(scope, id, actor, |config| {
            if enabled && self.shared.handle(&config.integration).is_none() {
                return Err(EditError::NotInstalled);
            }
            let present = config.deleted_at.is_none();
            config.enabled = enabled;
            present.then_some(()).ok_or(EditError::NotFound)
        })
        .await
    }

    /// Deletes a configuration. It is gone for its integration at once, and can be had back for 30 days.
    ///
    /// # Errors
    /// [`EditError`].
    pub async fn delete(&self, scope: &Scope, id: ConfigId, actor: &Actor) -> Result<StoredConfig<H>, EditError> {
        let now = self.shared.store.now();
        self.edit(scope, id, actor, |config| match config.deleted_at.replace(now) {
            None => Ok(()),
            Some(_) => Err(EditError::NotFound),
        })
        .await
    }

    /// Has a deleted configuration back as it was.
    ///
    /// # Errors
    /// [`EditError`]; also when it is not deleted.
    pub async fn undo_delete(&self, scope: &Scope, id: ConfigId, actor: &Actor) -> Result<StoredConfig<H>, EditError> {
        self.edit(scope, id, actor, |config| config.deleted_at.take().map(drop).ok_or(EditError::NotFound)).await
    }

    /// Switches a configuration off in the framework's name, in a transaction of which that is a part. `false` if it
    /// is off or gone.
    pub(crate) async fn switch_off_in(&self, tx: &Tx, scope: &Scope, id: ConfigId) -> Result<bool, StoreError> {
        let store = &self.shared.store;
        store.lock(tx).await?;
        let found = store.find(&**tx, scope, id).await?;
        let Some(before) = found.filter(|found| found.enabled && found.deleted_at.is_none()) else { return Ok(false) };
        let mut after = before.clone();
        (after.enabled, after.version, after.updated_at) = (false, before.version + 1, store.now());
        self.write(tx, Some(before), &after, &Actor::system()).await?;
        Ok(true)
    }

    async fn edit(
        &self,
        scope: &Scope,
        id: ConfigId,
        actor: &Actor,
        change: impl FnOnce(&mut StoredConfig<H>) -> Result<(), EditError>,
    ) -> Result<StoredConfig<H>, EditError> {
        let store = &self.shared.store;
        let tx = store.db().begin().await?;
        store.lock(&tx).await?;
        let before = store.find(&*tx, scope, id).await?.ok_or(EditError::NotFound)?;
        let mut after = before.clone();
        change(&mut after)?;
        if diff(Some(&before), &after).is_empty() && before.deleted_at == after.deleted_at {
            return Ok(before);
        }
        (after.version, after.updated_at) = (before.version + 1, store.now());
        self.write(&tx, Some(before), &after, actor).await?;
        tx.commit().await?;
        self.shared.follow_own().await;
        Ok(after)
    }
}

/// The values as the present version stores them, if it can bring them there.
pub(super) fn migrated<H: Host>(handle: &dyn Registered<H>, config: &StoredConfig<H>) -> Option<Values> {
    guarded(|| handle.migrated(config.settings_version, config.values.clone())).ok()?.ok()
}

fn what_changed<H: Host>(before: &StoredConfig<H>, after: &StoredConfig<H>) -> ChangeKind {
    match (before.deleted_at, after.deleted_at) {
        (None, Some(_)) => return ChangeKind::Deleted,
        (Some(_), None) => return ChangeKind::Restored,
        _ => {}
    }
    let only_enabled = diff(Some(before), after).iter().all(|change| change.field == "enabled");
    match (only_enabled && before.enabled != after.enabled, after.enabled) {
        (true, true) => ChangeKind::Enabled,
        (true, false) => ChangeKind::Disabled,
        (false, _) => ChangeKind::Changed,
    }
}

impl<H: Host> Shared<H> {
    /// So that whoever has saved sees it. That it is saved does not depend on it, and the state says what went wrong.
    async fn follow_own(&self) {
        let _ = self.refresh().await;
    }
}
