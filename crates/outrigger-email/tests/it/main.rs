//! The integration in conversations with mail servers of all sorts, over real sockets.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod bad_servers;
mod encrypted;
mod end_to_end;
mod host;
mod messages;
mod refusals;
mod server;
