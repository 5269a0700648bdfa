//! Step 1: what the board tells the framework about itself.

use std::fmt;

// [guide: host]
use outrigger_integrations::{ExtraColumns, Facts, Host, Settings};
use serde::{Deserialize, Serialize};

/// The application, as the framework sees it.
pub struct Board;

impl Host for Board {
    type Facts = ReviewFacts;
    type Extra = Owned;
}

/// What the rules of a configuration can ask about any event of the board.
#[derive(Facts)]
pub struct ReviewFacts {
    /// Where the code is kept.
    pub repository: String,
    pub branch: String,
    /// The sign-in name of whoever asked for the review.
    pub author: String,
    /// How far the review is, once the event has happened.
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Facts)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Open,
    Approved,
    Closed,
}
// [end]

impl State {
    /// As it is stored and shown.
    pub(crate) fn word(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Approved => "approved",
            State::Closed => "closed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

// [guide: extra]
/// The board's own columns on every configuration.
#[derive(Clone, Default, Settings, ExtraColumns)]
pub struct Owned {
    /// The sign-in name of the person who answers for it. When that person is removed, so is the configuration.
    #[field(label = "Owner", max_len = 40)]
    #[column(references = "person(id) ON DELETE CASCADE")]
    pub owner: Option<String>,
}
// [end]
