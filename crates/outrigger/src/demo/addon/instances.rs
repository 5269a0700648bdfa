//! The add-on's own data: one JSON file, replaced whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use outrigger_db::SystemEntropy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::operator::write_private;

/// One instance.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) config: Map<String, Value>,
    pub(super) token: String,
    pub(super) count: i64,
}

impl Tally {
    pub(super) fn label(&self) -> &str {
        self.config.get("label").and_then(Value::as_str).unwrap_or("Visits")
    }
}

/// All instances, in memory and in the file.
pub(super) struct Instances {
    file: PathBuf,
    tallies: Mutex<BTreeMap<String, Tally>>,
}

impl Instances {
    /// Reads the file; without one there are no instances yet.
    pub(super) fn load(file: PathBuf) -> anyhow::Result<Self> {
        let tallies = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { file, tallies: Mutex::new(tallies) })
    }

    pub(super) fn get(&self, id: &str) -> Option<Tally> {
        self.lock().get(id).cloned()
    }

    /// Makes an instance, or gives back the one that is there.
    pub(super) fn insert(&self, id: &str, config: Map<String, Value>) -> io::Result<Tally> {
        let mut tallies = self.lock();
        if let Some(there) = tallies.get(id) {
            return Ok(there.clone());
        }
        let count = super::first_count(&config);
        let tally = Tally { config, token: outrigger_db::token(&SystemEntropy), count };
        let mut next = tallies.clone();
        next.insert(id.to_owned(), tally.clone());
        self.replace(&mut tallies, next)?;
        Ok(tally)
    }

    pub(super) fn change(&self, id: &str, change: impl FnOnce(&mut Tally)) -> io::Result<Option<Tally>> {
        let mut tallies = self.lock();
        let mut next = tallies.clone();
        let Some(tally) = next.get_mut(id) else { return Ok(None) };
        change(tally);
        let changed = tally.clone();
        self.replace(&mut tallies, next)?;
        Ok(Some(changed))
    }

    pub(super) fn remove(&self, id: &str) -> io::Result<bool> {
        let mut tallies = self.lock();
        let mut next = tallies.clone();
        let was_there = next.remove(id).is_some();
        if was_there {
            self.replace(&mut tallies, next)?;
        }
        Ok(was_there)
    }

    /// Memory changes only after the file has.
    fn replace(&self, tallies: &mut BTreeMap<String, Tally>, next: BTreeMap<String, Tally>) -> io::Result<()> {
        write_private(&self.file, &serde_json::to_vec(&next)?)?;
        *tallies = next;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
