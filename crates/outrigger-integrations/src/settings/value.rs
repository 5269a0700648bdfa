//! What one field of a settings struct can be.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::Text;
use crate::form::{MAX_ROWS, NumberRange, TextLimits, Unit, Widget};
use crate::rule::RuleSet;

/// The type of one field of a settings struct.
///
/// There are `String`, `bool`, the numbers, [`Duration`], [`EmailAddress`](crate::EmailAddress),
/// [`HttpUrl`](crate::HttpUrl), [`HttpsUrl`](crate::HttpsUrl), enums with `#[derive(Choice)]`, and
/// [`Rules`](crate::rule); [`Secret`](crate::Secret) and `Option` of these, `Vec` of single values, and
/// `BTreeMap<String, String>`. A type of your own usually wraps one of them:
///
/// ```
/// use outrigger_integrations::Text;
/// use outrigger_integrations::form::{TextLimits, Widget};
/// use outrigger_integrations::settings::{FieldValue, Kind};
/// use serde_json::Value;
///
/// #[derive(Clone)]
/// struct Channel(String);
///
/// impl FieldValue for Channel {
///     const KIND: Kind = Kind::Text;
///     fn widget() -> Widget {
///         Widget::Text(TextLimits { max: 80, ..TextLimits::default() })
///     }
///     fn from_json(value: &Value) -> Result<Self, Text> {
///         let name = String::from_json(value)?;
///         if name.starts_with('#') { Ok(Self(name)) } else { Err("A channel begins with #.".into()) }
///     }
///     fn to_json(&self) -> Value {
///         self.0.to_json()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of settings",
    label = "not a `FieldValue`",
    note = "an enum needs `#[derive(Choice)]`; other types implement `FieldValue`"
)]
pub trait FieldValue: Sized + Clone + Send + Sync + 'static {
    /// What sort of value it is: it decides which attributes a field may have.
    const KIND: Kind;

    /// Whether a field of this type has to be filled in when it has no default.
    const REQUIRED: bool = true;

    /// Whether its value is a secret.
    const SECRET: bool = false;

    /// How it is edited unless the field says otherwise.
    fn widget() -> Widget;

    /// The value from its JSON; the JSON of a field that was left blank is `null`.
    ///
    /// # Errors
    /// What is wrong with it, for the person who filled in the form. It must not repeat the value.
    fn from_json(value: &Value) -> Result<Self, Text>;

    /// The JSON to store, with secrets in plain text.
    fn to_json(&self) -> Value;

    /// The JSON to show, in which secrets are `***`.
    fn to_shown(&self) -> Value {
        if Self::SECRET { Value::from("***") } else { self.to_json() }
    }

    /// What may be shown of the value even if it is a secret, so that people can tell it from others.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Which events are wanted, for the type that says that.
    fn rules(&self) -> Option<&RuleSet> {
        None
    }
}

/// The sort of a [`FieldValue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Free text.
    Text,
    /// Text with a form of its own, such as a URL.
    Parsed,
    /// A number.
    Number,
    /// Yes or no.
    Bool,
    /// One of the values of an enum.
    Choice,
    /// Any number of the values of an enum.
    Choices,
    /// A number that has a unit.
    Amount,
    /// Rows.
    List,
    /// Rows of free text.
    TextList,
    /// Keys with texts.
    KeyValue,
    /// Which events are wanted.
    Rules,
}

impl Kind {
    /// Whether it can be a row of a list.
    pub const fn is_single(self) -> bool {
        matches!(self, Self::Text | Self::Parsed | Self::Number | Self::Choice)
    }
}

fn not_text() -> Text {
    Text::plain("This has to be a text.")
}

impl FieldValue for String {
    const KIND: Kind = Kind::Text;

    fn widget() -> Widget {
        Widget::Text(TextLimits::default())
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        value.as_str().map(str::to_owned).ok_or_else(not_text)
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }
}

impl FieldValue for bool {
    const KIND: Kind = Kind::Bool;
    const REQUIRED: bool = false;

    fn widget() -> Widget {
        Widget::Checkbox
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        match value {
            Value::Null => Ok(false),
            value => value.as_bool().ok_or(Text::plain("This has to be yes or no.")),
        }
    }

    fn to_json(&self) -> Value {
        Value::from(*self)
    }
}

