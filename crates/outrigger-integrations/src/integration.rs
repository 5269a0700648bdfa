//! The trait that an integration is.

use std::future::{Future, ready};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::form::{Choice, Values};
use crate::{
    About, CheckReport, ConfigOf, Context, Fault, Host, InboundReply, InboundRequest, IntegrationId, RateLimit,
    Received, Rerun, SendError, Sent, Settings, Start, Verifier,
};

/// Code that connects the host with a third-party service. There is one value of it in a process, shared by all of
/// its configurations; what belongs to a configuration is in its settings.
///
/// It runs while at least one of its configurations is enabled: [`start`](Integration::start) says what it listens to,
/// and what it was given there is gone when it is stopped. Nothing it does, a panic included, reaches a request or
/// another integration.
pub trait Integration<H: Host>: Sized + Send + Sync + 'static {
    /// Its name, for ever.
    const ID: IntegrationId;
    /// What each of its configurations says.
    type Settings: Settings;
    /// What it sends, stored until it is sent: `()` when it sends nothing.
    type Message: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// How it introduces itself.
    fn about(&self) -> About;

    /// Called when a first configuration is enabled: says which events it wants.
    ///
    /// # Errors
    /// It is then shown as failed, with the reason, and started again later.
    fn start(&self, start: &mut Start<H, Self>) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = start;
        ready(Ok(()))
    }

    /// Called when the last configuration is disabled or the process ends. Its subscriptions are gone in any case.
    ///
    /// # Errors
    /// They are logged.
    fn stop(&self) -> impl Future<Output = Result<(), Fault>> + Send {
        ready(Ok(()))
    }

    /// Whether the configuration works. "Test", "Save" and the regular look at its health all ask this. It must not
    /// leave anything at the other side that people would not want to see with each save.
    fn check(&self, draft: &ConfigOf<H, Self>, context: &Context) -> impl Future<Output = CheckReport> + Send {
        let _ = (draft, context);
        ready(CheckReport::new())
    }

    /// The choices of a field whose options are not known before somebody asks the other side. `values` is the form
    /// as far as it is filled in, secrets included.
    ///
    /// # Errors
    /// The reason is shown at the field.
    fn options(
        &self,
        field: &str,
        values: &Values,
        context: &Context,
    ) -> impl Future<Output = Result<Vec<Choice>, Fault>> + Send {
        let _ = (values, context);
        ready(Err(Fault::new(format!("`{field}` has no options"))))
    }

    /// Sends one message for a configuration. Called at least once for each delivery until it succeeds or is given up:
    /// where the other side knows idempotency keys, `delivery` is one.
    ///
    /// # Errors
    /// [`SendError`] decides what becomes of the message.
    fn send(
        &self,
        config: &ConfigOf<H, Self>,
        message: &Self::Message,
        delivery: &crate::DeliveryId,
        context: &Context,
    ) -> impl Future<Output = Result<Sent, SendError>> + Send {
        let _ = (config, message, delivery, context);
        ready(Err(SendError::refused("this integration sends nothing")))
    }

    /// A harmless message that shows people what they will get: sent by "Send sample". `None` for an integration that
    /// has none.
    fn sample(&self) -> Option<Self::Message> {
        None
    }

    /// How fast messages may go out, for each configuration on its own. `None` for as fast as they come; one after the
    /// other they go in any case.
    fn rate_limit(&self) -> Option<RateLimit> {
        None
    }

    /// How a request from outside proves that it comes from the service that this configuration is about. `None` when
    /// there are no such requests.
    fn inbound(&self, config: &ConfigOf<H, Self>) -> Option<Verifier> {
        let _ = config;
        None
    }

    /// Handles a request from outside that has proved where it comes from. What it hands to `received` is kept when it
    /// returns `Ok`, all of it or none.
    ///
    /// # Errors
    /// The reason is logged; whoever sent the request learns only to send it again later.
    fn receive(
        &self,
        request: InboundRequest,
        received: &Received<H, Self>,
    ) -> impl Future<Output = Result<InboundReply, Fault>> + Send {
        let _ = (request, received);
        ready(Err(Fault::new("this integration takes no requests")))
    }

    /// Asks for the work of a run again. `again` has the old run and the new one; what is handed to it is kept when
    /// this returns `Ok`.
    ///
    /// # Errors
    /// The reason is shown at the new run, which then ends as errored.
    fn rerun(&self, again: &Rerun<H, Self>) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = again;
        ready(Err(Fault::new("this integration cannot start a run again")))
    }
}
