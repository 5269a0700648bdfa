//! The facts of one event.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{FactKind, FactSchema, Shape};

/// What rules can ask about an event. To be derived.
///
/// Each field becomes a fact with the field's name; its type, a [`FactValue`], decides what can be asked. Its doc
/// comment is its help text, and its label is its name in words. `#[fact(…)]` says otherwise:
///
/// - `label = "…"`, `help = "…"`, `name = "…"`;
/// - `reference = "repository"`: the value is the id of such a row of the host (a [`Ref`], a text or a number);
/// - `choices("open" = "Open", "closed" = "Closed")`: the text is one of these; or `choices = path`, a function that
///   returns them as a `Vec` of [`FactChoice`](super::FactChoice);
/// - `secret`: no explanation shows the value;
/// - `skip`: no fact at all.
///
/// On an enum of plain variants the derive implements [`FactValue`] instead: a choice of them, each stored as its name
/// in snake case and labelled with its name in words, unless `#[fact(name = "…", label = "…")]` says otherwise.
///
/// ```
/// use outrigger_integrations::rule::{FactKind, Facts, Operator, Ref};
///
/// #[derive(Facts)]
/// enum State {
///     Draft,
///     #[fact(label = "Out for review")]
///     Pending,
/// }
///
/// #[derive(Facts)]
/// struct ReviewFacts {
///     /// Where the change is meant to go.
///     #[fact(reference = "repository")]
///     repository: Ref,
///     target_branch: Option<String>,
///     #[fact(label = "Changed files")]
///     files: Vec<String>,
///     lines: u32,
///     state: State,
/// }
///
/// let branch = ReviewFacts::schema().fact("target_branch").unwrap();
/// assert_eq!(branch.label().to_string(), "Target branch");
/// assert!(Operator::IsUnset.fits(branch));
/// ```
///
/// What cannot be a fact does not compile:
///
/// ```compile_fail
/// # use outrigger_integrations::rule::Facts;
/// #[derive(Facts)]
/// struct Measured {
///     share: f64,
/// }
/// ```
///
/// ```compile_fail
/// # use outrigger_integrations::rule::Facts;
/// #[derive(Facts)]
/// enum State {
///     Draft(String),
/// }
/// ```
///
/// ```compile_fail
/// # use outrigger_integrations::rule::Facts;
/// #[derive(Facts)]
/// struct Twice {
///     branch: String,
///     #[fact(name = "branch")]
///     other: String,
/// }
/// ```
pub trait Facts: Send + Sync {
    /// What can be asked.
    fn schema() -> &'static FactSchema;

    /// The answers for this event.
    fn values(&self) -> FactValues;
}

/// A type that a fact can have: texts, whole numbers, `bool`, [`Ref`], enums with `#[derive(Facts)]`, and `Option`
/// and `Vec` of them.
#[diagnostic::on_unimplemented(
    message = "rules cannot ask about a `{Self}`",
    note = "an enum needs `#[derive(Facts)]`; a field that is no fact needs `#[fact(skip)]`"
)]
pub trait FactValue {
    /// How many values it stands for.
    const SHAPE: Shape = Shape::One;

    /// The kind of each value.
    fn kind() -> FactKind;

    /// The value.
    fn datum(&self) -> Datum;
}

/// The value of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Datum {
    /// None.
    Unset,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text, or the stored value of a choice.
    Text(Cow<'static, str>),
    /// A row of the host.
    Reference(Ref),
    /// Several.
    List(Vec<Datum>),
}

/// Names a row of the host: by its id to rules, by its label to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ref {
    id: Box<str>,
    label: Box<str>,
}

impl Ref {
    /// The row with this id. The label is for explanations; rules compare the id only.
    pub fn new(id: impl fmt::Display, label: impl Into<Box<str>>) -> Self {
        Self { id: id.to_string().into(), label: label.into() }
    }

    /// The id, as rules have it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What people call the row.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl Datum {
    /// The same as references: a text or a number becomes the id of a row, which is its label too.
    #[must_use]
    pub fn into_reference(self) -> Self {
        match self {
            Datum::Text(id) => Datum::Reference(Ref { label: id.as_ref().into(), id: id.as_ref().into() }),
            Datum::Number(id) => Datum::Reference(Ref::new(id, id.to_string())),
            Datum::List(items) => Datum::List(items.into_iter().map(Datum::into_reference).collect()),
            datum @ (Datum::Unset | Datum::Flag(_) | Datum::Reference(_)) => datum,
        }
    }

    /// Its values that are set: none, one, or those of the list.
    pub(super) fn items(&self) -> impl Iterator<Item = &Datum> {
        let items = match self {
            Datum::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        items.iter().filter(|item| item.is_set())
    }

    /// The text that operators on texts compare; of a reference it is the id.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Datum::Text(text) => Some(text),
            Datum::Reference(reference) => Some(&reference.id),
            Datum::Unset | Datum::Flag(_) | Datum::Number(_) | Datum::List(_) => None,
        }
    }

    fn is_set(&self) -> bool {
        match self {
            Datum::Unset => false,
            Datum::Flag(_) | Datum::Number(_) => true,
            Datum::Text(_) | Datum::Reference(_) => self.text() != Some(""),
            Datum::List(items) => items.iter().any(Datum::is_set),
        }
    }
}

