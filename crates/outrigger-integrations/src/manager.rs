//! The manager: which integrations there are, which of them run, and what their configurations are.

mod asking;
mod builder;
mod editing;
mod freshness;
mod lifecycle;
mod listing;
mod lookup;
mod plugin;
mod purge;
mod queues;
mod registry;
mod running;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, RwLock};

use arc_swap::ArcSwap;
use tokio::sync::watch;

pub(crate) use asking::isolated;
pub use builder::{Builder, Limits};
pub use editing::{Draft, EditError, SaveError, Saved};
pub use freshness::{Freshness, Stale};
pub use lifecycle::{RunState, StopReport};
pub use listing::{Export, Problem, Summary};
pub use lookup::Configs;
pub use plugin::{InstallError, Installed, Plugin, PluginState, PluginStatus, Registrar};
pub use registry::{IntegrationInfo, NotRegistered, RegisterError, Registration};
pub use running::Running;

use crate::delivery::post::Post;
use crate::snapshot::Snapshot;
use crate::{ConfigStore, Context, Host, IntegrationId};
use lifecycle::Slot;

/// Which integrations there are, which of them run, and what their configurations are.
///
/// A host makes one with [`Manager::builder`], registers its integrations, calls [`run`](Manager::run), and passes clones
/// to whoever needs it; they are cheap. Several managers in one process know nothing of each other.
///
/// Reads that handlers make ([`configs`](Manager::configs), [`config`](Manager::config)) come from memory. What is in
/// memory follows the database by itself, also when other processes or other programs write to it.
pub struct Manager<H: Host> {
    shared: Arc<Shared<H>>,
}

struct Shared<H: Host> {
    store: ConfigStore<H>,
    context: Context,
    limits: Limits,
    rows: Option<builder::RowExists>,
    slots: RwLock<Registry<H>>,
    plugins: Mutex<Vec<PluginStatus>>,
    post: Post,
    snapshot: ArcSwap<Snapshot<H>>,
    /// Held by whoever puts another snapshot in the place of one.
    publishing: Mutex<()>,
    reading: freshness::Reading,
    /// Counts what has changed: snapshots, registrations, run states.
    turns: watch::Sender<u64>,
}

struct Registry<H: Host> {
    slots: BTreeMap<IntegrationId, Arc<Slot<H>>>,
    closed: bool,
}

impl<H: Host> Clone for Manager<H> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<H: Host> fmt::Debug for Manager<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager").field("store", &self.shared.store).finish_non_exhaustive()
    }
}

impl<H: Host> Manager<H> {
    /// Where configurations are kept.
    pub fn store(&self) -> &ConfigStore<H> {
        &self.shared.store
    }

    /// The way out, the time and the randomness that integrations are given.
    pub fn context(&self) -> &Context {
        &self.shared.context
    }

    /// Waits until something holds that follows from the snapshot, the registrations or the run states, asking again
    /// whenever one of them changed. It may wait for ever.
    pub async fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        let mut turns = self.shared.turns.subscribe();
        while !holds(self) {
            // The sender is in `self`.
            let _ = turns.changed().await;
        }
    }
}

impl<H: Host> Shared<H> {
    fn turn(&self) {
        self.turns.send_modify(|turn| *turn = turn.wrapping_add(1));
    }
}
