//! Several integrations that come and go together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use super::{Manager, RegisterError, Registration};
use crate::{Fault, Host, Integration, IntegrationId};

/// Something that brings integrations, such as an extension of the host.
pub trait Plugin<H: Host> {
    /// What people call it.
    fn name(&self) -> String;

    /// Registers its integrations.
    ///
    /// # Errors
    /// Those of the registrar, or why else it cannot be installed. None of its integrations is registered then.
    fn install(self, registrar: &mut Registrar<'_, H>) -> Result<(), InstallError>;
}

/// Takes the integrations of a plugin.
pub struct Registrar<'a, H: Host> {
    manager: &'a Manager<H>,
    registrations: Vec<Registration<H>>,
}

impl<H: Host> std::fmt::Debug for Registrar<'_, H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registrar").field("registrations", &self.registrations).finish_non_exhaustive()
    }
}

impl<H: Host> Registrar<'_, H> {
    /// Registers one, as [`Manager::register`].
    ///
    /// # Errors
    /// When the id is taken, or the manager was shut down.
    pub fn register<I: Integration<H>>(&mut self, integration: I) -> Result<(), RegisterError> {
        self.registrations.push(self.manager.register(integration)?);
        Ok(())
    }
}

/// Why a plugin was not installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// One of its integrations could not be registered.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// It said why.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Keeps the integrations of a plugin registered. Dropping it unregisters and stops them.
#[must_use = "dropping it takes the plugin out again"]
pub struct Installed<H: Host> {
    manager: Manager<H>,
    name: String,
    registrations: Vec<Registration<H>>,
}

impl<H: Host> std::fmt::Debug for Installed<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installed").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<H: Host> Installed<H> {
    /// Leaves the plugin installed for as long as the manager lives.
    pub fn keep(mut self) {
        self.registrations.drain(..).for_each(Registration::keep);
        self.name.clear();
    }
}

impl<H: Host> Drop for Installed<H> {
    fn drop(&mut self) {
        // The last first, as with everything that is put up in an order.
        while self.registrations.pop().is_some() {}
        self.manager.plugins_mut(|plugins| plugins.retain(|plugin| plugin.name != self.name));
    }
}

/// A plugin, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginStatus {
    /// What people call it.
    pub name: String,
    /// What became of it.
    pub state: PluginState,
}

/// What became of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PluginState {
    /// It brought these integrations.
    Installed(Vec<IntegrationId>),
    /// It could not be installed, for this reason.
    Failed(String),
}

impl<H: Host> Manager<H> {
    /// Installs a plugin: all of its integrations or none. What became of it is also in [`plugins`](Manager::plugins),
    /// so that a host may go on without it.
    ///
    /// # Errors
    /// Why it was not installed. Its panic is a fault.
    pub fn install(&self, plugin: impl Plugin<H>) -> Result<Installed<H>, InstallError> {
        let name = plugin.name();
        let mut registrar = Registrar { manager: self, registrations: Vec::new() };
        let installed = catch_unwind(AssertUnwindSafe(|| plugin.install(&mut registrar)))
            .unwrap_or_else(|_| Err(Fault::new("it panicked").into()));
        let registrations = registrar.registrations;
        let state = match &installed {
            Ok(()) => PluginState::Installed(registrations.iter().map(|one| one.id().clone()).collect()),
            Err(error) => {
                tracing::error!(plugin = name, %error, "a plugin was not installed");
                PluginState::Failed(error.to_string())
            }
        };
        self.plugins_mut(|plugins| {
            plugins.retain(|plugin| plugin.name != name);
            plugins.push(PluginStatus { name: name.clone(), state });
        });
        installed.map(|()| Installed { manager: self.clone(), name, registrations })
    }

    /// The plugins that were installed or were to be, in that order.
    pub fn plugins(&self) -> Vec<PluginStatus> {
        self.plugins_mut(|plugins| plugins.clone())
    }

    fn plugins_mut<T>(&self, change: impl FnOnce(&mut Vec<PluginStatus>) -> T) -> T {
        change(&mut self.shared.plugins.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
