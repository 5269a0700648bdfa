//! The framework from outside, as hosts and integrations use it.

mod settings;
