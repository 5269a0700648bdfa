#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod body;
pub mod env_name;
pub mod instances;
pub mod manifest;
pub mod proxied;
pub mod signature;
pub mod sso;
