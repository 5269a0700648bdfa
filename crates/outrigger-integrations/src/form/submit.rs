//! What new values make of the existing ones, however they came in.

use serde_json::Value;

use super::check::{check_values, is_blank};
use super::defaults::is_mask;
use super::{Field, FieldFaults, FormSchema, KnownOptions, Values};
use crate::Text;

/// What was submitted for one field.
pub(super) enum Submitted {
    /// Nothing: what is there already stays.
    Keep,
    /// A new value; `null` if it was left blank or cleared.
    Value(Value),
}

/// The values of a form that came as JSON, and all that is wrong with them.
///
/// A missing field stays as it is, `null` clears it. A secret may be sent back as it was shown, which keeps it. Values
/// that cannot be changed (read-only fields, and fields that are not shown) stay as they are whatever was sent. Names
/// that are no fields are passed over; [`unknown_keys`](super::unknown_keys) tells about them.
///
/// ```
/// use outrigger_integrations::form::{Field, FormSchema, TextLimits, Widget, read_json};
///
/// let token = Widget::Secret { of: Box::new(Widget::Text(TextLimits::default())) };
/// let form = FormSchema::of_fields([Field::new("token", "Token", token)]);
/// let existing = serde_json::from_str(r#"{ "token": "t0ken" }"#)?;
///
/// let (values, faults) = read_json(&form, serde_json::from_str(r#"{ "token": "***" }"#)?, Some(&existing));
/// assert!(faults.is_empty());
/// assert_eq!(values["token"], "t0ken");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn read_json(schema: &FormSchema, mut submitted: Values, existing: Option<&Values>) -> (Values, FieldFaults) {
    let take = |field: &Field| match submitted.remove(&*field.name) {
        Some(value) => Submitted::Value(value),
        None => Submitted::Keep,
    };
    settle(schema, take, existing)
}

/// Puts together what was submitted and what is there, and checks the result.
pub(super) fn settle(
    schema: &FormSchema,
    mut submitted: impl FnMut(&Field) -> Submitted,
    existing: Option<&Values>,
) -> (Values, FieldFaults) {
    let nothing = Values::new();
    let existing = existing.unwrap_or(&nothing);
    let mut values = Values::new();
    let mut kept = Vec::new();
    for field in schema.fields() {
        let before = existing.get(&*field.name);
        let new = match submitted(field) {
            Submitted::Value(value) if field.read_only.is_none() && !is_mask(field, &value, before) => Some(value),
            _ => None,
        };
        if new.is_none() {
            kept.push(field);
        }
        put(&mut values, field, new.as_ref().or(before));
    }
    restore_unseen(schema, &mut values, existing);
    let mut faults = FieldFaults::default();
    for field in kept {
        if let Some(fault) = moved_secret(schema, field, &values, existing) {
            faults.add(&field.name, fault);
        }
    }
    faults.append(check_values(schema, &values, &KnownOptions::default()));
    (values, faults)
}

fn put(values: &mut Values, field: &Field, value: Option<&Value>) {
    match value {
        Some(value) => values.insert(field.name.clone().into_owned(), value.clone()),
        None => values.remove(&*field.name),
    };
}

/// What nobody was shown, nobody has changed.
fn restore_unseen(schema: &FormSchema, values: &mut Values, existing: &Values) {
    let unseen: Vec<&Field> = schema.fields().filter(|field| !schema.shows(field, values)).collect();
    for field in unseen {
        put(values, field, existing.get(&*field.name));
    }
}

/// The fault of a kept secret that would go somewhere else than where it was entered for.
fn moved_secret(schema: &FormSchema, field: &Field, values: &Values, existing: &Values) -> Option<Text> {
    if existing.get(&*field.name).is_none_or(is_blank) {
        return None;
    }
    let bound = field.bound_to.iter().filter_map(|name| schema.field(name));
    let moved = bound.into_iter().find(|other| other.value_in(values) != other.value_in(existing))?;
    Some(format!("Enter this again, because “{}” has changed.", moved.label).into())
}
