//! Columns that the host adds to every configuration.

use crate::form::{FieldFaults, FormSchema, Values};

/// The host's own columns on every configuration, such as the user who answers for it: typed, indexed, and in the
/// form. `()` has none.
///
/// The columns stand beside the framework's own, in a table that the host's migrations make from
/// [`ExtraColumns::columns`].
pub trait ExtraColumns: Clone + Send + Sync + 'static {
    /// The columns, in their order.
    fn columns() -> &'static [Column];

    /// The fields of the form; the name of a field is the name of its column.
    fn form() -> &'static FormSchema;

    /// Reads them from the values of the form, or of a row.
    ///
    /// # Errors
    /// The faults, field by field.
    fn from_values(values: &Values) -> Result<Self, FieldFaults>;

    /// Writes them as values, one for each column.
    fn to_values(&self) -> Values;
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name: lower-case letters, digits and `_`.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether every configuration has a value.
    pub required: bool,
    /// What it points at, as SQL has it: `app_user(id) ON DELETE CASCADE`.
    pub references: Option<&'static str>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// A 64-bit integer.
    Integer,
    /// True or false.
    Boolean,
}

impl ExtraColumns for () {
    fn columns() -> &'static [Column] {
        &[]
    }

    fn form() -> &'static FormSchema {
        static NONE: FormSchema = FormSchema::empty();
        &NONE
    }

    fn from_values(_: &Values) -> Result<Self, FieldFaults> {
        Ok(())
    }

    fn to_values(&self) -> Values {
        Values::new()
    }
}
