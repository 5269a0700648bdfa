//! From the pairs of a post to values.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use serde_json::Value;

use super::submit::{Submitted, settle};
use super::{Field, FieldFaults, FormSchema, Unit, Values, Widget};
use crate::Text;
use crate::rule::RuleSet;

mod rows;

/// What was posted, by name; each name may come several times.
struct Pairs<'a>(BTreeMap<&'a str, Vec<&'a str>>);

/// The values of a posted form, and all that is wrong with them. When nothing is wrong the values can be saved; else
/// they are what to show again, as people typed it.
///
/// The names of the inputs: `name` for a single value, several times for a multiple selection; `name.clear` to clear a
/// secret; `name.amount` and `name.unit`; `name.N` for the rows of a list; `name.N.key` and `name.N.value`; for rules those
/// of [`RuleSet::from_posted`]. A row goes away when it is blank or comes with
/// `name.N.remove`.
///
/// `existing` are the values that the configuration has, none for a new one. They stay where the post cannot change
/// them: a blank secret keeps its value, read-only fields and fields that are not shown keep theirs whatever was posted,
/// and so does an input that was not part of the post at all. Only what browsers leave out of posts is different: boxes
/// that are not checked, selections of nothing, lists without rows.
///
/// ```
/// use outrigger_integrations::form::{Field, FormSchema, NumberRange, Widget, read_posted};
///
/// let retries = Widget::Number(NumberRange { integer: true, ..NumberRange::default() });
/// let form = FormSchema::of_fields([
///     Field::new("retries", "Retries", retries),
///     Field::new("quiet", "Quiet", Widget::Checkbox),
/// ]);
/// let (values, faults) = read_posted(&form, &[("retries".to_owned(), "3".to_owned())], None);
/// assert!(faults.is_empty());
/// assert_eq!(serde_json::Value::from(values), serde_json::json!({ "retries": 3, "quiet": false }));
/// ```
pub fn read_posted(
    schema: &FormSchema,
    posted: &[(String, String)],
    existing: Option<&Values>,
) -> (Values, FieldFaults) {
    let pairs = Pairs::new(posted);
    let mut faults = FieldFaults::default();
    let take = |field: &Field| {
        let (submitted, fault) = pairs.read(field);
        if let Some(fault) = fault.filter(|_| field.read_only.is_none()) {
            faults.add(&field.name, fault);
        }
        submitted
    };
    let (values, of_values) = settle(schema, take, existing);
    faults.append(of_values);
    (values, faults)
}

impl<'a> Pairs<'a> {
    fn new(posted: &'a [(String, String)]) -> Self {
        let mut pairs = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in posted {
            pairs.entry(name.as_str()).or_default().push(value.as_str());
        }
        Self(pairs)
    }

    fn all(&self, name: &str) -> &[&'a str] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn last(&self, name: &str) -> Option<&'a str> {
        self.all(name).last().copied()
    }

    fn each(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().flat_map(|(name, values)| values.iter().map(|value| (*name, *value)))
    }

    /// The pairs whose names begin so, without that beginning.
    fn under<'s>(&'s self, prefix: &str) -> impl Iterator<Item = (&'a str, &'s [&'a str])> {
        let from_prefix = (Bound::Included(prefix), Bound::Unbounded);
        let names = self.0.range::<str, _>(from_prefix).map(|(name, values)| (*name, values.as_slice()));
        names.map_while(move |(name, values)| Some((name.strip_prefix(prefix)?, values)))
    }

    fn read(&self, field: &Field) -> (Submitted, Option<Text>) {
        let name = &*field.name;
        let single = |read: &dyn Fn(&str) -> Value| self.last(name).map(read);
        let value = match &field.widget {
            Widget::Secret { of } => return (self.read_secret(name, of), None),
            Widget::List { item, .. } => return rows::read_list(self, name, item),
            Widget::KeyValue { .. } => return rows::read_keys(self, name),
            Widget::Rules(facts) => RuleSet::from_posted(name, self.each(), facts).map(|rules| rules.to_json()),
            Widget::MultiSelect { .. } => Some(self.read_choices(name)),
            Widget::Checkbox => {
                single(&|text| Value::from(is_checked(text))).or((!field.hidden).then_some(false.into()))
            }
            Widget::Amount { units, .. } => self.read_amount(name, units),
            widget => single(&|text| read_text(widget, text)),
        };
        (value.map_or(Submitted::Keep, Submitted::Value), None)
    }

    fn read_secret(&self, name: &str, of: &Widget) -> Submitted {
        let typed = self.last(name).map(|text| read_text(of, text)).filter(|value| !super::check::is_blank(value));
        let clear = self.last(&format!("{name}.clear")).is_some_and(is_checked);
        match typed {
            Some(value) => Submitted::Value(value),
            None if clear => Submitted::Value(Value::Null),
            None => Submitted::Keep,
        }
    }

    fn read_choices(&self, name: &str) -> Value {
        let mut chosen: Vec<&str> = Vec::new();
        let mut seen = HashSet::new();
        for value in self.all(name) {
            if !value.is_empty() && seen.insert(*value) {
                chosen.push(value);
            }
        }
        chosen.into()
    }

    fn read_amount(&self, name: &str, units: &[Unit]) -> Option<Value> {
        let text = self.last(&format!("{name}.amount"))?.trim();
        if text.is_empty() {
            return Some(Value::Null);
        }
        let posted = self.last(&format!("{name}.unit"));
        let unit = match posted {
            Some(posted) => units.iter().find(|unit| unit.name == posted),
            None => units.first(),
        };
        // What is no amount in a unit that there is stays as it was typed, for the check to say so.
        let value = unit.and_then(|unit| Some(text.parse::<f64>().ok()? * unit.factor));
        Some(value.and_then(whole_or_float).unwrap_or_else(|| text.into()))
    }
}

/// A checked box posts `on` unless it was given a value; a hidden twin may post what says no.
fn is_checked(text: &str) -> bool {
    !matches!(text, "" | "0" | "off" | "no" | "false")
}

/// One posted text as the value of a widget for a single value; `null` if it is blank.
fn read_text(widget: &Widget, text: &str) -> Value {
    match widget {
        _ if text.trim().is_empty() => Value::Null,
        Widget::Number(_) => read_number(text.trim()),
        Widget::TextArea(_) => text.replace("\r\n", "\n").into(),
        Widget::Select { .. } => text.into(),
        _ => text.trim().into(),
    }
}

/// A number; what is none stays as it was typed.
fn read_number(text: &str) -> Value {
    let whole = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from));
    let number = whole.ok().or_else(|| text.parse::<f64>().ok().and_then(whole_or_float));
    number.unwrap_or_else(|| text.into())
}

/// A finite number as JSON writes it best: 90 and not 90.0.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers that a float has exactly are cast")]
fn whole_or_float(number: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Some(Value::from(number as i64));
    }
    number.is_finite().then(|| Value::from(number))
}
