//! Values as they are read, kept and shown.

use serde_json::Value;

use super::check::is_blank;
use super::{Field, FormSchema, Values, Widget};
use crate::settings::{parse_url, url_hint};

/// What stands for a secret.
const MASK: &str = "***";

/// The values, with the default of each field that has none, or that was stored blank where a value is needed.
///
/// What was left blank on purpose, where that is allowed, stays blank.
pub fn with_defaults(schema: &FormSchema, mut values: Values) -> Values {
    for field in schema.fields() {
        let Some(default) = &field.default else { continue };
        let missing = match values.get(&*field.name) {
            None => true,
            Some(Value::Null) => field.required || matches!(field.widget, Widget::Checkbox),
            Some(value) => field.required && is_blank(value),
        };
        if missing {
            values.insert(field.name.clone().into_owned(), default.clone());
        }
    }
    values
}

/// The values as they may be shown: secrets are `***`, and of a secret URL the scheme and the host remain. So are the
/// values that the form has no field for, because another version may have thought them secret.
pub fn redacted(schema: &FormSchema, values: &Values) -> Values {
    let show = |name: &str, value: &Value| match schema.field(name) {
        Some(field) => redacted_value(field, value),
        None => Value::from(MASK),
    };
    values.iter().map(|(name, value)| (name.clone(), show(name, value))).collect()
}

/// One value as it may be shown.
pub(super) fn redacted_value(field: &Field, value: &Value) -> Value {
    if !field.secret || is_blank(value) {
        return value.clone();
    }
    let url = match &field.widget {
        Widget::Secret { of } if matches!(**of, Widget::Url { .. }) => value.as_str(),
        _ => None,
    };
    match url.and_then(|url| parse_url(url, false).ok()) {
        Some(url) => Value::from(url_hint(&url)),
        None => Value::from(MASK),
    }
}

/// Whether the text stands for the secret that is there already, as it was shown.
pub(super) fn is_mask(field: &Field, submitted: &Value, existing: Option<&Value>) -> bool {
    let as_shown = existing.is_some_and(|existing| redacted_value(field, existing) == *submitted);
    field.secret && !is_blank(submitted) && (submitted == MASK || as_shown)
}

/// The names among the values that are no fields of the form.
pub fn unknown_keys(schema: &FormSchema, values: &Values) -> Vec<String> {
    values.keys().filter(|key| schema.field(key).is_none()).cloned().collect()
}

/// The values without those of transient fields: what is stored.
pub fn without_transient(schema: &FormSchema, values: Values) -> Values {
    values.into_iter().filter(|(key, _)| schema.field(key).is_none_or(|field| !field.transient)).collect()
}
