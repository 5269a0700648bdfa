//! A sorted list whose copies share what they have in common.

use std::sync::Arc;

/// A list that grows beyond this is parted in two.
const LONGEST: usize = 256;

/// Values sorted by a key, in chunks: a change copies one of them, and the list of chunks.
pub(crate) struct Chunks<T> {
    /// None is empty.
    chunks: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Clone for Chunks<T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone() }
    }
}

impl<T: Clone> Chunks<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The value at this place of the list of chunks and the chunk, to go through all of them.
    pub(crate) fn at(&self, chunk: usize, place: usize) -> Option<&T> {
        self.chunks.get(chunk)?.get(place)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    pub(super) fn insert<K: Ord>(&mut self, value: T, key: impl Fn(&T) -> K) {
        if self.chunks.is_empty() {
            self.chunks.push(Arc::new(vec![value]));
            return;
        }
        let at = self.chunk_of(&key(&value), &key);
        let chunk = Arc::make_mut(&mut self.chunks[at]);
        let place = chunk.partition_point(|other| key(other) < key(&value));
        chunk.insert(place, value);
        if chunk.len() > LONGEST {
            // What is made in order comes at the end: the first half then stays full.
            let cut = if place + 1 == chunk.len() { LONGEST } else { LONGEST / 2 };
            let rest = chunk.split_off(cut);
            self.chunks.insert(at + 1, Arc::new(rest));
        }
    }

    pub(super) fn remove<K: Ord>(&mut self, wanted: &K, key: impl Fn(&T) -> K) {
        if self.chunks.is_empty() {
            return;
        }
        let at = self.chunk_of(wanted, &key);
        let Ok(place) = self.chunks[at].binary_search_by(|value| key(value).cmp(wanted)) else { return };
        let chunk = Arc::make_mut(&mut self.chunks[at]);
        chunk.remove(place);
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
    }

    /// The last chunk that does not begin after this key.
    fn chunk_of<K: Ord>(&self, wanted: &K, key: impl Fn(&T) -> K) -> usize {
        let after = self.chunks.partition_point(|chunk| chunk.first().is_some_and(|first| key(first) <= *wanted));
        after.saturating_sub(1)
    }
}
