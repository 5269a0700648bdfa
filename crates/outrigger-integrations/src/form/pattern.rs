//! What a text has to match.

use regex::{Regex, RegexBuilder};

const LARGEST_PROGRAM: usize = 1 << 20;

/// A regular expression that a text has to match. Matching takes time linear in the text.
///
/// ```
/// use outrigger_integrations::form::Pattern;
///
/// let pattern = Pattern::whole("#[a-z]+")?;
/// assert!(pattern.matches("#builds"));
/// assert!(!pattern.matches("see #builds"));
/// # Ok::<(), outrigger_integrations::form::InvalidPattern>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// A text is not a regular expression that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a regular expression that can be used: {0}")]
pub struct InvalidPattern(String);

impl Pattern {
    /// The whole text has to match, as with HTML's `pattern`.
    ///
    /// # Errors
    /// When it is no regular expression, or too large a one.
    pub fn whole(expression: &str) -> Result<Self, InvalidPattern> {
        // Alone first: otherwise `a)|(b` would be taken, and mean something else.
        Self::within(expression)?;
        Self::within(&format!("^(?:{expression})$"))
    }

    /// Some part of the text has to match, as with JSON Schema's `pattern`.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub fn within(expression: &str) -> Result<Self, InvalidPattern> {
        RegexBuilder::new(expression)
            .size_limit(LARGEST_PROGRAM)
            .dfa_size_limit(LARGEST_PROGRAM)
            .build()
            .map(Self)
            .map_err(|error| InvalidPattern(error.to_string()))
    }

    /// Whether the text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The expression as JSON Schema wants it: it matches a part unless it has anchors.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The expression that the whole text has to match, if that is what was given.
    pub fn as_whole(&self) -> Option<&str> {
        let inner = self.as_str().strip_prefix("^(?:")?.strip_suffix(")$")?;
        // `^(?:a)|(?:b)$` looks the same from outside.
        Self::within(inner).is_ok().then_some(inner)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
