//! Rules: which events a configuration wants.

/// The facts that conditions may ask about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FactSchema {}

/// The conditions of one configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {}
