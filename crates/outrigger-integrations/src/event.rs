//! What happens in the host and may interest an integration.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Host, Scope};

/// Something that happened in the host.
///
/// It is stored between the transaction in which it happened and the moment the integrations have heard of it, so a
/// field that is added later needs a serde default.
pub trait Event<H: Host>: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name, such as `order.paid`: stored, so never changed.
    const NAME: &'static str;

    /// Where it happened. Configurations of these scopes hear of it, and of no others: a host whose account-wide
    /// configurations should hear of what happens at a site names both.
    fn scopes(&self) -> Vec<Scope>;

    /// What rules may ask about it.
    fn facts(&self) -> H::Facts;
}
