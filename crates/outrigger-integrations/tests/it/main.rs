//! The framework from outside, as hosts and integrations use it, on the engine that `DATABASE_URL` names or on SQLite.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

#[cfg(feature = "sql")]
mod configs;
#[cfg(feature = "sql")]
mod deliveries;
#[cfg(feature = "sql")]
mod enablements;
mod freshness;
#[cfg(feature = "sql")]
mod host;
#[cfg(feature = "sql")]
mod lifecycle;
#[cfg(feature = "sql")]
mod lists;
#[cfg(feature = "sql")]
mod parity;
#[cfg(feature = "sql")]
mod processes;
#[cfg(feature = "sql")]
mod references;
mod registry;
mod settings;
#[cfg(feature = "sql")]
mod shown;
