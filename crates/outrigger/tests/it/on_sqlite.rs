//! Tests whose platform has an SQLite database of its own, whatever DATABASE_URL says: `cargo xtask test` leaves them
//! out of its run on PostgreSQL.

mod cli;
mod crash;
mod integrations;
mod json;
mod life;
mod netlify;
mod printed;
mod prompts;
mod sign_in;
mod upstash;
mod upstash_emulator;
mod wrong_input;
