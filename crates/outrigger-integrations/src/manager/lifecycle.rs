//! Starting and stopping: a state machine for each integration, driven by one task and never by a request.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::asking::isolated;
use super::{Manager, Shared};
use crate::registered::Registered;
use crate::start::{Handle, Hooks};
use crate::{About, Fault, Host, IntegrationId};

/// Whether an integration runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// It does not, and need not: none of its configurations is enabled.
    Idle,
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It is being stopped, and hears nothing any more.
    Stopping,
    /// It could not be started.
    Failed {
        /// Why not.
        reason: String,
        /// Since when it has been failing.
        since: Timestamp,
        /// When it is started again.
        retry_at: Timestamp,
    },
}

/// How a stop went. Whatever it says, the integration's subscriptions are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopReport {
    /// Whether it was running.
    pub was_running: bool,
    /// What went wrong.
    pub fault: Option<Fault>,
}

/// A registered integration and where it stands.
pub(super) struct Slot<H: Host> {
    pub(super) id: IntegrationId,
    pub(super) handle: Arc<dyn Registered<H>>,
    /// As it said when it was registered: no request runs its code for this.
    pub(super) about: About,
    /// Held by whoever starts or stops it.
    turn: tokio::sync::Mutex<()>,
    life: Mutex<Life>,
    left: AtomicBool,
}

struct Life {
    state: RunState,
    hooks: Option<Hooks>,
    failures: u32,
    retry: Option<Instant>,
    /// The manager was shut down and waits for nothing any more.
    over: bool,
}

impl<H: Host> Slot<H> {
    pub(super) fn new(id: IntegrationId, handle: Arc<dyn Registered<H>>) -> Self {
        let life = Life { state: RunState::Idle, hooks: None, failures: 0, retry: None, over: false };
        let about = handle.about();
        Self {
            id,
            handle,
            about,
            turn: tokio::sync::Mutex::default(),
            life: Mutex::new(life),
            left: AtomicBool::new(false),
        }
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> RunState {
        self.life().state.clone()
    }

    /// It will not be started again.
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::SeqCst);
    }

    /// Takes away what it listens with, without asking it.
    pub(super) fn silence(&self) {
        let hooks = {
            let mut life = self.life();
            life.state = RunState::Idle;
            life.hooks.take()
        };
        // A guard's own code may run here.
        if catch_unwind(AssertUnwindSafe(|| drop(hooks))).is_err() {
            tracing::error!(integration = %self.id, "dropping a subscription panicked");
        }
    }

    /// What it listens to an event with; `None` while it does not run.
    fn handlers_of(&self, event: &str) -> Option<Vec<Handle>> {
        let life = self.life();
        if life.state != RunState::Running {
            return None;
        }
        life.hooks.as_ref().map(|hooks| hooks.handlers_of(event))
    }
}

impl<H: Host> Manager<H> {
    /// Whether an integration runs; `Idle` if there is none of this id.
    pub fn state(&self, id: &IntegrationId) -> RunState {
        self.shared.slot(id).map_or(RunState::Idle, |slot| slot.state())
    }

    /// Starts an integration that failed now, and not only when its time has come.
    pub fn retry_now(&self, id: &IntegrationId) {
        if let Some(slot) = self.shared.slot(id) {
            slot.life().retry = None;
            self.shared.turn();
        }
    }

    /// What a running integration listens to an event with; `None` while it does not run.
    pub(crate) fn handlers_of(&self, id: &IntegrationId, event: &str) -> Option<Vec<Handle>> {
        self.shared.slot(id)?.handlers_of(event)
    }

    /// Stops all integrations and unregisters them, for good: the manager starts and registers none any more. What has
    /// not stopped when the deadline has passed is left to itself, without its subscriptions.
    ///
    /// Configurations can still be read and edited.
    pub async fn shutdown(&self, deadline: Duration) -> BTreeMap<IntegrationId, StopReport> {
        let slots: Vec<_> = {
            let mut registry = self.shared.registry_mut();
            registry.closed = true;
            registry.slots.values().cloned().collect()
        };
        let mut stopping = JoinSet::new();
        for slot in &slots {
            self.shared.forget(slot);
            let (shared, slot) = (self.shared.clone(), slot.clone());
            stopping.spawn(async move { (slot.id.clone(), shared.stop(&slot).await) });
        }
        let mut reports = BTreeMap::new();
        let all = async {
            while let Some(stopped) = stopping.join_next().await {
                reports.extend(stopped.ok());
            }
        };
        let _ = tokio::time::timeout(deadline, all).await;
        stopping.abort_all();
        for slot in &slots {
            slot.life().over = true;
            slot.silence();
            let late = || StopReport { was_running: true, fault: Some(Fault::new("it did not stop in time")) };
            reports.entry(slot.id.clone()).or_insert_with(late);
        }
        reports
    }
}

