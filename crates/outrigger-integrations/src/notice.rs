//! What an owner has to be told.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::store::rows::words;
use crate::{ConfigId, IntegrationId, Scope};

words! {
    /// What a notice is about.
    #[non_exhaustive]
    pub enum NoticeKind {
        /// A configuration was switched off, as no message would get through.
        SwitchedOff = "switched_off",
        /// A message was given up after all its attempts.
        GivenUp = "given_up",
        /// An integration failed to handle an event, and the event was given up.
        EventFailed = "event_failed",
        /// An event was given up because its integration is not installed, or did not run.
        EventUnheard = "event_unheard",
    }
}

/// Something that the owner of a configuration has to be told. It is stored, shown, and handed to
/// [`Manager::on_notice`](crate::Manager::on_notice).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Notice {
    /// Its name. Sorts by age.
    pub id: String,
    /// Who is told.
    pub scope: Scope,
    /// The configuration, if it is about one.
    pub config: Option<ConfigId>,
    /// The integration.
    pub integration: IntegrationId,
    /// What it is about.
    pub kind: NoticeKind,
    /// Why, secrets blotted out.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

type Listener = Arc<dyn Fn(&Notice) + Send + Sync>;

/// Those who listen to notices in this process.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<Mutex<Vec<(u64, Listener)>>>);

impl Listeners {
    pub(crate) fn add(&self, listener: impl Fn(&Notice) + Send + Sync + 'static) -> NoticeGuard {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = listeners.last().map_or(0, |(number, _)| number + 1);
        listeners.push((number, Arc::new(listener)));
        NoticeGuard { listeners: self.clone(), number }
    }

    /// A listener that panics is not our concern, nor that of the other listeners.
    pub(crate) fn tell(&self, notice: &Notice) {
        let listeners: Vec<Listener> = {
            let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.iter().map(|(_, listener)| listener.clone()).collect()
        };
        for listener in listeners {
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| listener(notice))).is_err() {
                tracing::error!(kind = %notice.kind, "a listener to notices panicked");
            }
        }
    }
}

/// Listens for as long as it lives.
#[must_use = "dropping it ends the listening"]
pub struct NoticeGuard {
    listeners: Listeners,
    number: u64,
}

impl std::fmt::Debug for NoticeGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NoticeGuard").finish_non_exhaustive()
    }
}

impl Drop for NoticeGuard {
    fn drop(&mut self) {
        let mut listeners = self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|(number, _)| *number != self.number);
    }
}
