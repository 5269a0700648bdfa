//! From a form and its values to what the template draws.

use std::fmt::Write as _;

use serde_json::Value;

use super::say::Say;
use super::view::OptionView;
use crate::form::{Choice, Field, FieldFaults, FormSchema, Group, Options, ShownIf, TextLimits, Unit, Values, Widget};

mod rules;

pub(super) use rules::{RuleValue, RulesView};

/// Some fields under a title.
pub(super) struct GroupView {
    pub(super) title: Option<String>,
    pub(super) help: Vec<String>,
    pub(super) wide: bool,
    pub(super) fields: Vec<FieldView>,
}

/// One field, ready to be drawn.
pub(super) struct FieldView {
    /// Of the element that takes the focus.
    pub(super) id: String,
    /// In a post.
    pub(super) name: String,
    pub(super) label: String,
    pub(super) help: Vec<String>,
    pub(super) placeholder: Option<String>,
    pub(super) required: bool,
    pub(super) faults: Vec<String>,
    pub(super) shown_if: Option<ShownOn>,
    pub(super) control: Control,
    /// What somebody else saved meanwhile.
    pub(super) theirs: Option<Theirs>,
}

/// The other field on which a field depends.
pub(super) struct ShownOn {
    pub(super) name: String,
    /// The values, as a post has them, one a line.
    pub(super) value: String,
    pub(super) text: String,
}

/// What somebody else saved in a field.
pub(super) struct Theirs {
    pub(super) who: String,
    pub(super) value: String,
    pub(super) may_take: bool,
}

/// How a field is drawn.
pub(super) enum Control {
    Hidden { value: String },
    Input(Input),
    TextArea { value: String },
    Checkbox { checked: bool },
    Select { options: Vec<OptionView>, dynamic: Option<DynamicView> },
    MultiSelect { options: Vec<OptionView>, dynamic: Option<DynamicView> },
    Secret { set: bool, multiline: bool, clear: bool },
    List { rows: Vec<String>, kind: &'static str },
    KeyValue { rows: Vec<(String, String)> },
    Amount { amount: String, unit: String, units: Vec<OptionView> },
    Rules(RulesView),
    ReadOnly { value: String, reason: String },
}

pub(super) struct Input {
    pub(super) kind: &'static str,
    pub(super) value: String,
    pub(super) max_length: Option<usize>,
}

/// A selection whose choices come from the integration.
pub(super) struct DynamicView {
    /// The names of the inputs on which the choices depend.
    pub(super) depends_on: String,
    pub(super) fault: Option<String>,
}

/// The choices of one field, as far as somebody asked for them.
pub(super) type Loaded = Result<Vec<Choice>, String>;

/// Everything that decides how the fields of a form look.
pub(super) struct Drawing<'a> {
    pub(super) say: Say<'a>,
    /// What stands before the names of the fields in a post: `s.` for settings, `x.` for the host's columns.
    pub(super) prefix: &'static str,
    pub(super) values: &'a Values,
    /// What is stored, for what is set but never shown.
    pub(super) stored: Option<&'a Values>,
    pub(super) faults: &'a FieldFaults,
    /// The field that gets one more empty row.
    pub(super) add_row: Option<&'a str>,
    /// Choices of dynamic fields that were asked for.
    pub(super) loaded: &'a dyn Fn(&str) -> Option<Loaded>,
    /// What somebody else saved, for a form that came too late.
    pub(super) theirs: Option<(&'a Values, &'a str)>,
    /// Secrets that were to be removed.
    pub(super) cleared: &'a [String],
}

impl FieldView {
    pub(super) fn is_hidden(&self) -> bool {
        matches!(self.control, Control::Hidden { .. })
    }

    pub(super) fn hidden_value(&self) -> &str {
        if let Control::Hidden { value } = &self.control { value } else { "" }
    }

