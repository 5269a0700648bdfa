//! A map whose copies share what they have in common.

use std::sync::Arc;

const SHARDS: u64 = 512;

/// Values by a number that is as good as random. Two values may have the same number; the caller tells them apart.
///
/// A change copies one shard of up to some hundreds of pointers; a second change to the same copy copies nothing.
pub(super) struct Sharded<V> {
    /// All of them, or none in a map that never had a value; each sorted by number.
    shards: Vec<Shard<V>>,
}

type Shard<V> = Arc<Vec<(u64, V)>>;

impl<V> Default for Sharded<V> {
    fn default() -> Self {
        Self { shards: Vec::new() }
    }
}

impl<V: Clone> Clone for Sharded<V> {
    fn clone(&self) -> Self {
        Self { shards: self.shards.clone() }
    }
}

fn shard(key: u64) -> usize {
    usize::try_from(key % SHARDS).unwrap_or(0)
}

fn place<V>(values: &[(u64, V)], key: u64, is: impl Fn(&V) -> bool) -> Result<usize, usize> {
    let first = values.partition_point(|(other, _)| *other < key);
    let mut same = (first..values.len()).take_while(|at| values[*at].0 == key);
    same.find(|at| is(&values[*at].1)).ok_or(first)
}

impl<V: Clone> Sharded<V> {
    pub(super) fn find(&self, key: u64, is: impl Fn(&V) -> bool) -> Option<&V> {
        let values = self.shards.get(shard(key))?;
        place(values, key, is).ok().map(|at| &values[at].1)
    }

    pub(super) fn find_mut(&mut self, key: u64, is: impl Fn(&V) -> bool) -> Option<&mut V> {
        let values = self.shards.get_mut(shard(key))?;
        let at = place(values, key, is).ok()?;
        Some(&mut Arc::make_mut(values)[at].1)
    }

    pub(super) fn put(&mut self, key: u64, value: V, is: impl Fn(&V) -> bool) {
        if self.shards.is_empty() {
            let empty = Shard::default();
            self.shards = (0..SHARDS).map(|_| empty.clone()).collect();
        }
        let values = Arc::make_mut(&mut self.shards[shard(key)]);
        match place(values, key, is) {
            Ok(at) => values[at].1 = value,
            Err(at) => values.insert(at, (key, value)),
        }
    }

    pub(super) fn take(&mut self, key: u64, is: impl Fn(&V) -> bool) -> Option<V> {
        let values = self.shards.get_mut(shard(key))?;
        let at = place(values, key, is).ok()?;
        Some(Arc::make_mut(values).remove(at).1)
    }
}
