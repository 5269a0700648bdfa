//! What events, deliveries and runs ask of the manager.

use std::collections::BTreeSet;

use super::Manager;
use crate::delivery::post::Post;
use crate::delivery::recipient::{Ready, Recipient};
use crate::registered::AnyConfig;
use crate::{ConfigId, Host, IntegrationId, Scope, StoreError};

impl<H: Host> Manager<H> {
    pub(crate) fn post(&self) -> &Post {
        &self.shared.post
    }

    /// Of which integration a configuration is, whose, and whether it is enabled.
    pub(crate) fn place_and_state(&self, config: ConfigId) -> Option<(IntegrationId, Scope, bool)> {
        let snapshot = self.shared.snapshot.load();
        snapshot.entry(config).map(|entry| ((*entry.integration).clone(), entry.scope.clone(), entry.enabled))
    }

    /// Of which integration a configuration is, and whose.
    pub(crate) fn place_of(&self, config: ConfigId) -> Option<(IntegrationId, Scope)> {
        self.place_and_state(config).map(|(integration, scope, _)| (integration, scope))
    }

    /// Of which integration a configuration of the scope is.
    pub(crate) fn integration_of(&self, scope: &Scope, config: ConfigId) -> Option<IntegrationId> {
        self.place_of(config).filter(|(_, found)| found == scope).map(|(integration, _)| integration)
    }

    /// The integrations that have an enabled configuration in any of these scopes, installed or not.
    pub(crate) fn enabled_in(&self, scopes: &[Scope]) -> BTreeSet<IntegrationId> {
        let snapshot = self.shared.snapshot.load();
        let is_enabled = |group: &crate::snapshot::Group<H>| {
            let lists = scopes.iter().filter_map(|scope| snapshot.enabled(group, scope));
            lists.flat_map(|list| list.entries.iter()).next().is_some()
        };
        snapshot.groups().iter().filter(|group| is_enabled(group)).map(|group| (*group.id).clone()).collect()
    }

    /// The secrets of configurations that their integration has read.
    pub(crate) fn secrets_of(&self, integration: &IntegrationId, configs: &[AnyConfig]) -> Vec<String> {
        let Some(handle) = self.handle(integration) else { return Vec::new() };
        configs.iter().flat_map(|config| handle.secrets(config)).collect()
    }

    /// For whom a delivery is, as far as this process knows.
    pub(crate) fn recipient_now(&self, config: ConfigId) -> Recipient<H> {
        let snapshot = self.shared.snapshot.load();
        let Some(entry) = snapshot.entry(config) else { return Recipient::Gone };
        if !entry.enabled {
            return Recipient::Disabled;
        }
        let Some(handle) = self.handle(&entry.integration) else { return Recipient::NotInstalled };
        match self.with_known(entry, |known| known.config.clone()) {
            Ok(config) => Recipient::Ready(Ready {
                id: entry.id,
                scope: entry.scope.clone(),
                integration: (*entry.integration).clone(),
                handle,
                config,
            }),
            Err(Some(reason)) => Recipient::Unreadable(reason),
            Err(None) => Recipient::NotInstalled,
        }
    }

    /// For whom a delivery is. What was switched off or deleted before this was called is known to be.
    pub(crate) async fn recipient(&self, config: ConfigId) -> Result<Recipient<H>, StoreError> {
        self.refresh().await?;
        Ok(self.recipient_now(config))
    }
}
