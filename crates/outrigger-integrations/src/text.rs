//! Texts that people read, and their translations.

use std::borrow::Cow;
use std::fmt;

/// A text for people: a key under which a [`Catalog`] may have a translation, and what to say when it has none.
///
/// A text made from a plain string is its own key, as with gettext.
///
/// ```
/// use outrigger_integrations::{Catalog, Text};
/// use std::borrow::Cow;
///
/// struct Danish;
/// impl Catalog for Danish {
///     fn find(&self, key: &str) -> Option<Cow<'_, str>> {
///         (key == "Save").then_some("Gem".into())
///     }
/// }
///
/// assert_eq!(Text::from("Save").show(&Danish), "Gem");
/// assert_eq!(Text::keyed("chat.channel", "Channel").show(&Danish), "Channel");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    key: Cow<'static, str>,
    fallback: Option<Cow<'static, str>>,
}

impl Text {
    /// A text with a key of its own.
    pub const fn keyed(key: &'static str, fallback: &'static str) -> Self {
        Self { key: Cow::Borrowed(key), fallback: Some(Cow::Borrowed(fallback)) }
    }

    /// A text that is its own key. For constants; elsewhere use `From`.
    pub const fn plain(text: &'static str) -> Self {
        Self { key: Cow::Borrowed(text), fallback: None }
    }

    /// The text in the language of the catalog.
    pub fn show<'a>(&'a self, catalog: &'a dyn Catalog) -> Cow<'a, str> {
        catalog.find(&self.key).unwrap_or(Cow::Borrowed(self.untranslated()))
    }

    /// What is said without a translation.
    pub fn untranslated(&self) -> &str {
        self.fallback.as_deref().unwrap_or(&self.key)
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { key: Cow::Owned(text), fallback: None }
    }
}

/// Without a translation.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.untranslated())
    }
}

/// The translations of one language.
pub trait Catalog: Send + Sync {
    /// The translation of the text with this key, if there is one.
    fn find(&self, key: &str) -> Option<Cow<'_, str>>;
}

/// The catalog without translations: texts stay as they were written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Untranslated;

impl Catalog for Untranslated {
    fn find(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
