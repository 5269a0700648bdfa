//! Names of environment variables.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Names that a build or a local run sets or drops itself, so that a value of an add-on could never be seen
/// (measured with netlify-cli 17).
const RESERVED: [&str; 17] = [
    "BRANCH",
    "CACHED_COMMIT_REF",
    "COMMIT_REF",
    "CONTEXT",
    "HEAD",
    "INCOMING_HOOK_BODY",
    "INCOMING_HOOK_TITLE",
    "INCOMING_HOOK_URL",
    "NETLIFY",
    "NETLIFY_BUILD_BASE",
    "NETLIFY_BUILD_LIFECYCLE_TRIAL",
    "NETLIFY_IMAGES_CDN_DOMAIN",
    "NETLIFY_LOCAL",
    "PULL_REQUEST",
    "REPOSITORY_URL",
    "REVIEW_ID",
    "URL",
];

/// The name of an environment variable: a letter or `_`, then letters, digits and `_` (all ASCII), at most 128 of
/// them, and not a name that the build reserves for itself.
///
/// ```
/// use outrigger_addon::env_name::{EnvName, EnvNameError};
///
/// let name: EnvName = "NOTES_URL".parse()?;
/// assert_eq!(name.as_str(), "NOTES_URL");
/// assert_eq!("2ND".parse::<EnvName>(), Err(EnvNameError::Form));
/// assert_eq!("PULL_REQUEST".parse::<EnvName>(), Err(EnvNameError::Reserved));
/// # Ok::<(), EnvNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EnvName(String);

/// Why a text is not an [`EnvName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnvNameError {
    /// There are characters other than ASCII letters, digits and `_`, or a digit comes first, or there is nothing.
    #[error("a variable's name is a letter or _, then letters, digits and _")]
    Form,
    /// The name is longer than [`EnvName::MAX_LENGTH`].
    #[error("a variable's name has at most {} characters", EnvName::MAX_LENGTH)]
    TooLong,
    /// The build sets or drops this name itself.
    #[error("this variable's name is reserved for the build itself; choose another, best with a prefix of your own")]
    Reserved,
}

impl EnvName {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 128;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the build keeps this name for itself. Case matters, as it does in the environment.
    pub fn is_reserved(name: &str) -> bool {
        RESERVED.contains(&name)
    }

    pub(crate) fn has_form(text: &str) -> bool {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }
}

impl FromStr for EnvName {
    type Err = EnvNameError;

    fn from_str(text: &str) -> Result<Self, EnvNameError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for EnvName {
    type Error = EnvNameError;

    fn try_from(text: String) -> Result<Self, EnvNameError> {
        if !Self::has_form(&text) {
            Err(EnvNameError::Form)
        } else if text.len() > Self::MAX_LENGTH {
            Err(EnvNameError::TooLong)
        } else if Self::is_reserved(&text) {
            Err(EnvNameError::Reserved)
        } else {
            Ok(EnvName(text))
        }
    }
}

impl From<EnvName> for String {
    fn from(name: EnvName) -> String {
        name.0
    }
}

impl AsRef<str> for EnvName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_length_and_reserved_names_are_checked() {
        let check = |text: &str, expected: Result<(), EnvNameError>| {
            assert_eq!(text.parse::<EnvName>().map(|_| ()), expected, "{text:?}");
        };
        check("_a1", Ok(()));
        check("context", Ok(()));
        check(&"A".repeat(128), Ok(()));
        check(&"A".repeat(129), Err(EnvNameError::TooLong));
        check("", Err(EnvNameError::Form));
        check("1A", Err(EnvNameError::Form));
        check("A-B", Err(EnvNameError::Form));
        check("Ä", Err(EnvNameError::Form));
        for name in RESERVED {
            check(name, Err(EnvNameError::Reserved));
        }
    }

    #[test]
    fn json_takes_the_same_rules() {
        assert_eq!(serde_json::to_string(&"A_B".parse::<EnvName>().unwrap()).unwrap(), "\"A_B\"");
        assert!(serde_json::from_str::<EnvName>("\"A B\"").is_err());
    }
}
