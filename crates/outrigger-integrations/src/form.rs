//! Forms: what people fill in to configure an integration, and what becomes of it.
//!
//! A [`FormSchema`] comes from a struct with [`Settings`](crate::Settings) or from a JSON Schema. Everything that a form
//! decides is decided here: which fields there are, what they start with, what of a post counts, what is wrong with it,
//! and what may be shown again. Drawing it is somebody else's work.

mod check;
mod defaults;
mod docs;
mod faults;
mod json_schema;
mod pattern;
mod posted;
mod schema;
mod submit;
mod widget;

pub use check::{KnownOptions, check_values};
pub use defaults::{redacted, unknown_keys, with_defaults, without_transient};
pub use faults::FieldFaults;
pub use json_schema::SchemaError;
pub use pattern::{InvalidPattern, Pattern};
pub use posted::read_posted;
pub use schema::{Field, FormSchema, Group, ShownIf};
pub use submit::read_json;
pub use widget::{Choice, NumberRange, Options, TextLimits, Unit, Widget};

/// The values of a form by the names of its fields, as plain JSON.
///
/// Values are strings, numbers, booleans, and lists of these; a key-value field is an object of strings, a rules field
/// the JSON of its rule set. A missing value has not been decided, and the field's default stands for it; `null` says
/// that the field was left blank on purpose. Secrets are in plain text here: never log a `Values`, show
/// [`redacted`] ones.
pub type Values = serde_json::Map<String, serde_json::Value>;

/// The longest text of a field that states no limit of its own, in characters.
pub const MAX_TEXT: usize = 10_000;

/// The most rows of a list or key-value field that states no limit of its own.
pub const MAX_ROWS: usize = 100;
