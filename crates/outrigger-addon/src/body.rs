//! How a JSON body is read, and how a fault in it is named.
//!
//! Bodies come from other people's programs, so they are read field by field: the reader of a fault learns which field
//! it was. A `null` counts as an absent field everywhere.

use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

/// One field and what is wrong with it.
///
/// The message never repeats the value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {message}")]
pub struct FieldFault {
    /// Path of the field, such as `config.region.pattern` or `snippets[0].html`.
    pub field: String,
    /// What is wrong, as the end of a sentence that starts with the field.
    pub message: String,
}

/// Why a body is not the message it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BodyFault {
    /// Nothing was sent where a JSON object is needed.
    #[error("the body is empty; a JSON object is needed")]
    Empty,
    /// The bytes are not JSON.
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault, from 1; 0 at the end of a line.
        column: usize,
    },
    /// The JSON is something other than an object.
    #[error("the body is {found}; a JSON object is needed")]
    NotAnObject {
        /// What it is, with its article: `a list`.
        found: &'static str,
    },
    /// It is nested deeper than [`MAX_DEPTH`].
    #[error("the body is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A field is missing, of the wrong kind, or cannot be held by everybody.
    #[error(transparent)]
    Field(#[from] FieldFault),
}

/// Parses a body; nothing but white space is `null`.
pub(crate) fn value(body: &[u8]) -> Result<Value, BodyFault> {
    if body.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    let value = serde_json::from_slice(body)
        .map_err(|error| BodyFault::NotJson { line: error.line(), column: error.column() })?;
    check_document(&value)?;
    Ok(value)
}

/// The deepest nesting that is accepted. What is read is stored and sent inside of other documents, and most JSON
/// readers give up at 128.
pub const MAX_DEPTH: usize = 32;

/// Whether everybody can hold a document: it is not nested too deep, and no text or name in it has a NUL, which neither
/// an environment nor every database can carry.
///
/// ```
/// use outrigger_addon::body::check_document;
/// use serde_json::json;
///
/// assert!(check_document(&json!({ "env": { "A": "a" } })).is_ok());
/// let fault = check_document(&json!({ "env": { "A": "a\0b" } })).unwrap_err();
/// assert_eq!(fault.to_string(), "env.A: has a NUL character in it");
/// ```
///
/// # Errors
/// [`BodyFault::TooDeep`], or [`BodyFault::Field`] with the path of the text.
pub fn check_document(value: &Value) -> Result<(), BodyFault> {
    check_level(value, MAX_DEPTH)
}

