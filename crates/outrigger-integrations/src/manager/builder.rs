//! Making a manager: what it needs is in the types.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use outrigger_db::Backoff;
use tokio::sync::watch;

use super::freshness::Reading;
use super::{Manager, Registry, Shared};
use crate::delivery::post::Post;
use crate::snapshot::Snapshot;
use crate::{ConfigStore, Context, DeliveryPolicy, Host, Retention};

/// How long things may take, and when they are tried again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// For an integration to start.
    pub start: Duration,
    /// For an integration to stop.
    pub stop: Duration,
    /// For a check of a configuration.
    pub check: Duration,
    /// For the options of a field.
    pub options: Duration,
    /// When an integration that failed is started again.
    pub retry: Backoff,
    /// How often the database is asked whether anything changed if it does not say so by itself: what bounds how long
    /// a process can be out of date whose connection is silently cut.
    pub poll: Duration,
    /// For the database to answer that.
    pub answer: Duration,
}

impl Default for Limits {
    /// 30 s to start, 10 s for all else; failed starts are tried again after 1 s, later every 5 min; the database is
    /// asked every 5 s and has 5 s to answer.
    fn default() -> Self {
        Self {
            start: Duration::from_secs(30),
            stop: Duration::from_secs(10),
            check: Duration::from_secs(10),
            options: Duration::from_secs(10),
            retry: Backoff { max_attempts: None, ..Backoff::default() },
            poll: Duration::from_secs(5),
            answer: Duration::from_secs(5),
        }
    }
}

/// Makes a [`Manager`]. It has a `build` once it has a store and a context: forgetting one does not compile.
///
/// ```compile_fail
/// use outrigger_integrations::{Host, Manager};
///
/// fn forgetful<H: Host>() -> Manager<H> {
///     Manager::builder().build()
/// }
/// ```
pub struct Builder<H, S, C> {
    store: S,
    context: C,
    limits: Limits,
    delivery: DeliveryPolicy,
    retention: Retention,
    rows: Option<RowExists>,
    host: PhantomData<fn() -> H>,
}

/// Whether a row of the host exists: what it is, and its id.
pub(super) type RowExists = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

impl<H, S, C> std::fmt::Debug for Builder<H, S, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl<H: Host> Manager<H> {
    /// Begins to make a manager.
    ///
    /// ```
    /// use outrigger_integrations::{ConfigStore, Context, Host, Manager};
    ///
    /// fn manager<H: Host>(store: ConfigStore<H>, context: Context) -> Manager<H> {
    ///     Manager::builder().store(store).context(context).build()
    /// }
    /// ```
    pub fn builder() -> Builder<H, (), ()> {
        let (delivery, retention) = (DeliveryPolicy::default(), Retention::default());
        let limits = Limits::default();
        Builder { store: (), context: (), limits, delivery, retention, rows: None, host: PhantomData }
    }
}

impl<H: Host, S, C> Builder<H, S, C> {
    /// Where configurations are kept.
    pub fn store(self, store: ConfigStore<H>) -> Builder<H, ConfigStore<H>, C> {
        let Self { context, limits, delivery, retention, rows, host, .. } = self;
        Builder { store, context, limits, delivery, retention, rows, host }
    }

    /// What integrations reach the world with.
    pub fn context(self, context: Context) -> Builder<H, S, Context> {
        let Self { store, limits, delivery, retention, rows, host, .. } = self;
        Builder { store, context, limits, delivery, retention, rows, host }
    }

    /// Other limits than the [usual](Limits::default) ones.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Another [`DeliveryPolicy`] than the usual one: how long and how often messages and events are tried.
    #[must_use]
    pub fn delivery(self, delivery: DeliveryPolicy) -> Self {
        Self { delivery, ..self }
    }

    /// Whether rows of the host exist to which rules refer (by facts with `#[fact(reference = "…")]`): what the row is,
    /// and its id. Rules that refer to one that does not are broken, and are shown as that. It is asked whenever such
    /// rules are judged, so it has to answer from memory. Without it every row is taken to exist.
    #[must_use]
    pub fn rows(self, exists: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self { rows: Some(Arc::new(exists)), ..self }
    }

    /// Keeps events, deliveries, runs and notices for other times than the [usual](Retention::default) ones.
    #[must_use]
    pub fn retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }
}

impl<H: Host> Builder<H, ConfigStore<H>, Context> {
    /// The manager. It has read nothing yet, and nothing runs before [`Manager::run`].
    pub fn build(self) -> Manager<H> {
        let registry = Registry { slots: Default::default(), closed: false };
        let store = &self.store;
        let time = (store.clock().clone(), store.entropy().clone());
        let post = Post::new(store.db().clone(), store.keys().clone(), time, self.delivery, self.retention);
        let shared = Shared {
            store: self.store,
            post,
            context: self.context,
            limits: self.limits,
            rows: self.rows,
            slots: RwLock::new(registry),
            plugins: Mutex::default(),
            snapshot: ArcSwap::from_pointee(Snapshot::empty()),
            publishing: Mutex::default(),
            reading: Reading::default(),
            turns: watch::Sender::new(0),
        };
        Manager { shared: Arc::new(shared) }
    }
}
