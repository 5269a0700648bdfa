//! Looking configurations up in memory.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Manager;
use crate::registered::AnyConfig;
use crate::rule::{CompiledRules, Explanation, FactValues, Facts as _, RuleFault, RuleSet};
use crate::snapshot::{Entry, Handle, Known, Reader, ScopeList};
use crate::{ConfigId, ConfigOf, ConfigStore, Host, Integration, IntegrationId, Scope};

/// The enabled configurations of an integration in a scope, oldest first, as they were when they were asked for.
///
/// Those whose settings the integration cannot read are left out; [`Manager::problem`] says why.
pub struct Configs<'a, H: Host, I> {
    store: &'a ConfigStore<H>,
    found: Option<(Handle<H>, Arc<ScopeList<H>>)>,
    chunk: usize,
    place: usize,
    integration: PhantomData<fn() -> I>,
}

impl<H: Host, I> std::fmt::Debug for Configs<'_, H, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configs").finish_non_exhaustive()
    }
}

impl<H: Host, I: Integration<H>> Iterator for Configs<'_, H, I> {
    type Item = Arc<ConfigOf<H, I>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (handle, list) = self.found.as_ref()?;
        loop {
            let Some(entry) = list.entries.at(self.chunk, self.place) else {
                if self.place == 0 {
                    return None;
                }
                (self.chunk, self.place) = (self.chunk + 1, 0);
                continue;
            };
            self.place += 1;
            let known = entry.read(&Reader { store: self.store, handle: &**handle });
            if let Ok(config) = known.map_err(drop).and_then(|known| known.config.clone().downcast().map_err(drop)) {
                return Some(config);
            }
        }
    }
}

/// The configurations that want an event.
#[derive(Default)]
pub(crate) struct Matching {
    pub(crate) configs: Vec<AnyConfig>,
    /// Those that nobody can tell of, and why: their rules are broken.
    pub(crate) broken: Vec<(ConfigId, Vec<RuleFault>)>,
}

impl<H: Host> Manager<H> {
    /// The enabled configurations of an integration in a scope, oldest first. It comes from memory: no query is made
    /// and nothing is waited for.
    ///
    /// ```
    /// use outrigger_integrations::{Host, Integration, Manager, Scope};
    ///
    /// fn names<H: Host, I: Integration<H>>(manager: &Manager<H>, scope: &Scope) -> Vec<String> {
    ///     manager.configs::<I>(scope).map(|config| config.name.clone()).collect()
    /// }
    /// ```
    pub fn configs<I: Integration<H>>(&self, scope: &Scope) -> Configs<'_, H, I> {
        let snapshot = self.shared.snapshot.load();
        let found = snapshot.group(&I::ID).and_then(|group| {
            let list = snapshot.enabled(group, scope)?;
            Some((group.handle.clone()?, list.clone()))
        });
        Configs { store: &self.shared.store, found, chunk: 0, place: 0, integration: PhantomData }
    }

    /// A configuration of an integration in a scope, enabled or not. `None` if there is none, or none that the
    /// integration can read.
    pub fn config<I: Integration<H>>(&self, scope: &Scope, id: ConfigId) -> Option<Arc<ConfigOf<H, I>>> {
        let snapshot = self.shared.snapshot.load();
        let entry = snapshot.entry(id).filter(|entry| entry.scope == *scope && *entry.integration == I::ID)?;
        self.with_known(entry, |known| known.config.clone().downcast().ok()).ok()?
    }

    /// Any configuration, enabled or not, with its integration.
    pub(crate) fn any_config(&self, id: ConfigId) -> Option<(IntegrationId, AnyConfig)> {
        let snapshot = self.shared.snapshot.load();
        let entry = snapshot.entry(id)?;
        let config = self.with_known(entry, |known| known.config.clone()).ok()?;
        Some(((*entry.integration).clone(), config))
    }

    /// The integration that a configuration is one of, if it is installed.
    pub(crate) fn handle(&self, id: &IntegrationId) -> Option<Handle<H>> {
        self.shared.handle(id)
    }

    /// The enabled configurations of an integration in these scopes that want an event with these facts.
    pub(crate) fn matching(&self, integration: &IntegrationId, scopes: &[Scope], facts: &FactValues) -> Matching {
        let snapshot = self.shared.snapshot.load();
        let mut matching = Matching::default();
        let Some(group) = snapshot.group(integration) else { return matching };
        let lists = scopes.iter().enumerate().filter(|(at, scope)| !scopes[..*at].contains(scope));
        for entry in lists.filter_map(|(_, scope)| snapshot.enabled(group, scope)).flat_map(|list| list.entries.iter())
        {
            let judged = self.with_known(entry, |known| {
                let rules = self.rules_now(known);
                let faults = rules.as_ref().map(|rules| rules.faults().to_vec()).filter(|faults| !faults.is_empty());
                (known.config.clone(), rules.is_none_or(|rules| rules.matches(facts)), faults)
            });
            let Ok((config, matches, faults)) = judged else { continue };
            matching.configs.extend(matches.then_some(config));
            matching.broken.extend(faults.map(|faults| (entry.id, faults)));
        }
        matching
    }

    /// Why a configuration wants, or does not want, an event with these facts. `None` if there is no such
    /// configuration, or its integration cannot read it.
    pub fn explain(&self, scope: &Scope, id: ConfigId, facts: &H::Facts) -> Option<Explanation> {
        let snapshot = self.shared.snapshot.load();
        let entry = snapshot.entry(id).filter(|entry| entry.scope == *scope)?;
        let values = facts.values();
        let explain = |known: &Known| match self.rules_now(known) {
            Some(rules) => rules.explain(&values),
            // One without rules wants everything, and so does the default of them.
            None => RuleSet::default().compile(H::Facts::schema()).explain(&values),
        };
        self.with_known(entry, explain).ok()
    }

    /// The rules of a configuration: broken, if a row of the host to which they refer is gone.
    pub(super) fn rules_now<'a>(&self, known: &'a Known) -> Option<Cow<'a, CompiledRules>> {
        let rules = known.rules.as_deref()?;
        match &self.shared.rows {
            // Few rules refer to rows, and only those are looked at anew.
            Some(exists) if rules.references().next().is_some() => {
                let mut rules = rules.clone();
                rules.mark_gone(|to, id| exists(to, id));
                Some(Cow::Owned(rules))
            }
            _ => Some(Cow::Borrowed(rules)),
        }
    }

    /// Looks at what the integration of an entry has read of it.
    pub(super) fn with_known<T>(&self, entry: &Entry<H>, look: impl FnOnce(&Known) -> T) -> Result<T, Option<String>> {
        let snapshot = self.shared.snapshot.load();
        let handle = snapshot.group(&entry.integration).and_then(|group| group.handle.as_deref()).ok_or(None)?;
        let reader = Reader { store: &self.shared.store, handle };
        entry.read(&reader).map(look).map_err(|reason| Some(reason.to_owned()))
    }
}
