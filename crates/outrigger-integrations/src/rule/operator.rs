//! What can be asked of a fact.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Fact, FactKind, Shape};
use crate::Text;

/// What a condition asks of a fact. What each means for unset facts and lists is told in the [module](super).
///
/// Stored as its name in snake case: `is_not`, `starts_with`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operator {
    /// It equals the value.
    Is,
    /// It does not equal the value.
    IsNot,
    /// It equals one of the values.
    OneOf,
    /// It equals none of the values.
    NoneOf,
    /// The value is a part of it: of a text, or of a list.
    Contains,
    /// The value is no part of it.
    DoesNotContain,
    /// One of the values is a part of it.
    ContainsAny,
    /// None of the values is a part of it.
    ContainsNone,
    /// It begins with the value.
    StartsWith,
    /// It ends with the value.
    EndsWith,
    /// It has any value at all.
    IsSet,
    /// It has no value.
    IsUnset,
    /// It is greater than the value.
    GreaterThan,
    /// It is less than the value.
    LessThan,
    /// The value, a pattern, is found in it.
    Matches,
    /// The value, a pattern, is not found in it.
    DoesNotMatch,
}

use Operator::*;

impl Operator {
    /// All of them, in the order in which forms offer them.
    pub const ALL: [Operator; 16] = [
        Is,
        IsNot,
        OneOf,
        NoneOf,
        Contains,
        DoesNotContain,
        ContainsAny,
        ContainsNone,
        StartsWith,
        EndsWith,
        Matches,
        DoesNotMatch,
        GreaterThan,
        LessThan,
        IsSet,
        IsUnset,
    ];

    /// The name under which it is stored, and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Is => "is",
            IsNot => "is_not",
            OneOf => "one_of",
            NoneOf => "none_of",
            Contains => "contains",
            DoesNotContain => "does_not_contain",
            ContainsAny => "contains_any",
            ContainsNone => "contains_none",
            StartsWith => "starts_with",
            EndsWith => "ends_with",
            IsSet => "is_set",
            IsUnset => "is_unset",
            GreaterThan => "greater_than",
            LessThan => "less_than",
            Matches => "matches",
            DoesNotMatch => "does_not_match",
        }
    }

    /// The operator with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.name() == name)
    }

    /// How people read it, between the label of a fact and a value.
    pub const fn label(self) -> Text {
        match self {
            Is => Text::keyed("rule.operator.is", "is"),
            IsNot => Text::keyed("rule.operator.is_not", "is not"),
            OneOf => Text::keyed("rule.operator.one_of", "is one of"),
            NoneOf => Text::keyed("rule.operator.none_of", "is none of"),
            Contains => Text::keyed("rule.operator.contains", "contains"),
            DoesNotContain => Text::keyed("rule.operator.does_not_contain", "does not contain"),
            ContainsAny => Text::keyed("rule.operator.contains_any", "contains any of"),
            ContainsNone => Text::keyed("rule.operator.contains_none", "contains none of"),
            StartsWith => Text::keyed("rule.operator.starts_with", "starts with"),
            EndsWith => Text::keyed("rule.operator.ends_with", "ends with"),
            IsSet => Text::keyed("rule.operator.is_set", "has any value"),
            IsUnset => Text::keyed("rule.operator.is_unset", "has no value"),
            GreaterThan => Text::keyed("rule.operator.greater_than", "is greater than"),
            LessThan => Text::keyed("rule.operator.less_than", "is less than"),
            Matches => Text::keyed("rule.operator.matches", "matches the pattern"),
            DoesNotMatch => Text::keyed("rule.operator.does_not_match", "does not match the pattern"),
        }
    }

    /// The operator that holds exactly when this one does not, where there is one.
    pub const fn negation(self) -> Option<Self> {
        match self {
            Is => Some(IsNot),
            IsNot => Some(Is),
            OneOf => Some(NoneOf),
            NoneOf => Some(OneOf),
            Contains => Some(DoesNotContain),
            DoesNotContain => Some(Contains),
            ContainsAny => Some(ContainsNone),
            ContainsNone => Some(ContainsAny),
            IsSet => Some(IsUnset),
            IsUnset => Some(IsSet),
            Matches => Some(DoesNotMatch),
            DoesNotMatch => Some(Matches),
            StartsWith | EndsWith | GreaterThan | LessThan => None,
        }
    }

    /// Whether it is the negation of a positive question.
    pub const fn is_negative(self) -> bool {
        matches!(self, IsNot | NoneOf | DoesNotContain | ContainsNone | IsUnset | DoesNotMatch)
    }

    /// Whether its value is a list.
    pub const fn takes_several(self) -> bool {
        matches!(self, OneOf | NoneOf | ContainsAny | ContainsNone)
    }

    /// Whether it is asked without a value.
    pub const fn takes_none(self) -> bool {
        matches!(self, IsSet | IsUnset)
    }

    /// Whether it can be asked of the fact.
    pub fn fits(self, fact: &Fact) -> bool {
        let list = fact.shape() == Shape::List;
        match self {
            IsSet | IsUnset => fact.may_be_unset(),
            Is | IsNot => true,
            OneOf | NoneOf => !matches!(fact.kind(), FactKind::Flag),
            Contains | DoesNotContain | ContainsAny | ContainsNone => {
                matches!(fact.kind(), FactKind::Text) || (list && !matches!(fact.kind(), FactKind::Flag))
            }
            StartsWith | EndsWith | Matches | DoesNotMatch => matches!(fact.kind(), FactKind::Text),
            GreaterThan | LessThan => matches!(fact.kind(), FactKind::Number),
        }
    }
}

/// Its [label](Operator::label), untranslated.
impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.label().fmt(f)
    }
}
