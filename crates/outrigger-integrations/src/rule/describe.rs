//! What can be asked, told to people and to programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Fact, FactKind, FactSchema, MAX_CONDITIONS, Operator, Shape};

impl FactSchema {
    /// For the people who write rules: a Markdown table of the facts, and one of the operators that they allow.
    ///
    /// ```
    /// use outrigger_integrations::rule::{Fact, FactSchema};
    ///
    /// let schema = FactSchema::new([Fact::of::<bool>("draft").labelled("Draft").explained("Whether it is a draft.")]);
    /// assert!(schema.docs().starts_with(
    ///     "| Fact | Stored as | What it is | Value | Operators |\n\
    ///      |---|---|---|---|---|\n\
    ///      | Draft | `draft` | Whether it is a draft. | yes or no | is, is not |\n"
    /// ));
    /// ```
    pub fn docs(&self) -> String {
        let mut docs = String::from("| Fact | Stored as | What it is | Value | Operators |\n|---|---|---|---|---|\n");
        for fact in self.facts() {
            let operators: Vec<_> = fact.operators().map(|operator| operator.label().to_string()).collect();
            let help = fact.help().map(|help| help.untranslated()).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(
                docs,
                "| {} | `{}` | {} | {} | {} |",
                cell(fact.label().untranslated()),
                cell(fact.name()),
                cell(help),
                cell(&fact.value_in_words()),
                operators.join(", "),
            );
        }
        docs.push_str("\n| Operator | Stored as | Holds when |\n|---|---|---|\n");
        for operator in self.operators() {
            let _ = writeln!(docs, "| {operator} | `{}` | {} |", operator.name(), operator.meaning());
        }
        docs
    }

    /// The operators that at least one fact allows, in the order in which forms offer them.
    fn operators(&self) -> impl Iterator<Item = Operator> + '_ {
        Operator::ALL.into_iter().filter(|operator| self.facts().iter().any(|fact| operator.fits(fact)))
    }

    /// For programs: each fact with its name, label, help, kind, number of values, choices and operators.
    pub fn to_json(&self) -> Value {
        self.facts().iter().map(Fact::to_json).collect()
    }

    /// The JSON Schema of a [`RuleSet`](super::RuleSet) over these facts. It is wider than
    /// [`check`](super::RuleSet::check): which operator fits which fact is not in it.
    pub fn json_schema(&self) -> Value {
        let facts: Vec<_> = self.facts().iter().map(Fact::name).collect();
        let operators: Vec<_> = self.operators().map(Operator::name).collect();
        json!({
            "type": "object",
            "required": ["mode"],
            "properties": {
                "mode": { "enum": ["always", "all", "any"] },
                "when_broken": { "enum": ["no_match", "match"], "default": "no_match" },
                "conditions": {
                    "type": "array",
                    "maxItems": MAX_CONDITIONS,
                    "items": {
                        "type": "object",
                        "required": ["fact", "operator"],
                        "properties": {
                            "fact": { "enum": facts },
                            "operator": { "enum": operators },
                            "value": { "type": ["string", "integer", "boolean", "array", "null"] },
                        },
                    },
                },
            },
        })
    }
}

impl Fact {
    fn to_json(&self) -> Value {
        let (kind, choices, to) = match self.kind() {
            FactKind::Text => ("text", None, None),
            FactKind::Number => ("number", None, None),
            FactKind::Flag => ("flag", None, None),
            FactKind::Choice(choices) => ("choice", Some(choices), None),
            FactKind::Reference { to } => ("reference", None, Some(to)),
        };
        let choices = choices.map(|choices| {
            let choice =
                |choice: &super::FactChoice| json!({ "value": choice.value, "label": choice.label.untranslated() });
            choices.iter().map(choice).collect::<Vec<_>>()
        });
        json!({
            "name": self.name(),
            "label": self.label().untranslated(),
            "help": self.help().map(|help| help.untranslated()),
            "kind": kind,
            "choices": choices,
            "to": to,
            "list": self.shape() == Shape::List,
            "optional": self.may_be_unset(),
            "operators": self.operators().map(Operator::name).collect::<Vec<_>>(),
        })
    }

    fn value_in_words(&self) -> String {
        let one = match self.kind() {
            FactKind::Text => "text".to_owned(),
            FactKind::Number => "whole number".to_owned(),
            FactKind::Flag => "yes or no".to_owned(),
            FactKind::Choice(choices) => {
                let values: Vec<_> = choices.iter().map(|choice| choice.label.untranslated()).collect();
                format!("one of: {}", values.join(", "))
            }
            FactKind::Reference { to } => format!("a {to}"),
        };
        match self.shape() {
            Shape::One => one,
            Shape::Optional => format!("{one}; or none"),
            Shape::List => format!("list; each: {one}"),
        }
    }
}

impl Operator {
    fn meaning(self) -> &'static str {
        match self {
            Operator::Is => "it equals the value; of a list, an element does",
            Operator::IsNot => "it does not equal the value, or there is none; of a list, no element does",
            Operator::OneOf => "it equals one of the values; of a list, an element does",
            Operator::NoneOf => "it equals none of the values, or there is none; of a list, no element does",
            Operator::Contains => "the value is a part of the text, or an element of the list",
            Operator::DoesNotContain => "the value is no part of the text, or no element of the list",
            Operator::ContainsAny => "one of the values is a part of the text, or an element of the list",
            Operator::ContainsNone => "none of the values is a part of the text, or an element of the list",
            Operator::StartsWith => "it begins with the value; of a list, an element does",
            Operator::EndsWith => "it ends with the value; of a list, an element does",
            Operator::IsSet => "it is there, and neither an empty text nor an empty list",
            Operator::IsUnset => "it is not there, or an empty text, or an empty list",
            Operator::GreaterThan => "it is greater than the value; of a list, an element is",
            Operator::LessThan => "it is less than the value; of a list, an element is",
            Operator::Matches => "the pattern (a regular expression) is found in it; of a list, in an element",
            Operator::DoesNotMatch => "the pattern (a regular expression) is not found in it; of a list, in no element",
        }
    }
}

/// The text, so that it stays within a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\r', '\n'], " ")
}
