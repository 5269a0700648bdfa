//! What the values of a form may be.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Choice, Field, FieldFaults, FormSchema, MAX_ROWS, MAX_TEXT, NumberRange, Options, TextLimits, Values, Widget,
};
use crate::Text;
use crate::rule::{RuleFault, RuleSet};
use crate::settings::{EmailAddress, parse_url};

mod number;

/// The longest key of a key-value field, in characters.
const MAX_KEY: usize = 200;

/// The options of dynamic selections, by field, as far as the integration was asked for them.
pub type KnownOptions = BTreeMap<String, Vec<Choice>>;

/// All that is wrong with the values. Defaults stand for missing values; a dynamic selection is only checked against
/// options that are given, which are those for these values and not for older ones.
///
/// ```
/// use outrigger_integrations::form::{Field, FormSchema, KnownOptions, Widget, check_values};
///
/// let form = FormSchema::of_fields([Field { required: true, ..Field::new("to", "To", Widget::Email) }]);
/// let values = serde_json::from_str(r#"{ "to": "nobody" }"#)?;
/// assert_eq!(check_values(&form, &values, &KnownOptions::default()).of("to").len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn check_values(schema: &FormSchema, values: &Values, options: &KnownOptions) -> FieldFaults {
    let mut faults = FieldFaults::default();
    for field in schema.fields() {
        let value = field.value_in(values);
        let found = if is_blank(value) {
            blank_fault(field, schema.shows(field, values)).into_iter().collect()
        } else {
            let known = options.get(&*field.name).map(Vec::as_slice);
            let mut found = check_value(&field.widget, value, known);
            if !field.secret && has_credentials(&field.widget, value) {
                found.push("Leave the user name and the password out of this URL.".into());
            }
            found
        };
        for fault in found {
            faults.add(&field.name, fault);
        }
    }
    faults
}

/// Whether the value says nothing: it was left blank.
pub(super) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(rows) => rows.is_empty(),
        Value::Object(rows) => rows.is_empty(),
        _ => false,
    }
}

fn blank_fault(field: &Field, shown: bool) -> Option<Text> {
    match &field.widget {
        Widget::List { min, .. } if *min > 0 && shown => Some(too_few_rows(*min)),
        _ => (field.required && shown).then_some(Text::plain("This is required.")),
    }
}

/// What is wrong with a value that is not blank.
fn check_value(widget: &Widget, value: &Value, known: Option<&[Choice]>) -> Vec<Text> {
    match widget {
        Widget::Text(limits) => check_text(limits, value, &[]),
        Widget::TextArea(limits) => check_text(limits, value, &['\n', '\t']),
        Widget::Email => parsed(value, |text| text.parse::<EmailAddress>().map(drop)),
        Widget::Url { https } => parsed(value, |text| parse_url(text, *https).map(drop)),
        Widget::Number(range) => number::check(range, value, |limit| limit.to_string()),
        Widget::Amount { units, range } => number::check(range, value, |limit| number::amount(units, limit)),
        Widget::Checkbox if value.is_boolean() => Vec::new(),
        Widget::Checkbox => vec!["This has to be yes or no.".into()],
        Widget::Select { options } => check_choice(options, value, known).into_iter().collect(),
        Widget::MultiSelect { options } => check_choices(options, value, known),
        Widget::Secret { of } => check_value(of, value, known),
        Widget::List { item, min, max } => check_rows(item, *min, *max, value),
        Widget::KeyValue { max } => check_keys(*max, value),
        Widget::Rules(facts) => RuleSet::check_json(value, facts).iter().map(RuleFault::text).collect(),
    }
}

