//! Rules: which events a configuration wants.
//!
//! The host says what can be asked about an event by deriving [`Facts`]; people write a [`RuleSet`] over these facts in
//! a form; it is compiled once into [`CompiledRules`], which says for each event whether it matches, and why.
//!
//! ```
//! use outrigger_integrations::rule::{Condition, Facts, Operator, RuleSet};
//!
//! #[derive(Facts)]
//! struct PushFacts {
//!     /// The branch that was pushed.
//!     branch: String,
//!     #[fact(label = "Changed files")]
//!     files: Vec<String>,
//! }
//!
//! let rules = RuleSet::all([
//!     Condition::new("branch", Operator::IsNot, "wip"),
//!     Condition::new("files", Operator::StartsWith, "docs/"),
//! ]);
//! assert!(rules.check(PushFacts::schema()).is_empty());
//!
//! let compiled = rules.compile(PushFacts::schema());
//! let push = PushFacts { branch: "main".into(), files: vec!["README.md".into(), "docs/guide.md".into()] };
//! assert!(compiled.matches(&push.values()));
//! ```
//!
//! # What a condition means
//!
//! - A fact is **unset** when there is none (`None`), when its text is empty, and when its list has nothing but such
//!   values. An unset fact satisfies no positive operator, and hence every negation: an operator and its
//!   [negation](Operator::negation) are always opposites.
//! - For a fact that is a **list**, an operator holds when it holds for any element, and a negation when it holds for
//!   none. `contains` asks of a list of texts whether one of them has the value as a part; of any other list, whether
//!   the value is an element.
//! - **Case counts** everywhere, as does white space. A pattern may begin with `(?i)` to ignore case.
//! - A **pattern** is looked for anywhere in the text; `^` and `$` tie it to the ends. Patterns run in time linear in
//!   the text, whatever they are, and may not exceed [`MAX_PATTERN_BYTES`] once compiled.
//!
//! # Rules that cannot be judged
//!
//! What is stored outlives the program that stored it: a fact or an operator may be unknown to this version, a value
//! may be of the wrong kind, a row that a rule refers to may be gone. Reading such a rule set never fails and loses
//! nothing. It is **broken**: it says why ([`CompiledRules::faults`]), and matches nothing, or everything if its author
//! chose so ([`WhenBroken`]).

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod check;
mod compile;
mod describe;
mod explain;
mod fact;
mod field;
mod operator;
mod posted;
mod question;
#[cfg(test)]
mod tests;
mod value;

pub use check::{Problem, RuleFault};
pub use compile::CompiledRules;
pub use explain::{ConditionExplanation, Explanation, Reason};
pub use fact::{Fact, FactChoice, FactKind, FactSchema, Shape};
pub use operator::Operator;
/// Derives [`Facts`](trait@Facts) for a struct, and [`FactValue`] for an enum; see there.
pub use outrigger_integrations_derive::Facts;
pub use value::{Datum, FactValue, FactValues, Facts, Ref};

/// How many conditions a rule set may have.
pub const MAX_CONDITIONS: usize = 50;
/// How many values a condition may have.
pub const MAX_VALUES: usize = 1000;
/// How many characters a value or a pattern may have.
pub const MAX_VALUE_CHARS: usize = 1000;
/// How many bytes a pattern may take once compiled.
pub const MAX_PATTERN_BYTES: usize = 512 * 1024;

/// A word in stored JSON that may come from another version of the program: what it means here, or the word itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Word<T> {
    /// This version knows it.
    Known(T),
    /// It does not. The word is kept as it is.
    Unknown(String),
}

impl<T> From<T> for Word<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: Default> Default for Word<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

/// How the conditions of a rule set make up its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// Every event matches; the conditions are kept, but not asked.
    Always,
    /// All conditions have to hold.
    All,
    /// One condition that holds is enough.
    Any,
}

/// What a broken rule set answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenBroken {
    /// It matches nothing: better silent than wrong.
    #[default]
    NoMatch,
    /// It matches everything: better noisy than silent.
    Match,
}

