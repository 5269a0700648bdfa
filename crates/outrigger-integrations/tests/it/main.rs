//! The framework from outside, as hosts and integrations use it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod settings;
