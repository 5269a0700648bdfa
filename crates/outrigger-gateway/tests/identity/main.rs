//! Users' tokens, over real sockets: a gateway, an add-on that tells what it got, and a server of keys.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod harness;
mod key_server;
#[path = "../node/modules.rs"]
mod modules;
mod npm;
mod requests;