/// Brings each integration to where it should be, for ever.
pub(super) async fn supervise<H: Host>(shared: Arc<Shared<H>>) {
    let mut turns = shared.turns.subscribe();
    // Dropped with this future: what is in the middle of something is then aborted.
    let mut moves = JoinSet::new();
    loop {
        turns.mark_unchanged();
        let next = shared.reconcile(&mut moves);
        tokio::select! {
            _ = turns.changed() => {}
            Some(_) = moves.join_next() => {}
            () = until(next) => {}
        }
    }
}

async fn until(next: Option<Instant>) {
    match next {
        Some(next) => tokio::time::sleep_until(next).await,
        None => std::future::pending().await,
    }
}

impl<H: Host> Shared<H> {
    /// Begins what is due and says when the next thing is.
    fn reconcile(self: &Arc<Self>, moves: &mut JoinSet<()>) -> Option<Instant> {
        let slots: Vec<_> = self.registry().slots.values().cloned().collect();
        let snapshot = self.snapshot.load();
        let mut next: Option<Instant> = None;
        for slot in slots {
            let wanted = snapshot.group(&slot.id).is_some_and(|group| group.enabled > 0);
            let (state, retry) = {
                let life = slot.life();
                (life.state.clone(), life.retry)
            };
            match state {
                RunState::Failed { .. } if wanted && retry.is_some_and(|at| at > Instant::now()) => {
                    next = next.into_iter().chain(retry).min();
                }
                RunState::Idle | RunState::Failed { .. } if wanted => {
                    let shared = self.clone();
                    moves.spawn(async move { shared.start(&slot).await });
                }
                RunState::Running | RunState::Failed { .. } if !wanted => {
                    let shared = self.clone();
                    moves.spawn(async move { drop(shared.stop(&slot).await) });
                }
                _ => {}
            }
        }
        next
    }

    async fn start(&self, slot: &Slot<H>) {
        let _turn = slot.turn.lock().await;
        let may_start = matches!(slot.state(), RunState::Idle | RunState::Failed { .. });
        if !may_start || slot.left.load(Ordering::SeqCst) {
            return;
        }
        let since = match std::mem::replace(&mut slot.life().state, RunState::Starting) {
            RunState::Failed { since, .. } => since,
            _ => self.store.now(),
        };
        self.turn();
        let (handle, context) = (slot.handle.clone(), self.context.clone());
        let started = isolated("the start", self.limits.start, async move { handle.start(context).await }).await;
        match started.and_then(|started| started) {
            Ok(hooks) => {
                let mut life = slot.life();
                (life.state, life.hooks, life.failures) = (RunState::Running, Some(hooks), 0);
                let over = life.over;
                drop(life);
                if over {
                    slot.silence();
                }
            }
            Err(fault) => self.failed(slot, &fault, since),
        }
        self.turn();
    }

    fn failed(&self, slot: &Slot<H>, fault: &Fault, since: Timestamp) {
        let mut random = [0; 4];
        self.store.entropy().fill(&mut random);
        let chance = f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX);
        let mut life = slot.life();
        life.failures += 1;
        let wait = self.limits.retry.delay(life.failures, chance);
        life.retry = Some(Instant::now() + wait);
        let retry_at = self.store.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        tracing::warn!(integration = %slot.id, reason = %fault, failures = life.failures, "an integration did not start");
        life.state = RunState::Failed { reason: fault.to_string(), since, retry_at };
    }

    /// Stops it, if it runs. Its subscriptions are gone afterwards, whatever it does.
    pub(super) async fn stop(&self, slot: &Slot<H>) -> StopReport {
        let _turn = slot.turn.lock().await;
        // Also when this future is dropped half-way.
        let _silenced = Silenced { shared: self, slot };
        let was_running = {
            let mut life = slot.life();
            let running = life.state == RunState::Running;
            life.state = if running { RunState::Stopping } else { RunState::Idle };
            (life.failures, life.retry) = (0, None);
            running
        };
        self.turn();
        if !was_running {
            return StopReport::default();
        }
        let handle = slot.handle.clone();
        let stopped = isolated("the stop", self.limits.stop, async move { handle.stop().await }).await;
        let fault = stopped.and_then(|stopped| stopped).err();
        if let Some(fault) = &fault {
            tracing::warn!(integration = %slot.id, reason = %fault, "an integration did not stop cleanly");
        }
        StopReport { was_running, fault }
    }
}

struct Silenced<'a, H: Host> {
    shared: &'a Shared<H>,
    slot: &'a Slot<H>,
}

impl<H: Host> Drop for Silenced<'_, H> {
    fn drop(&mut self) {
        self.slot.silence();
        self.shared.turn();
    }
}
