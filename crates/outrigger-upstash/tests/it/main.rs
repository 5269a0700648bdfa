//! The emulator over sockets, and the client of the developer API against it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod account;
mod client;
mod developer;
mod faults;
mod rest;
mod snippets;
