//! What people do on a surface.

use std::fmt;

/// Something that a program behind a surface hears of. Ids are those of elements, as they are in the definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// The route was entered.
    Load,
    /// A button was pressed.
    Click(String),
    /// A form was sent.
    Submit(String),
    /// The other button of a form was pressed.
    Cancel(String),
    /// Something else was chosen.
    Change(String),
}

impl Event {
    /// The element that it is about.
    pub fn element(&self) -> Option<&str> {
        match self {
            Event::Load => None,
            Event::Click(id) | Event::Submit(id) | Event::Cancel(id) | Event::Change(id) => Some(id),
        }
    }
}

/// For people who read logs.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Load => f.write_str("load"),
            Event::Click(id) => write!(f, "click of `{id}`"),
            Event::Submit(id) => write!(f, "submit of `{id}`"),
            Event::Cancel(id) => write!(f, "cancel of `{id}`"),
            Event::Change(id) => write!(f, "change of `{id}`"),
        }
    }
}
