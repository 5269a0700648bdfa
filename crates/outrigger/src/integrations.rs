//! The integrations that this binary brings. The platform names none.

use outrigger_email::Email;
use outrigger_integrations::{Manager, RegisterError};
use outrigger_platform::events::{
    BuildRequested, InstanceCreated, InstanceFailed, InstanceRemoved, InstanceUpdated, KeyRotated, PlatformHost,
    SiteCreated,
};
use outrigger_slack::Slack;
use outrigger_webhook::Webhook;

/// Calls a method of a builder once for each event of the platform.
macro_rules! all_events {
    ($integration:expr, $method:ident) => {
        $integration
            .$method::<InstanceCreated>()
            .$method::<InstanceFailed>()
            .$method::<InstanceUpdated>()
            .$method::<InstanceRemoved>()
            .$method::<SiteCreated>()
            .$method::<BuildRequested>()
            .$method::<KeyRotated>()
    };
}

/// Registers them, for as long as the process lives.
pub(crate) fn register(manager: &Manager<PlatformHost>) -> Result<(), RegisterError> {
    manager.register(all_events!(Slack::new(), telling))?.keep();
    manager.register(all_events!(Webhook::new(), sending))?.keep();
    manager.register(all_events!(Email::new(), telling))?.keep();
    Ok(())
}
