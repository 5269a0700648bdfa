//! What can be wrong with a rule set.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Condition, FactSchema, MAX_CONDITIONS, MAX_VALUE_CHARS, MAX_VALUES, Operator, RuleSet};
use crate::Text;

/// How much of a stored word a message repeats.
const MAX_QUOTED_CHARS: usize = 64;

/// One thing that is wrong with a rule set.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleFault {
    /// The position of the condition, from 0. `None` if the fault is not that of one condition.
    pub condition: Option<usize>,
    /// What is wrong.
    pub problem: Problem,
}

impl RuleFault {
    /// For people: which condition, counted from 1, and what is wrong.
    pub fn text(&self) -> Text {
        Text::from(self.to_string())
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.condition {
            Some(at) => write!(f, "Condition {}: {}", at + 1, self.problem),
            None => self.problem.fmt(f),
        }
    }
}

/// What is wrong with a condition or a rule set. Written so that it can follow `Condition 1:`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The JSON is not that of a rule set.
    #[error("this does not have the form of a rule: {0}")]
    Malformed(&'static str),
    /// There are conditions to be held, but none.
    #[error("choose at least one condition, or choose to match always")]
    NoConditions,
    /// More than [`MAX_CONDITIONS`].
    #[error("there are {0} conditions, but at most {MAX_CONDITIONS} are possible")]
    TooManyConditions(usize),
    /// Another version's mode.
    #[error("there is no mode `{0}`")]
    UnknownMode(String),
    /// Another version's addition, which might change what the rest means.
    #[error("the part `{0}` is not known")]
    UnknownPart(String),
    /// No fact has this name.
    #[error("there is no fact `{0}`")]
    UnknownFact(String),
    /// No operator has this name.
    #[error("there is no operator `{0}`")]
    UnknownOperator(String),
    /// The operator asks what a fact of this kind cannot answer.
    #[error("“{fact} {operator}” cannot be asked")]
    DoesNotFit {
        /// The label of the fact.
        fact: String,
        /// What was to be asked.
        operator: Operator,
    },
    /// The operator needs a value, and a text may not be empty.
    #[error("enter a value")]
    NoValue,
    /// The value is of the wrong kind.
    #[error("enter {expected}")]
    WrongValue {
        /// What it should be: `a whole number`.
        expected: &'static str,
    },
    /// More than [`MAX_VALUES`].
    #[error("there are {0} values, but at most {MAX_VALUES} are possible")]
    TooManyValues(usize),
    /// More than [`MAX_VALUE_CHARS`].
    #[error("a value is longer than {MAX_VALUE_CHARS} characters")]
    ValueTooLong,
    /// The fact never has this value.
    #[error("`{0}` is not one of the choices")]
    NotAChoice(String),
    /// The pattern is no regular expression, or too large.
    #[error("the pattern cannot be used: {0}")]
    Pattern(String),
    /// The row that the rule refers to does not exist any more.
    #[error("the {to} `{id}` does not exist any more")]
    Gone {
        /// What the row was, in the host's word.
        to: String,
        /// Its id.
        id: String,
    },
}

pub(super) fn quoted(word: &str) -> String {
    match word.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}

pub(super) fn unknown_parts(rest: &Map<String, Value>) -> Option<Problem> {
    rest.keys().next().map(|part| Problem::UnknownPart(quoted(part)))
}

impl RuleSet {
    /// Everything that is wrong with the rule set, in the order of its conditions: what a form should refuse to save.
    /// At most one fault per condition. Whether rows that are referred to exist is for
    /// [`CompiledRules::mark_gone`](super::CompiledRules::mark_gone).
    ///
    /// ```
    /// use outrigger_integrations::rule::{Condition, Fact, FactSchema, Operator, RuleSet};
    ///
    /// let schema = FactSchema::new([Fact::of::<i64>("lines")]);
    /// let rules = RuleSet::all([
    ///     Condition::new("lines", Operator::GreaterThan, "many"),
    ///     Condition::new("lines", Operator::StartsWith, "4"),
    /// ]);
    /// let faults: Vec<String> = rules.check(&schema).iter().map(ToString::to_string).collect();
    /// assert_eq!(
    ///     faults,
    ///     ["Condition 1: enter a whole number", "Condition 2: “lines starts with” cannot be asked"]
    /// );
    /// ```
    pub fn check(&self, schema: &FactSchema) -> Vec<RuleFault> {
        self.compile(schema).into_faults()
    }

    /// Everything that is wrong with the JSON of a rule set that somebody wants to save: its form, and what
    /// [`check`](Self::check) tells. Values may be texts, as for [`typed`](Self::typed).
    pub fn check_json(value: &Value, schema: &FactSchema) -> Vec<RuleFault> {
        match read(value) {
            Ok(set) => set.typed(schema).check(schema),
            Err(faults) => faults,
        }
    }
}

pub(super) fn read(stored: &Value) -> Result<RuleSet, Vec<RuleFault>> {
    let mut head = match stored {
        Value::Null => return Ok(RuleSet::default()),
        Value::Object(parts) => parts.clone(),
        _ => return Err(vec![malformed(None, "an object is expected")]),
    };
    let mut faults = Vec::new();
    let conditions = match head.remove("conditions") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(conditions)) => read_conditions(conditions, &mut faults),
        Some(_) => {
            faults.push(malformed(None, "`conditions` is not a list"));
            Vec::new()
        }
    };
    match RuleSet::deserialize(Value::Object(head)) {
        Ok(set) if faults.is_empty() => return Ok(RuleSet { conditions, ..set }),
        Ok(_) => {}
        // The error itself would repeat the value.
        Err(_) => faults.insert(0, malformed(None, "a `mode` is needed, and is a text")),
    }
    Err(faults)
}

fn read_conditions(conditions: Vec<Value>, faults: &mut Vec<RuleFault>) -> Vec<Condition> {
    let mut read = Vec::with_capacity(conditions.len());
    for (at, condition) in conditions.into_iter().enumerate() {
        match Condition::deserialize(condition) {
            Ok(condition) => read.push(condition),
            Err(_) => faults.push(malformed(Some(at), "a `fact` and an `operator` are needed, and are texts")),
        }
    }
    read
}

fn malformed(condition: Option<usize>, why: &'static str) -> RuleFault {
    RuleFault { condition, problem: Problem::Malformed(why) }
}
