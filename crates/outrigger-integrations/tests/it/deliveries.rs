//! Events, deliveries, runs and inbound webhooks, against real servers and databases.

mod bench;
mod events;
mod inbound;
mod jobs;
mod queue;
mod runs;
mod sending;
mod service;
