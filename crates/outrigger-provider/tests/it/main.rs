//! The SDK over real sockets, called as a platform calls it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod endpoint;
mod fixture;
mod management;
mod proof;
