//! The add-on's own data: one JSON file, replaced whole, or memory alone.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use outrigger_db::Entropy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::files::write_private;

/// One instance.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) config: Map<String, Value>,
    pub(super) token: String,
    pub(super) count: i64,
}

impl Tally {
    fn new(config: Map<String, Value>, entropy: &dyn Entropy) -> Self {
        let count = config.get("start").and_then(Value::as_f64).map_or(0, |start| start as i64);
        Self { config, token: outrigger_db::token(entropy), count }
    }

    pub(super) fn label(&self) -> &str {
        self.config.get("label").and_then(Value::as_str).unwrap_or("Visits")
    }
}

/// All instances, in memory and in the file, if there is one.
pub(super) struct Instances {
    file: Option<PathBuf>,
    entropy: Arc<dyn Entropy>,
    tallies: Mutex<BTreeMap<String, Tally>>,
}

impl Instances {
    pub(super) fn load(file: Option<PathBuf>, entropy: Arc<dyn Entropy>) -> anyhow::Result<Self> {
        let tallies = file.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Self { file, entropy, tallies: Mutex::new(tallies) })
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
        let tally = Tally::new(config, &*self.entropy);
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
        if let Some(file) = &self.file {
            write_private(file, &serde_json::to_vec(&next)?)?;
        }
        *tallies = next;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without a file there are no instances yet.
fn read(file: &Path) -> anyhow::Result<BTreeMap<String, Tally>> {
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| {
            format!("the tallies in {} are damaged; move the file away to start without them", file.display())
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read the tallies in {}", file.display())),
    }
}
