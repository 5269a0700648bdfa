//! The structures behind a snapshot, against the ones of the standard library.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::chunks::Chunks;
use super::sharded::Sharded;
use super::*;
use crate::rule::{Datum, FactSchema, FactValues, Facts};

proptest! {
    /// Few different numbers, so that many values share one.
    #[test]
    fn a_sharded_map_is_a_map_and_its_copies_stay_as_they_were(
        steps in prop::collection::vec((any::<bool>(), 0..40_u64, 0..3_u32), 0..200),
    ) {
        let (mut map, mut model) = (Sharded::default(), BTreeMap::new());
        let mut copies = Vec::new();
        for (put, key, value) in steps {
            copies.push((map.clone(), model.clone()));
            let key = key * 511;
            let is = |found: &(u64, u32)| *found == (key, value);
            if put {
                map.put(key, (key, value), is);
                model.insert((key, value), ());
            } else {
                prop_assert_eq!(map.take(key, is).is_some(), model.remove(&(key, value)).is_some());
            }
        }
        copies.push((map, model));
        for (map, model) in &copies {
            for (key, value) in (0..40).flat_map(|key| (0..3).map(move |value| (key * 511, value))) {
                let found = map.find(key, |found| *found == (key, value)).is_some();
                prop_assert_eq!(found, model.contains_key(&(key, value)));
            }
        }
    }

    #[test]
    fn chunks_are_a_sorted_list(values in prop::collection::vec(0..5000_u32, 0..1500), removed in prop::collection::vec(0..5000_u32, 0..800)) {
        let (mut chunks, mut model) = (Chunks::default(), std::collections::BTreeSet::new());
        for value in values {
            if model.insert(value) {
                chunks.insert(value, |value| *value);
            }
        }
        let before = (chunks.clone(), model.clone());
        for value in removed {
            model.remove(&value);
            chunks.remove(&value, |value| *value);
        }
        prop_assert!(chunks.iter().eq(model.iter()));
        prop_assert!(before.0.iter().eq(before.1.iter()));
        prop_assert_eq!(chunks.is_empty(), model.is_empty());
    }
}

struct App;

struct NoFacts;

impl Facts for NoFacts {
    fn schema() -> &'static FactSchema {
        static NONE: std::sync::OnceLock<FactSchema> = std::sync::OnceLock::new();
        NONE.get_or_init(|| FactSchema::new([]))
    }

    fn values(&self) -> FactValues {
        FactValues::new().with_datum("none", Datum::Unset)
    }
}

impl Host for App {
    type Facts = NoFacts;
    type Extra = ();
}

/// A reader whose query began before another's, and ended after it, must not put the old rows back.
#[test]
fn what_a_slow_reader_brings_is_thrown_away() {
    let newer = |generation, whole| Newer::<App> { generation, whole, rows: Vec::new() };
    let first = Snapshot::empty().with(newer(5, true), |_| None).unwrap();
    let second = Arc::new(first.with(newer(7, false), |_| None).unwrap());
    assert!(second.with(newer(6, false), |_| None).is_none());
    assert!(second.with(newer(7, false), |_| None).is_none());
    assert_eq!(second.generation(), Some(7));
    // Only a whole reading may say that the database has gone back in time.
    assert_eq!(second.with(newer(2, true), |_| None).unwrap().generation(), Some(2));
}
