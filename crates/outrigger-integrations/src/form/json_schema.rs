//! Forms from and to JSON Schema.

use serde_json::Value;

use super::FormSchema;

mod read;
mod write;

/// Why a JSON Schema cannot be shown as a form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", if at.is_empty() { "the schema" } else { at })]
pub struct SchemaError {
    /// Where, as a JSON Pointer.
    pub at: String,
    /// What is not right there.
    pub reason: String,
}

impl FormSchema {
    /// The form of an object's JSON Schema.
    ///
    /// The properties may be: strings, also with `enum` (or `oneOf` of `const` and `title`), `pattern`, `minLength`,
    /// `maxLength`, the formats `email`, `uri` and `password`, and `writeOnly`, which makes a secret; numbers and
    /// integers with limits; booleans; lists of these; objects whose `additionalProperties` are strings. Each may have
    /// `title`, `description`, `default`, `readOnly` and `x-order`, and the `x-` words that
    /// [`json_schema`](Self::json_schema) writes.
    ///
    /// ```
    /// use outrigger_integrations::FormSchema;
    ///
    /// let form = FormSchema::from_json_schema(&serde_json::json!({
    ///     "type": "object",
    ///     "required": ["token"],
    ///     "properties": {
    ///         "region": { "type": "string", "enum": ["eu", "us"], "default": "eu" },
    ///         "token": { "type": "string", "writeOnly": true, "title": "API token", "x-order": 0 },
    ///     },
    /// }))?;
    /// assert_eq!(form.fields().next().unwrap().label.to_string(), "API token");
    /// # Ok::<(), outrigger_integrations::form::SchemaError>(())
    /// ```
    ///
    /// # Errors
    /// When the schema has something that a form cannot show or that would be passed over: it says where and what.
    /// References are refused, local and remote alike.
    pub fn from_json_schema(schema: &Value) -> Result<Self, SchemaError> {
        read::form(schema)
    }

    /// The JSON Schema (2020-12) of the values.
    ///
    /// What it has no word for is said with words of our own, which [`from_json_schema`](Self::from_json_schema)
    /// understands: `x-order`, `x-group`, `x-widget`, `x-placeholder`, `x-units`, `x-shown-if`, `x-bound-to`, `x-hidden`,
    /// `x-transient`, `x-read-only`, `x-options`.
    pub fn json_schema(&self) -> Value {
        write::form(self)
    }
}
