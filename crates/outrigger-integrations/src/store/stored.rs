//! A configuration as it is stored.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::form::Values;
use crate::{ConfigId, Host, IntegrationId, Scope};

/// A configuration as it is stored, its secrets opened, before its integration has looked at the settings.
pub struct StoredConfig<H: Host> {
    /// Its name for programs.
    pub id: ConfigId,
    /// Whose configuration it is.
    pub scope: Scope,
    /// The integration that it configures.
    pub integration: IntegrationId,
    /// Its name for people.
    pub name: String,
    /// Whether the integration acts on it.
    pub enabled: bool,
    /// The values of the settings, of the version that stored them. Secrets are in plain text.
    pub values: Values,
    /// The names of the values that are stored sealed.
    pub sealed: BTreeSet<String>,
    /// The version of the settings that the values were stored by.
    pub settings_version: u32,
    /// The host's own columns.
    pub extra: H::Extra,
    /// Counts its saves, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
}

impl<H: Host> StoredConfig<H> {
    /// The values as anybody who may see the configuration may see them: those that are sealed are `***`.
    ///
    /// It also serves where the integration is not installed and nobody knows the form.
    pub fn masked(&self) -> Values {
        let mask = |name: &String, value: &serde_json::Value| match self.sealed.contains(name) {
            true => MASK.into(),
            false => value.clone(),
        };
        self.values.iter().map(|(name, value)| (name.clone(), mask(name, value))).collect()
    }
}

/// What is shown in place of a secret.
pub(crate) const MASK: &str = "***";

impl<H: Host> Clone for StoredConfig<H> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            scope: self.scope.clone(),
            integration: self.integration.clone(),
            name: self.name.clone(),
            enabled: self.enabled,
            values: self.values.clone(),
            sealed: self.sealed.clone(),
            settings_version: self.settings_version,
            extra: self.extra.clone(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
        }
    }
}

/// Its name, and the id of its integration.
impl<H: Host> fmt::Display for StoredConfig<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.integration)
    }
}

impl<H: Host> fmt::Debug for StoredConfig<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredConfig")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .field("integration", &self.integration)
            .field("name", &self.name)
            .field("enabled", &self.enabled)
            .field("values", &self.masked())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
