//! All of it on the engine that `DATABASE_URL` names, or on SQLite.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod bench;
mod changes;
mod connect;
mod failing;
mod generations;
mod queue;
mod stopping;
mod working;
