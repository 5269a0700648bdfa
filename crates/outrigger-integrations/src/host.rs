//! What the application that embeds the framework says about itself.

use crate::ExtraColumns;
use crate::rule::Facts;

/// The application that integrations live in: a type without values that names its other types.
pub trait Host: Send + Sync + 'static {
    /// What rules of its configurations are about: one description for all of its events, with `Option` fields for
    /// what some of them do not have.
    type Facts: Facts;
    /// Columns of its own on every configuration; `()` for none.
    type Extra: ExtraColumns;
}
