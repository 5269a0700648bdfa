//! One configuration in memory: its row until somebody asks for it, its settings from then on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::form::Values;
use crate::registered::{AnyConfig, Registered};
use crate::rule::{CompiledRules, Facts as _};
use crate::store::{ConfigStore, SealedRow};
use crate::{ConfigId, Host, IntegrationId, Scope};

pub(crate) struct Entry<H: Host> {
    pub(crate) id: ConfigId,
    pub(crate) integration: Arc<IntegrationId>,
    pub(crate) scope: Scope,
    pub(crate) enabled: bool,
    /// Taken when it is read: settings are in memory once, as text or as values.
    row: Mutex<Option<Box<SealedRow<H>>>>,
    known: OnceLock<Result<Box<Known>, Box<str>>>,
}

/// A configuration that its integration has read.
pub(crate) struct Known {
    pub(crate) config: AnyConfig,
    /// Boxed, as most have none.
    pub(crate) rules: Option<Box<CompiledRules>>,
    /// The names of values that the integration does not know.
    pub(crate) unknown: Box<[String]>,
}

/// What reading takes.
pub(crate) struct Reader<'a, H: Host> {
    pub(crate) store: &'a ConfigStore<H>,
    pub(crate) handle: &'a dyn Registered<H>,
}

impl<H: Host> Entry<H> {
    pub(crate) fn new(row: SealedRow<H>) -> Self {
        Self {
            id: row.id,
            integration: row.integration.clone(),
            scope: row.scope.clone(),
            enabled: row.enabled,
            row: Mutex::new(Some(Box::new(row))),
            known: OnceLock::new(),
        }
    }

    /// The configuration as its integration reads it, or why it cannot.
    pub(crate) fn read(&self, reader: &Reader<'_, H>) -> Result<&Known, &str> {
        let known = self.known.get_or_init(|| {
            let row = self.row.lock().unwrap_or_else(PoisonError::into_inner).take();
            let row = row.ok_or("it was read before, without success")?;
            // The integration's own code runs here, and its panic is no business of whoever asks.
            catch_unwind(AssertUnwindSafe(|| read(*row, reader)))
                .unwrap_or_else(|_| Err("reading its settings panicked".into()))
        });
        known.as_deref().map_err(|reason| &**reason)
    }
}

fn read<H: Host>(row: SealedRow<H>, reader: &Reader<'_, H>) -> Result<Box<Known>, Box<str>> {
    let text = |error: &dyn std::fmt::Display| Box::<str>::from(error.to_string());
    let stored = reader.store.open(row).map_err(|error| text(&error))?;
    let read = reader.handle.read(stored).map_err(|error| text(&error))?;
    let rules = read.rules.map(|rules| Box::new(rules.compile(H::Facts::schema())));
    Ok(Box::new(Known { config: read.config, rules, unknown: names(read.rest) }))
}

fn names(rest: Values) -> Box<[String]> {
    rest.into_iter().map(|(name, _)| name).collect()
}
