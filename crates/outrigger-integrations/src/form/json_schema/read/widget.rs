//! What a property of a schema is edited with.

use serde_json::Value;

use super::{Node, Result};
use crate::form::{Choice, MAX_ROWS, MAX_TEXT, NumberRange, Options, Pattern, TextLimits, Unit, Widget};

/// The words that every property may have.
const COMMON: [&str; 8] = ["type", "title", "description", "default", "readOnly", "writeOnly", "$comment", "examples"];

/// The longest pattern of a schema, in bytes.
const MAX_PATTERN: usize = 1_000;

pub(super) fn read(node: &Node<'_>, secret: bool) -> Result<Widget> {
    let of = match node.text("type")?.as_deref() {
        Some("string") => string(node)?,
        Some("number") => number(node, false)?,
        Some("integer") => number(node, true)?,
        Some("boolean") => {
            refuse_others(node, &[])?;
            Widget::Checkbox
        }
        Some("array") => array(node)?,
        Some("object") => object(node)?,
        Some(other) => return node.fault(&format!("a form has no fields of the type `{other}`")),
        None => return node.fault("the `type` is missing"),
    };
    match (secret, of) {
        (false, of) => Ok(of),
        (true, of @ (Widget::Text(_) | Widget::TextArea(_) | Widget::Email | Widget::Url { .. })) => {
            Ok(Widget::Secret { of: Box::new(of) })
        }
        (true, _) => node.fault("only a string that is no selection can be a secret"),
    }
}

fn refuse_others(node: &Node<'_>, own: &[&str]) -> Result<()> {
    node.refuse_others(&[&COMMON, own].concat())
}

fn string(node: &Node<'_>) -> Result<Widget> {
    if let Some(options) = options(node)? {
        refuse_others(node, &["enum", "oneOf"])?;
        return Ok(Widget::Select { options });
    }
    refuse_others(node, &["format", "pattern", "minLength", "maxLength"])?;
    match node.text("format")?.as_deref() {
        None | Some("password") => {}
        Some(format @ ("email" | "uri")) => return parsed(node, format),
        Some(other) => return node.fault(&format!("the format `{other}` is not supported")),
    }
    let pattern = pattern(node)?;
    let limits = TextLimits { min: node.count("minLength", 0)?, max: node.count("maxLength", MAX_TEXT)?, pattern };
    if limits.max > MAX_TEXT {
        return node.fault(&format!("`maxLength` may be at most {MAX_TEXT}"));
    }
    Ok(match node.text("x-widget")?.as_deref() {
        Some("textarea") => Widget::TextArea(limits),
        _ => Widget::Text(limits),
    })
}

/// A text with a format. Of patterns it has those that our own schemas write.
fn parsed(node: &Node<'_>, format: &str) -> Result<Widget> {
    if let Some(key) = ["minLength", "maxLength"].iter().find(|key| node.words.contains_key(**key)) {
        return node.fault(&format!("`{key}` does not go with the format `{format}`"));
    }
    match (format, node.text("pattern")?.as_deref()) {
        ("email", None) => Ok(Widget::Email),
        ("uri", None | Some("^https?://")) => Ok(Widget::Url { https: false }),
        ("uri", Some("^https://")) => Ok(Widget::Url { https: true }),
        _ => node.fault(&format!("a `pattern` does not go with the format `{format}`, but for \"^https://\" of a uri")),
    }
}

fn pattern(node: &Node<'_>) -> Result<Option<Pattern>> {
    let Some(pattern) = node.text("pattern")? else { return Ok(None) };
    if pattern.len() > MAX_PATTERN {
        return node.fault(&format!("`pattern` may have at most {MAX_PATTERN} bytes"));
    }
    Pattern::within(&pattern).map(Some).or_else(|error| node.fault(&format!("`pattern` is {error}")))
}

fn number(node: &Node<'_>, integer: bool) -> Result<Widget> {
    refuse_others(node, &["minimum", "maximum"])?;
    let (min, max) = (node.number("minimum")?, node.number("maximum")?);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return node.fault("`maximum` is less than `minimum`");
    }
    let range = NumberRange { min, max, step: node.number("x-step")?, integer };
    Ok(match units(node)? {
        units if units.is_empty() => Widget::Number(range),
        units => Widget::Amount { units, range },
    })
}

