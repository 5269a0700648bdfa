//! How a field is edited, and with it what its value may be.

use std::borrow::Cow;

use super::{MAX_TEXT, Pattern};
use crate::Text;
use crate::rule::FactSchema;

/// How a field is edited, and with it what its value may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Widget {
    /// One line of text. A string.
    Text(TextLimits),
    /// Several lines of text. A string.
    TextArea(TextLimits),
    /// An e-mail address. A string.
    Email,
    /// An absolute `http` or `https` URL. A string.
    Url {
        /// Whether `http` is refused.
        https: bool,
    },
    /// A number.
    Number(NumberRange),
    /// An amount and its unit. A number: the amount times the factor of the unit.
    Amount {
        /// The units to choose from, the smallest first. There is at least one.
        units: Vec<Unit>,
        /// The limits of the value, in the unit with the factor 1.
        range: NumberRange,
    },
    /// Yes or no. A boolean.
    Checkbox,
    /// One of some values. A string.
    Select {
        /// What there is to choose from.
        options: Options,
    },
    /// Any number of some values. A list of different strings.
    MultiSelect {
        /// What there is to choose from.
        options: Options,
    },
    /// What is never shown again. A string.
    Secret {
        /// What the secret text has to be: [`Widget::Text`], [`Widget::TextArea`], [`Widget::Url`] or
        /// [`Widget::Email`].
        of: Box<Widget>,
    },
    /// Any number of rows. A list.
    List {
        /// What each row is: a widget of a single value.
        item: Box<Widget>,
        /// The least number of rows.
        min: usize,
        /// The greatest number of rows.
        max: usize,
    },
    /// Any number of keys, each with a text. An object of strings.
    KeyValue {
        /// The greatest number of keys.
        max: usize,
    },
    /// Which events are wanted. The JSON of a [`RuleSet`](crate::rule::RuleSet).
    Rules(&'static FactSchema),
}

/// How long a text may be, and of what it may consist.
#[derive(Clone, Debug, PartialEq)]
pub struct TextLimits {
    /// The least number of characters of a text that is not blank.
    pub min: usize,
    /// The greatest number of characters.
    pub max: usize,
    /// What the text has to match.
    pub pattern: Option<Pattern>,
}

impl Default for TextLimits {
    fn default() -> Self {
        Self { min: 0, max: MAX_TEXT, pattern: None }
    }
}

/// Which numbers a field takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NumberRange {
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// By how much the arrows of the input change it. Not a rule: other numbers are taken.
    pub step: Option<f64>,
    /// Whether only whole numbers are taken.
    pub integer: bool,
}

/// A unit of an amount.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Its name in a post.
    pub name: Cow<'static, str>,
    /// What people see.
    pub label: Text,
    /// How much one of it is.
    pub factor: f64,
}

/// What a selection chooses from.
#[derive(Clone, Debug, PartialEq)]
pub enum Options {
    /// Always the same.
    Static(Vec<Choice>),
    /// What the integration answers when it is asked.
    Dynamic {
        /// The fields on whose values the answer depends.
        depends_on: Vec<Cow<'static, str>>,
    },
}

/// One of the values of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is stored.
    pub value: Cow<'static, str>,
    /// What people see.
    pub label: Text,
}

impl Choice {
    /// A value and what people see of it.
    pub fn new(value: impl Into<Cow<'static, str>>, label: impl Into<Text>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

impl Unit {
    /// Seconds, minutes, hours and days, counted in seconds.
    pub fn of_time() -> Vec<Self> {
        let unit = |name: &'static str, factor| Self { name: name.into(), label: name.into(), factor };
        vec![unit("seconds", 1.0), unit("minutes", 60.0), unit("hours", 3_600.0), unit("days", 86_400.0)]
    }

    /// A value in the greatest unit that makes it a whole number, else in the smallest.
    ///
    /// ```
    /// use outrigger_integrations::form::Unit;
    ///
    /// let units = Unit::of_time();
    /// let (amount, unit) = Unit::split(&units, 5_400.0).unwrap();
    /// assert_eq!((amount, &*unit.name), (90.0, "minutes"));
    /// ```
    pub fn split(units: &[Self], value: f64) -> Option<(f64, &Self)> {
        let whole = |unit: &&Self| value != 0.0 && (value / unit.factor).fract() == 0.0;
        let unit = units.iter().rev().find(whole).or(units.first())?;
        Some((value / unit.factor, unit))
    }
}
