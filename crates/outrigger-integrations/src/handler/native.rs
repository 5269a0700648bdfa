//! Handlers that are Rust.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Caller, HandlerCall, HandlerError, HandlerReply, HostServices, IntegrationClient};
use crate::{Context, Enablements, IntegrationId};

/// How long a handler may take, if nothing else is said.
const DEADLINE: Duration = Duration::from_secs(30);

/// The handlers of an integration, whatever they are written in.
pub trait HandlerHost: Send + Sync + 'static {
    /// The names of its handlers. No other is ever called.
    fn names(&self) -> Vec<String>;

    /// Calls one.
    fn call(&self, call: HandlerCall, caller: Caller) -> BoxFuture<'static, HandlerReply>;
}

/// What a handler is given besides its input.
pub struct HandlerContext<C> {
    /// For whom and where.
    pub caller: Caller,
    /// What it may do for them.
    pub client: IntegrationClient<C>,
    /// The way out, the time, randomness.
    pub context: Context,
}

impl<C> fmt::Debug for HandlerContext<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerContext").field("caller", &self.caller).finish_non_exhaustive()
    }
}

type Handler<C> = Arc<dyn Fn(HandlerCall, HandlerContext<C>) -> BoxFuture<'static, HandlerReply> + Send + Sync>;

/// The handlers of an integration that is written in Rust; `C` is what it keeps at a site or account, of which `{}` is
/// one.
///
/// The handlers of the host's own controls are there without being asked for: `on-enable` enables the integration,
/// `on-disable` disables it, `on-disconnect` does nothing. A handler of one of these names runs as well: after the
/// default one when something is enabled, before it when something is disabled, and its error then stops that.
pub struct Handlers<C> {
    integration: IntegrationId,
    enablements: Enablements,
    services: Arc<dyn HostServices>,
    context: Context,
    deadline: Duration,
    handlers: BTreeMap<String, Handler<C>>,
}

impl<C> fmt::Debug for Handlers<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("integration", &self.integration)
            .field("names", &self.handlers.keys())
            .finish()
    }
}

impl<C: Serialize + DeserializeOwned + Send + 'static> Handlers<C> {
    /// No handlers yet but those of the host's own controls.
    pub fn new(
        integration: IntegrationId,
        enablements: Enablements,
        services: Arc<dyn HostServices>,
        context: Context,
    ) -> Self {
        let (deadline, handlers) = (DEADLINE, BTreeMap::new());
        Self { integration, enablements, services, context, deadline, handlers }
    }

    /// With another deadline.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// With a handler that takes `I` as JSON, and answers `O` as JSON. What is no `I` is answered 400 and never seen.
    #[must_use]
    pub fn handler<I, O, F, Fut>(mut self, name: &str, handler: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        F: Fn(I, HandlerContext<C>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, HandlerError>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let call: Handler<C> = Arc::new(move |call, context| {
            let handler = handler.clone();
            Box::pin(async move {
                match read::<I>(&call) {
                    Ok(input) => reply(handler(input, context).await),
                    Err(error) => error.reply(),
                }
            })
        });
        self.handlers.insert(name.to_owned(), call);
        self
    }

    /// With a handler for requests of the service, which come without a token: `webhook` or `webhook-…`. It has to prove
    /// them itself.
    #[must_use]
    pub fn webhook<F, Fut>(mut self, name: &str, handler: F) -> Self
    where
        F: Fn(HandlerCall, HandlerContext<C>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HandlerReply, HandlerError>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let call: Handler<C> = Arc::new(move |call, context| {
            let handler = handler.clone();
            Box::pin(async move { handler(call, context).await.unwrap_or_else(|error| error.reply()) })
        });
        let name = if name.is_empty() { "webhook".to_owned() } else { format!("webhook-{name}") };
        self.handlers.insert(name, call);
        self
    }

    fn context_for(&self, caller: Caller) -> HandlerContext<C> {
        let client = IntegrationClient::new(
            self.integration.clone(),
            caller.clone(),
            self.enablements.clone(),
            self.services.clone(),
        );
        HandlerContext { caller, client, context: self.context.clone() }
    }

    /// The handler of this name, with what the host's own controls do.
    fn whole(&self, name: &str) -> Option<Handler<C>> {
        let own = self.handlers.get(name).cloned();
        let (integration, enablements) = (self.integration.clone(), self.enablements.clone());
        match name {
            "on-enable" => Some(Arc::new(move |call, context| {
                let (own, integration, enablements) = (own.clone(), integration.clone(), enablements.clone());
                Box::pin(async move {
                    match enablements.enable(&context.caller.scope(), &integration, &json!({})).await {
                        Ok(_) | Err(crate::EnablementError::AlreadyEnabled) => then(own, call, context).await,
                        Err(error) => HandlerError::from(error).reply(),
                    }
                })
            })),
            "on-disable" => Some(Arc::new(move |call, context| {
                let (own, integration, enablements) = (own.clone(), integration.clone(), enablements.clone());
                Box::pin(async move {
                    let scope = context.caller.scope();
                    let before = then(own, call, context).await;
                    if !before.is_ok() {
                        return before;
                    }
                    match enablements.disable(&scope, &integration).await {
                        Ok(()) | Err(crate::EnablementError::NotEnabled) => done(),
                        Err(error) => HandlerError::from(error).reply(),
                    }
                })
            })),
            "on-disconnect" => Some(Arc::new(move |call, context| Box::pin(then(own.clone(), call, context)))),
            _ => own,
        }
    }
}

