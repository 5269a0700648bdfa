//! Why a rule set matches an event, or does not.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    CompiledRules, Condition, Datum, Fact, FactKind, FactValues, Mode, Operator, Problem, RuleFault, WhenBroken, Word,
};
use crate::Text;

/// How much of a value an explanation shows.
const MAX_SHOWN_CHARS: usize = 200;
/// How many values of a list an explanation shows.
const MAX_SHOWN_VALUES: usize = 10;

/// Why a rule set matches an event, or does not. Values of facts that are secret are not in it, and long ones are cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What [`CompiledRules::matches`] answers.
    pub matches: bool,
    /// Why.
    pub reason: Reason,
    /// Each condition, in order; none if the rule set matches always.
    pub conditions: Vec<ConditionExplanation>,
    /// Why the rule set is broken; nothing if it is not.
    pub faults: Vec<RuleFault>,
}

/// Why a rule set answers as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It matches every event.
    Always,
    /// All conditions have to hold, and they do.
    AllHold,
    /// All conditions have to hold, and one at least does not.
    NotAllHold,
    /// One condition has to hold, and one at least does.
    OneHolds,
    /// One condition has to hold, and none does.
    NoneHolds,
    /// It is broken, and matches nothing until it is mended.
    BrokenMatchesNothing,
    /// It is broken, and matches everything until it is mended.
    BrokenMatchesEverything,
}

/// What became of one condition.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionExplanation {
    /// The name of the fact.
    pub fact: String,
    /// What people call the fact; its name if it is not known.
    pub label: Text,
    /// What was asked of it.
    pub operator: Word<Operator>,
    /// What it was compared with; `None` if with nothing.
    pub expected: Option<String>,
    /// What it was; `None` if it was unset.
    pub actual: Option<String>,
    /// Whether the condition holds; `None` if it cannot be judged.
    pub held: Option<bool>,
    /// Why the condition cannot be judged, or why it should not be relied on.
    pub problem: Option<Problem>,
}

impl Reason {
    /// For people, as a sentence.
    pub const fn text(self) -> Text {
        match self {
            Reason::Always => Text::keyed("rule.reason.always", "Every event matches."),
            Reason::AllHold => Text::keyed("rule.reason.all_hold", "All conditions hold."),
            Reason::NotAllHold => Text::keyed("rule.reason.not_all_hold", "Not all conditions hold."),
            Reason::OneHolds => Text::keyed("rule.reason.one_holds", "At least one condition holds."),
            Reason::NoneHolds => Text::keyed("rule.reason.none_holds", "No condition holds."),
            Reason::BrokenMatchesNothing => {
                Text::keyed("rule.reason.broken_nothing", "The rule is broken. Until it is mended, nothing matches.")
            }
            Reason::BrokenMatchesEverything => Text::keyed(
                "rule.reason.broken_everything",
                "The rule is broken. Until it is mended, everything matches.",
            ),
        }
    }
}

impl CompiledRules {
    /// Why the event with these facts is wanted or not.
    ///
    /// ```
    /// use outrigger_integrations::rule::{Condition, Fact, FactSchema, FactValues, Operator, RuleSet};
    ///
    /// let schema = FactSchema::new([Fact::of::<String>("branch").labelled("Branch")]);
    /// let rules = RuleSet::all([Condition::new("branch", Operator::Is, "main")]).compile(&schema);
    /// let explanation = rules.explain(&FactValues::new().with("branch", &"next"));
    /// assert_eq!(
    ///     explanation.to_string(),
    ///     "Not all conditions hold.\n- Branch is `main`: no, it is `next`\n"
    /// );
    /// ```
    pub fn explain(&self, facts: &FactValues) -> Explanation {
        let conditions = self.questions.iter().enumerate().map(|(at, _)| self.explain_condition(at, facts)).collect();
        let matches = self.matches(facts);
        let reason = match (self.is_broken(), self.mode, matches) {
            (true, _, _) if self.when_broken() == WhenBroken::Match => Reason::BrokenMatchesEverything,
            (true, _, _) => Reason::BrokenMatchesNothing,
            (false, Mode::Always, _) => Reason::Always,
            (false, Mode::All, true) => Reason::AllHold,
            (false, Mode::All, false) => Reason::NotAllHold,
            (false, Mode::Any, true) => Reason::OneHolds,
            (false, Mode::Any, false) => Reason::NoneHolds,
        };
        Explanation { matches, reason, conditions, faults: self.faults().to_vec() }
    }

