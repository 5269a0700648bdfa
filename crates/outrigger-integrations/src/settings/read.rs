//! From what is stored to settings.

use super::Settings;
use crate::form::{self, FieldFaults, Values};

/// Settings as they were read from what was stored.
#[derive(Clone)]
pub struct Read<S> {
    /// The settings.
    pub settings: S,
    /// The stored values that the form has no field for, to be stored again with the settings and to be shown to whoever
    /// looks after them. They may hold secrets of another version: show their names, not their values.
    pub rest: Values,
    /// The version that was stored, if it was migrated.
    pub migrated_from: Option<u32>,
}

/// Why stored values cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A newer version of the program has stored them.
    #[error("the settings were stored by version {stored}; this program knows versions up to {known}")]
    Newer {
        /// The version that was stored.
        stored: u32,
        /// The version of the settings struct.
        known: u32,
    },
    /// They could not be migrated.
    #[error("the settings of version {from} cannot be migrated: {reason}")]
    Migration {
        /// The version that was stored.
        from: u32,
        /// What the migration said.
        reason: String,
    },
    /// They are not what the form asks for (any more).
    #[error("the settings are not right: {0}")]
    Faults(FieldFaults),
}

/// The stored values as the present version stores them, whether or not they are right.
///
/// # Errors
/// When they come from a newer version or cannot be migrated.
pub fn migrated<S: Settings>(stored_version: u32, values: Values) -> Result<Values, SettingsError> {
    if stored_version > S::VERSION {
        return Err(SettingsError::Newer { stored: stored_version, known: S::VERSION });
    }
    if stored_version == S::VERSION {
        return Ok(values);
    }
    S::migrate(stored_version, values).map_err(|reason| SettingsError::Migration { from: stored_version, reason })
}

/// Reads stored values: migrates them, lets defaults stand for what is missing or was stored blank where a value is
/// needed, and keeps what it does not know.
///
/// # Errors
/// When the values come from a newer version, cannot be migrated, or are not right.
pub fn read<S: Settings>(stored_version: u32, values: Values) -> Result<Read<S>, SettingsError> {
    let values = migrated::<S>(stored_version, values)?;
    let form = S::form();
    let rest = form::unknown_keys(form, &values);
    let rest = rest.into_iter().filter_map(|key| values.get(&key).cloned().map(|value| (key, value))).collect();
    let settings = S::from_values(&form::with_defaults(form, values)).map_err(SettingsError::Faults)?;
    let migrated_from = (stored_version != S::VERSION).then_some(stored_version);
    Ok(Read { settings, rest, migrated_from })
}

impl<S: Settings> Read<S> {
    /// The values to store: those of the settings, and the rest.
    pub fn to_values(&self) -> Values {
        let mut values = self.rest.clone();
        values.extend(self.settings.to_values());
        values
    }
}
