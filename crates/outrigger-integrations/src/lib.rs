//! Integrations with third-party services, for any Rust web application.
//!
//! An **integration** is code with an id; each use of it is a **configuration** (many per integration), kept in a
//! **scope**. Host **events** reach integrations, rules choose the configurations that want them, and what is sent out
//! is a **delivery**.
#![warn(missing_docs)]

// What the derives write names this crate, also within it.
extern crate self as outrigger_integrations;

#[cfg(feature = "sql")]
mod about;
#[cfg(feature = "sql")]
mod announcement;
#[cfg(feature = "sql")]
mod check;
#[cfg(feature = "sql")]
mod config;
#[cfg(feature = "sql")]
mod context;
#[cfg(feature = "sql")]
mod delivery;
#[cfg(feature = "sql")]
mod dispatch;
#[cfg(feature = "sql")]
mod enablement;
#[cfg(feature = "sql")]
mod event;
#[cfg(feature = "sql")]
mod extra;
#[cfg(feature = "sql")]
mod fault;
pub mod form;
#[cfg(feature = "sql")]
pub mod handler;
#[cfg(feature = "sql")]
mod host;
mod id;
#[cfg(feature = "sql")]
mod inbound;
#[cfg(feature = "sql")]
mod integration;
#[cfg(feature = "sql")]
mod manager;
#[cfg(feature = "sql")]
mod notice;
#[cfg(feature = "sql")]
mod outbound;
#[cfg(feature = "axum")]
pub mod pages;
#[cfg(feature = "sql")]
mod registered;
pub mod rule;
#[cfg(feature = "sql")]
mod run;
mod scope;
pub mod settings;
#[cfg(feature = "sql")]
mod snapshot;
#[cfg(feature = "sql")]
mod start;
#[cfg(feature = "sql")]
mod store;
pub mod surface;
mod text;
pub mod webhook_signature;

#[cfg(feature = "sql")]
pub use about::{About, Icon};
#[cfg(feature = "sql")]
pub use announcement::{Announce, Announcement, Level};
#[cfg(feature = "sql")]
pub use check::{CheckReport, CheckState, Finding};
#[cfg(feature = "sql")]
pub use config::{Config, ConfigOf};
#[cfg(feature = "sql")]
pub use context::Context;
#[cfg(feature = "sql")]
pub use delivery::{
    AttemptOutcome, AttemptRecord, DayCounts, DeliverError, Delivery, DeliveryDetail, DeliveryFilter, DeliveryPolicy,
    DeliveryState, Health, Origin, RateLimit, Retention,
};
#[cfg(feature = "sql")]
pub use dispatch::{EventReport, Hearing, Wanted};
#[cfg(feature = "sql")]
pub use enablement::{Connection, Enablement, EnablementChange, EnablementError, Enablements, KeptConnection};
#[cfg(feature = "sql")]
pub use event::Event;
#[cfg(feature = "sql")]
pub use extra::{Column, ColumnKind, ColumnValue, ExtraColumns};
#[cfg(feature = "sql")]
pub use fault::{Fault, SendError, Sent};
pub use form::{FieldFaults, FormSchema, Values};
#[cfg(feature = "sql")]
pub use host::Host;
pub use id::{ConfigId, DeliveryId, EventId, IntegrationId, InvalidId, RunId};
#[cfg(feature = "sql")]
pub use inbound::{
    Digest, Encoding, InboundReply, InboundRequest, KeySource, MAX_INBOUND_BYTES, PublicKeyAlgorithm, Received,
    SignedContent, Verifier,
};
#[cfg(feature = "sql")]
pub use integration::Integration;
#[cfg(feature = "sql")]
pub use manager::{
    Builder, Configs, Draft, EditError, Export, Freshness, InstallError, Installed, IntegrationInfo, Limits, Manager,
    NotRegistered, Plugin, PluginState, PluginStatus, Problem, RegisterError, Registrar, Registration, RunState,
    Running, SaveError, Saved, Stale, StopReport, Summary,
};
#[cfg(feature = "sql")]
pub use notice::{Notice, NoticeGuard, NoticeKind};
#[cfg(feature = "sql")]
pub use outbound::{MAX_ANSWER_BYTES, Outbound, OutboundError, Reply};
#[cfg(feature = "sql")]
pub use outrigger_integrations_derive::ExtraColumns;
pub use outrigger_integrations_derive::{Choice, Settings};
pub use rule::{Facts, RuleSet, Rules};
#[cfg(feature = "sql")]
pub use run::{Rerun, Run, RunError, RunStatus, RunToken, RunUpdate, StartedRun};
pub use scope::{InvalidScope, Scope, ScopeKind};
pub use settings::{EmailAddress, FieldValue, HttpUrl, HttpsUrl, Secret, Settings};
#[cfg(feature = "sql")]
pub use start::{Heard, Start};
#[cfg(feature = "sql")]
pub use store::{
    Actor, Change, ChangeKind, ConfigStore, Counts, Cursor, FieldChange, HearingState, HistoryPage, InvalidCursor,
    ListFilter, ListState, Page, StoreError, StoredConfig, UnknownWord, extra_column_migration, extra_migrations,
    extra_sql, migrations,
};
pub use text::{Catalog, Text, Untranslated};
