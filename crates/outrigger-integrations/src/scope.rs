//! Whose configuration it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whose a configuration is, and where an event happened. Every read and write names one: there is no call that
/// returns the configurations of everybody but those for [`Scope::System`].
///
/// The ids are the host's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// The whole installation.
    System,
    /// A team or organisation.
    Account(Box<str>),
    /// A site, project or repository.
    Site(Box<str>),
    /// A person.
    User(Box<str>),
}

/// A kind of scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScopeKind {
    /// The whole installation.
    System,
    /// A team or organisation.
    Account,
    /// A site, project or repository.
    Site,
    /// A person.
    User,
}

impl Scope {
    /// Which kind of scope this is.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Scope::System => ScopeKind::System,
            Scope::Account(_) => ScopeKind::Account,
            Scope::Site(_) => ScopeKind::Site,
            Scope::User(_) => ScopeKind::User,
        }
    }
}

/// The text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope: `system`, `account:ID`, `site:ID` and `user:ID` are")]
pub struct InvalidScope(String);

/// `system`, `account:ID`, `site:ID` or `user:ID`, as stored.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::System => f.write_str("system"),
            Scope::Account(id) => write!(f, "account:{id}"),
            Scope::Site(id) => write!(f, "site:{id}"),
            Scope::User(id) => write!(f, "user:{id}"),
        }
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        match text.split_once(':') {
            None if text == "system" => Ok(Scope::System),
            Some(("account", id)) if !id.is_empty() => Ok(Scope::Account(id.into())),
            Some(("site", id)) if !id.is_empty() => Ok(Scope::Site(id.into())),
            Some(("user", id)) if !id.is_empty() => Ok(Scope::User(id.into())),
            _ => Err(InvalidScope(text.chars().take(64).collect())),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_parse_back() {
        for scope in [Scope::System, Scope::Account("a:b".into()), Scope::Site("1".into()), Scope::User("x".into())] {
            assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
        }
        for bad in ["", "system:", "account:", "planet:earth", "account"] {
            assert!(bad.parse::<Scope>().is_err(), "{bad}");
        }
    }
}
