//! What the code of `#[derive(Settings)]` and `#[derive(Choice)]` calls. No part of the public interface.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use serde_json::Value;

pub use serde;
pub use serde_json;

use super::{FieldValue, Settings};
use crate::form::{self, Field, FieldFaults, FormSchema, Values};

mod kinds;
mod limits;

pub use kinds::*;
pub use limits::Limits;

static FORMS: LazyLock<RwLock<HashMap<TypeId, &'static FormSchema>>> = LazyLock::new(RwLock::default);

/// The form of a type with parameters. It is built once and kept for as long as the program runs.
pub fn form_of<T: Settings>(build: impl FnOnce() -> FormSchema) -> &'static FormSchema {
    let type_id = TypeId::of::<T>();
    if let Some(form) = FORMS.read().unwrap_or_else(PoisonError::into_inner).get(&type_id) {
        return form;
    }
    // Before the lock, as a default may be an expression that asks for other forms.
    let built = build();
    FORMS.write().unwrap_or_else(PoisonError::into_inner).entry(type_id).or_insert_with(|| Box::leak(Box::new(built)))
}

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

#[cfg(test)]
mod tests;
