//! The Outrigger server. `router` lists every URL, `api` and `dashboard` answer them, `gateway` keeps what answers for
//! the sites true, `ops` holds the writes that have several steps, `jobs` what must not be lost, `provider_client` the
//! calls to partners, `store` the SQL.

pub mod api;
pub mod app;
pub mod auth;
pub mod client_address;
pub mod config;
pub mod dashboard;
pub mod env_owners;
mod error;
pub mod events;
pub mod gateway;
mod jobs;
mod limits;
mod metrics;
mod oauth_client;
pub mod ops;
mod provider_client;
pub mod router;
pub mod server;
pub mod store;
pub mod urls;

pub use error::{ApiError, ErrorBody, FieldError};
pub use jobs::{schedule_prune, worker};