impl<C: Serialize + DeserializeOwned + Send + 'static> HandlerHost for Handlers<C> {
    fn names(&self) -> Vec<String> {
        let controls = ["on-enable", "on-disable", "on-disconnect"];
        let own = self.handlers.keys().map(String::as_str).filter(|name| !controls.contains(name));
        controls.into_iter().chain(own).map(str::to_owned).collect()
    }

    /// A handler that panics or hangs is answered 500.
    fn call(&self, call: HandlerCall, caller: Caller) -> BoxFuture<'static, HandlerReply> {
        let name = call.name.clone();
        let Some(handler) = self.whole(&name) else { return Box::pin(async move { HandlerReply::no_such(&name) }) };
        let (deadline, integration) = (self.deadline, self.integration.clone());
        let context = self.context_for(caller);
        Box::pin(async move {
            // Its own task: what is called is not torn down half-way when nobody waits for the answer any more.
            let called = tokio::spawn(AssertUnwindSafe(async move { handler(call, context).await }).catch_unwind());
            match tokio::time::timeout(deadline, called).await {
                Ok(Ok(Ok(reply))) => reply,
                Ok(_) => broken(&integration, &name, "it panicked"),
                Err(_) => broken(&integration, &name, "it took too long"),
            }
        })
    }
}

fn broken(integration: &IntegrationId, handler: &str, why: &str) -> HandlerReply {
    HandlerError::failed(format!("the handler `{handler}` of `{integration}` is broken: {why}")).reply()
}

/// What comes besides the default of a control.
async fn then<C>(own: Option<Handler<C>>, call: HandlerCall, context: HandlerContext<C>) -> HandlerReply {
    match own {
        Some(own) => own(call, context).await,
        None => done(),
    }
}

fn done() -> HandlerReply {
    HandlerReply::json(StatusCode::OK, &json!({}))
}

fn reply<O: Serialize>(result: Result<O, HandlerError>) -> HandlerReply {
    match result.map(|output| serde_json::to_value(output)) {
        Ok(Ok(output)) => HandlerReply::json(StatusCode::OK, &output),
        Ok(Err(error)) => HandlerError::failed(format!("an answer has no JSON form: {error}")).reply(),
        Err(error) => error.reply(),
    }
}

/// No body is `null`, or else `{}`: a handler without input takes either.
fn read<I: DeserializeOwned>(call: &HandlerCall) -> Result<I, HandlerError> {
    if call.body.is_empty() {
        let nothing = serde_json::from_value(Value::Null).or_else(|_| serde_json::from_value(json!({})));
        return nothing.map_err(|error| HandlerError::invalid(format!("the body is missing: {error}")));
    }
    serde_json::from_slice(&call.body).map_err(|error| HandlerError::invalid(format!("the body is not right: {error}")))
}
