//! A user's configuration, coerced and checked against the manifest.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Number, Value};
use thiserror::Error;

use super::{ConfigField, ConfigFields, FieldFault, FieldKind, Manifest};
use crate::body::{kind_of, plain_text};

/// All that is wrong with a configuration; the fault is the user's. No message repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<FieldFault>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl Manifest {
    /// Turns loosely typed input into a configuration that keeps the manifest's rules, or says everything that is wrong.
    ///
    /// Input comes from command lines and HTML forms, where a number or a flag may arrive as text and a text as either:
    /// `5` and `true` become text for a string, `"5"` becomes a number, `"true"` a boolean. `null` and empty text mean
    /// "not given"; then the default counts. The answer has the manifest's order and nothing that was not given.
    /// Checking the answer again gives the same answer.
    ///
    /// A manifest without `config` takes everything as it is.
    ///
    /// # Errors
    /// Every fault, one per option: unknown, missing, of another kind, not matching the pattern, not among the possible
    /// values.
    ///
    /// ```
    /// # use outrigger_addon::manifest::Manifest;
    /// let manifest = Manifest::parse(br#"{ "name": "n", "description": "d", "config": {
    ///     "region": { "required": true }, "size": { "type": "number" } } }"#)?;
    /// let given = serde_json::json!({ "size": "big", "zone": "a" });
    /// let errors = manifest.check_config(given.as_object().unwrap()).unwrap_err();
    /// assert_eq!(
    ///     errors.to_string(),
    ///     "zone: is not an option of this add-on (region, size); region: is required; size: must be a number, not text",
    /// );
    /// # Ok::<(), outrigger_addon::manifest::ManifestError>(())
    /// ```
    pub fn check_config(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, ConfigErrors> {
        let Some(declared) = &self.config else { return Ok(given.clone()) };
        let mut faults = unknown_options(declared, given);
        let mut checked = Map::new();
        for (name, field) in declared.iter() {
            match check_option(field, given.get(name)) {
                Ok(Some(value)) => drop(checked.insert(name.to_owned(), value)),
                Ok(None) => {}
                Err(message) => faults.push(FieldFault { field: name.to_owned(), message }),
            }
        }
        if faults.is_empty() { Ok(checked) } else { Err(ConfigErrors(faults)) }
    }
}

fn unknown_options(declared: &ConfigFields, given: &Map<String, Value>) -> Vec<FieldFault> {
    let known: Vec<&str> = declared.iter().map(|(name, _)| name).collect();
    let message = if known.is_empty() {
        "is not an option: this add-on has none".to_owned()
    } else {
        format!("is not an option of this add-on ({})", known.join(", "))
    };
    given
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| FieldFault { field: name.clone(), message: message.clone() })
        .collect()
}

fn check_option(field: &ConfigField, given: Option<&Value>) -> Result<Option<Value>, String> {
    let present = |value: &&Value| !is_absent(value);
    match given.filter(present).or(field.default.as_ref().filter(present)) {
        Some(value) => check_value(field, value).map(Some),
        None if field.required => Err("is required".to_owned()),
        None => Ok(None),
    }
}

pub(super) fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

pub(super) fn check_value(field: &ConfigField, value: &Value) -> Result<Value, String> {
    let value = coerce(field.kind, value)?;
    if let Some(pattern) = &field.pattern {
        let text = plain_text(&value).unwrap_or_default();
        if !compile(pattern)?.is_match(&text) {
            return Err(format!("does not match the pattern {pattern}"));
        }
    }
    if !field.options.is_empty() && !field.options.iter().any(|option| same(field.kind, option, &value)) {
        let possible: Vec<String> = field.options.iter().filter_map(plain_text).collect();
        return Err(format!("must be one of: {}", possible.join(", ")));
    }
    Ok(value)
}

pub(super) fn coerce(kind: FieldKind, value: &Value) -> Result<Value, String> {
    let (coerced, wanted) = match kind {
        FieldKind::String => (plain_text(value).map(Value::String), "text"),
        FieldKind::Number => (number(value), "a number"),
        FieldKind::Boolean => (boolean(value), "true or false"),
    };
    coerced.ok_or_else(|| format!("must be {wanted}, not {}", kind_of(value)))
}

fn number(value: &Value) -> Option<Value> {
    let text = match value {
        Value::Number(_) => return Some(value.clone()),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    let whole = || text.parse::<i64>().ok().map(Number::from);
    let large = || text.parse::<u64>().ok().map(Number::from);
    let fraction = || text.parse::<f64>().ok().and_then(Number::from_f64);
    whole().or_else(large).or_else(fraction).map(Value::Number)
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        _ => None,
    }
}

fn same(kind: FieldKind, option: &Value, value: &Value) -> bool {
    match (coerce(kind, option), value) {
        // 5 and 5.0 are one number to people.
        (Ok(Value::Number(option)), Value::Number(value)) => option.as_f64() == value.as_f64(),
        (Ok(option), value) => option == *value,
        (Err(_), _) => false,
    }
}

/// A pattern comes from a partner, so what it may cost is bounded: the `regex` crate matches in linear time, and this
/// is the limit for its compiled form.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    const COMPILED_BYTES: usize = 1 << 20;
    RegexBuilder::new(pattern).size_limit(COMPILED_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large a regular expression".to_owned(),
        _ => "is not a regular expression that can be used here (no look-around, no back-references)".to_owned(),
    })
}