/// By hand, as a derive would take a list of two texts for the id and the label of a row.
impl<'de> Deserialize<'de> for Datum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Datum::from_json(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Datum {
    fn from_json(value: Value) -> Result<Self, serde_json::Error> {
        match value {
            Value::Null => Ok(Datum::Unset),
            Value::Bool(flag) => Ok(Datum::Flag(flag)),
            Value::Number(_) => serde_json::from_value(value).map(Datum::Number),
            Value::String(text) => Ok(Datum::Text(Cow::Owned(text))),
            Value::Array(items) => items.into_iter().map(Datum::from_json).collect::<Result<_, _>>().map(Datum::List),
            Value::Object(_) => serde_json::from_value(value).map(Datum::Reference),
        }
    }
}

impl FactValue for String {
    fn kind() -> FactKind {
        FactKind::Text
    }

    fn datum(&self) -> Datum {
        Datum::Text(Cow::Owned(self.clone()))
    }
}

impl FactValue for &str {
    fn kind() -> FactKind {
        FactKind::Text
    }

    fn datum(&self) -> Datum {
        Datum::Text(Cow::Owned((*self).to_owned()))
    }
}

impl FactValue for bool {
    fn kind() -> FactKind {
        FactKind::Flag
    }

    fn datum(&self) -> Datum {
        Datum::Flag(*self)
    }
}

impl FactValue for Ref {
    fn kind() -> FactKind {
        FactKind::Reference { to: Cow::Borrowed("") }
    }

    fn datum(&self) -> Datum {
        Datum::Reference(self.clone())
    }
}

macro_rules! whole_numbers {
    ($($number:ty)*) => {$(
        /// A number beyond the range of `i64` counts as the nearest one in it.
        impl FactValue for $number {
            fn kind() -> FactKind {
                FactKind::Number
            }

            fn datum(&self) -> Datum {
                Datum::Number((*self).try_into().unwrap_or(i64::MAX))
            }
        }
    )*};
}

whole_numbers!(i8 i16 i32 i64 u8 u16 u32 u64 usize);

impl<T: FactValue> FactValue for Option<T> {
    const SHAPE: Shape = match T::SHAPE {
        Shape::One | Shape::Optional => Shape::Optional,
        Shape::List => Shape::List,
    };

    fn kind() -> FactKind {
        T::kind()
    }

    fn datum(&self) -> Datum {
        self.as_ref().map_or(Datum::Unset, FactValue::datum)
    }
}

/// A list of lists does not compile.
impl<T: FactValue> FactValue for Vec<T> {
    const SHAPE: Shape = match T::SHAPE {
        Shape::One | Shape::Optional => Shape::List,
        Shape::List => panic!("rules cannot ask about a list of lists"),
    };

    fn kind() -> FactKind {
        T::kind()
    }

    fn datum(&self) -> Datum {
        Datum::List(self.iter().map(FactValue::datum).collect())
    }
}

/// The facts of one event, by name. As JSON it is an object. `Debug` shows the names only, as a fact may be secret.
///
/// ```
/// use outrigger_integrations::rule::{Datum, FactValues};
///
/// let facts = FactValues::new().with("branch", &"main").with("lines", &42);
/// assert_eq!(facts.get("lines"), &Datum::Number(42));
/// assert_eq!(facts.get("author"), &Datum::Unset);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FactValues(Vec<(Cow<'static, str>, Datum)>);

impl FactValues {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with this fact. Of two with one name the first counts.
    #[must_use]
    pub fn with<T: FactValue + ?Sized>(self, name: impl Into<Cow<'static, str>>, value: &T) -> Self {
        self.with_datum(name, value.datum())
    }

    /// The same, with this value of a fact.
    #[must_use]
    pub fn with_datum(mut self, name: impl Into<Cow<'static, str>>, datum: Datum) -> Self {
        self.0.push((name.into(), datum));
        self
    }

    /// The value of the fact with this name, [`Datum::Unset`] if there is none.
    pub fn get(&self, name: &str) -> &Datum {
        self.0.iter().find(|(known, _)| known == name).map_or(&Datum::Unset, |(_, datum)| datum)
    }

    /// The same as `get`, in one step when the fact is where it is in its schema, as is usual.
    pub(super) fn get_at(&self, at: usize, name: &str) -> &Datum {
        match self.0.get(at) {
            Some((known, datum)) if known == name => datum,
            _ => self.get(name),
        }
    }
}

impl fmt::Debug for FactValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Serialize for FactValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, datum) in &self.0 {
            map.serialize_entry(name, datum)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for FactValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let facts = Map::<String, Value>::deserialize(deserializer)?.into_iter();
        let facts = facts.map(|(name, value)| Ok((Cow::Owned(name), Datum::from_json(value)?)));
        facts.collect::<Result<_, _>>().map(Self).map_err(|error: serde_json::Error| D::Error::custom(error))
    }
}
