//! Keeping the snapshot true.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::{Manager, Shared};
use crate::{Host, StoreError};

/// A whole reading may take longer than a look at what changed.
const WHOLE: Duration = Duration::from_secs(60);

/// How true the configurations in memory are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freshness {
    /// Which state of the database is in memory; `None` before it was read for the first time.
    pub generation: Option<i64>,
    /// Why it may be out of date, while the database cannot be asked.
    pub stale: Option<Stale>,
}

/// Since when and why the database could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stale {
    /// Since when.
    pub since: Timestamp,
    /// What happened.
    pub reason: String,
}

#[derive(Default)]
pub(super) struct Reading {
    /// One at a time: the second then finds that there is nothing left to read.
    turn: tokio::sync::Mutex<()>,
    stale: Mutex<Option<Stale>>,
    /// The next reading has to be a whole one.
    again: AtomicBool,
}

impl<H: Host> Manager<H> {
    /// How true the configurations in memory are. While the database is away they stay as they were last seen; they
    /// follow it by themselves when it is back.
    pub fn freshness(&self) -> Freshness {
        let stale = self.shared.reading.stale.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Freshness { generation: self.shared.snapshot.load().generation(), stale }
    }

    /// Reads what has changed in the database. [`run`](Manager::run) does so by itself; a host calls this once before
    /// it serves, so that no request comes before the configurations.
    ///
    /// # Errors
    /// When the database cannot be read. What is in memory stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.shared.refresh().await
    }
}

impl<H: Host> Shared<H> {
    pub(super) async fn refresh(&self) -> Result<(), StoreError> {
        let _turn = self.reading.turn.lock().await;
        let outcome = self.read_newer().await;
        self.note(outcome.as_ref().err());
        outcome
    }

    async fn read_newer(&self) -> Result<(), StoreError> {
        let again = self.reading.again.swap(false, Ordering::SeqCst);
        let seen = self.snapshot.load().generation().filter(|_| !again);
        let limit = if seen.is_some() { self.limits.answer } else { WHOLE.max(self.limits.answer) };
        let read = tokio::time::timeout(limit, self.store.newer_anywhere(seen)).await;
        let read = read.unwrap_or_else(|_| Err(StoreError::NoAnswer));
        let newer = read.inspect_err(|_| {
            self.reading.again.fetch_or(again, Ordering::SeqCst);
        })?;
        let Some(newer) = newer else { return Ok(()) };
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.snapshot.load().with(newer, |id| self.handle(id));
        if let Some(next) = next {
            self.snapshot.store(next.into());
            self.turn();
        }
        Ok(())
    }

    pub(super) fn read_again(&self) {
        self.reading.again.store(true, Ordering::SeqCst);
    }

    pub(super) fn must_read_again(&self) -> bool {
        self.reading.again.load(Ordering::SeqCst)
    }

    fn note(&self, error: Option<&StoreError>) {
        let mut stale = self.reading.stale.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = match (&*stale, error) {
            (None, Some(error)) => {
                tracing::warn!(%error, "configurations cannot be read; those in memory stay in use");
                *stale = Some(Stale { since: self.store.now(), reason: error.to_string() });
                true
            }
            (Some(_), None) => {
                tracing::info!("configurations can be read again");
                *stale = None;
                true
            }
            _ => false,
        };
        drop(stale);
        if changed {
            self.turn();
        }
    }
}