fn check_level(value: &Value, levels: usize) -> Result<(), BodyFault> {
    let Some(below) = levels.checked_sub(1) else { return Err(BodyFault::TooDeep) };
    match value {
        Value::String(text) => check_text(text),
        Value::Array(list) => list.iter().enumerate().try_for_each(|(index, value)| {
            check_level(value, below).map_err(|fault| within(format!("[{index}]"), fault))
        }),
        Value::Object(map) => map.iter().try_for_each(|(key, value)| {
            check_text(key)?;
            check_level(value, below).map_err(|fault| within(key.clone(), fault))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), BodyFault> {
    if text.contains('\0') {
        let fault = FieldFault { field: String::new(), message: "has a NUL character in it".to_owned() };
        return Err(fault.into());
    }
    Ok(())
}

/// Puts what leads to a field before its path.
fn within(outer: String, fault: BodyFault) -> BodyFault {
    let BodyFault::Field(FieldFault { field, message }) = fault else { return fault };
    let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
    FieldFault { field: format!("{outer}{dot}{field}"), message }.into()
}

/// Parses a body that must be an object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, BodyFault> {
    match value(body)? {
        Value::Object(map) => Ok(map),
        Value::Null if body.trim_ascii().is_empty() => Err(BodyFault::Empty),
        other => Err(BodyFault::NotAnObject { found: kind_of(&other) }),
    }
}

/// What a value is, for people.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The text of a plain value; `None` for null, lists and objects.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An object together with where it stands in the body.
pub(crate) struct Fields<'a> {
    at: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(map: &'a Map<String, Value>) -> Self {
        Fields { at: String::new(), map }
    }

    /// The object that `value` must be; `at` is its full path.
    pub(crate) fn of(at: String, value: &'a Value) -> Result<Self, FieldFault> {
        match value {
            Value::Object(map) => Ok(Fields { at, map }),
            other => Err(FieldFault { field: at, message: expected("an object", other) }),
        }
    }

    pub(crate) fn path(&self, key: &str) -> String {
        if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) }
    }

    pub(crate) fn fault(&self, key: &str, message: impl Into<String>) -> FieldFault {
        FieldFault { field: self.path(key), message: message.into() }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Reads a present field with `read`, which gives `None` for a value of the wrong kind.
    fn read<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, FieldFault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.fault(key, expected(wanted, value)))
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, FieldFault> {
        self.read(key, "text", Value::as_str)
    }

    pub(crate) fn owned_text(&self, key: &str) -> Result<Option<String>, FieldFault> {
        Ok(self.text(key)?.map(str::to_owned))
    }

    /// Text that must be there and say something.
    pub(crate) fn needed_text(&self, key: &str) -> Result<&'a str, FieldFault> {
        match self.text(key)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) => Err(self.fault(key, "is blank")),
            None => Err(self.fault(key, "is missing")),
        }
    }

    /// `false` when absent.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, FieldFault> {
        Ok(self.read(key, "true or false", Value::as_bool)?.unwrap_or(false))
    }

    /// Empty when absent.
    pub(crate) fn list(&self, key: &str) -> Result<&'a [Value], FieldFault> {
        Ok(self.read(key, "a list", |value| value.as_array().map(Vec::as_slice))?.unwrap_or_default())
    }

    pub(crate) fn object(&self, key: &str) -> Result<Option<Fields<'a>>, FieldFault> {
        self.get(key).map(|value| Fields::of(self.path(key), value)).transpose()
    }

    /// An object whose keys are data. An empty list is an empty object: PHP cannot tell the two apart.
    pub(crate) fn map(&self, key: &str) -> Result<Option<Map<String, Value>>, FieldFault> {
        self.read(key, "an object", |value| match value {
            Value::Object(map) => Some(map.clone()),
            Value::Array(list) if list.is_empty() => Some(Map::new()),
            _ => None,
        })
    }

    /// An absolute http or https URL; blank text counts as absent.
    pub(crate) fn web_url(&self, key: &str) -> Result<Option<Url>, FieldFault> {
        let Some(text) = self.text(key)?.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
        let url = Url::parse(text).map_err(|error| self.fault(key, format!("is not an absolute URL ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(self.fault(key, format!("is a {}: URL; only http and https are possible", url.scheme())));
        }
        Ok(Some(url))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.map.iter()
    }
}

fn expected(wanted: &str, found: &Value) -> String {
    format!("must be {wanted}, not {}", kind_of(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_not_everybody_can_hold_is_refused() {
        let nested = |levels: usize| format!("{}1{}", r#"{"a":["#.repeat(levels), "]}".repeat(levels));
        assert!(value(nested(15).as_bytes()).is_ok());
        assert_eq!(value(nested(16).as_bytes()), Err(BodyFault::TooDeep));
        assert!(matches!(value(nested(5000).as_bytes()), Err(BodyFault::NotJson { .. })), "the reader's own limit");
        let field = |body: &str| value(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(field(r#"[{"a":["x","\u0000"]}]"#), "[0].a[1]: has a NUL character in it");
        assert_eq!(field(r#"{"a":{"b\u0000":1}}"#), "a: has a NUL character in it");
        assert!(value(br#""\\u0000""#).is_ok(), "a backslash and a word");
    }
}
