//! What the code of `#[derive(Settings)]` and `#[derive(Choice)]` calls. No part of the public interface.

use serde_json::Value;

pub use serde;
pub use serde_json;

use super::FieldValue;
use crate::form::{self, Field, FieldFaults, FormSchema, Values};

mod kinds;
mod limits;

pub use kinds::*;
pub use limits::Limits;

/// Reads the fields of a settings struct one by one, and collects all that is wrong.
pub struct Reader<'a> {
    form: &'static FormSchema,
    values: &'a Values,
    faults: FieldFaults,
}

impl<'a> Reader<'a> {
    pub fn new(form: &'static FormSchema, values: &'a Values) -> Self {
        let faults = form::check_values(form, values, &form::KnownOptions::default());
        Self { form, values, faults }
    }

    /// The field's value, unless something is wrong with it.
    pub fn take<T: FieldValue>(&mut self, name: &str) -> Option<T> {
        if !self.faults.of(name).is_empty() {
            return None;
        }
        let value = self.form.field(name)?.value_in(self.values);
        T::from_json(value).map_err(|fault| self.faults.add(name, fault)).ok()
    }

    pub fn into_faults(self) -> FieldFaults {
        self.faults
    }
}

/// The field of a type, with what follows from the type.
pub fn field<T: FieldValue>(name: &'static str, label: &'static str) -> Field {
    let mut field = Field::new(name, label, T::widget());
    field.required = T::REQUIRED;
    field.secret = T::SECRET;
    field
}

pub fn to_json<T: FieldValue>(value: &T) -> Value {
    value.to_json()
}
