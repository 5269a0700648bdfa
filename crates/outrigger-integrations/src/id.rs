//! The names of integrations, configurations and what belongs to them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

const LONGEST_INTEGRATION_ID: usize = 64;

/// Names an integration, for ever: it is stored with each of its configurations, and renaming the Rust type that has
/// it changes nothing.
///
/// 1 to 64 lower-case letters, digits, `.`, `_` and `-`, beginning with a letter: what every URL and every column
/// accepts. By custom it starts with who wrote the integration.
///
/// ```
/// use outrigger_integrations::IntegrationId;
///
/// const ID: IntegrationId = IntegrationId::new("acme.chat");
/// assert_eq!(ID.as_str(), "acme.chat");
/// assert!("Acme Chat".parse::<IntegrationId>().is_err());
/// ```
///
/// An id that breaks the rule does not compile:
///
/// ```compile_fail
/// use outrigger_integrations::IntegrationId;
///
/// const ID: IntegrationId = IntegrationId::new("Acme Chat");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IntegrationId(Cow<'static, str>);

impl IntegrationId {
    /// The id that a program declares. Use it in a `const`, so that the compiler checks it.
    ///
    /// # Panics
    /// When the text breaks the rule of this type; in a `const` that is a compile error.
    pub const fn new(id: &'static str) -> Self {
        assert!(
            is_integration_id(id.as_bytes()),
            "an integration's id has 1 to 64 of a-z, 0-9, `.`, `_`, `-` and begins with a letter"
        );
        Self(Cow::Borrowed(id))
    }

    /// The text, as stored and as in URLs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_integration_id(id: &[u8]) -> bool {
    if id.is_empty() || id.len() > LONGEST_INTEGRATION_ID || !id[0].is_ascii_lowercase() {
        return false;
    }
    let mut at = 1;
    while at < id.len() {
        if !matches!(id[at], b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-') {
            return false;
        }
        at += 1;
    }
    true
}

impl FromStr for IntegrationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if is_integration_id(text.as_bytes()) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(InvalidId::new(text, "an integration's id"))
        }
    }
}

impl TryFrom<String> for IntegrationId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<IntegrationId> for String {
    fn from(id: IntegrationId) -> String {
        id.0.into_owned()
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidId {
    text: String,
    expected: &'static str,
}

impl InvalidId {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(LONGEST_INTEGRATION_ID).collect(), expected }
    }
}

macro_rules! prefixed_id {
    ($name:ident, $prefix:literal, $what:literal) => {
        #[doc = concat!("Names ", $what, ": `", $prefix, "_` and 32 hexadecimal digits. Sorts by age.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            #[doc = concat!("The id with this value, which should be a UUID of version 7.")]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The value.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = text.strip_prefix(concat!($prefix, "_")).filter(|digits| digits.len() == 32);
                let uuid = digits.and_then(|digits| Uuid::try_parse(digits).ok());
                // Upper-case digits would be a second spelling of the same id.
                uuid.map(Self).filter(|id| id.to_string() == text).ok_or_else(|| InvalidId::new(text, $what))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

prefixed_id!(ConfigId, "cfg", "a configuration");
prefixed_id!(DeliveryId, "dlv", "a delivery");
prefixed_id!(EventId, "evt", "an event");
prefixed_id!(RunId, "run", "a run");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling() {
        let text = "cfg_0193f3a0b5c77aaa8bbb0123456789ab";
        assert_eq!(text.parse::<ConfigId>().unwrap().to_string(), text);
        for bad in ["", "cfg_", "run_0193f3a0b5c77aaa8bbb0123456789ab", "cfg_0193F3A0B5C77AAA8BBB0123456789AB"] {
            assert!(bad.parse::<ConfigId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn integration_ids_fit_urls() {
        for good in ["a", "acme.chat", "acme_chat-2"] {
            assert_eq!(good.parse::<IntegrationId>().unwrap().as_str(), good);
        }
        for bad in ["", "2fast", ".chat", "acme/chat", "acme chat", "Acme", "é", &"a".repeat(65)] {
            assert!(bad.parse::<IntegrationId>().is_err(), "{bad}");
        }
    }
}
