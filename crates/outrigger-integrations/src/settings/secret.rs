//! Values that are never shown.

use std::fmt;

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretBox};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{FieldValue, Kind};
use crate::Text;
use crate::form::Widget;

/// A value that is never shown: `Debug`, `Display` and `Serialize` say `***`, forms do not repeat it, the store seals
/// it, and its memory is wiped when it goes. Only [`expose`](Self::expose) gives it out.
///
/// ```
/// use outrigger_integrations::Secret;
///
/// let token = Secret::new("t0ken".to_owned());
/// assert_eq!(format!("{token} {token:?}"), "*** ***");
/// assert_eq!(serde_json::to_string(&token)?, r#""***""#);
/// assert_eq!(token.expose(), "t0ken");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct Secret<T: Zeroize = String>(SecretBox<T>);

impl<T: Zeroize> Secret<T> {
    /// Wraps the value.
    pub fn new(value: T) -> Self {
        Self(SecretBox::new(Box::new(value)))
    }

    /// The value itself. What takes it from here must not log it.
    pub fn expose(&self) -> &T {
        self.0.expose_secret()
    }
}

impl<T: FieldValue + Zeroize> Secret<T> {
    /// What may be shown of it: of a URL the scheme and the host, of anything else nothing.
    ///
    /// ```
    /// use outrigger_integrations::{HttpsUrl, Secret};
    ///
    /// let webhook: HttpsUrl = "https://hooks.example.com/services/T0/B0/x".parse()?;
    /// assert_eq!(Secret::new(webhook).redacted(), "https://hooks.example.com/***");
    /// # Ok::<(), outrigger_integrations::Text>(())
    /// ```
    pub fn redacted(&self) -> String {
        self.expose().hint().unwrap_or_else(|| "***".to_owned())
    }
}

impl<T: Zeroize + Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self::new(self.expose().clone())
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Zeroize> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Zeroize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl<T: FieldValue + Zeroize> FieldValue for Secret<T> {
    const KIND: Kind = {
        assert!(
            matches!(T::KIND, Kind::Text | Kind::Parsed) && T::REQUIRED && !T::SECRET,
            "a secret is a text, a URL or an e-mail address; one that may be blank is an `Option<Secret<..>>`"
        );
        T::KIND
    };
    const SECRET: bool = true;

    fn widget() -> Widget {
        Widget::Secret { of: Box::new(T::widget()) }
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        T::from_json(value).map(Self::new)
    }

    fn to_json(&self) -> Value {
        self.expose().to_json()
    }

    fn hint(&self) -> Option<String> {
        self.expose().hint()
    }
}