    pub(super) fn placeholder(&self) -> &str {
        self.placeholder.as_deref().unwrap_or_default()
    }

    /// The attributes that tie an input to its help and its faults.
    pub(super) fn describe(&self) -> String {
        let mut attributes = self.described_by();
        if self.required {
            attributes.push_str(" required");
        }
        if !self.faults.is_empty() {
            attributes.push_str(" aria-invalid=\"true\"");
        }
        attributes
    }

    /// The same for a group of inputs.
    pub(super) fn describe_group(&self) -> String {
        self.described_by()
    }

    fn described_by(&self) -> String {
        let fault = (!self.faults.is_empty()).then(|| format!("{}-fault", self.id));
        let help = (!self.help.is_empty()).then(|| format!("{}-help", self.id));
        let ids: Vec<String> = fault.into_iter().chain(help).collect();
        if ids.is_empty() { String::new() } else { format!(" aria-describedby=\"{}\"", ids.join(" ")) }
    }
}

impl Drawing<'_> {
    /// All groups of the form.
    pub(super) fn groups(&self, schema: &FormSchema) -> Vec<GroupView> {
        schema.groups.iter().map(|group| self.group(schema, group)).collect()
    }

    fn group(&self, schema: &FormSchema, group: &Group) -> GroupView {
        GroupView {
            title: group.title.as_ref().map(|title| self.say.text(title)),
            help: self.say.paragraphs(group.help.as_ref()),
            wide: group.wide,
            fields: group.fields.iter().map(|field| self.field(schema, field)).collect(),
        }
    }

    fn field(&self, schema: &FormSchema, field: &Field) -> FieldView {
        let say = self.say;
        FieldView {
            id: field_id(self.prefix, &field.name),
            name: format!("{}{}", self.prefix, field.name),
            label: say.text(&field.label),
            help: say.paragraphs(field.help.as_ref()),
            placeholder: field.placeholder.as_ref().map(|text| say.text(text)),
            required: field.required,
            faults: self.faults.of(&field.name).iter().map(|fault| say.text(fault)).collect(),
            shown_if: field.shown_if.as_ref().map(|on| self.shown_on(schema, on)),
            control: self.control(field),
            theirs: self.theirs(field),
        }
    }

    fn shown_on(&self, schema: &FormSchema, on: &ShownIf) -> ShownOn {
        let posted: Vec<String> = on.is.iter().map(plain).collect();
        let other = schema.field(&on.field);
        let label = other.map_or_else(|| on.field.to_string(), |other| self.say.text(&other.label));
        let shown: Vec<String> = on.is.iter().map(|value| self.shown(other, value)).collect();
        let text =
            self.say.with("Only used when “{field}” is {value}.", &[("field", &label), ("value", &shown.join(", "))]);
        ShownOn { name: format!("{}{}", self.prefix, on.field), value: posted.join("\n"), text }
    }

    fn control(&self, field: &Field) -> Control {
        let value = field.value_in(self.values);
        if field.hidden {
            return Control::Hidden { value: plain(value) };
        }
        if let Some(reason) = &field.read_only {
            let value = if field.secret { self.secret_as_text(field) } else { self.shown(Some(field), value) };
            return Control::ReadOnly { value, reason: self.say.text(reason) };
        }
        match &field.widget {
            Widget::Secret { of } => self.secret(field, of),
            Widget::Text(limits) => input("text", value, Some(limits)),
            Widget::Email => input("email", value, None),
            Widget::Url { .. } => input("url", value, None),
            Widget::Number(_) => input("number", value, None),
            Widget::TextArea(_) => Control::TextArea { value: plain(value) },
            Widget::Checkbox => Control::Checkbox { checked: *value == Value::Bool(true) },
            Widget::Select { options } => self.select(field, options, value),
            Widget::MultiSelect { options } => self.multi_select(field, options, value),
            Widget::List { item, .. } => Control::List { rows: self.rows(field, value), kind: kind_of(item) },
            Widget::KeyValue { .. } => Control::KeyValue { rows: self.keys(field, value) },
            Widget::Amount { units, .. } => self.amount(units, value),
            Widget::Rules(facts) => Control::Rules(rules::view(self, field, facts, value)),
        }
    }

    fn secret(&self, field: &Field, of: &Widget) -> Control {
        let set = self.stored.is_some_and(|stored| is_set(stored.get(&*field.name)));
        let clear = self.cleared.iter().any(|name| *name == field.name);
        Control::Secret { set, multiline: matches!(of, Widget::TextArea(_)), clear }
    }

    fn secret_as_text(&self, field: &Field) -> String {
        let set = self.stored.is_some_and(|stored| is_set(stored.get(&*field.name)));
        if set { "••••••••".to_owned() } else { String::new() }
    }

    fn select(&self, field: &Field, options: &Options, value: &Value) -> Control {
        let chosen = plain(value);
        let (mut options, dynamic) = self.choices(field, options, |choice| choice == chosen);
        // What is chosen stays chosen, also while nobody knows what there is.
        if !chosen.is_empty() && !options.iter().any(|option| option.selected) {
            options.insert(0, OptionView { value: chosen.clone(), label: chosen.clone(), selected: true });
        }
        if !field.required || chosen.is_empty() {
            let label = if field.required { self.say.t("Choose…") } else { self.say.t("None") };
            let blank = OptionView { value: String::new(), label: label.into_owned(), selected: chosen.is_empty() };
            options.insert(0, blank);
        }
        Control::Select { options, dynamic }
    }

    fn multi_select(&self, field: &Field, options: &Options, value: &Value) -> Control {
        let chosen: Vec<String> = value.as_array().into_iter().flatten().map(plain).collect();
        let (mut options, dynamic) = self.choices(field, options, |choice| chosen.iter().any(|one| one == choice));
        for one in chosen {
            if !options.iter().any(|option| option.value == one) {
                options.push(OptionView { value: one.clone(), label: one, selected: true });
            }
        }
        Control::MultiSelect { options, dynamic }
    }

    fn choices(
        &self,
        field: &Field,
        options: &Options,
        is_chosen: impl Fn(&str) -> bool,
    ) -> (Vec<OptionView>, Option<DynamicView>) {
        let view = |choice: &Choice| OptionView {
            value: choice.value.to_string(),
            label: self.say.text(&choice.label),
            selected: is_chosen(&choice.value),
        };
        match options {
            Options::Static(choices) => (choices.iter().map(view).collect(), None),
            Options::Dynamic { depends_on } => {
                let names: Vec<String> = depends_on.iter().map(|name| format!("{}{name}", self.prefix)).collect();
                let (options, fault) = match (self.loaded)(&field.name) {
                    Some(Ok(choices)) => (choices.iter().map(view).collect(), None),
                    Some(Err(fault)) => (Vec::new(), Some(fault)),
                    None => (Vec::new(), None),
                };
                (options, Some(DynamicView { depends_on: names.join(" "), fault }))
            }
        }
    }

    fn rows(&self, field: &Field, value: &Value) -> Vec<String> {
        let mut rows: Vec<String> = value.as_array().into_iter().flatten().map(plain).collect();
        if rows.is_empty() || self.adds_row(field) {
            rows.push(String::new());
        }
        rows
    }

    fn keys(&self, field: &Field, value: &Value) -> Vec<(String, String)> {
        let keys = value.as_object().into_iter().flatten();
        let mut rows: Vec<_> = keys.map(|(key, value)| (key.clone(), plain(value))).collect();
        if rows.is_empty() || self.adds_row(field) {
            rows.push((String::new(), String::new()));
        }
        rows
    }

    fn adds_row(&self, field: &Field) -> bool {
        self.add_row == Some(&*field.name)
    }

    fn amount(&self, units: &[Unit], value: &Value) -> Control {
        let split = value.as_f64().and_then(|number| Unit::split(units, number));
        let (amount, unit) = match split {
            Some((amount, unit)) => (amount.to_string(), unit.name.to_string()),
            None => (plain(value), units.first().map(|unit| unit.name.to_string()).unwrap_or_default()),
        };
        let units = units.iter().map(|unit| OptionView {
            value: unit.name.to_string(),
            label: self.say.text(&unit.label),
            selected: false,
        });
        Control::Amount { amount, unit, units: units.collect() }
    }

    /// What somebody else saved, where it differs from what is about to be saved.
    fn theirs(&self, field: &Field) -> Option<Theirs> {
        let (theirs, who) = self.theirs?;
        let their = field.value_in(theirs);
        let mine = field.value_in(self.values);
        // What people read counts: a number that was posted as text is the same number.
        let same =
            if field.secret { their == mine } else { self.shown(Some(field), their) == self.shown(Some(field), mine) };
        if field.hidden || same {
            return None;
        }
        let who = self.say.with("{who} saved:", &[("who", who)]);
        let value = if field.secret {
            self.say.t("another secret. If you leave the field blank, theirs stays.").into_owned()
        } else {
            match self.shown(Some(field), their) {
                text if text.is_empty() => self.say.t("nothing").into_owned(),
                text => text,
            }
        };
        Some(Theirs { who, value, may_take: !field.secret && field.read_only.is_none() })
    }

    /// A value as people read it in a sentence.
    pub(super) fn shown(&self, field: Option<&Field>, value: &Value) -> String {
        let label = |value: &Value| {
            let text = plain(value);
            let choice = field.and_then(|field| static_choice(field, &text));
            choice.map_or(text, |choice| self.say.text(&choice.label))
        };
        match (value, field.map(|field| &field.widget)) {
            (Value::Bool(true), _) => self.say.t("on").into_owned(),
            (Value::Bool(false), _) => self.say.t("off").into_owned(),
            (Value::Array(items), _) => items.iter().map(label).collect::<Vec<_>>().join(", "),
            (value, Some(Widget::Rules(facts))) => rules::in_words(self.say, facts, value),
            (Value::Object(keys), _) => {
                let pairs: Vec<_> = keys.iter().map(|(key, value)| format!("{key} = {}", plain(value))).collect();
                pairs.join(", ")
            }
            (value, Some(Widget::Amount { units, .. })) => match value.as_f64().and_then(|n| Unit::split(units, n)) {
                Some((amount, unit)) => format!("{amount} {}", self.say.text(&unit.label)),
                None => plain(value),
            },
            _ => label(value),
        }
    }
}

/// The id of the element of a field that takes the focus.
pub(super) fn field_id(prefix: &str, name: &str) -> String {
    let mut id = String::from("f-");
    for character in prefix.chars().chain(name.chars()) {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => id.push(character),
            '.' => id.push('-'),
            // Any two names have different ids.
            other => {
                let _ = write!(id, "_{:x}_", u32::from(other));
            }
        }
    }
    id
}

/// A value as the text of an input.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_set(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null)) && value != Some(&Value::String(String::new()))
}

fn input(kind: &'static str, value: &Value, limits: Option<&TextLimits>) -> Control {
    Control::Input(Input { kind, value: plain(value), max_length: limits.map(|limits| limits.max) })
}

fn kind_of(item: &Widget) -> &'static str {
    match item {
        Widget::Email => "email",
        Widget::Url { .. } => "url",
        _ => "text",
    }
}

fn static_choice<'a>(field: &'a Field, value: &str) -> Option<&'a Choice> {
    match &field.widget {
        Widget::Select { options: Options::Static(choices) }
        | Widget::MultiSelect { options: Options::Static(choices) } => {
            choices.iter().find(|choice| choice.value == value)
        }
        _ => None,
    }
}
