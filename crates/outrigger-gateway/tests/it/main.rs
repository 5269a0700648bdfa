//! The gateway over real sockets: what arrives at upstreams, and what comes back.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]
#![expect(clippy::disallowed_methods, reason = "what runs here reads the real clock")]

mod bad_requests;
mod bad_upstreams;
mod life;
#[path = "../node/modules.rs"]
mod modules;
mod node_add_on;
mod proxied;
mod seen;
mod snippets;
mod streaming;
mod tls;
mod world;
