//! All configurations in memory, as they were at one generation: immutable, shared, swapped whole.
//!
//! A new snapshot shares with the one before it whatever did not change: a change of one configuration copies one
//! shard of each index on its way, so its cost hardly grows with the number of configurations.

mod chunks;
mod entry;
mod group;
mod sharded;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

pub(crate) use entry::{Entry, Known, Reader};
pub(crate) use group::{Group, ScopeList};
use sharded::Sharded;

use crate::registered::Registered;
use crate::store::{Newer, SealedRow};
use crate::{ConfigId, Host, IntegrationId, Scope};

/// The integrations that are registered.
pub(crate) type Handle<H> = Arc<dyn Registered<H>>;

pub(crate) struct Snapshot<H: Host> {
    generation: Option<i64>,
    hashes: RandomState,
    by_id: Sharded<Arc<Entry<H>>>,
    /// Sorted by id; also those that only have configurations.
    groups: Vec<Arc<Group<H>>>,
}

impl<H: Host> Clone for Snapshot<H> {
    fn clone(&self) -> Self {
        let (hashes, by_id) = (self.hashes.clone(), self.by_id.clone());
        Self { generation: self.generation, hashes, by_id, groups: self.groups.clone() }
    }
}

impl<H: Host> Snapshot<H> {
    /// Before anything was read.
    pub(crate) fn empty() -> Self {
        Self { generation: None, hashes: RandomState::new(), by_id: Sharded::default(), groups: Vec::new() }
    }

    /// The generation at which the database was like this; `None` before it was read.
    pub(crate) fn generation(&self) -> Option<i64> {
        self.generation
    }

    pub(crate) fn groups(&self) -> &[Arc<Group<H>>] {
        &self.groups
    }

    pub(crate) fn group(&self, id: &IntegrationId) -> Option<&Arc<Group<H>>> {
        let at = self.groups.binary_search_by(|group| group.id.as_str().cmp(id.as_str())).ok()?;
        self.groups.get(at)
    }

    /// The configuration, enabled or not.
    pub(crate) fn entry(&self, id: ConfigId) -> Option<&Arc<Entry<H>>> {
        self.by_id.find(key(id), |entry| entry.id == id)
    }

    /// The enabled configurations of an integration in a scope.
    pub(crate) fn enabled<'a>(&self, group: &'a Group<H>, scope: &Scope) -> Option<&'a Arc<ScopeList<H>>> {
        group.scopes.find(self.hashes.hash_one(scope), |list| list.scope == *scope)
    }

    /// This with what was read later. `None` if it was not later: somebody read more slowly than another.
    pub(crate) fn with(&self, newer: Newer<H>, handle: impl Fn(&IntegrationId) -> Option<Handle<H>>) -> Option<Self> {
        let stale = self.generation.is_some_and(|seen| newer.generation <= seen);
        if stale && !newer.whole {
            return None;
        }
        let mut next = match newer.whole {
            true => self.emptied(handle),
            false => self.clone(),
        };
        for (id, row) in newer.rows {
            next.remove(id);
            if let Some(row) = row {
                next.insert(row);
            }
        }
        next.generation = Some(newer.generation);
        Some(next)
    }

    /// The registered integrations without any configuration.
    fn emptied(&self, handle: impl Fn(&IntegrationId) -> Option<Handle<H>>) -> Self {
        let group = |group: &Arc<Group<H>>| handle(&group.id).map(|handle| Group::of(group.id.clone(), Some(handle)));
        let groups = self.groups.iter().filter_map(group).map(Arc::new).collect();
        Self { generation: None, hashes: self.hashes.clone(), by_id: Sharded::default(), groups }
    }

    fn remove(&mut self, id: ConfigId) {
        let Some(old) = self.by_id.take(key(id), |entry| entry.id == id) else { return };
        let hash = self.hashes.hash_one(&old.scope);
        if let Ok(at) = self.groups.binary_search_by(|group| group.id.as_str().cmp(old.integration.as_str())) {
            let group = Arc::make_mut(&mut self.groups[at]);
            group.remove(hash, &old);
            if group.is_unused() {
                self.groups.remove(at);
            }
        }
    }

    fn insert(&mut self, mut row: SealedRow<H>) {
        let hash = self.hashes.hash_one(&row.scope);
        let group = self.group_mut(&row.integration.clone());
        row.integration = group.id.clone();
        let entry = Arc::new(Entry::new(row));
        group.insert(hash, entry.clone());
        self.by_id.put(key(entry.id), entry.clone(), |other| other.id == entry.id);
    }

    fn group_mut(&mut self, id: &IntegrationId) -> &mut Group<H> {
        let at = match self.groups.binary_search_by(|group| group.id.as_str().cmp(id.as_str())) {
            Ok(at) => at,
            Err(at) => {
                self.groups.insert(at, Arc::new(Group::of(Arc::new(id.clone()), None)));
                at
            }
        };
        Arc::make_mut(&mut self.groups[at])
    }

    /// With an integration that can read its configurations. `false` if another one of this id has read some: then
    /// they have to be read from the database again.
    pub(crate) fn attach(&mut self, id: &IntegrationId, handle: Handle<H>) -> bool {
        let group = self.group_mut(id);
        let untouched = !group.was_attached || group.total == 0;
        group.was_attached = true;
        group.handle = untouched.then_some(handle);
        untouched
    }

    /// Without the integration; its configurations stay.
    pub(crate) fn detach(&mut self, id: &IntegrationId) {
        let group = self.group_mut(id);
        group.handle = None;
        if group.is_unused() {
            self.groups.retain(|group| *group.id != *id);
        }
    }
}

/// The random half of the id.
fn key(id: ConfigId) -> u64 {
    id.as_uuid().as_u64_pair().1
}
