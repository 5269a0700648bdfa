//! Deliveries: what integrations send out, kept until it has arrived or is given up.
//!
//! A handler hands messages over; they are stored in the same transaction as the fact that it ran, and sent by a job
//! each, **one configuration at a time in the order they were handed over**. While the first of a configuration is
//! waiting to be tried again, those behind it wait too: a service that is down is asked by one message, not by all.
//! Other configurations are not held up.
//!
//! What becomes of a message after an attempt is said by [`SendError`](crate::SendError) and [`DeliveryPolicy`]:
//!
//! - it **arrived**;
//! - it is **tried again** later, when the other side says or with growing waits;
//! - it is **dead**: refused, or given up after too many attempts or too long a time. It is kept, with its log of
//!   attempts, and can be replayed: it is then sent again under the same id, so that a receiver which knows idempotency
//!   keys does not act on it twice;
//! - its **configuration is switched off**, with a [`Notice`](crate::Notice), as nothing would get through. The message
//!   and those behind it wait until somebody switches it on again.
//!
//! The messages of a disabled configuration wait; those of a deleted one are **cancelled**.
//!
//! Everything that is kept about an attempt has the configuration's secrets blotted out. The messages are sealed.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::store::rows::words;
use crate::{ConfigId, DeliveryId, EventId, IntegrationId, Scope};

mod manage;
pub(crate) mod policy;
pub(crate) mod post;
pub(crate) mod prune;
pub(crate) mod rate;
pub(crate) mod recipient;
pub(crate) mod redact;
pub(crate) mod send;

pub use manage::DeliverError;
pub use policy::DeliveryPolicy;
pub use rate::RateLimit;

words! {
    /// Where a delivery stands.
    #[non_exhaustive]
    pub enum DeliveryState {
        /// In the queue of its configuration, or being sent.
        Waiting = "waiting",
        /// It arrived.
        Delivered = "delivered",
        /// Refused or given up. It can be replayed.
        Dead = "dead",
        /// Taken out of the queue: by a person, because its configuration is gone, or because it waited too long for
        /// a configuration to be switched on.
        Cancelled = "cancelled",
    }
}

words! {
    /// Why there is a delivery.
    #[non_exhaustive]
    pub enum Origin {
        /// A handler heard an event.
        Event = "event",
        /// A person asked for a sample.
        Sample = "sample",
        /// The other side sent something.
        Inbound = "inbound",
        /// A run was started again.
        Rerun = "rerun",
        /// The host handed a message over.
        Host = "host",
    }
}

words! {
    /// How an attempt ended.
    #[non_exhaustive]
    pub enum AttemptOutcome {
        /// It has not ended, or its process did and nobody has looked yet.
        Running = "running",
        /// The message arrived.
        Delivered = "delivered",
        /// It may work later.
        Retry = "retry",
        /// The other side will never take this message.
        Refused = "refused",
        /// The configuration is broken.
        Broken = "broken",
        /// The process ended during it. The message may have arrived.
        Interrupted = "interrupted",
    }
}

/// A message on its way to a third-party service, without the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Delivery {
    /// Its name; also the idempotency key that the other side sees.
    pub id: DeliveryId,
    /// Whose configuration it is for.
    pub scope: Scope,
    /// The configuration.
    pub config: ConfigId,
    /// The integration that sends it.
    pub integration: IntegrationId,
    /// Why there is one.
    pub origin: Origin,
    /// The event that was heard, if that is its origin.
    pub event: Option<EventId>,
    /// The name of that event, for as long as the event is kept.
    pub event_name: Option<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried, also before replays.
    pub attempts: u32,
    /// What went wrong last, or what it is waiting for.
    pub reason: Option<String>,
    /// When it is tried next, if that is known.
    pub next_at: Option<Timestamp>,
    /// When it was last put into the queue: at first or by a replay.
    pub queued_at: Timestamp,
    /// When it was handed over.
    pub created_at: Timestamp,
    /// When it was last looked at.
    pub updated_at: Timestamp,
    /// When it left the queue.
    pub finished_at: Option<Timestamp>,
}

/// A delivery, what is in it and what was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: Delivery,
    /// The message as JSON, secrets of the configuration blotted out; null when it cannot be opened any more.
    pub message: serde_json::Value,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptRecord>,
}

/// What is kept of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// Counted from 1.
    pub number: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The status of the answer, where the protocol has one and there was one.
    pub status: Option<u16>,
    /// What the other side said, or what went wrong.
    pub summary: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, once it has ended.
    pub duration: Option<Duration>,
}

/// Which deliveries to list. The default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Those in this state.
    pub state: Option<DeliveryState>,
}

/// How many deliveries of a configuration were handed over on one day (UTC), by the state they are in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DayCounts {
    /// The day.
    pub day: Date,
    /// Those in the queue.
    pub waiting: u64,
    /// Those that arrived.
    pub delivered: u64,
    /// Dead letters.
    pub dead: u64,
    /// Those that were taken out.
    pub cancelled: u64,
}

/// How a configuration's deliveries are getting on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// When a message last arrived.
    pub delivered_at: Option<Timestamp>,
    /// Since when attempts fail, if the last one did.
    pub failing_since: Option<Timestamp>,
    /// How many attempts have failed since one went well.
    pub failures: u32,
    /// What went wrong last.
    pub reason: Option<String>,
    /// When a fault switched the configuration off. It no longer is if somebody has switched it on since.
    pub switched_off_at: Option<Timestamp>,
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events that all integrations have heard.
    pub events: Duration,
    /// Deliveries that have left the queue, with their attempts, and runs that have ended.
    pub finished: Duration,
    /// Deliveries that wait for a configuration to be switched on again; they are then cancelled.
    pub held: Duration,
    /// Notices.
    pub notices: Duration,
}

impl Default for Retention {
    /// 30 days, notices a year.
    fn default() -> Self {
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        Self { events: month, finished: month, held: month, notices: month * 12 }
    }
}
