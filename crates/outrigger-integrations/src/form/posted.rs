//! From the pairs of a post to values.

use super::{FieldFaults, FormSchema, Values};

/// The values of a posted form, and all that is wrong with them.
pub fn read_posted(
    schema: &FormSchema,
    posted: &[(String, String)],
    existing: Option<&Values>,
) -> (Values, FieldFaults) {
    let _ = (schema, posted, existing);
    (Values::new(), FieldFaults::default())
}
