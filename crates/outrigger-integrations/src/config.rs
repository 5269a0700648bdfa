//! One use of an integration.

use std::fmt;

use jiff::Timestamp;

use crate::{ConfigId, Host, Integration, IntegrationId, Scope};

/// A configuration: one use of an integration in one scope, as it was when it was read. Nobody can change a shared
/// one; a save makes the next version.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config<H: Host, S> {
    /// Its name for programs.
    pub id: ConfigId,
    /// Whose configuration it is.
    pub scope: Scope,
    /// The integration that it configures.
    pub integration: IntegrationId,
    /// Its name for people; never blank.
    pub name: String,
    /// Whether the integration acts on it.
    pub enabled: bool,
    /// What the integration wants to know, secrets opened.
    pub settings: S,
    /// The host's own columns.
    pub extra: H::Extra,
    /// Counts its saves, from 1.
    pub version: i64,
    /// When it was made, by the store's clock.
    pub created_at: Timestamp,
    /// When it was last saved, by the store's clock.
    pub updated_at: Timestamp,
}

/// Its name, and the id of its integration.
impl<H: Host, S> fmt::Display for Config<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.integration)
    }
}

/// A configuration of the integration `I`.
pub type ConfigOf<H, I> = Config<H, <I as Integration<H>>::Settings>;

impl<H: Host, S> Config<H, S> {
    /// A configuration that is in no store: for an integration's own tests, which call
    /// [`check`](Integration::check) and [`send`](Integration::send) with it.
    ///
    /// ```
    /// use outrigger_integrations::{Config, Host, Integration, Scope, Settings, Values};
    ///
    /// fn draft<H: Host<Extra = ()>, I: Integration<H>>(values: &Values) -> Config<H, I::Settings> {
    ///     let settings = I::Settings::from_values(values).unwrap();
    ///     Config::unsaved(I::ID, Scope::System, settings, ())
    /// }
    /// ```
    pub fn unsaved(integration: IntegrationId, scope: Scope, settings: S, extra: H::Extra) -> Self {
        Self {
            id: ConfigId::from_uuid(uuid::Uuid::nil()),
            scope,
            name: integration.to_string(),
            integration,
            enabled: true,
            settings,
            extra,
            version: 0,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }
}
