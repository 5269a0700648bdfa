//! The editor of rules.

use serde_json::Value;

use super::{Drawing, plain};
use crate::form::Field;
use crate::pages::say::Say;
use crate::pages::view::OptionView;
use crate::rule::{Fact, FactKind, FactSchema, Operator};

/// The editor of one rules field.
pub(in crate::pages) struct RulesView {
    pub(in crate::pages) modes: Vec<OptionView>,
    pub(in crate::pages) rows: Vec<RuleRow>,
    /// The inputs whose change makes other choices.
    pub(in crate::pages) depends_on: String,
    pub(in crate::pages) broken: Option<String>,
}

/// One condition.
pub(in crate::pages) struct RuleRow {
    pub(in crate::pages) at: usize,
    pub(in crate::pages) facts: Vec<OptionView>,
    pub(in crate::pages) operators: Vec<OptionView>,
    pub(in crate::pages) value: RuleValue,
}

/// How the value of a condition is edited.
pub(in crate::pages) enum RuleValue {
    None,
    Text(String),
    Lines(String),
    Choice(Vec<OptionView>),
    Choices(Vec<OptionView>),
}

/// A condition as it is stored or was posted: it need not make sense.
#[derive(Default)]
struct Stored<'a> {
    fact: &'a str,
    operator: &'a str,
    values: Vec<String>,
}

pub(super) fn view(drawing: &Drawing<'_>, field: &Field, facts: &FactSchema, value: &Value) -> RulesView {
    let say = drawing.say;
    let mode = value["mode"].as_str().unwrap_or("always");
    let modes = [
        ("always", say.t("Always: every event")),
        ("all", say.t("When all of these hold")),
        ("any", say.t("When any of these holds")),
    ];
    let mut stored: Vec<Stored<'_>> = value["conditions"].as_array().into_iter().flatten().map(Stored::read).collect();
    if drawing.add_row == Some(&*field.name) || (mode != "always" && stored.is_empty()) {
        stored.push(Stored::default());
    }
    let rows: Vec<RuleRow> = stored.iter().enumerate().map(|(at, condition)| condition.row(say, facts, at)).collect();
    let name = format!("{}{}", drawing.prefix, field.name);
    let inputs = (0..rows.len()).flat_map(|at| [format!("{name}.{at}.fact"), format!("{name}.{at}.operator")]);
    let depends_on: Vec<String> = std::iter::once(format!("{name}.mode")).chain(inputs).collect();
    let modes = modes.map(|(value, label)| OptionView {
        value: value.to_owned(),
        label: label.into_owned(),
        selected: value == mode,
    });
    RulesView { modes: modes.into(), rows, depends_on: depends_on.join(" "), broken: None }
}

/// Rules as people read them in a sentence.
pub(super) fn in_words(say: Say<'_>, facts: &FactSchema, value: &Value) -> String {
    let conditions: Vec<String> = value["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(Stored::read)
        .map(|condition| condition.in_words(say, facts))
        .collect();
    match value["mode"].as_str() {
        Some("all") => conditions.join(&format!(" {} ", say.t("and"))),
        Some("any") => conditions.join(&format!(" {} ", say.t("or"))),
        _ => say.t("always").into_owned(),
    }
}

impl<'a> Stored<'a> {
    fn read(condition: &'a Value) -> Self {
        let values = match &condition["value"] {
            Value::Null => Vec::new(),
            Value::Array(values) => values.iter().map(plain).collect(),
            one => vec![plain(one)],
        };
        Self {
            fact: condition["fact"].as_str().unwrap_or_default(),
            operator: condition["operator"].as_str().unwrap_or_default(),
            values,
        }
    }

    fn row(&self, say: Say<'_>, schema: &FactSchema, at: usize) -> RuleRow {
        let fact = schema.fact(self.fact);
        let option = |fact: &Fact| OptionView {
            value: fact.name().to_owned(),
            label: say.text(fact.label()),
            selected: fact.name() == self.fact,
        };
        let mut facts: Vec<_> = schema.facts().iter().map(option).collect();
        // What another version stored is shown, so that people can decide about it.
        if fact.is_none() && !self.fact.is_empty() {
            facts.push(OptionView { value: self.fact.to_owned(), label: self.fact.to_owned(), selected: true });
        }
        RuleRow { at, facts, operators: self.operators(say, fact), value: self.value(say, fact) }
    }

    fn operators(&self, say: Say<'_>, fact: Option<&Fact>) -> Vec<OptionView> {
        let offered: Vec<Operator> = fact.map_or_else(|| Operator::ALL.to_vec(), |fact| fact.operators().collect());
        let mut options: Vec<_> = offered
            .into_iter()
            .map(|operator| OptionView {
                value: operator.name().to_owned(),
                label: say.text(&operator.label()),
                selected: operator.name() == self.operator,
            })
            .collect();
        if !self.operator.is_empty() && !options.iter().any(|option| option.selected) {
            let known = Operator::from_name(self.operator).map(|operator| say.text(&operator.label()));
            let label = known.unwrap_or_else(|| self.operator.to_owned());
            options.push(OptionView { value: self.operator.to_owned(), label, selected: true });
        }
        options
    }

    fn value(&self, say: Say<'_>, fact: Option<&Fact>) -> RuleValue {
        let operator = Operator::from_name(self.operator);
        if operator.is_some_and(Operator::takes_none) {
            return RuleValue::None;
        }
        let several = operator.is_some_and(Operator::takes_several);
        let exact = !operator.is_some_and(|operator| matches!(operator, Operator::Matches | Operator::DoesNotMatch));
        let choices = fact.filter(|_| exact).and_then(|fact| self.choices(say, fact));
        match choices {
            Some(options) if several => RuleValue::Choices(options),
            Some(options) => RuleValue::Choice(options),
            None if several => RuleValue::Lines(self.values.join("\n")),
            None => RuleValue::Text(self.values.first().cloned().unwrap_or_default()),
        }
    }

    fn choices(&self, say: Say<'_>, fact: &Fact) -> Option<Vec<OptionView>> {
        let option = |value: &str, label: String| OptionView {
            value: value.to_owned(),
            label,
            selected: self.values.iter().any(|chosen| chosen == value),
        };
        match fact.kind() {
            FactKind::Flag => {
                Some(vec![option("true", say.t("yes").into_owned()), option("false", say.t("no").into_owned())])
            }
            FactKind::Choice(choices) => {
                Some(choices.iter().map(|choice| option(&choice.value, say.text(&choice.label))).collect())
            }
            _ => None,
        }
    }

    fn in_words(&self, say: Say<'_>, schema: &FactSchema) -> String {
        let fact = schema.fact(self.fact).map_or_else(|| self.fact.to_owned(), |fact| say.text(fact.label()));
        let operator = Operator::from_name(self.operator);
        let operator = operator.map_or_else(|| self.operator.to_owned(), |operator| say.text(&operator.label()));
        let values = self.values.join(", ");
        format!("{fact} {operator} {values}").trim_end().to_owned()
    }
}
