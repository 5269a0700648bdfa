//! A form as documentation.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Field, FormSchema, Group, NumberRange, Options, TextLimits, Unit, Widget};

impl FormSchema {
    /// The form as Markdown: a table for each group, without hidden fields.
    ///
    /// ```
    /// use outrigger_integrations::form::{Field, FormSchema, Widget};
    ///
    /// let form = FormSchema::of_fields([Field { required: true, ..Field::new("to", "To", Widget::Email) }]);
    /// assert!(form.docs().contains("| To (`to`) | e-mail address; required |"));
    /// ```
    pub fn docs(&self) -> String {
        self.groups.iter().filter_map(group_docs).collect::<Vec<_>>().join("\n")
    }
}

fn group_docs(group: &Group) -> Option<String> {
    let rows: String = group.fields.iter().filter(|field| !field.hidden).map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let mut docs = String::new();
    if let Some(title) = &group.title {
        docs += &format!("## {}\n\n", cell(title.untranslated()));
    }
    if let Some(help) = &group.help {
        docs += &format!("{help}\n\n");
    }
    docs += "| Field | Value | Default | What it is for |\n|---|---|---|---|\n";
    docs += &rows;
    Some(docs)
}

fn row(field: &Field) -> String {
    let label = cell(field.label.untranslated());
    let default = match &field.default {
        Some(default) if !field.secret => format!("`{}`", cell(&show(&field.widget, default))),
        _ => String::new(),
    };
    let help = field.help.as_ref().map(|help| cell(help.untranslated())).unwrap_or_default();
    format!("| {label} (`{}`) | {} | {default} | {help} |\n", field.name, cell(&value(field)))
}

/// What the value may be, in words.
fn value(field: &Field) -> String {
    let mut words = widget(&field.widget);
    if field.required {
        words += "; required";
    }
    if let Some(condition) = &field.shown_if {
        let values: Vec<_> = condition.is.iter().map(plain).collect();
        let _ = write!(words, "; only if `{}` is {}", condition.field, values.join(" or "));
    }
    if let Some(why) = &field.read_only {
        let _ = write!(words, "; cannot be changed: {why}");
    }
    if field.transient {
        words += "; not stored";
    }
    words
}

fn widget(widget_: &Widget) -> String {
    match widget_ {
        Widget::Text(limits) => text("text", limits),
        Widget::TextArea(limits) => text("text of several lines", limits),
        Widget::Email => "e-mail address".to_owned(),
        Widget::Url { https: true } => "URL that begins with https://".to_owned(),
        Widget::Url { https: false } => "URL".to_owned(),
        Widget::Number(range) => number(range),
        Widget::Amount { units, .. } => {
            let units: Vec<_> = units.iter().map(|unit| unit.label.untranslated()).collect();
            format!("amount in {}", units.join(", "))
        }
        Widget::Checkbox => "yes or no".to_owned(),
        Widget::Select { options } => format!("one of {}", choices(options)),
        Widget::MultiSelect { options } => format!("any of {}", choices(options)),
        Widget::Secret { of } => format!("secret {}", widget(of)),
        Widget::List { item, .. } => format!("list of {}", widget(item)),
        Widget::KeyValue { .. } => "keys with texts".to_owned(),
        Widget::Rules(_) => "rules".to_owned(),
    }
}

fn text(what: &str, limits: &TextLimits) -> String {
    match &limits.pattern {
        Some(pattern) => format!("{what} that matches `{}`", pattern.as_whole().unwrap_or(pattern.as_str())),
        None => what.to_owned(),
    }
}

fn number(range: &NumberRange) -> String {
    let what = if range.integer { "whole number" } else { "number" };
    match (range.min, range.max) {
        (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
        (Some(min), None) => format!("{what} from {min}"),
        (None, Some(max)) => format!("{what} up to {max}"),
        (None, None) => what.to_owned(),
    }
}

fn choices(options: &Options) -> String {
    match options {
        Options::Static(options) => {
            options.iter().map(|option| format!("`{}`", option.value)).collect::<Vec<_>>().join(", ")
        }
        Options::Dynamic { .. } => "what the service offers".to_owned(),
    }
}

/// A value as the form would show it.
fn show(widget: &Widget, value: &Value) -> String {
    match (widget, value.as_f64()) {
        (Widget::Amount { units, .. }, Some(number)) => match Unit::split(units, number) {
            Some((amount, unit)) => format!("{amount} {}", unit.label),
            None => plain(value),
        },
        _ => plain(value),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text that stays within its cell.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace("\r\n", " ").replace(['\n', '\r'], " ")
}
