//! Who did it.

/// Who changed a configuration, for its history.
///
/// ```
/// use outrigger_integrations::Actor;
///
/// let ada = Actor::new("user_7", "Ada");
/// assert_eq!(ada.name, "Ada");
/// assert_eq!(Actor::system().id, "system");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The host's id for them.
    pub id: String,
    /// What people call them. It is kept as it was at the time.
    pub name: String,
}

impl Actor {
    /// Somebody.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into() }
    }

    /// The framework itself.
    pub fn system() -> Self {
        Self::new("system", "System")
    }
}
