//! Visits: one for each time somebody opens a surface, kept in memory while they are there.
//!
//! A visit belongs to who opened it. One thing happens at a time in it; an event that was sent from a page that is no
//! longer the present one, such as the second click of a double click, does nothing. A callback that panics, hangs or
//! goes in a circle leaves the visit as it was.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use outrigger_db::{Clock, Entropy};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::fields::{self, Faults};
use super::{Element, Event, Go, Input, Kind, SurfaceError, SurfaceProgram, SurfaceState, VisitContext, VisitProgram};
use crate::handler::HandlerCaller;

/// Names a visit. It tells nothing about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisitId(u128);

/// As it stands in pages.
impl fmt::Display for VisitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for VisitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VisitId({self})")
    }
}

impl FromStr for VisitId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

/// How much visits may take.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct VisitLimits {
    /// How many there are at a time. The one that rested longest makes room for one more.
    pub visits: usize,
    /// How long one may rest.
    pub idle: Duration,
    /// How long the callbacks of an event may take.
    pub callback: Duration,
    /// How often callbacks may send somebody on before they see a page.
    pub hops: usize,
    /// How much people may put into the inputs of a page, in bytes.
    pub input_bytes: usize,
}

impl Default for VisitLimits {
    fn default() -> Self {
        let (idle, callback) = (Duration::from_secs(30 * 60), Duration::from_secs(30));
        Self { visits: 10_000, idle, callback, hops: 8, input_bytes: 64 * 1024 }
    }
}

/// All visits of a process. Clones are cheap.
#[derive(Clone)]
pub struct Visits {
    open: Arc<Mutex<HashMap<VisitId, Open>>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limits: VisitLimits,
}

struct Open {
    owner: String,
    used_at: Timestamp,
    visit: Arc<tokio::sync::Mutex<Visit>>,
}

struct Visit {
    program: Arc<dyn SurfaceProgram>,
    running: Box<dyn VisitProgram>,
    state: SurfaceState,
    /// Counts what happened, so that each page can be acted on once.
    step: u64,
    faults: Faults,
    error: Option<(Option<String>, String)>,
    confirming: Option<String>,
    leave_to: Option<Url>,
}

/// A page of a surface, as somebody sees it now.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct VisitView {
    /// Which visit.
    #[serde(serialize_with = "as_text")]
    pub id: VisitId,
    /// Which page of it: an event has to name the present one.
    pub step: u64,
    /// The path within the surface.
    pub path: String,
    /// Its elements, as they are now; hidden ones too.
    pub elements: Vec<Element>,
    /// What is in the inputs. Of those whose text is not shown there is nothing.
    pub inputs: BTreeMap<String, Input>,
    /// What is wrong with inputs, by their ids.
    pub faults: Faults,
    /// What went wrong, and with which element.
    pub error: Option<ViewError>,
    /// What people are asked to confirm: a button by its id, or something of the host's.
    pub confirming: Option<String>,
    /// The selects whose changes are listened to.
    pub listening: Vec<String>,
    /// Where the browser is to go instead.
    pub leave_to: Option<Url>,
}

/// What went wrong on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ViewError {
    /// The element that people acted on; none when the page was entered.
    pub element: Option<String>,
    /// For people.
    pub text: String,
}

