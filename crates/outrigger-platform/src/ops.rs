//! Writes that have several steps or several callers. Reads go from a surface straight to the store.

pub mod accounts;
pub mod addons;
pub mod build_hooks;
pub(crate) mod connections;
pub mod env_vars;
pub mod instances;
pub mod plan;
pub mod services;
pub mod sign_in;
pub mod sites;
pub mod tickets;
