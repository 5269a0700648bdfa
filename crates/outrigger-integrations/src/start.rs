//! What an integration asks for when it starts, and what it is given when something happens.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;

use crate::registered::AnyConfig;
use crate::run::{NewRun, RunUpdate, StartedRun};
use crate::{ConfigId, ConfigOf, Context, Event, EventId, Fault, Host, Integration, RunId};

/// Given to [`Integration::start`]: collects what the integration wants for as long as it runs.
pub struct Start<H: Host, I> {
    integration: Arc<I>,
    context: Context,
    hooks: Hooks,
    host: PhantomData<fn() -> H>,
}

impl<H: Host, I: Integration<H>> Start<H, I> {
    pub(crate) fn new(integration: Arc<I>, context: Context) -> Self {
        Self { integration, context, hooks: Hooks::default(), host: PhantomData }
    }

    /// The integration itself, for handlers that need it.
    pub fn integration(&self) -> Arc<I> {
        self.integration.clone()
    }

    /// The way out, the time and the randomness.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Listens to an event: `handler` is called with each that at least one enabled configuration wants, by its scope
    /// and its rules, and with just those configurations. It is called at least once for each event, also after a
    /// crash; what it hands to [`Heard::deliver`] is kept when it returns `Ok`, all of it or none.
    pub fn on<E, F, Fut>(&mut self, handler: F)
    where
        E: Event<H>,
        F: Fn(Heard<H, I, E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let handle: Handle = Arc::new(move |told: Told| match told.typed::<H, I, E>() {
            Ok(heard) => Box::pin(handler(heard)),
            Err(fault) => Box::pin(std::future::ready(Err(fault))),
        });
        self.hooks.handlers.push(Handler { event: E::NAME, handle });
    }

    /// Keeps `guard` until the integration stops; it is then dropped, the one that was kept last first.
    pub fn keep(&mut self, guard: impl Any + Send) {
        self.hooks.guards.push(Box::new(guard));
    }

    pub(crate) fn into_hooks(self) -> Hooks {
        self.hooks
    }
}

/// What a running integration holds; dropping it is what makes the integration deaf.
#[derive(Default)]
pub(crate) struct Hooks {
    handlers: Vec<Handler>,
    guards: Vec<Box<dyn Any + Send>>,
}

impl Hooks {
    /// The handlers of an event, in the order they were given.
    pub(crate) fn handlers_of(&self, event: &str) -> Vec<Handle> {
        self.handlers.iter().filter(|handler| handler.event == event).map(|handler| handler.handle.clone()).collect()
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.handlers.clear();
        while self.guards.pop().is_some() {}
    }
}

struct Handler {
    event: &'static str,
    handle: Handle,
}

/// A handler with its types erased.
pub(crate) type Handle = Arc<dyn Fn(Told) -> BoxFuture<'static, Result<(), Fault>> + Send + Sync>;

/// An event as it is stored, and the configurations that want it.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) id: EventId,
    pub(crate) at: Timestamp,
    pub(crate) payload: Arc<str>,
    pub(crate) configs: Vec<AnyConfig>,
    pub(crate) outbox: Outbox,
}

impl Told {
    fn typed<H: Host, I: Integration<H>, E: Event<H>>(self) -> Result<Heard<H, I, E>, Fault> {
        let event = serde_json::from_str(&self.payload)
            .map_err(|error| Fault::new(format!("this version cannot read the event `{}`: {error}", E::NAME)))?;
        let configs = self.configs.into_iter().map(|config| {
            config.downcast::<ConfigOf<H, I>>().expect("the registry pairs configurations with their integration")
        });
        Ok(Heard {
            id: self.id,
            at: self.at,
            event,
            configs: configs.collect(),
            outbox: self.outbox,
            integration: PhantomData,
        })
    }
}

/// What a handler is called with: an event and the configurations that want it.
pub struct Heard<H: Host, I: Integration<H>, E> {
    id: EventId,
    at: Timestamp,
    event: E,
    configs: Vec<Arc<ConfigOf<H, I>>>,
    outbox: Outbox,
    integration: PhantomData<fn() -> I>,
}

impl<H: Host, I: Integration<H>, E: Event<H>> Heard<H, I, E> {
    /// The event's id, the same each time the handler is called with it.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// When it happened: when the host emitted it, by the store's clock.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What happened.
    pub fn event(&self) -> &E {
        &self.event
    }

    /// The enabled configurations that want it, oldest first.
    pub fn configs(&self) -> &[Arc<ConfigOf<H, I>>] {
        &self.configs
    }

    /// Puts a message into the configuration's queue. It is sent after the handler has returned `Ok`.
    ///
    /// # Errors
    /// When the message cannot be written as JSON.
    pub fn deliver(&self, config: &ConfigOf<H, I>, message: &I::Message) -> Result<(), Fault> {
        self.outbox.deliver(config.id, message)
    }

    /// Starts a run of a configuration: work that the service does and reports about. Like the messages, it is kept
    /// when the handler has returned `Ok`. If nobody has ended it after `timeout`, it is timed out.
    ///
    /// `subject` says what it is about, in the host's words: `review 17`. The token goes into the message.
    pub fn start_run(&self, config: &ConfigOf<H, I>, subject: impl Into<String>, timeout: Duration) -> StartedRun {
        self.outbox.start_run(config.id, subject.into(), timeout)
    }

    /// The way out, the time and the randomness. What is sent here is sent again if the handler is called again: hand
    /// messages to [`deliver`](Heard::deliver).
    pub fn context(&self) -> &Context {
        &self.outbox.context
    }
}

/// What somebody's code has handed over and nobody has stored yet.
#[derive(Clone)]
pub(crate) struct Outbox {
    handed: Arc<Mutex<Vec<Handed>>>,
    context: Context,
}

/// One thing that was handed over.
#[derive(Debug)]
pub(crate) enum Handed {
    /// A message for the queue of a configuration.
    Message(ConfigId, String),
    /// A run of a configuration that begins.
    Run(NewRun),
    /// What changes about a run of a configuration.
    Update(ConfigId, RunId, RunUpdate),
}

impl Outbox {
    pub(crate) fn new(context: Context) -> Self {
        Self { handed: Arc::default(), context }
    }

    pub(crate) fn deliver(&self, config: ConfigId, message: &impl Serialize) -> Result<(), Fault> {
        let message = serde_json::to_string(message)
            .map_err(|error| Fault::new(format!("the message cannot be written as JSON: {error}")))?;
        self.put(Handed::Message(config, message));
        Ok(())
    }

    pub(crate) fn start_run(&self, config: ConfigId, subject: String, timeout: Duration) -> StartedRun {
        let new = NewRun::new(config, subject, timeout, &*self.context.clock, &*self.context.entropy);
        let started = new.started();
        self.put(Handed::Run(new));
        started
    }

    pub(crate) fn update_run(&self, config: ConfigId, run: RunId, update: RunUpdate) {
        self.put(Handed::Update(config, run, update));
    }

    fn put(&self, handed: Handed) {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).push(handed);
    }

    /// Takes all of it, in the order in which it was handed over.
    pub(crate) fn take(&self) -> Vec<Handed> {
        std::mem::take(&mut *self.handed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
