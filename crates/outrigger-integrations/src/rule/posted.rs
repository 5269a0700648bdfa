//! Rules in HTML forms.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Condition, FactKind, FactSchema, RuleSet, WhenBroken, Word};

/// One condition as posted.
#[derive(Default)]
struct Row<'a> {
    fact: &'a str,
    operator: &'a str,
    values: Vec<&'a str>,
    removed: bool,
}

impl RuleSet {
    /// Reads the rule set that a form posted for the field `name`, from the pairs of the post:
    ///
    /// - `name.mode`: `always`, `all` or `any`; `name.when_broken`, if the form has it: `match` or `no_match`;
    /// - `name.N.fact`, `name.N.operator`, `name.N.value`, for each condition, ordered by the number `N`. For an
    ///   operator that takes several values, `value` comes several times, or once with a value on each line;
    /// - `name.N.remove`, with any value, drops the condition; so does an empty `fact`.
    ///
    /// `None` if the form does not have the field. What does not make sense is kept for
    /// [`check`](Self::check) to tell about, so that people see what they entered.
    ///
    /// ```
    /// use outrigger_integrations::rule::{Condition, Fact, FactSchema, Operator, RuleSet};
    ///
    /// let schema = FactSchema::new([Fact::of::<i64>("lines")]);
    /// let posted =
    ///     [("rules.mode", "any"), ("rules.0.fact", "lines"), ("rules.0.operator", "is"), ("rules.0.value", "7")];
    /// let rules = RuleSet::from_posted("rules", posted, &schema).unwrap();
    /// assert_eq!(rules, RuleSet::any([Condition::new("lines", Operator::Is, 7)]));
    /// ```
    pub fn from_posted<'a>(
        name: &str,
        posted: impl IntoIterator<Item = (&'a str, &'a str)>,
        schema: &FactSchema,
    ) -> Option<Self> {
        let mut mode = None;
        let mut when_broken = Word::default();
        let mut rows = BTreeMap::<usize, Row>::new();
        let parts =
            posted.into_iter().filter_map(|(key, value)| Some((key.strip_prefix(name)?.strip_prefix('.')?, value)));
        for (part, value) in parts {
            match part.split_once('.') {
                None if part == "mode" => mode = Some(read_word(value)),
                None if part == "when_broken" => when_broken = read_word::<WhenBroken>(value),
                None => {}
                Some((row, part)) => {
                    if let Ok(row) = row.parse() {
                        rows.entry(row).or_default().add(part, value);
                    }
                }
            }
        }
        let kept = rows.into_values().filter(|row| !row.removed && !row.fact.is_empty());
        let conditions = kept.map(Row::into_condition).collect();
        Some(Self { mode: mode?, conditions, when_broken, rest: Map::new() }.typed(schema))
    }

    /// The same, with values that were typed as text in the type of their fact: `"7"` becomes 7 for a number, the lines
    /// of a text become a list for an operator that takes several values, and no value is left for one that takes none.
    /// What cannot be is left as it is, for [`check`](Self::check).
    #[must_use]
    pub fn typed(mut self, schema: &FactSchema) -> Self {
        for condition in &mut self.conditions {
            let Word::Known(operator) = condition.operator else { continue };
            let kind = schema.fact(&condition.fact).map(|fact| fact.kind());
            let read = |text: &str| read_value(text, kind);
            match &mut condition.value {
                Value::String(_) if operator.takes_none() => condition.value = Value::Null,
                Value::String(text) if operator.takes_several() => {
                    condition.value = text.lines().filter(|line| !line.is_empty()).map(read).collect();
                }
                Value::String(text) => condition.value = read(text),
                Value::Array(values) => {
                    for value in values {
                        if let Value::String(text) = value {
                            *value = read(text);
                        }
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
            }
        }
        self
    }
}

impl Condition {
    /// The values as the inputs of a form show them: none, one, or those of a list.
    pub fn posted_values(&self) -> Vec<String> {
        let show = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match &self.value {
            Value::Null => Vec::new(),
            Value::Array(values) => values.iter().map(show).collect(),
            one => vec![show(one)],
        }
    }
}

impl<'a> Row<'a> {
    fn add(&mut self, part: &str, value: &'a str) {
        match part {
            "fact" => self.fact = value,
            "operator" => self.operator = value,
            "value" => self.values.push(value),
            "remove" => self.removed = true,
            _ => {}
        }
    }

    fn into_condition(self) -> Condition {
        let value = match self.values.as_slice() {
            [] => Value::Null,
            [value] => Value::from(*value),
            values => values.iter().copied().filter(|value| !value.is_empty()).collect(),
        };
        Condition { fact: self.fact.to_owned(), operator: read_word(self.operator), value, rest: Map::new() }
    }
}

/// The value in the type of the fact; as it was posted when it is not of that type.
fn read_value(posted: &str, kind: Option<&FactKind>) -> Value {
    let read = match kind {
        Some(FactKind::Number) => posted.trim().parse::<i64>().ok().map(Value::from),
        Some(FactKind::Flag) => posted.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| posted.into())
}

fn read_word<T: serde::de::DeserializeOwned>(posted: &str) -> Word<T> {
    serde_json::from_value(posted.into()).map_or_else(|_| Word::Unknown(posted.to_owned()), Word::Known)
}
