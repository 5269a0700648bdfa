//! An integration that is built from `tests/integration` with the SDK from npm, run as it is: its script in the engine,
//! its function in Node, both against a real platform.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod handlers;
mod limits;
mod platform;
mod sample;
mod surface;
mod twin;