    fn explain_condition(&self, at: usize, facts: &FactValues) -> ConditionExplanation {
        let condition = &self.set.conditions[at];
        let fact = self.schema.fact(&condition.fact);
        let fault = self.faults().iter().find(|fault| fault.condition == Some(at));
        ConditionExplanation {
            fact: condition.fact.clone(),
            label: fact.map_or_else(|| Text::from(condition.fact.clone()), |fact| fact.label().clone()),
            operator: condition.operator.clone(),
            expected: show_expected(condition, fact),
            actual: fact.and_then(|fact| show_actual(facts.get(fact.name()), fact)),
            held: self.questions[at].as_ref().map(|question| question.holds(&self.schema, facts)),
            problem: fault.map(|fault| fault.problem.clone()),
        }
    }
}

fn show_expected(condition: &Condition, fact: Option<&Fact>) -> Option<String> {
    let values = match &condition.value {
        Value::Null => return None,
        _ if fact.is_some_and(Fact::is_secret) => return Some("***".to_owned()),
        Value::Array(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    let show = |value: &Value| match value {
        Value::String(text) => fact.map_or(text.as_str(), |fact| choice_label(fact, text)).to_owned(),
        Value::Bool(flag) => show_flag(*flag).to_owned(),
        other => other.to_string(),
    };
    Some(show_list(values.iter().map(show)))
}

fn show_actual(datum: &Datum, fact: &Fact) -> Option<String> {
    let mut items = datum.items().peekable();
    items.peek()?;
    if fact.is_secret() {
        return Some("***".to_owned());
    }
    Some(show_list(items.map(|item| match item {
        Datum::Reference(reference) if !reference.label().is_empty() => reference.label().to_owned(),
        Datum::Flag(flag) => show_flag(*flag).to_owned(),
        Datum::Number(number) => number.to_string(),
        item => item.text().map(|text| choice_label(fact, text)).unwrap_or_default().to_owned(),
    })))
}

fn show_flag(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn choice_label<'a>(fact: &'a Fact, value: &'a str) -> &'a str {
    match fact.kind() {
        FactKind::Choice(choices) => {
            choices.iter().find(|choice| choice.value == value).map_or(value, |choice| choice.label.untranslated())
        }
        _ => value,
    }
}

fn show_list(mut values: impl Iterator<Item = String>) -> String {
    let mut shown: Vec<String> = values.by_ref().take(MAX_SHOWN_VALUES).map(shorten).collect();
    let more = values.count();
    if more > 0 {
        shown.push(format!("… ({more} more)"));
    }
    shown.join(", ")
}

fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Explanation {
    /// For machines.
    pub fn to_json(&self) -> Value {
        json!({
            "matches": self.matches,
            "reason": self.reason,
            "summary": self.reason.text().untranslated(),
            "conditions": self.conditions.iter().map(ConditionExplanation::to_json).collect::<Vec<_>>(),
            "faults": self.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }
}

impl ConditionExplanation {
    /// For machines.
    pub fn to_json(&self) -> Value {
        json!({
            "fact": self.fact,
            "label": self.label.untranslated(),
            "operator": self.operator,
            "expected": self.expected,
            "actual": self.actual,
            "held": self.held,
            "problem": self.problem.as_ref().map(ToString::to_string),
        })
    }
}

/// The reason, and a line for each condition. Untranslated.
impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.reason.text())?;
        for fault in self.faults.iter().filter(|fault| fault.condition.is_none()) {
            writeln!(f, "- {fault}")?;
        }
        for condition in &self.conditions {
            writeln!(f, "- {condition}")?;
        }
        Ok(())
    }
}

/// What was asked, and the answer. Untranslated.
impl std::fmt::Display for ConditionExplanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.operator {
            Word::Known(operator) => write!(f, "{} {operator}", self.label)?,
            Word::Unknown(name) => write!(f, "{} {name}", self.label)?,
        }
        if let Some(expected) = &self.expected {
            write!(f, " `{expected}`")?;
        }
        match self.held {
            Some(true) => f.write_str(": yes")?,
            Some(false) => f.write_str(": no")?,
            None => f.write_str(": cannot be judged")?,
        }
        match (&self.problem, &self.actual) {
            (Some(problem), _) => write!(f, ", as {problem}"),
            (None, Some(actual)) => write!(f, ", it is `{actual}`"),
            (None, None) => f.write_str(", it has no value"),
        }
    }
}