/// What somebody does on a page.
#[derive(Clone, Debug)]
pub struct Act {
    /// The page that they saw.
    pub step: u64,
    /// What they do.
    pub event: Event,
    /// Whether they have agreed to what the button asks first.
    pub confirmed: bool,
    /// What they have put into the inputs, by their ids.
    pub inputs: Vec<(String, String)>,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VisitError {
    /// There is no such visit, or no longer, or it is somebody else's.
    #[error("there is no such visit, or it is over")]
    Gone,
    /// The surface could not be opened.
    #[error(transparent)]
    NotOpened(#[from] SurfaceError),
}

fn as_text<S: serde::Serializer>(id: &VisitId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

impl Visits {
    /// No visits yet. Times come from `clock`, ids from `entropy`.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, limits: VisitLimits) -> Self {
        Self { open: Arc::default(), clock, entropy, limits }
    }

    /// Opens a surface at a path of it, for its owner.
    ///
    /// # Errors
    /// [`VisitError::NotOpened`] when the program does not start.
    pub async fn open(
        &self,
        owner: &str,
        program: Arc<dyn SurfaceProgram>,
        context: VisitContext,
        handlers: HandlerCaller,
        path: &str,
    ) -> Result<VisitView, VisitError> {
        let opening = AssertUnwindSafe(program.open(&context, &handlers)).catch_unwind();
        let running = in_time(self.limits.callback, opening).await?;
        let mut visit = Visit {
            program,
            running,
            state: SurfaceState::new(Arc::new(context), handlers),
            step: 0,
            faults: Faults::new(),
            error: None,
            confirming: None,
            leave_to: None,
        };
        visit.enter(path, self.limits).await;
        let id = self.new_id();
        let view = visit.view(id);
        self.keep(id, owner, visit);
        Ok(view)
    }

    /// The present page of a visit.
    ///
    /// # Errors
    /// [`VisitError::Gone`].
    pub async fn show(&self, owner: &str, id: VisitId) -> Result<VisitView, VisitError> {
        let visit = self.find(owner, id)?;
        let visit = visit.lock().await;
        Ok(visit.view(id))
    }

    /// Goes to another path in a visit.
    ///
    /// # Errors
    /// [`VisitError::Gone`].
    pub async fn navigate(&self, owner: &str, id: VisitId, path: &str) -> Result<VisitView, VisitError> {
        let visit = self.find(owner, id)?;
        let mut visit = visit.lock().await;
        visit.enter(path, self.limits).await;
        Ok(visit.view(id))
    }

    /// Does what somebody did on a page, and says what they see then. What they did on another page than the present
    /// one, or to an element that is not there, does nothing.
    ///
    /// # Errors
    /// [`VisitError::Gone`].
    pub async fn act(&self, owner: &str, id: VisitId, act: Act) -> Result<VisitView, VisitError> {
        let visit = self.find(owner, id)?;
        let mut visit = visit.lock().await;
        if act.step == visit.step {
            visit.act(act, self.limits).await;
        }
        Ok(visit.view(id))
    }

    /// Asks people to confirm something, or no longer.
    ///
    /// # Errors
    /// [`VisitError::Gone`].
    pub async fn ask(
        &self,
        owner: &str,
        id: VisitId,
        step: u64,
        what: Option<String>,
    ) -> Result<VisitView, VisitError> {
        let visit = self.find(owner, id)?;
        let mut visit = visit.lock().await;
        if step == visit.step {
            visit.step += 1;
            visit.error = None;
            visit.confirming = what;
        }
        Ok(visit.view(id))
    }

    /// How many visits there are.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<VisitId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_id(&self) -> VisitId {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        VisitId(u128::from_le_bytes(bytes))
    }

    fn find(&self, owner: &str, id: VisitId) -> Result<Arc<tokio::sync::Mutex<Visit>>, VisitError> {
        let now = self.clock.now();
        let mut open = self.lock();
        let found = open.get_mut(&id).filter(|open| open.owner == owner && !self.is_over(open, now));
        let found = found.ok_or(VisitError::Gone)?;
        found.used_at = now;
        Ok(found.visit.clone())
    }

    fn is_over(&self, open: &Open, now: Timestamp) -> bool {
        now.duration_since(open.used_at).unsigned_abs() > self.limits.idle
    }

    /// Those that rested too long go, and if that is not enough the one that rested longest.
    fn keep(&self, id: VisitId, owner: &str, visit: Visit) {
        let now = self.clock.now();
        let mut open = self.lock();
        if open.len() >= self.limits.visits {
            open.retain(|_, open| !self.is_over(open, now));
        }
        while open.len() >= self.limits.visits.max(1) {
            let oldest = open.iter().min_by_key(|(_, open)| open.used_at).map(|(id, _)| *id);
            oldest.map(|oldest| open.remove(&oldest));
        }
        let visit = Arc::new(tokio::sync::Mutex::new(visit));
        open.insert(id, Open { owner: owner.to_owned(), used_at: now, visit });
    }
}

impl fmt::Debug for Visits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visits").field("count", &self.count()).field("limits", &self.limits).finish()
    }
}

/// Waits for something of the program's, for so long and no panic of it.
async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = std::thread::Result<Result<T, SurfaceError>>>,
) -> Result<T, SurfaceError> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(SurfaceError::Broken("a callback panicked".to_owned())),
        Err(_) => Err(SurfaceError::TooLong(limit)),
    }
}

/// The id of the button, if people have to agree to something first.
fn asks_first(state: &SurfaceState, event: &Event) -> Option<String> {
    let Event::Click(id) = event else { return None };
    let button = state.elements.iter().find_map(|element| element.find(id))?;
    let Kind::Button(button) = &button.kind else { return None };
    button.confirmation_message.as_ref().map(|_| id.clone())
}

