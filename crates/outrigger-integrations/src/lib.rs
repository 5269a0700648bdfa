//! Integrations with third-party services, for any Rust web application.
//!
//! An **integration** is code with an id; each use of it is a **configuration** (many per integration), kept in a
//! **scope**. Host **events** reach integrations, rules choose the configurations that want them, and what is sent out
//! is a **delivery**.
#![warn(missing_docs)]

// What the derives write names this crate, also within it.
extern crate self as outrigger_integrations;

pub mod form;
mod id;
#[cfg(feature = "sql")]
mod outbound;
pub mod rule;
mod scope;
pub mod settings;
mod text;

pub use form::{FieldFaults, FormSchema, Values};
pub use id::{ConfigId, DeliveryId, EventId, IntegrationId, InvalidId, RunId};
#[cfg(feature = "sql")]
pub use outbound::{MAX_ANSWER_BYTES, Outbound, OutboundError, Reply};
pub use outrigger_integrations_derive::{Choice, Settings};
pub use rule::{Facts, RuleSet, Rules};
pub use scope::{InvalidScope, Scope};
pub use settings::{EmailAddress, FieldValue, HttpUrl, HttpsUrl, Secret, Settings};
pub use text::{Catalog, Text, Untranslated};
