//! Settings: the typed values of a configuration.

mod read;
mod secret;
mod typed;
mod value;

#[doc(hidden)]
pub mod derived;

pub use read::{Read, SettingsError, migrated, read};
pub use secret::Secret;
pub use typed::{EmailAddress, HttpUrl, HttpsUrl};
pub(crate) use typed::{parse_url, url_hint};
pub use value::{FieldValue, Kind};

use crate::form::{FieldFaults, FormSchema, Values};
use crate::rule::RuleSet;

/// The settings of an integration: a plain struct, of which the form, the defaults, the validation, the JSON Schema and
/// the documentation all come. Derive it.
pub trait Settings: Sized + Clone + Send + Sync + 'static {
    /// Counts the changes to the struct that stored settings cannot be read across. It is stored with them.
    const VERSION: u32;

    /// The form.
    fn form() -> &'static FormSchema;

    /// The settings with these values; defaults stand for the missing ones, unknown ones are passed over.
    ///
    /// # Errors
    /// All that is wrong with the values.
    fn from_values(values: &Values) -> Result<Self, FieldFaults>;

    /// The values to store, without those of transient fields. Secrets are in plain text: the store seals them, and
    /// nothing logs them.
    fn to_values(&self) -> Values;

    /// The values that an earlier version stored, as this one stores them.
    ///
    /// # Errors
    /// Why they cannot be used.
    fn migrate(from: u32, values: Values) -> Result<Values, String> {
        let _ = from;
        Ok(values)
    }

    /// Looks at the fields together, once each of them is right.
    fn validate(&self, faults: &mut FieldFaults) {
        let _ = faults;
    }

    /// Which events are wanted, if the settings have a field for it.
    fn rules(&self) -> Option<&RuleSet> {
        None
    }
}
