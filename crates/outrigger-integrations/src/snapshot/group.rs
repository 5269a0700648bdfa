//! The configurations of one integration.

use std::sync::Arc;

use super::chunks::Chunks;
use super::sharded::Sharded;
use super::{Entry, Handle};
use crate::{Host, IntegrationId, Scope};

pub(crate) struct Group<H: Host> {
    /// One text for all of its configurations.
    pub(crate) id: Arc<IntegrationId>,
    /// What reads them; none while the integration is not installed.
    pub(crate) handle: Option<Handle<H>>,
    /// Whether one has ever been installed since they were read from the database.
    pub(super) was_attached: bool,
    /// The scopes that have enabled ones.
    pub(super) scopes: Sharded<Arc<ScopeList<H>>>,
    pub(crate) total: usize,
    pub(crate) enabled: usize,
}

/// The enabled configurations of one integration in one scope, oldest first.
pub(crate) struct ScopeList<H: Host> {
    pub(super) scope: Scope,
    pub(crate) entries: Chunks<Arc<Entry<H>>>,
}

impl<H: Host> Clone for Group<H> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            handle: self.handle.clone(),
            was_attached: self.was_attached,
            scopes: self.scopes.clone(),
            total: self.total,
            enabled: self.enabled,
        }
    }
}

impl<H: Host> Clone for ScopeList<H> {
    fn clone(&self) -> Self {
        Self { scope: self.scope.clone(), entries: self.entries.clone() }
    }
}

impl<H: Host> Group<H> {
    pub(super) fn of(id: Arc<IntegrationId>, handle: Option<Handle<H>>) -> Self {
        let was_attached = handle.is_some();
        Self { id, handle, was_attached, scopes: Sharded::default(), total: 0, enabled: 0 }
    }

    /// Neither installed nor configured.
    pub(super) fn is_unused(&self) -> bool {
        self.handle.is_none() && self.total == 0
    }

    pub(super) fn insert(&mut self, hash: u64, entry: Arc<Entry<H>>) {
        self.total += 1;
        if !entry.enabled {
            return;
        }
        self.enabled += 1;
        let is = |list: &Arc<ScopeList<H>>| list.scope == entry.scope;
        match self.scopes.find_mut(hash, is) {
            Some(list) => Arc::make_mut(list).entries.insert(entry, |entry| entry.id),
            None => {
                let mut list = ScopeList { scope: entry.scope.clone(), entries: Chunks::default() };
                list.entries.insert(entry.clone(), |entry| entry.id);
                self.scopes.put(hash, Arc::new(list), is);
            }
        }
    }

    pub(super) fn remove(&mut self, hash: u64, entry: &Entry<H>) {
        self.total -= 1;
        if !entry.enabled {
            return;
        }
        self.enabled -= 1;
        let is = |list: &Arc<ScopeList<H>>| list.scope == entry.scope;
        let Some(list) = self.scopes.find_mut(hash, is) else { return };
        let list = Arc::make_mut(list);
        list.entries.remove(&entry.id, |entry| entry.id);
        if list.entries.is_empty() {
            self.scopes.take(hash, is);
        }
    }
}
