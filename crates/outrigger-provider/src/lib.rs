#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod error;
mod proxied;
mod router;
mod secrets;
mod sso;
mod verifier;

use std::future::Future;

use jiff::Timestamp;

pub use error::ProviderError;
pub use outrigger_addon::env_name::EnvName;
pub use outrigger_addon::instances::{
    CreateConfig, CreateRequest, Created, InstanceDetails, ProvisioningState, Snippet, SnippetPosition, UpdateRequest,
};
pub use outrigger_addon::manifest::{
    ConfigField, ConfigFields, EnvDeclaration, FieldKind, Manifest, Provides, SnippetDeclaration,
};
pub use outrigger_addon::sso::SsoClaims;
pub use proxied::ProxiedRequest;
pub use router::router;
pub use secrets::{Accept, BlankSecret, Secrets};
pub use sso::SsoLogin;
pub use uuid::Uuid;
pub use verifier::Verifier;

/// What an add-on does. [`router`] puts it behind the management API of the add-ons guide.
///
/// Write the methods as `async fn`. They are called only for requests that were proven to come from the platform.
/// The configuration has been checked by the platform against [`Provider::manifest`]; a provider that serves platforms
/// which do not check can call [`Manifest::check_config`] itself.
pub trait Provider: Send + Sync + 'static {
    /// What the add-on says about itself. Called for each request of it, so it should be cheap.
    fn manifest(&self) -> Manifest;

    /// Makes an instance.
    ///
    /// The platform sends a request again, with the same `uuid`, when it got no answer: **the same `uuid` must give the
    /// same instance**, not a second one. Either keep the `uuid` with the instance, or make the id from it.
    ///
    /// What takes longer than a few seconds is better answered at once with [`ProvisioningState::Provisioning`]; the
    /// platform then asks [`Provider::get`] until it is `Active` or `Failed`, or waits for a `POST` of
    /// [`InstanceDetails`] to the request's `callback_url`.
    fn create(&self, request: CreateRequest) -> impl Future<Output = Result<Created, ProviderError>> + Send;

    /// Changes an instance. The request holds the whole new configuration. After an error the instance must be as it was.
    fn update(
        &self,
        id: &str,
        request: UpdateRequest,
    ) -> impl Future<Output = Result<InstanceDetails, ProviderError>> + Send;

    /// Takes an instance away. For one that is no longer there, [`ProviderError::NotFound`] and [`ProviderError::Gone`]
    /// count as success.
    fn delete(&self, id: &str) -> impl Future<Output = Result<(), ProviderError>> + Send;

    /// What an instance yields now.
    fn get(&self, id: &str) -> impl Future<Output = Result<InstanceDetails, ProviderError>> + Send;

    /// The id of the instance made for `uuid`, if there is one. Asked only if the manifest declares
    /// [`Manifest::instances_by_uuid`]; with it a platform can find and remove an instance whose creation was never
    /// answered.
    fn id_of(&self, uuid: Uuid) -> impl Future<Output = Result<Option<String>, ProviderError>> + Send {
        let _ = uuid;
        async { Ok(None) }
    }
}

/// The system's time, for [`router`] and [`Verifier`] outside of tests.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock; everything else is handed a clock")]
pub fn system_clock() -> Timestamp {
    Timestamp::now()
}
