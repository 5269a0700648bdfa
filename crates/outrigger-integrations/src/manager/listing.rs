//! Listing and finding what is stored.

use jiff::Timestamp;
use serde::Serialize;

use super::editing::migrated;
use super::{Manager, RunState};
use crate::form;
use crate::rule::RuleFault;
use crate::store::{ListQuery, Listed, fold};
use crate::{
    ConfigId, Counts, ExtraColumns, HistoryPage, Host, IntegrationId, ListFilter, Page, Scope, StoreError,
    StoredConfig, Values,
};

/// A row of a list of configurations.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Its name for programs.
    pub id: ConfigId,
    /// The integration that it configures.
    pub integration: IntegrationId,
    /// What people call the integration; its id if it is not installed.
    pub integration_name: String,
    /// Its name for people.
    pub name: String,
    /// Whether the integration acts on it.
    pub enabled: bool,
    /// Counts its saves.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
    /// Why it does not do what it should, if so.
    pub problem: Option<Problem>,
}

/// `name (integration)`.
impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.integration_name)
    }
}

/// Why a configuration does not do what it should.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Its integration is not registered.
    #[error("the integration is not installed")]
    NotInstalled,
    /// Its integration cannot read the settings.
    #[error("{0}")]
    Unreadable(String),
    /// Its rules cannot be judged.
    #[error("its rules are broken: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    BrokenRules(Vec<RuleFault>),
    /// Its integration could not be started.
    #[error("the integration could not be started: {0}")]
    NotStarted(String),
}

/// A configuration as it is given out of the system: as JSON, its secrets masked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Export {
    /// Its name for programs.
    pub id: ConfigId,
    /// The integration that it configures.
    pub integration: IntegrationId,
    /// Whose configuration it is.
    pub scope: Scope,
    /// Its name for people.
    pub name: String,
    /// Whether the integration acts on it.
    pub enabled: bool,
    /// Its values; secrets are `***`.
    pub settings: Values,
    /// The version of the settings.
    pub settings_version: u32,
    /// The host's own columns.
    pub extra: Values,
    /// Counts its saves.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
}

impl<H: Host> Manager<H> {
    /// A page of a scope's configurations, by integration and name; those of integrations that are not installed too.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn list(&self, scope: &Scope, filter: &ListFilter) -> Result<Page<Summary>, StoreError> {
        let named = match filter.search.trim() {
            "" => Vec::new(),
            search => self.named(&fold(search)),
        };
        let store = &self.shared.store;
        let page = store.list(store.db().conn(), scope, &ListQuery { filter, named }).await?;
        let items = page.items.into_iter().map(|listed| self.summary(listed)).collect();
        Ok(Page { items, next: page.next })
    }

    /// The integrations whose names contain this.
    fn named(&self, folded: &str) -> Vec<IntegrationId> {
        let slots: Vec<_> = self.shared.registry().slots.values().cloned().collect();
        let matches = |slot: &&_| {
            let slot: &std::sync::Arc<super::Slot<H>> = slot;
            fold(slot.about.name.untranslated()).contains(folded)
        };
        slots.iter().filter(matches).map(|slot| slot.id.clone()).collect()
    }

    fn summary(&self, listed: Listed) -> Summary {
        let name = self.shared.slot(&listed.integration).map(|slot| slot.about.name.to_string());
        let installed = name.is_some();
        Summary {
            id: listed.id,
            integration_name: name.unwrap_or_else(|| listed.integration.to_string()),
            problem: if installed { self.problem(listed.id) } else { Some(Problem::NotInstalled) },
            integration: listed.integration,
            name: listed.name,
            enabled: listed.enabled,
            version: listed.version,
            created_at: listed.created_at,
            updated_at: listed.updated_at,
            deleted_at: listed.deleted_at,
        }
    }

    /// Why a configuration does not do what it should, as far as this process can tell; `None` if it does, or if it is
    /// not (any more) in memory.
    pub fn problem(&self, id: ConfigId) -> Option<Problem> {
        let snapshot = self.shared.snapshot.load();
        let entry = snapshot.entry(id)?;
        let broken = self.with_known(entry, |known| {
            let faults = self.rules_now(known).map(|rules| rules.faults().to_vec()).unwrap_or_default();
            (!faults.is_empty()).then_some(Problem::BrokenRules(faults))
        });
        match broken {
            Err(None) => Some(Problem::NotInstalled),
            Err(Some(reason)) => Some(Problem::Unreadable(reason)),
            Ok(Some(broken)) => Some(broken),
            Ok(None) => match self.state(&entry.integration) {
                RunState::Failed { reason, .. } if entry.enabled => Some(Problem::NotStarted(reason)),
                _ => None,
            },
        }
    }

    /// The names of stored values that a configuration's integration does not know. They are kept.
    pub fn unknown(&self, id: ConfigId) -> Vec<String> {
        let snapshot = self.shared.snapshot.load();
        let known = snapshot.entry(id).and_then(|entry| self.with_known(entry, |known| known.unknown.to_vec()).ok());
        known.unwrap_or_default()
    }

    /// How many configurations a scope has.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn counts(&self, scope: &Scope) -> Result<Counts, StoreError> {
        self.shared.store.counts(self.shared.store.db().conn(), scope).await
    }

    /// A configuration as it is stored now, deleted or not. Its values are those of the present version of the
    /// settings, if the integration is installed and can bring them there.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn find(&self, scope: &Scope, id: ConfigId) -> Result<Option<StoredConfig<H>>, StoreError> {
        let found = self.shared.store.find(self.shared.store.db().conn(), scope, id).await?;
        Ok(found.map(|mut config| {
            if let Some(handle) = self.shared.handle(&config.integration)
                && let Some(values) = migrated(&*handle, &config)
            {
                config.values = values;
                config.settings_version = handle.settings_version();
            }
            config
        }))
    }

    /// A configuration as it may be given out, its secrets masked; also one of an integration that is not installed.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn export(&self, scope: &Scope, id: ConfigId) -> Result<Option<Export>, StoreError> {
        let found = self.shared.store.find(self.shared.store.db().conn(), scope, id).await?;
        Ok(found.map(|config| {
            let masked = config.masked();
            let handle = self.shared.handle(&config.integration);
            Export {
                id: config.id,
                integration: config.integration,
                scope: config.scope,
                name: config.name,
                enabled: config.enabled,
                // A field may have become a secret since it was stored.
                settings: handle.map_or(masked.clone(), |handle| form::redacted(handle.form(), &masked)),
                settings_version: config.settings_version,
                extra: config.extra.to_values(),
                version: config.version,
                created_at: config.created_at,
                updated_at: config.updated_at,
            }
        }))
    }

    /// What was done to a configuration, latest first, at most `limit` changes, from those before the change `before`.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn history(
        &self,
        scope: &Scope,
        id: ConfigId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        self.shared.store.history(self.shared.store.db().conn(), scope, id, before, limit).await
    }
}
