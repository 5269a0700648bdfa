//! An event in words, for people in a chat room or with a mailbox.

use serde::{Deserialize, Serialize};

use crate::{Event, Host};

/// An event that can be told to people. An integration that tells people things (chat, e-mail) listens to any event
/// that has this, without knowing the host.
pub trait Announce<H: Host>: Event<H> {
    /// The event in words.
    fn announcement(&self) -> Announcement;
}

/// An event in words: plain text throughout. Each service formats and shortens it as it can.
///
/// ```
/// use outrigger_integrations::{Announcement, Level};
///
/// let paid = Announcement::new("Order 7 was paid").level(Level::Success).field("Amount", "20 EUR");
/// assert_eq!(paid.fields, [("Amount".to_owned(), "20 EUR".to_owned())]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// What happened, in one line.
    pub title: String,
    /// More about it; may be empty, may have several lines.
    #[serde(default)]
    pub text: String,
    /// Where to look.
    #[serde(default)]
    pub url: Option<String>,
    /// How much it matters.
    #[serde(default)]
    pub level: Level,
    /// Facts worth a line of their own: name and value.
    #[serde(default)]
    pub fields: Vec<(String, String)>,
}

/// How much an announcement matters; services show it as a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    #[default]
    Info,
    /// Something went well.
    Success,
    /// Somebody should look.
    Warning,
    /// Something went wrong.
    Error,
}

impl Announcement {
    /// One line.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), text: String::new(), url: None, level: Level::Info, fields: Vec::new() }
    }

    /// With more about it.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// With an address where to look.
    #[must_use]
    pub fn url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// With how much it matters.
    #[must_use]
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// With one more fact.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }
}
