//! What can be asked about an event.

use std::borrow::Cow;
use std::sync::Arc;

use super::{FactValue, Operator};
use crate::Text;

/// The facts about an event, in the order in which forms offer them. Cheap to clone.
///
/// `#[derive(Facts)]` makes one. It can also be made by hand, for facts that are known only at run time:
///
/// ```
/// use outrigger_integrations::rule::{Fact, FactKind, FactSchema};
///
/// let schema = FactSchema::new([Fact::new("branch", FactKind::Text).labelled("Branch"), Fact::of::<i64>("size")]);
/// assert_eq!(schema.fact("size").unwrap().label().to_string(), "size");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FactSchema(Arc<[Fact]>);

impl FactSchema {
    /// These facts. Of two with the same name only the first can be asked about.
    pub fn new(facts: impl IntoIterator<Item = Fact>) -> Self {
        Self(facts.into_iter().collect())
    }

    /// The facts, in order.
    pub fn facts(&self) -> &[Fact] {
        &self.0
    }

    /// The fact with this name.
    pub fn fact(&self, name: &str) -> Option<&Fact> {
        self.position(name).map(|at| &self.0[at])
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|fact| fact.name == name)
    }
}

/// One thing that can be asked about an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    name: Cow<'static, str>,
    label: Text,
    help: Option<Text>,
    kind: FactKind,
    shape: Shape,
    secret: bool,
}

/// What kind of value a fact has. For a list it is that of its elements.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FactKind {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// One of these.
    Choice(Vec<FactChoice>),
    /// A row of the host, by its id.
    Reference {
        /// What the row is, in the host's word: `repository`.
        to: Cow<'static, str>,
    },
}

/// How many values a fact has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Exactly one.
    One,
    /// One or none.
    Optional,
    /// Any number.
    List,
}

/// One of the values that a fact may have.
#[derive(Clone, Debug, PartialEq)]
pub struct FactChoice {
    /// As stored.
    pub value: Cow<'static, str>,
    /// As shown.
    pub label: Text,
}

impl FactChoice {
    /// A choice.
    pub fn new(value: impl Into<Cow<'static, str>>, label: impl Into<Text>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

impl Fact {
    /// A fact with exactly one value of this kind, labelled with its name.
    pub fn new(name: impl Into<Cow<'static, str>>, kind: FactKind) -> Self {
        let name = name.into();
        let label = match &name {
            Cow::Borrowed(name) => Text::from(*name),
            Cow::Owned(name) => Text::from(name.clone()),
        };
        Self { name, label, help: None, kind, shape: Shape::One, secret: false }
    }

    /// A fact whose value is a `T`.
    pub fn of<T: FactValue>(name: impl Into<Cow<'static, str>>) -> Self {
        Self { shape: T::SHAPE, ..Self::new(name, T::kind()) }
    }

    /// The same, with this label.
    #[must_use]
    pub fn labelled(self, label: impl Into<Text>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// The same, with this explanation below its label.
    #[must_use]
    pub fn explained(self, help: impl Into<Text>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same, of another kind.
    #[must_use]
    pub fn with_kind(self, kind: FactKind) -> Self {
        Self { kind, ..self }
    }

    /// The same, with another number of values.
    #[must_use]
    pub fn with_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The same, with values that no explanation shows.
    #[must_use]
    pub fn hidden(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The name, as stored in rules.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What people call it.
    pub fn label(&self) -> &Text {
        &self.label
    }

    /// What it is, at more length.
    pub fn help(&self) -> Option<&Text> {
        self.help.as_ref()
    }

    /// The kind of its values.
    pub fn kind(&self) -> &FactKind {
        &self.kind
    }

    /// The number of its values.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether explanations hide its values.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// What can be asked of it, in the order in which forms offer it.
    pub fn operators(&self) -> impl Iterator<Item = Operator> + '_ {
        Operator::ALL.into_iter().filter(|operator| operator.fits(self))
    }

    /// Whether it may have no value: it is optional or a list, or a text, which may be empty.
    pub fn may_be_unset(&self) -> bool {
        self.shape != Shape::One || !matches!(self.kind, FactKind::Number | FactKind::Flag)
    }
}
