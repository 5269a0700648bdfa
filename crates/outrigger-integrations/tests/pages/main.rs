//! The pages over real sockets and in a real browser, on the engine that `DATABASE_URL` names.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

mod app;
mod browser;
mod chromium;
mod http;
mod integrations;
mod mounted;
mod pictures;
mod surface;
