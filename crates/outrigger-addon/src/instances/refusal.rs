//! What a provider says when it refuses.

use serde_json::{Map, Value};

/// The words of a provider's 4xx or 5xx answer that a person can read.
///
/// Providers agree on no form, so this is a best effort over the common ones; it never fails and never shows a page of
/// HTML or a stack of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// One line, at most [`Refusal::MAX_CHARS`] characters, without control characters.
    pub message: String,
}

/// Where a message is looked for, in this order.
const KEYS: [&str; 7] = ["message", "error_description", "error", "msg", "detail", "errors", "title"];

impl Refusal {
    /// The longest message, in characters.
    pub const MAX_CHARS: usize = 300;

    /// Finds the message in an answer's body, if there is one.
    ///
    /// ```
    /// use outrigger_addon::instances::Refusal;
    ///
    /// let said = |body: &str| Refusal::parse(body.as_bytes()).map(|refusal| refusal.message);
    /// assert_eq!(said(r#"{ "error": { "message": "no such region" } }"#).as_deref(), Some("no such region"));
    /// assert_eq!(said("plan is full").as_deref(), Some("plan is full"));
    /// assert_eq!(said("<html><h1>502</h1></html>"), None);
    /// ```
    pub fn parse(body: &[u8]) -> Option<Refusal> {
        let text = match serde_json::from_slice::<Value>(body) {
            Ok(value) => words(&value),
            Err(_) => plain(body),
        }?;
        let message = one_line(&text);
        (!message.is_empty()).then_some(Refusal { message })
    }
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty() && !is_markup(text)),
        Value::Array(list) => joined(list.iter().filter_map(words)),
        Value::Object(map) => KEYS.iter().find_map(|key| member(map, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// `errors` may be an object of messages by field: `{"errors": {"name": ["is taken"]}}`.
fn member(map: &Map<String, Value>, key: &str) -> Option<String> {
    let value = map.get(key)?;
    words(value).or_else(|| match value {
        Value::Object(by_field) if key == "errors" => {
            joined(by_field.iter().filter_map(|(field, value)| Some(format!("{field}: {}", words(value)?))))
        }
        _ => None,
    })
}

fn joined(parts: impl Iterator<Item = String>) -> Option<String> {
    Some(parts.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
}

/// Plain text is a message only if it is short; broken JSON and anything with markup are not.
fn plain(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?.trim();
    let readable = !is_markup(text) && !text.starts_with(['{', '[']) && text.chars().count() <= Refusal::MAX_CHARS;
    readable.then(|| text.to_owned())
}

fn is_markup(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// Control characters go, and so do those that turn the direction of text around: both can make a terminal or a page
/// show something else than was said.
fn one_line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown: String = text.chars().filter(|c| !turns(*c) && (c.is_whitespace() || !c.is_control())).collect();
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= Refusal::MAX_CHARS {
        return line;
    }
    line.chars().take(Refusal::MAX_CHARS - 1).chain(['…']).collect()
}
