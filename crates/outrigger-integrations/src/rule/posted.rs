//! Rules in HTML forms.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Condition, FactKind, FactSchema, Operator, RuleSet, WhenBroken, Word};

/// One condition as posted.
#[derive(Default)]
struct Row<'a> {
    fact: &'a str,
    operator: &'a str,
    values: Vec<&'a str>,
    removed: bool,
}

impl RuleSet {
    /// Reads the rule set that a form posted for the field `name`, from these of its pairs:
    ///
    /// - `name.mode`: `always`, `all` or `any`; `name.when_broken`, if the form has it: `match` or `no_match`;
    /// - `name.N.fact`, `name.N.operator`, `name.N.value`, for each condition, ordered by the number `N`. For an
    ///   operator that takes several values, `value` comes several times, or holds one value a line;
    /// - `name.N.remove`, with any value, drops the condition; so does an empty `fact`.
    ///
    /// `None` if the form does not have the field. What does not make sense is kept for
    /// [`check`](Self::check) to tell about, so that people see what they entered.
    ///
    /// ```
    /// use outrigger_integrations::rule::{Condition, Fact, FactSchema, Operator, RuleSet};
    ///
    /// let schema = FactSchema::new([Fact::of::<i64>("lines")]);
    /// let posted = [("rules.mode", "any"), ("rules.0.fact", "lines"), ("rules.0.operator", "is"), ("rules.0.value", "7")];
    /// let posted = posted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    /// let rules = RuleSet::from_posted("rules", &posted, &schema).unwrap();
    /// assert_eq!(rules, RuleSet::any([Condition::new("lines", Operator::Is, 7)]));
    /// ```
    pub fn from_posted(name: &str, posted: &[(String, String)], schema: &FactSchema) -> Option<Self> {
        let mut mode = None;
        let mut when_broken = Word::default();
        let mut rows = BTreeMap::<usize, Row>::new();
        let parts = posted.iter().filter_map(|(key, value)| Some((key.strip_prefix(name)?.strip_prefix('.')?, value)));
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
        let kept = rows.values().filter(|row| !row.removed && !row.fact.is_empty());
        let conditions = kept.map(|row| row.condition(schema)).collect();
        Some(Self { mode: mode?, conditions, when_broken, rest: Map::new() })
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

    fn condition(&self, schema: &FactSchema) -> Condition {
        let kind = schema.fact(self.fact).map(|fact| fact.kind());
        let operator = read_word(self.operator);
        let value = match operator {
            Word::Known(operator) if operator.takes_none() => Value::Null,
            Word::Known(operator) if operator.takes_several() => {
                let lines = self.values.iter().flat_map(|value| value.lines()).filter(|line| !line.is_empty());
                lines.map(|line| read_value(line, kind)).collect()
            }
            Word::Known::<Operator>(_) | Word::Unknown(_) => {
                self.values.first().map_or(Value::Null, |value| read_value(value, kind))
            }
        };
        Condition { fact: self.fact.to_owned(), operator, value, rest: Map::new() }
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
