//! The binary as people run it: `demo`, our own CLI, the unmodified netlify CLI, and kill -9.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod alternator;
mod cli;
mod demo;
mod netlify;
mod netlify_login;
mod node;
mod nodes;
mod on_sqlite;
mod terminal;