fn units(node: &Node<'_>) -> Result<Vec<Unit>> {
    let mut units = Vec::new();
    for (at, unit) in node.words.get("x-units").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let unit = node.under(&format!("x-units/{at}"), unit)?;
        let (name, factor) = (unit.text("name")?, unit.number("factor")?.filter(|factor| *factor > 0.0));
        let (Some(name), Some(factor)) = (name, factor) else {
            return unit.fault("a unit has a `name` and a `factor` above 0");
        };
        let label = unit.text("label")?.unwrap_or_else(|| name.clone());
        units.push(Unit { name: name.into(), label: label.into(), factor });
    }
    Ok(units)
}

fn array(node: &Node<'_>) -> Result<Widget> {
    refuse_others(node, &["items", "minItems", "maxItems", "uniqueItems"])?;
    let Some(items) = node.words.get("items") else { return node.fault("the `items` are missing") };
    let items = node.under("items", items)?;
    if items.flag("writeOnly")? || items.text("format")?.as_deref() == Some("password") {
        return items.fault("rows cannot be secrets");
    }
    let item = read(&items, false)?;
    let (min, max) = (node.count("minItems", 0)?, node.count("maxItems", MAX_ROWS)?);
    if max > MAX_ROWS || min > max {
        return node.fault(&format!("a list has at most {MAX_ROWS} rows"));
    }
    match item {
        Widget::Select { options } => Ok(Widget::MultiSelect { options }),
        Widget::Text(_) | Widget::TextArea(_) | Widget::Email | Widget::Url { .. } | Widget::Number(_) => {
            if node.flag("uniqueItems")? {
                return node.fault("`uniqueItems` goes with an `enum`");
            }
            Ok(Widget::List { item: Box::new(item), min, max })
        }
        _ => items.fault("rows are texts, numbers or options"),
    }
}

/// Keys with texts; objects with properties of their own would be forms in forms.
fn object(node: &Node<'_>) -> Result<Widget> {
    if node.text("x-widget")?.as_deref() == Some("rules") {
        return node.fault("rules need the program's own events: a JSON Schema cannot describe them");
    }
    refuse_others(node, &["additionalProperties", "maxProperties"])?;
    let texts = match node.words.get("additionalProperties") {
        Some(Value::Object(texts)) => texts.get("type").and_then(Value::as_str) == Some("string") && texts.len() == 1,
        _ => false,
    };
    let max = node.count("maxProperties", MAX_ROWS)?;
    match texts && max <= MAX_ROWS {
        true => Ok(Widget::KeyValue { max }),
        false => node.fault(&format!(
            "of objects a form has only keys with texts, at most {MAX_ROWS}: \"additionalProperties\": {{\"type\": \"string\"}}"
        )),
    }
}

fn options(node: &Node<'_>) -> Result<Option<Options>> {
    if let Some(dynamic) = node.words.get("x-options") {
        let depends_on = node.under("x-options", dynamic)?.names("depends_on")?;
        return Ok(Some(Options::Dynamic { depends_on: depends_on.into_iter().map(Into::into).collect() }));
    }
    let mut choices = Vec::new();
    if let Some(options) = node.words.get("oneOf") {
        let Some(options) = options.as_array() else { return node.fault("`oneOf` has to be a list") };
        for (at, option) in options.iter().enumerate() {
            let option = node.under(&format!("oneOf/{at}"), option)?;
            option.refuse_others(&["const", "title", "description"])?;
            let Some(value) = option.text("const")? else { return option.fault("an option needs a text as `const`") };
            let label = option.text("title")?.unwrap_or_else(|| value.clone());
            choices.push(Choice::new(value, label));
        }
    }
    if node.words.contains_key("enum") {
        let values = node.names("enum")?;
        if choices.is_empty() {
            choices = values.into_iter().map(|value| Choice::new(value.clone(), value)).collect();
        } else if !choices.iter().map(|choice| &*choice.value).eq(values.iter().map(String::as_str)) {
            return node.fault("`enum` and `oneOf` are different options");
        }
    }
    let twice = choices.iter().enumerate().any(|(at, one)| choices[..at].iter().any(|other| other.value == one.value));
    match (choices.is_empty(), twice) {
        (_, true) => node.fault("an option is there twice"),
        (true, _) if node.words.contains_key("enum") || node.words.contains_key("oneOf") => {
            node.fault("a selection needs options")
        }
        (true, _) => Ok(None),
        (false, _) => Ok(Some(Options::Static(choices))),
    }
}
