//! Tests whose platform has an SQLite database of its own, whatever DATABASE_URL says: `cargo xtask test` leaves them
//! out of its run on PostgreSQL.

#[path = "../../../outrigger-integrations/tests/pages/chromium.rs"]
#[expect(dead_code, reason = "it does more than these tests ask of it")]
mod chromium;
mod cli;
mod crash;
mod gateway;
mod installed;
mod installed_browser;
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