impl Visit {
    async fn act(&mut self, act: Act, limits: VisitLimits) {
        let target = act.event.element().and_then(|id| self.state.element(id));
        let fits = target.is_some_and(|element| fields::takes(element, &act.event));
        if !fits || act.inputs.iter().map(|(_, text)| text.len()).sum::<usize>() > limits.input_bytes {
            return;
        }
        fields::take_inputs(&self.state.elements, &act.inputs, &mut self.state.inputs);
        self.step += 1;
        self.error = None;
        self.confirming = None;
        if let (Some(id), false) = (asks_first(&self.state, &act.event), act.confirmed) {
            self.confirming = Some(id);
            return;
        }
        self.faults = match &act.event {
            Event::Submit(form) => fields::check(&self.state.elements, form, &self.state.inputs),
            _ => Faults::new(),
        };
        if !self.faults.is_empty() {
            return;
        }
        let chosen = act.event.element().and_then(|id| self.state.inputs.get(id)).cloned();
        let value = chosen.map(|input| Value::from(input.text()));
        let done = self.emit(&act.event, value.as_ref(), limits).await;
        let done = match done {
            Ok(()) => self.follow(limits).await,
            Err(error) => Err(error),
        };
        self.note(act.event.element(), done);
    }

    /// Enters a path of the surface as if for the first time.
    async fn enter(&mut self, path: &str, limits: VisitLimits) {
        self.step += 1;
        self.error = None;
        self.confirming = None;
        self.leave_to = None;
        self.faults = Faults::new();
        self.state.navigation.go = Some(Go::Route(path.to_owned()));
        let done = self.follow(limits).await;
        self.note(None, done);
    }

    /// Goes where callbacks send people, until they see a page.
    async fn follow(&mut self, limits: VisitLimits) -> Result<(), SurfaceError> {
        for _ in 0..limits.hops {
            let path = match self.state.navigation.go.take() {
                None => return Ok(()),
                Some(Go::External(url)) => {
                    self.leave_to = super::markdown::is_safe(url.as_str()).then_some(url);
                    return Ok(());
                }
                Some(Go::Route(path)) => path,
            };
            self.state.navigation.enter(&path);
            let found = self.program.definition().route(&self.state.navigation.path);
            let found = found.map(|(_, elements)| elements.to_vec());
            self.state.elements = found.ok_or_else(|| SurfaceError::Told("There is no such page.".to_owned()))?;
            self.state.inputs = fields::first_inputs(&self.state.elements);
            self.emit(&Event::Load, None, limits).await?;
        }
        Err(SurfaceError::Circle)
    }

    /// Tells the program; what it did half-way is undone.
    async fn emit(&mut self, event: &Event, value: Option<&Value>, limits: VisitLimits) -> Result<(), SurfaceError> {
        let before = self.state.clone();
        let emitting = AssertUnwindSafe(self.running.emit(event, value, &mut self.state)).catch_unwind();
        let done = in_time(limits.callback, emitting).await;
        if !matches!(done, Ok(()) | Err(SurfaceError::Told(_))) {
            self.state = before;
        }
        done
    }

    fn note(&mut self, element: Option<&str>, done: Result<(), SurfaceError>) {
        let Err(error) = done else { return };
        self.state.navigation.go = None;
        if !matches!(error, SurfaceError::Told(_)) {
            let slug = &self.program.definition().integration_slug;
            tracing::warn!(integration = %slug, element, %error, "a surface failed");
        }
        self.error = Some((element.map(str::to_owned), error.public()));
    }

    fn view(&self, id: VisitId) -> VisitView {
        let definition = self.program.definition();
        let now = self.state.circumstances(&definition.integration_slug, &definition.friendly_name);
        let elements: Vec<Element> = self.state.elements.iter().map(|element| element.under(&now)).collect();
        VisitView {
            id,
            step: self.step,
            path: self.state.navigation.path.clone(),
            inputs: fields::shown_inputs(&elements, &self.state.inputs),
            elements,
            faults: self.faults.clone(),
            confirming: self.confirming.clone(),
            listening: fields::selects(&self.state.elements, |id| {
                self.running.listens_to(&self.state, &Event::Change(id.to_owned()))
            }),
            error: self.error.clone().map(|(element, text)| ViewError { element, text }),
            leave_to: self.leave_to.clone(),
        }
    }
}
