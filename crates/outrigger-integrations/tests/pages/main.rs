//! The pages over real sockets and in a real browser, on the engine that `DATABASE_URL` names.

mod app;
mod browser;
mod chromium;
mod http;
mod integrations;
mod pictures;
