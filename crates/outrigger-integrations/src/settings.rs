//! Settings: the typed values of a configuration.

#[cfg(doctest)]
mod mistakes;
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
/// the documentation all come. Derive it:
///
/// ```
/// use std::time::Duration;
///
/// use outrigger_integrations::{Choice, FieldFaults, HttpsUrl, Secret, Settings, Values};
///
/// #[derive(Clone, Settings)]
/// #[settings(version = 2, migrate = migrate, validate = validate)]
/// struct Chat {
///     /// Where the service takes messages.
///     #[group(title = "Where to post")]
///     #[field(label = "Webhook URL")]
///     webhook: Secret<HttpsUrl>,
///     /// Leave it blank to post where the webhook wants it.
///     #[field(pattern = "#[a-z0-9-]+", max_len = 80)]
///     channel: Option<String>,
///     #[field(default = "Bot")]
///     post_as: String,
///     #[group(title = "What to post", help = "Failures are always posted.")]
///     #[field(default = Detail::Short)]
///     detail: Detail,
///     #[field(default = Duration::from_secs(300), max = 86400, shown_if(field = detail, is = Detail::Long))]
///     wait: Duration,
/// }
///
/// #[derive(Clone, Choice)]
/// enum Detail {
///     Short,
///     #[choice(label = "All there is")]
///     Long,
/// }
///
/// fn migrate(_from: u32, mut values: Values) -> Result<Values, String> {
///     if let Some(name) = values.remove("username") {
///         values.insert("post_as".to_owned(), name);
///     }
///     Ok(values)
/// }
///
/// fn validate(chat: &Chat, faults: &mut FieldFaults) {
///     if chat.post_as.eq_ignore_ascii_case("admin") {
///         faults.add("post_as", "This name is taken.");
///     }
/// }
///
/// let mut stored = Values::new();
/// stored.insert("webhook".to_owned(), "https://chat.example.com/T0/x".into());
/// stored.insert("username".to_owned(), "Builds".into());
/// let chat = outrigger_integrations::settings::read::<Chat>(1, stored)?.settings;
/// assert_eq!(chat.post_as, "Builds");
/// assert_eq!(chat.wait.as_secs(), 300);
/// assert_eq!(serde_json::to_value(&chat)?["webhook"], "***");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Of the struct, `#[settings(..)]` says: `version = 2` (1 unless said), `migrate = function` and
/// `validate = function`, which stand for the methods of these names.
///
/// A field with `#[group(title = "..", help = "..", wide)]` begins a group. Of each field, `#[field(..)]` says:
///
/// | attribute | what it does |
/// |---|---|
/// | `label`, `help`, `placeholder` | texts; the label follows from the name, the help from the doc comment |
/// | `default = ..` | a literal, a list of them, or an expression of the field's type |
/// | `required` | a type that may be blank must not be, while it is shown |
/// | `min`, `max`, `step` | of numbers and, in seconds, of `Duration` |
/// | `min_len`, `max_len` | characters of a text, rows of a list |
/// | `pattern = ".."` | a regular expression that the whole text has to match |
/// | `widget = textarea` | several lines |
/// | `units("minutes", "hours")` | the units of a `Duration`, out of seconds, minutes, hours and days |
/// | `options("a", "b" = "Label")` | a text becomes a selection, a list of texts a multiple one |
/// | `options_from`, `depends_on(a, b)` | the options come from the integration, and depend on these fields |
/// | `readonly = "why"` | is shown with the reason and cannot be changed |
/// | `transient` | takes part in validation and checks, and is not stored |
/// | `hidden` | is in the form without being seen |
/// | `shown_if(field = a, is = "x")` | is shown while another field has this value, or one of these in `[..]` |
/// | `bound_to(a, b)` | a secret that has to be entered again when one of these fields changes |
///
/// What does not fit together does not compile, and the error points at the attribute. The derive also writes
/// [`Serialize`](serde::Serialize), to show settings with secrets as `***`.
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
