//! Which integrations there are.

use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use super::lifecycle::{RunState, Slot, StopReport};
use super::{Manager, Registry, Shared};
use crate::registered::Typed;
use crate::snapshot::Handle;
use crate::{About, FormSchema, Host, Integration, IntegrationId};

/// An integration as the manager knows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IntegrationInfo {
    /// Its id.
    pub id: IntegrationId,
    /// How it introduces itself; `None` if it is not installed and only its configurations are left.
    pub about: Option<About>,
    /// Whether it runs.
    pub state: RunState,
    /// How many configurations it has, in all scopes.
    pub configs: usize,
    /// How many of them are enabled.
    pub enabled: usize,
}

impl IntegrationInfo {
    /// Its name for people, or its id if it is not installed.
    pub fn name(&self) -> String {
        self.about.as_ref().map_or_else(|| self.id.to_string(), |about| about.name.to_string())
    }
}

/// No integration of this id is registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no integration `{0}` is registered")]
pub struct NotRegistered(pub IntegrationId);

/// Why an integration was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another one has this id.
    #[error("an integration `{0}` is registered already")]
    Duplicate(IntegrationId),
    /// The manager was shut down.
    #[error("the manager is shut down")]
    ShutDown,
}

/// Keeps an integration registered. Dropping it unregisters and stops it.
#[must_use = "dropping it unregisters the integration"]
pub struct Registration<H: Host> {
    shared: Arc<Shared<H>>,
    slot: Arc<Slot<H>>,
    kept: bool,
}

impl<H: Host> std::fmt::Debug for Registration<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration").field("id", &self.slot.id).finish_non_exhaustive()
    }
}

impl<H: Host> Registration<H> {
    /// The integration that is registered.
    pub fn id(&self) -> &IntegrationId {
        &self.slot.id
    }

    /// Unregisters the integration, stops it, and says how that went.
    pub async fn unregister(mut self) -> StopReport {
        self.kept = true;
        self.shared.forget(&self.slot);
        self.shared.stop(&self.slot).await
    }

    /// Leaves the integration registered for as long as the manager lives.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl<H: Host> Drop for Registration<H> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        self.shared.forget(&self.slot);
        let (shared, slot) = (self.shared.clone(), self.slot.clone());
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { shared.stop(&slot).await })),
            // Nobody is left to ask it; at least it hears nothing more.
            Err(_) => slot.silence(),
        }
    }
}

impl<H: Host> Manager<H> {
    /// Registers an integration. It starts once there is an enabled configuration and [`run`](Manager::run) was called.
    ///
    /// # Errors
    /// When the id is taken, or the manager was shut down.
    pub fn register<I: Integration<H>>(&self, integration: I) -> Result<Registration<H>, RegisterError> {
        let slot = Arc::new(Slot::new(I::ID, Arc::new(Typed::<H, I>::new(integration))));
        {
            let mut registry = self.shared.registry_mut();
            if registry.closed {
                return Err(RegisterError::ShutDown);
            }
            if registry.slots.contains_key(&I::ID) {
                return Err(RegisterError::Duplicate(I::ID));
            }
            registry.slots.insert(I::ID, slot.clone());
        }
        self.shared.attach(&slot);
        Ok(Registration { shared: self.shared.clone(), slot, kept: false })
    }

    /// All integrations, those that are not installed but have configurations among them, by name.
    pub fn integrations(&self) -> Vec<IntegrationInfo> {
        let slots: Vec<_> = self.shared.registry().slots.values().cloned().collect();
        let mut infos: Vec<_> = slots.iter().map(|slot| self.info(slot)).collect();
        let snapshot = self.shared.snapshot.load();
        let orphans = snapshot.groups().iter().filter(|group| slots.iter().all(|slot| slot.id != *group.id));
        infos.extend(orphans.map(|group| IntegrationInfo {
            id: (*group.id).clone(),
            about: None,
            state: RunState::Idle,
            configs: group.total,
            enabled: group.enabled,
        }));
        infos.sort_by_cached_key(|info| (crate::store::fold(&info.name()), info.id.clone()));
        infos
    }

    /// A registered integration.
    ///
    /// # Errors
    /// When there is none of this id.
    pub fn get(&self, id: &IntegrationId) -> Result<IntegrationInfo, NotRegistered> {
        self.shared.slot(id).map(|slot| self.info(&slot)).ok_or_else(|| NotRegistered(id.clone()))
    }

    /// The form of an integration's settings.
    ///
    /// # Errors
    /// When there is none of this id.
    pub fn form(&self, id: &IntegrationId) -> Result<&'static FormSchema, NotRegistered> {
        self.shared.slot(id).map(|slot| slot.handle.form()).ok_or_else(|| NotRegistered(id.clone()))
    }

    fn info(&self, slot: &Slot<H>) -> IntegrationInfo {
        let snapshot = self.shared.snapshot.load();
        let group = snapshot.group(&slot.id);
        IntegrationInfo {
            id: slot.id.clone(),
            about: Some(slot.about.clone()),
            state: slot.state(),
            configs: group.map_or(0, |group| group.total),
            enabled: group.map_or(0, |group| group.enabled),
        }
    }
}

impl<H: Host> Shared<H> {
    pub(super) fn registry(&self) -> RwLockReadGuard<'_, Registry<H>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn registry_mut(&self) -> RwLockWriteGuard<'_, Registry<H>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn slot(&self, id: &IntegrationId) -> Option<Arc<Slot<H>>> {
        self.registry().slots.get(id).cloned()
    }

    pub(super) fn handle(&self, id: &IntegrationId) -> Option<Handle<H>> {
        self.registry().slots.get(id).map(|slot| slot.handle.clone())
    }

    fn attach(&self, slot: &Slot<H>) {
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        // Unregistered again by somebody else in the meantime.
        if self.slot(&slot.id).is_none() {
            return;
        }
        let mut next = self.snapshot.load().as_ref().clone();
        if !next.attach(&slot.id, slot.handle.clone()) {
            self.read_again();
        }
        self.snapshot.store(next.into());
        self.turn();
    }

    /// Takes the integration out of the registry, if it is (still) the one that is there.
    pub(super) fn forget(&self, slot: &Arc<Slot<H>>) {
        slot.leave();
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut registry = self.registry_mut();
        if registry.slots.get(&slot.id).is_none_or(|there| !Arc::ptr_eq(there, slot)) {
            return;
        }
        registry.slots.remove(&slot.id);
        drop(registry);
        let mut next = self.snapshot.load().as_ref().clone();
        next.detach(&slot.id);
        self.snapshot.store(next.into());
        self.turn();
    }
}
