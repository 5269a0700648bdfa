//! A rule set, ready to be asked.

use super::check::{quoted, unknown_parts};
use super::question::Question;
use super::{FactKind, FactSchema, FactValues, MAX_CONDITIONS, Mode, Problem, RuleFault, RuleSet, WhenBroken, Word};

/// A [`RuleSet`], compiled once and asked about many events. It is `Send` and `Sync`: put it into an `Arc` to share it.
///
/// ```
/// use outrigger_integrations::rule::{Condition, Fact, FactSchema, FactValues, Operator, Ref, RuleSet};
///
/// let schema = FactSchema::new([Fact::of::<Ref>("site").with_kind(
///     outrigger_integrations::rule::FactKind::Reference { to: "site".into() },
/// )]);
/// let mut rules = RuleSet::all([Condition::new("site", Operator::OneOf, vec!["7", "8"])]).compile(&schema);
/// let facts = FactValues::new().with("site", &Ref::new(7, "example.com"));
/// assert!(rules.matches(&facts));
///
/// // Site 8 is removed.
/// rules.mark_gone(|_, id| id != "8");
/// assert_eq!(rules.faults()[0].to_string(), "Condition 1: the site `8` does not exist any more");
/// assert!(!rules.matches(&facts));
/// ```
#[derive(Clone, Debug)]
pub struct CompiledRules {
    pub(super) set: RuleSet,
    pub(super) schema: FactSchema,
    pub(super) mode: Mode,
    /// As in the set; `None` for one that cannot be judged.
    pub(super) questions: Vec<Option<Question>>,
    /// In the order of the conditions.
    faults: Vec<RuleFault>,
}

impl RuleSet {
    /// Makes the rule set ready to be asked. What is wrong with it makes the result broken, see
    /// [`CompiledRules::faults`].
    pub fn compile(&self, schema: &FactSchema) -> CompiledRules {
        let mut faults: Vec<_> =
            self.problems().into_iter().map(|problem| RuleFault { condition: None, problem }).collect();
        let mode = match self.mode {
            Word::Known(mode) => mode,
            Word::Unknown(_) => Mode::All,
        };
        let mut questions = Vec::new();
        if mode != Mode::Always {
            for (at, condition) in self.conditions.iter().take(MAX_CONDITIONS).enumerate() {
                let question = Question::compile(condition, schema);
                questions
                    .push(question.map_err(|problem| faults.push(RuleFault { condition: Some(at), problem })).ok());
            }
        }
        CompiledRules { set: self.clone(), schema: schema.clone(), mode, questions, faults }
    }

    /// What is wrong with it that is not the fault of one condition.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match &self.mode {
            Word::Unknown(name) => problems.push(Problem::UnknownMode(quoted(name))),
            Word::Known(Mode::Always) => {}
            Word::Known(Mode::All | Mode::Any) if self.conditions.is_empty() => problems.push(Problem::NoConditions),
            Word::Known(Mode::All | Mode::Any) => {}
        }
        if let Word::Unknown(name) = &self.when_broken {
            problems.push(Problem::UnknownPart(quoted(name)));
        }
        problems.extend(unknown_parts(&self.rest));
        if self.conditions.len() > MAX_CONDITIONS {
            problems.push(Problem::TooManyConditions(self.conditions.len()));
        }
        problems
    }
}

impl CompiledRules {
    /// Whether the event with these facts is wanted. A broken rule set answers as its author chose.
    pub fn matches(&self, facts: &FactValues) -> bool {
        if self.is_broken() {
            return self.when_broken() == WhenBroken::Match;
        }
        let mut held = self.questions.iter().flatten().map(|question| question.holds(&self.schema, facts));
        match self.mode {
            Mode::Always => true,
            Mode::All => held.all(|held| held),
            Mode::Any => held.any(|held| held),
        }
    }

    /// The rule set that was compiled.
    pub fn set(&self) -> &RuleSet {
        &self.set
    }

    /// Whether it cannot be judged, for the reasons in [`faults`](Self::faults).
    pub fn is_broken(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Why it is broken, in the order of its conditions; nothing if it is sound. To be shown to those who can mend it.
    pub fn faults(&self) -> &[RuleFault] {
        &self.faults
    }

    pub(super) fn into_faults(self) -> Vec<RuleFault> {
        self.faults
    }

    /// What it answers while it is broken.
    pub fn when_broken(&self) -> WhenBroken {
        match self.set.when_broken {
            Word::Known(when_broken) => when_broken,
            Word::Unknown(_) => WhenBroken::default(),
        }
    }

    /// The rows of the host that it refers to: what they are, and their ids. For looking up which of them still exist,
    /// for many rule sets at once.
    pub fn references(&self) -> impl Iterator<Item = (&str, &str)> {
        self.questions.iter().flatten().flat_map(|question| self.references_of(question))
    }

    fn references_of<'a>(&'a self, question: &'a Question) -> impl Iterator<Item = (&'a str, &'a str)> {
        let to = match self.schema.facts()[question.at].kind() {
            FactKind::Reference { to } => Some(to.as_ref()),
            _ => None,
        };
        to.into_iter().flat_map(|to| question.texts().map(move |id| (to, id)))
    }

    /// Asks of each row that the rules refer to whether it exists (what it is, its id), and makes the rules broken if
    /// one does not. Asked again later, it forgets what it was told before.
    pub fn mark_gone(&mut self, exists: impl Fn(&str, &str) -> bool) {
        let mut faults = std::mem::take(&mut self.faults);
        faults.retain(|fault| !matches!(fault.problem, Problem::Gone { .. }));
        for (at, question) in self.questions.iter().enumerate() {
            let references = question.iter().flat_map(|question| self.references_of(question));
            let gone = references.filter(|(to, id)| !exists(to, id)).min();
            faults.extend(gone.map(|(to, id)| RuleFault {
                condition: Some(at),
                problem: Problem::Gone { to: quoted(to), id: quoted(id) },
            }));
        }
        faults.sort_by_key(|fault| fault.condition);
        self.faults = faults;
    }
}