/// Which events are wanted, as people write it and as it is stored.
///
/// ```
/// use outrigger_integrations::rule::{Condition, Operator, RuleSet};
///
/// let stored = serde_json::json!({
///     "mode": "any",
///     "conditions": [{ "fact": "branch", "operator": "one_of", "value": ["main", "next"] }],
/// });
/// let rules = RuleSet::from_json(&stored)?;
/// assert_eq!(rules, RuleSet::any([Condition::new("branch", Operator::OneOf, vec!["main", "next"])]));
/// assert_eq!(rules.to_json(), stored);
/// # Ok::<(), Vec<outrigger_integrations::rule::RuleFault>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    /// How the conditions make up the answer.
    pub mode: Word<Mode>,
    /// What is asked, in the order of the form.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// What is answered when a condition cannot be judged.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when_broken: Word<WhenBroken>,
    /// What another version of the program stored and this one does not know. It makes the rule set broken.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One question about an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The name of the fact that is asked about.
    pub fact: String,
    /// What is asked.
    pub operator: Word<Operator>,
    /// What the fact is compared with: a text, a number, `true` or `false`, a list for the operators that
    /// [take several](Operator::takes_several), null for those that [take none](Operator::takes_none).
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// What another version of the program stored and this one does not know. It makes the rule set broken.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

fn is_default(when_broken: &Word<WhenBroken>) -> bool {
    *when_broken == Word::default()
}

/// Every event is wanted.
impl Default for RuleSet {
    fn default() -> Self {
        Self::with(Mode::Always, Vec::new())
    }
}

impl RuleSet {
    /// Wants events for which all conditions hold.
    pub fn all(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self::with(Mode::All, conditions.into_iter().collect())
    }

    /// Wants events for which at least one condition holds.
    pub fn any(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self::with(Mode::Any, conditions.into_iter().collect())
    }

    /// The same, with this answer for when it is broken.
    pub fn when_broken(self, when_broken: WhenBroken) -> Self {
        Self { when_broken: when_broken.into(), ..self }
    }

    fn with(mode: Mode, conditions: Vec<Condition>) -> Self {
        Self { mode: mode.into(), conditions, when_broken: Word::default(), rest: Map::new() }
    }

    /// Reads what is stored. Null is the default. Words that are not known are kept; whether the conditions make sense
    /// is another question, for [`check`](Self::check).
    ///
    /// # Errors
    /// Every part that does not have the form of a rule set, each with the position of its condition.
    pub fn from_json(stored: &Value) -> Result<Self, Vec<RuleFault>> {
        check::read(stored)
    }

    /// What to store.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Condition {
    /// Asks this of the fact with this name. For an operator that takes none, the value is `()`.
    pub fn new(fact: impl Into<String>, operator: Operator, value: impl Into<Value>) -> Self {
        Self { fact: fact.into(), operator: operator.into(), value: value.into(), rest: Map::new() }
    }
}

/// A [`RuleSet`] over the facts `F`: the type of a settings field that lets people choose events.
///
/// As a [`FieldValue`](crate::FieldValue) it takes every rule set that can be read, also one that this version of the
/// program cannot judge: settings that are stored stay readable, and the rules are broken. Forms refuse to save such a
/// rule set, see [`RuleSet::check_json`].
///
/// ```
/// use outrigger_integrations::rule::{Condition, Facts, Operator, RuleSet, Rules};
///
/// #[derive(Facts)]
/// struct PushFacts {
///     branch: String,
/// }
///
/// let rules = Rules::<PushFacts>::new(RuleSet::all([Condition::new("brunch", Operator::Is, "main")]));
/// assert_eq!(rules.check()[0].to_string(), "Condition 1: there is no fact `brunch`");
/// ```
pub struct Rules<F> {
    set: RuleSet,
    facts: PhantomData<fn() -> F>,
}

impl<F: Facts> Rules<F> {
    /// The rule set as one over the facts `F`.
    pub fn new(set: RuleSet) -> Self {
        Self { set, facts: PhantomData }
    }

    /// The rule set.
    pub fn set(&self) -> &RuleSet {
        &self.set
    }

    /// As [`RuleSet::check`], with the facts `F`.
    pub fn check(&self) -> Vec<RuleFault> {
        self.set.check(F::schema())
    }

    /// As [`RuleSet::compile`], with the facts `F`.
    pub fn compile(&self) -> CompiledRules {
        self.set.compile(F::schema())
    }
}

// By hand, as a derive would ask the same of `F`.
impl<F> Clone for Rules<F> {
    fn clone(&self) -> Self {
        Self { set: self.set.clone(), facts: PhantomData }
    }
}

impl<F> std::fmt::Debug for Rules<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.set.fmt(f)
    }
}

impl<F> PartialEq for Rules<F> {
    fn eq(&self, other: &Self) -> bool {
        self.set == other.set
    }
}

/// Every event is wanted.
impl<F: Facts> Default for Rules<F> {
    fn default() -> Self {
        Self::new(RuleSet::default())
    }
}

impl<F> Serialize for Rules<F> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.set.serialize(serializer)
    }
}

impl<'de, F: Facts> Deserialize<'de> for Rules<F> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RuleSet::deserialize(deserializer).map(Self::new)
    }
}
