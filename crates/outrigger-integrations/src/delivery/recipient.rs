//! For whom a delivery is, as things are now.

use std::sync::Arc;

use super::redact::Redactor;
use crate::registered::{AnyConfig, Registered};
use crate::{ConfigId, Host, IntegrationId, Scope};

/// For whom a delivery is, as things are now.
pub(crate) enum Recipient<H: Host> {
    /// The configuration was deleted.
    Gone,
    /// It is disabled.
    Disabled,
    /// Its integration is not installed in this process.
    NotInstalled,
    /// Its integration cannot read its settings.
    Unreadable(String),
    /// It can be sent to.
    Ready(Ready<H>),
}

impl<H: Host> Recipient<H> {
    /// Why nothing can be sent, for people.
    pub(crate) fn excuse(&self) -> String {
        match self {
            Recipient::Gone => "The configuration was deleted.".to_owned(),
            Recipient::Disabled => "The configuration is disabled.".to_owned(),
            Recipient::NotInstalled => "The integration is not installed.".to_owned(),
            Recipient::Unreadable(reason) => format!("The settings cannot be read: {reason}"),
            Recipient::Ready(_) => String::new(),
        }
    }
}

/// A configuration that can be sent to.
pub(crate) struct Ready<H: Host> {
    pub(crate) id: ConfigId,
    pub(crate) scope: Scope,
    pub(crate) integration: IntegrationId,
    pub(crate) handle: Arc<dyn Registered<H>>,
    pub(crate) config: AnyConfig,
}

impl<H: Host> Ready<H> {
    /// Takes the secrets of the configuration out of texts.
    pub(crate) fn redactor(&self) -> Redactor {
        Redactor::new(self.handle.secrets(&self.config).iter().map(String::as_str))
    }
}
