//! The addresses of the pages.

use crate::{ConfigId, DeliveryId, IntegrationId};

/// Builds the addresses of the pages below one base path: the only place where they are written.
///
/// ```
/// use outrigger_integrations::pages::Urls;
///
/// let urls = Urls::new("/accounts/7/integrations/");
/// assert_eq!(urls.list(), "/accounts/7/integrations");
/// assert_eq!(urls.add_page(), "/accounts/7/integrations/new");
/// assert_eq!(Urls::new("/").list(), "/");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// Without a slash at its end.
    base: String,
}

impl Urls {
    /// The pages below this path.
    pub fn new(base: impl Into<String>) -> Self {
        let mut base: String = base.into();
        base.truncate(base.trim_end_matches('/').len());
        Self { base }
    }

    /// The list of configurations.
    pub fn list(&self) -> &str {
        if self.base.is_empty() { "/" } else { &self.base }
    }

    /// The page on which people choose what to add.
    pub fn add_page(&self) -> String {
        format!("{}/new", self.base)
    }

    /// The form for a new configuration.
    pub fn add(&self, integration: &IntegrationId) -> String {
        format!("{}/new/{integration}", self.base)
    }

    /// A configuration: its form.
    pub fn config(&self, config: ConfigId) -> String {
        format!("{}/{config}", self.base)
    }

    /// The page that asks before a configuration is deleted.
    pub fn delete(&self, config: ConfigId) -> String {
        format!("{}/{config}/delete", self.base)
    }

    /// Where the deletion of a configuration is undone.
    pub fn undo(&self, config: ConfigId) -> String {
        format!("{}/{config}/undo", self.base)
    }

    /// Where a configuration is switched on and off.
    pub fn enabled(&self, config: ConfigId) -> String {
        format!("{}/{config}/enabled", self.base)
    }

    /// Where a configuration is tried out.
    pub fn test(&self, config: ConfigId) -> String {
        format!("{}/{config}/test", self.base)
    }

    /// Where a configuration is told to send a sample.
    pub fn sample(&self, config: ConfigId) -> String {
        format!("{}/{config}/sample", self.base)
    }

    /// What a configuration has sent.
    pub fn deliveries(&self, config: ConfigId) -> String {
        format!("{}/{config}/deliveries", self.base)
    }

    /// One message that a configuration has sent.
    pub fn delivery(&self, config: ConfigId, delivery: DeliveryId) -> String {
        format!("{}/{config}/deliveries/{delivery}", self.base)
    }

    /// Where a message is sent again.
    pub fn replay(&self, config: ConfigId, delivery: DeliveryId) -> String {
        format!("{}/{config}/deliveries/{delivery}/replay", self.base)
    }

    /// Who changed what of a configuration, and when.
    pub fn history(&self, config: ConfigId) -> String {
        format!("{}/{config}/history", self.base)
    }

    /// The runs of a configuration.
    pub fn runs(&self, config: ConfigId) -> String {
        format!("{}/{config}/runs", self.base)
    }

    /// A file of the pages' own, whose name has the hash of its content.
    pub(super) fn asset(&self, name: &str) -> String {
        format!("{}/assets/{name}", self.base)
    }
}
