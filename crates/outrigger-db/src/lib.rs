//! What everything stored needs, on SQLite and PostgreSQL alike, and no table but its own.
//!
//! * [`Db`] connects and hands out transactions; [`Tx`] is the only way to write.
//! * [`Changes`] tells every process on the same database that something changed.
//! * [`generations`] say by a number whether rows in memory are still true, and which are not.
//! * [`KeyRing`] seals secrets before they are stored; [`Keys`] is the ring of a running process.
//! * [`Job`], [`Jobs`] and [`Worker`] are durable work: named steps, each recorded, each with its undo.
//! * [`Clock`] and [`Entropy`] are time and randomness as arguments, so that all of the above is tested without sleeping.
//!
//! Times are stored as 64-bit Unix milliseconds: of what the two engines can store, only that round-trips equal on both.
#![warn(missing_docs)]

mod changes;
mod clock;
mod connect;
mod dialect;
mod entropy;
pub mod generations;
mod jobs;
mod keys;
mod migrate;
mod seal;
#[cfg(feature = "testing")]
pub mod testing;

pub use changes::{Changes, Watch};
pub use clock::{Clock, ManualClock, SystemClock};
pub use connect::{ConnectError, Db, Engine, Tx};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy, token, uuid_v7};
pub use jobs::{
    Act, Attempt, Backoff, End, Job, JobFilter, JobId, JobState, JobStatus, Jobs, NewJob, Next, Probe, StepError,
    Worker, migrations,
};
pub use keys::Keys;
pub use seal::{KeyError, KeyRing, SealError};