fn check_text(limits: &TextLimits, value: &Value, controls: &[char]) -> Vec<Text> {
    let Some(text) = value.as_str() else { return vec!["This has to be a text.".into()] };
    let length = text.chars().count();
    let mut faults = Vec::new();
    if length > limits.max {
        // Nothing else is said about a text that is too long to be looked at.
        return vec![format!("This may have at most {} characters.", limits.max).into()];
    }
    if length < limits.min {
        faults.push(format!("This needs at least {} characters.", limits.min).into());
    }
    if text.contains(|char: char| char.is_control() && !controls.contains(&char)) {
        faults.push("This has characters that cannot be seen: type it instead of pasting it.".into());
    }
    if limits.pattern.as_ref().is_some_and(|pattern| !pattern.matches(text)) {
        faults.push("This does not have the right form.".into());
    }
    faults
}

fn parsed(value: &Value, parse: impl Fn(&str) -> Result<(), Text>) -> Vec<Text> {
    let Some(text) = value.as_str() else { return vec!["This has to be a text.".into()] };
    parse(text).err().into_iter().collect()
}

fn has_credentials(widget: &Widget, value: &Value) -> bool {
    let Widget::Url { https } = widget else { return false };
    let url = value.as_str().and_then(|text| parse_url(text, *https).ok());
    url.is_some_and(|url| !url.username().is_empty() || url.password().is_some())
}

fn check_choice(options: &Options, value: &Value, known: Option<&[Choice]>) -> Option<Text> {
    let Some(text) = value.as_str() else { return Some("This has to be one of the options.".into()) };
    let options = match options {
        Options::Static(options) => Some(options.as_slice()),
        Options::Dynamic { .. } => known,
    };
    let taken = match options {
        Some(options) => options.iter().any(|option| option.value == text),
        None => text.chars().count() <= MAX_TEXT && !text.contains(char::is_control),
    };
    (!taken).then_some(Text::plain("This is not one of the options."))
}

fn check_choices(options: &Options, value: &Value, known: Option<&[Choice]>) -> Vec<Text> {
    let Some(chosen) = value.as_array() else { return vec!["This has to be a list.".into()] };
    if chosen.len() > MAX_ROWS {
        return vec![too_many_rows(MAX_ROWS)];
    }
    let mut faults: Vec<Text> = chosen.iter().find_map(|one| check_choice(options, one, known)).into_iter().collect();
    if chosen.iter().enumerate().any(|(at, one)| chosen[..at].contains(one)) {
        faults.push("An option can be chosen only once.".into());
    }
    faults
}

fn check_rows(item: &Widget, min: usize, max: usize, value: &Value) -> Vec<Text> {
    let Some(rows) = value.as_array() else { return vec!["This has to be a list.".into()] };
    if rows.len() > max {
        return vec![too_many_rows(max)];
    }
    let too_few = (rows.len() < min).then(|| too_few_rows(min));
    let of_rows = rows.iter().enumerate().flat_map(|(at, row)| {
        let faults = if is_blank(row) { vec![Text::plain("This is required.")] } else { check_value(item, row, None) };
        let credentials =
            has_credentials(item, row).then_some(Text::plain("Leave the user name and the password out of this URL."));
        faults.into_iter().chain(credentials).map(move |fault| Text::from(format!("Row {}: {fault}", at + 1)))
    });
    too_few.into_iter().chain(of_rows).collect()
}

fn check_keys(max: usize, value: &Value) -> Vec<Text> {
    let Some(rows) = value.as_object() else { return vec!["These have to be keys with texts.".into()] };
    if rows.len() > max {
        return vec![too_many_rows(max)];
    }
    let key = TextLimits { max: MAX_KEY, ..TextLimits::default() };
    let mut faults = Vec::new();
    for (at, (name, value)) in rows.iter().enumerate() {
        let row = at + 1;
        if name.trim().is_empty() {
            faults.push(format!("Row {row}: A key is required.").into());
        }
        let of_name = check_text(&key, &Value::from(name.as_str()), &[]);
        let of_value = check_text(&TextLimits::default(), value, &[]);
        faults.extend(of_name.into_iter().chain(of_value).map(|fault| Text::from(format!("Row {row}: {fault}"))));
    }
    faults
}

fn too_many_rows(max: usize) -> Text {
    format!("There may be at most {max} of these.").into()
}

fn too_few_rows(min: usize) -> Text {
    format!("There have to be at least {min} of these.").into()
}