macro_rules! whole_numbers {
    ($($number:ty: $limits:expr),* $(,)?) => { $(
        impl FieldValue for $number {
            const KIND: Kind = Kind::Number;

            fn widget() -> Widget {
                let (min, max) = $limits;
                Widget::Number(NumberRange { min, max, step: None, integer: true })
            }

            fn from_json(value: &Value) -> Result<Self, Text> {
                let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
                // 5.0 is what some JSON writers make of 5.
                let number = number.or_else(|| value.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15).map(|float| float as i128));
                let number = number.ok_or(Text::plain("This has to be a whole number."))?;
                number.try_into().map_err(|_| Text::plain("This number is out of range."))
            }

            fn to_json(&self) -> Value {
                Value::from(*self)
            }
        }
    )* };
}

whole_numbers! {
    u8: (Some(0.0), Some(255.0)),
    u16: (Some(0.0), Some(65_535.0)),
    u32: (Some(0.0), Some(4_294_967_295.0)),
    u64: (Some(0.0), None),
    i8: (Some(-128.0), Some(127.0)),
    i16: (Some(-32_768.0), Some(32_767.0)),
    i32: (Some(-2_147_483_648.0), Some(2_147_483_647.0)),
    i64: (None, None),
}

impl FieldValue for f64 {
    const KIND: Kind = Kind::Number;

    fn widget() -> Widget {
        Widget::Number(NumberRange::default())
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        value.as_f64().filter(|number| number.is_finite()).ok_or(Text::plain("This has to be a number."))
    }

    fn to_json(&self) -> Value {
        Value::from(*self)
    }
}

/// In seconds, as JSON; a fraction of a second is kept to the nanosecond.
impl FieldValue for Duration {
    const KIND: Kind = Kind::Amount;

    fn widget() -> Widget {
        let range = NumberRange { min: Some(0.0), max: None, step: None, integer: false };
        Widget::Amount { units: Unit::of_time(), range }
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        if let Some(seconds) = value.as_u64() {
            return Ok(Self::from_secs(seconds));
        }
        let seconds = value.as_f64().ok_or(Text::plain("This has to be a length of time."))?;
        Self::try_from_secs_f64(seconds).map_err(|_| Text::plain("This length of time is out of range."))
    }

    fn to_json(&self) -> Value {
        if self.subsec_nanos() == 0 { Value::from(self.as_secs()) } else { Value::from(self.as_secs_f64()) }
    }
}

/// A field that may be left blank.
impl<T: FieldValue> FieldValue for Option<T> {
    const KIND: Kind = {
        assert!(T::REQUIRED, "this type can be blank by itself: leave the `Option` out");
        T::KIND
    };
    const REQUIRED: bool = false;
    const SECRET: bool = T::SECRET;

    fn widget() -> Widget {
        T::widget()
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        if value.is_null() || value.as_str() == Some("") { Ok(None) } else { T::from_json(value).map(Some) }
    }

    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }

    fn to_shown(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_shown)
    }

    fn hint(&self) -> Option<String> {
        self.as_ref().and_then(T::hint)
    }

    fn rules(&self) -> Option<&RuleSet> {
        self.as_ref().and_then(T::rules)
    }
}

/// Rows; of an enum, any number of its values.
impl<T: FieldValue> FieldValue for Vec<T> {
    const KIND: Kind = {
        assert!(
            T::KIND.is_single() && T::REQUIRED && !T::SECRET,
            "a list has rows of single values that are no secrets"
        );
        match T::KIND {
            Kind::Choice => Kind::Choices,
            Kind::Text => Kind::TextList,
            _ => Kind::List,
        }
    };
    const REQUIRED: bool = false;

    fn widget() -> Widget {
        match T::widget() {
            Widget::Select { options } => Widget::MultiSelect { options },
            item => Widget::List { item: Box::new(item), min: 0, max: MAX_ROWS },
        }
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Array(rows) => rows.iter().map(T::from_json).collect(),
            _ => Err("This has to be a list.".into()),
        }
    }

    fn to_json(&self) -> Value {
        self.iter().map(T::to_json).collect()
    }
}

impl FieldValue for BTreeMap<String, String> {
    const KIND: Kind = Kind::KeyValue;
    const REQUIRED: bool = false;

    fn widget() -> Widget {
        Widget::KeyValue { max: MAX_ROWS }
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Object(rows) => {
                rows.iter().map(|(key, value)| Ok((key.clone(), String::from_json(value)?))).collect()
            }
            _ => Err("These have to be keys with texts.".into()),
        }
    }

    fn to_json(&self) -> Value {
        self.iter().map(|(key, value)| (key.clone(), value.to_json())).collect()
    }
}
