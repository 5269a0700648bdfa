//! Columns that the host adds to every configuration.

use crate::form::{FieldFaults, FormSchema, Values};

/// The host's own columns on every configuration, such as the person who answers for it: typed, indexed, and in the
/// form. `()` has none.
///
/// Derive it beside [`Settings`](crate::Settings), which makes the form. The columns stand in the framework's own table,
/// each under the name of its field after `extra_`; [`extra_migrations`](crate::extra_migrations) adds them. One that
/// `references` a table of the host's is removed or emptied with the row that it points at, as its `ON DELETE` says;
/// with `CASCADE` the configuration goes.
///
/// ```
/// use outrigger_integrations::{ColumnKind, ExtraColumns, Settings};
///
/// #[derive(Clone, Settings, ExtraColumns)]
/// struct Owned {
///     /// Who answers for it.
///     #[column(references = "person(id) ON DELETE CASCADE")]
///     owner: Option<i64>,
///     team: Option<String>,
/// }
///
/// let [owner, team] = Owned::columns() else { panic!("one column for each field") };
/// assert_eq!((owner.name, owner.kind, owner.required), ("owner", ColumnKind::Integer, false));
/// assert_eq!(team.kind, ColumnKind::Text);
/// ```
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

/// A type that a column can hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column",
    note = "`String`, integers, `bool`, e-mail addresses, URLs and `Option`s of them can"
)]
pub trait ColumnValue: crate::FieldValue {
    /// The kind of the column.
    const COLUMN: ColumnKind;
}

macro_rules! column_values {
    ($kind:ident: $($ty:ty),*) => {
        $(impl ColumnValue for $ty {
            const COLUMN: ColumnKind = ColumnKind::$kind;
        })*
    };
}

column_values!(Text: String, crate::EmailAddress, crate::HttpUrl, crate::HttpsUrl);
column_values!(Integer: i32, i64, u32);
column_values!(Boolean: bool);

impl<T: ColumnValue> ColumnValue for Option<T>
where
    Option<T>: crate::FieldValue,
{
    const COLUMN: ColumnKind = T::COLUMN;
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
