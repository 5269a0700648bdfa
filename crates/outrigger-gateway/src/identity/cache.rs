//! Key sets, as they were last fetched: shared by all threads. One thread at a time asks a server, on its own runtime;
//! should that thread end, the next one that needs the keys asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_local;
use tokio::time::timeout;
use url::Url;

use super::fetch::fetch;
use super::keys::{Key, KeySet};
use super::token::Wanted;
use crate::mounted::Endpoint;
use crate::server::Shared;
use crate::settings::Destination;

/// How many seconds are between two requests to a server, however many made-up keys are asked for.
const PAUSE: i64 = 30;
/// The same after a failure.
const PAUSE_AFTER_FAILURE: i64 = 10;
/// For how many seconds keys that have just become old are used while others are being fetched, so that nobody waits.
const OVERLAP: i64 = 60;
/// How many seconds old keys count after their age, while no new ones can be had.
const GRACE: i64 = 3600;

/// All key sets, by URL.
#[derive(Default)]
pub(crate) struct KeySets(Mutex<HashMap<Url, Arc<KeyCache>>>);

impl KeySets {
    /// The same for all sites with this URL, which was checked when it came into the table.
    pub(super) fn of(&self, url: &Url) -> Arc<KeyCache> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cache) = known.get(url) {
            return cache.clone();
        }
        // Those that nobody uses any more are forgotten when there are twice as many as before.
        if known.len() == known.capacity() {
            known.retain(|_, cache| Arc::strong_count(cache) > 1);
        }
        let cache = Arc::new(KeyCache {
            endpoint: Endpoint::new(url, Destination::Keys).ok(),
            state: Mutex::default(),
            turn: Arc::default(),
        });
        known.insert(url.clone(), cache.clone());
        cache
    }
}

/// One key set.
pub(crate) struct KeyCache {
    endpoint: Option<Endpoint>,
    state: Mutex<State>,
    /// Whoever has it asks the server.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Times are seconds since 1970.
#[derive(Default)]
struct State {
    keys: Option<Kept>,
    /// Not before this is the server asked again.
    next_try: Option<i64>,
    /// Whether it had no keys for us when it was asked last.
    has_failed: bool,
}

struct Kept {
    set: KeySet,
    fetched: i64,
    fresh_until: i64,
}

/// The key for a token.
pub(super) enum Lookup {
    Key(Arc<Key>),
    NoSuchKey,
    /// There is no key set that could be asked.
    NoKeys,
}

/// What there is to be done for a lookup.
enum Step {
    Done(Lookup),
    /// It is answered, but the server should be asked.
    Refresh(Lookup),
    /// Without asking the server there is no answer.
    Fetch,
}

impl State {
    fn step(&self, wanted: &Wanted, now: i64) -> Step {
        // A time far ahead comes from a clock that was set back.
        let may_ask = self.next_try.is_none_or(|next| now >= next || next > now + PAUSE);
        let Some(keys) = self.usable(now) else {
            return if may_ask { Step::Fetch } else { Step::Done(Lookup::NoKeys) };
        };
        match keys.set.find(wanted) {
            Some(key) if may_ask && now >= keys.fresh_until => {
                // One that was taken back must not count again after a quiet hour.
                let may_overlap = now < keys.fresh_until + OVERLAP || self.has_failed;
                if may_overlap { Step::Refresh(Lookup::Key(key)) } else { Step::Fetch }
            }
            Some(key) => Step::Done(Lookup::Key(key)),
            None if may_ask && (now >= keys.fresh_until || keys.set.lacks(wanted)) => Step::Fetch,
            None => Step::Done(Lookup::NoSuchKey),
        }
    }

    fn usable(&self, now: i64) -> Option<&Kept> {
        self.keys.as_ref().filter(|keys| keys.fetched - PAUSE <= now && now < keys.fresh_until + GRACE)
    }

    /// What there is, though more was hoped for.
    fn settle(&self, wanted: &Wanted, now: i64) -> Lookup {
        match self.step(wanted, now) {
            Step::Done(lookup) | Step::Refresh(lookup) => lookup,
            Step::Fetch => self.usable(now).and_then(|keys| keys.set.find(wanted)).map_or(Lookup::NoKeys, Lookup::Key),
        }
    }
}

impl KeyCache {
    pub(super) async fn key_for(self: &Arc<Self>, wanted: &Wanted, shared: &Arc<Shared>) -> Lookup {
        let now = || (shared.surroundings.clock)().as_second();
        let step = self.state().step(wanted, now());
        match step {
            Step::Done(lookup) => lookup,
            Step::Refresh(lookup) => {
                if let Ok(turn) = self.turn.clone().try_lock_owned() {
                    spawn_local(self.clone().refresh(turn, shared.clone()));
                }
                lookup
            }
            Step::Fetch => {
                let asking = async {
                    let turn = self.turn.clone().lock_owned().await;
                    // Whoever had the turn before may have got what is needed.
                    if matches!(self.state().step(wanted, now()), Step::Fetch) {
                        // On its own, so that clients that hang up cannot make us ask again and again.
                        let _ = spawn_local(self.clone().refresh(turn, shared.clone())).await;
                    }
                };
                let _ = timeout(shared.settings.timeouts.keys, asking).await;
                self.state().settle(wanted, now())
            }
        }
    }

    async fn refresh(self: Arc<Self>, _turn: OwnedMutexGuard<()>, shared: Arc<Shared>) {
        let Some(endpoint) = &self.endpoint else { return };
        let fetched = fetch(endpoint, &shared).await;
        let now = (shared.surroundings.clock)().as_second();
        let mut state = self.state();
        state.has_failed = fetched.is_err();
        match fetched {
            Ok((set, age)) => {
                state.keys = Some(Kept { set, fetched: now, fresh_until: now + age });
                state.next_try = Some(now + PAUSE);
            }
            Err(fault) => {
                state.next_try = Some(now + PAUSE_AFTER_FAILURE);
                tracing::warn!(host = &*endpoint.host, %fault, "the keys of users' tokens cannot be fetched");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
