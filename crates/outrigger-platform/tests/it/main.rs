//! The platform over real sockets: a real server, a real database (SQLite, or the PostgreSQL server that DATABASE_URL
//! names), and a real add-on that can be told to misbehave.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod addons;
mod app;
mod bad_input;
mod build_hooks;
mod connections;
mod contract;
mod dashboard;
mod env_vars;
mod failure_matrix;
mod gateway;
mod hostile_input;
mod integration_api;
mod integrations;
mod invariants;
mod jobs;
mod lifecycle;
mod logs;
mod nodes;
mod provider;
mod races;
mod secrets;
mod set_up;
mod surfaces;
mod tenants;
mod upstash;
mod visibility;
