//! The shape of a form.

use std::borrow::Cow;

use serde_json::Value;

use super::{Values, Widget};
use crate::Text;

/// A form: groups of fields, in the order in which people see them.
///
/// ```
/// use outrigger_integrations::form::{Field, FormSchema, TextLimits, Widget};
///
/// let form = FormSchema::of_fields([Field::new("channel", "Channel", Widget::Text(TextLimits::default()))]);
/// assert_eq!(form.field("channel").unwrap().label.to_string(), "Channel");
/// assert_eq!(form.fields().count(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FormSchema {
    /// The groups, in order. No two fields of them have the same name.
    pub groups: Vec<Group>,
}

/// Some fields under one title.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What stands above the fields. The fields before the first titled group have none.
    pub title: Option<Text>,
    /// What the group is about. Blank lines part paragraphs.
    pub help: Option<Text>,
    /// Whether its fields need the full width of the page.
    pub wide: bool,
    /// The fields, in order.
    pub fields: Vec<Field>,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The key of its value in [`Values`], and its name in a post.
    pub name: Cow<'static, str>,
    /// What stands beside it.
    pub label: Text,
    /// What it is for. Blank lines part paragraphs.
    pub help: Option<Text>,
    /// What an empty input shows as an example.
    pub placeholder: Option<Text>,
    /// How it is edited, and what its value may be.
    pub widget: Widget,
    /// Whether it must have a value, while it is shown.
    pub required: bool,
    /// What stands for a missing value, in the form and for whoever reads the settings.
    pub default: Option<Value>,
    /// Whether its value is never shown again.
    pub secret: bool,
    /// Why it cannot be changed here, if it cannot.
    pub read_only: Option<Text>,
    /// Whether its value takes part in validation and checks but is not stored.
    pub transient: bool,
    /// Whether it is part of the form without being seen.
    pub hidden: bool,
    /// When it is shown, if not always.
    pub shown_if: Option<ShownIf>,
    /// For a secret: it must be entered again when one of these fields changes, because whoever may change where a
    /// secret is sent could otherwise have it sent to himself.
    pub bound_to: Vec<Cow<'static, str>>,
}

/// A field is shown while another field has one of some values.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownIf {
    /// The name of the other field.
    pub field: Cow<'static, str>,
    /// The values of it with which this one is shown.
    pub is: Vec<Value>,
}

impl FormSchema {
    /// A form without fields.
    pub const fn empty() -> Self {
        Self { groups: Vec::new() }
    }

    /// A form of one group without a title.
    pub fn of_fields(fields: impl IntoIterator<Item = Field>) -> Self {
        Self { groups: vec![Group { fields: fields.into_iter().collect(), ..Group::default() }] }
    }

    /// All fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.groups.iter().flat_map(|group| &group.fields)
    }

    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().find(|field| field.name == name)
    }

    /// The fields whose values are secrets: what a store seals.
    pub fn secret_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields().filter(|field| field.secret)
    }

    /// Whether a field of this form is shown with these values. A field whose own condition is on a hidden-away field
    /// is hidden with it.
    pub fn shows(&self, field: &Field, values: &Values) -> bool {
        let mut field = field;
        // A chain of conditions is at most as long as the form; a circle of them ends here too.
        for _ in 0..=self.fields().count() {
            let Some(condition) = &field.shown_if else { return true };
            let Some(other) = self.field(&condition.field) else { return false };
            if !condition.is.contains(other.value_in(values)) {
                return false;
            }
            field = other;
        }
        false
    }
}

impl Field {
    /// An optional field without anything special.
    pub fn new(name: impl Into<Cow<'static, str>>, label: impl Into<Text>, widget: Widget) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            help: None,
            placeholder: None,
            secret: matches!(widget, Widget::Secret { .. }),
            widget,
            required: false,
            default: None,
            read_only: None,
            transient: false,
            hidden: false,
            shown_if: None,
            bound_to: Vec::new(),
        }
    }

    /// Its value among these, or its default; `null` if there is neither.
    pub fn value_in<'a>(&'a self, values: &'a Values) -> &'a Value {
        values.get(&*self.name).or(self.default.as_ref()).unwrap_or(&Value::Null)
    }
}
