//! Surfaces whose callbacks are a script that the SDK has built (contract integration-api, sections 6 and 7).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use outrigger_integrations::handler::HandlerCaller;
use outrigger_integrations::surface::{
    Event, Go, SETTINGS, SurfaceDefinition, SurfaceError, SurfaceProgram, SurfaceState, VisitContext, VisitProgram,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::artefact::Artefact;

mod engine;
mod fetch;

use engine::{Engine, Leave, Outcome, Request, Turn, Wish};

/// How much a script may take. They hold for each visit.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ScriptLimits {
    /// Bytes of memory.
    pub memory: usize,
    /// Bytes of stack.
    pub stack: usize,
    /// How long it may compute for an event, and while it is loaded; waiting for answers is not computing.
    pub running: Duration,
    /// How much it may ask for during an event.
    pub requests: usize,
    /// The most bytes of an answer that it is given.
    pub answer: usize,
    /// The most bytes of a page, with its inputs and what is kept during the visit.
    pub state: usize,
    /// How many of an integration's visits compute at a time; the others wait their turn.
    pub at_once: usize,
}

impl Default for ScriptLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        let running = Duration::from_secs(1);
        Self { memory: 32 * MIB, stack: 256 * 1024, running, requests: 100, answer: MIB, state: MIB, at_once: 2 }
    }
}

/// The surface of an integration that the SDK has built. Each visit has an engine of its own.
pub struct ScriptSurface {
    shared: Arc<Shared>,
}

struct Shared {
    definition: Arc<SurfaceDefinition>,
    script: Arc<str>,
    limits: ScriptLimits,
    turns: Semaphore,
}

impl ScriptSurface {
    /// That of this artefact.
    pub fn new(artefact: &Artefact, limits: ScriptLimits) -> Self {
        let (definition, script) = (artefact.definition().clone(), artefact.script().clone());
        Self { shared: Arc::new(Shared { definition, script, limits, turns: Semaphore::new(limits.at_once) }) }
    }
}

impl fmt::Debug for ScriptSurface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptSurface")
            .field("slug", &self.shared.definition.integration_slug)
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}

impl SurfaceProgram for ScriptSurface {
    fn definition(&self) -> &SurfaceDefinition {
        &self.shared.definition
    }

    fn open<'a>(
        &'a self,
        _: &'a VisitContext,
        _: &'a HandlerCaller,
    ) -> BoxFuture<'a, Result<Box<dyn VisitProgram>, SurfaceError>> {
        Box::pin(async move {
            let engine = self.shared.load().await?;
            let (engine, events) = self.shared.run(engine, |engine| engine.events()).await?;
            tracing::debug!(bytes = engine.memory(), "a surface's script is loaded");
            let visit = ScriptVisit { shared: self.shared.clone(), events, engine: Some(engine) };
            Ok(Box::new(visit) as Box<dyn VisitProgram>)
        })
    }
}

impl Shared {
    async fn load(&self) -> Result<Engine, SurfaceError> {
        let (script, limits) = (self.script.clone(), self.limits);
        self.block(move || Engine::load(&script, limits)).await
    }

    /// Lets a script compute, on a thread where it is in nobody's way.
    async fn run<T: Send + 'static>(
        &self,
        engine: Engine,
        work: impl FnOnce(&Engine) -> Result<T, SurfaceError> + Send + 'static,
    ) -> Result<(Engine, T), SurfaceError> {
        self.block(move || work(&engine).map(|done| (engine, done))).await
    }

    async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SurfaceError> + Send + 'static,
    ) -> Result<T, SurfaceError> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|error| SurfaceError::Broken(error.to_string()))?;
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| SurfaceError::Broken("the engine panicked".to_owned()))?
    }
}

/// One visit. Its engine is gone after anything that may have left it half-way, and loaded anew for the next event.
struct ScriptVisit {
    shared: Arc<Shared>,
    events: BTreeSet<String>,
    engine: Option<Engine>,
}

/// The name under which the SDK registers what listens to an event (contract integration-api, section 7).
fn event_name(event: &Event, route: &str) -> String {
    match event {
        Event::Load => format!("WFUI_LOAD_{route}"),
        Event::Click(id) => {
            let id: String = id.chars().map(|c| if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' }).collect();
            format!("{id}:click_UICALLBACK")
        }
        Event::Submit(form) => format!("WFUI_SAVE_{form}:submit"),
        Event::Cancel(form) => format!("WFUI_CANCEL_{form}:cancel"),
        Event::Change(select) => format!("WFUI_INTERACTION_{select}:onChange"),
    }
}

impl VisitProgram for ScriptVisit {
    fn listens_to(&self, state: &SurfaceState, event: &Event) -> bool {
        self.events.contains(&self.name(state, event))
    }

    fn emit<'a>(
        &'a mut self,
        event: &'a Event,
        value: Option<&'a Value>,
        state: &'a mut SurfaceState,
    ) -> BoxFuture<'a, Result<(), SurfaceError>> {
        Box::pin(async move {
            let name = self.name(state, event);
            if !self.events.contains(&name) {
                if matches!(event, Event::Cancel(_)) {
                    let here = state.navigation.path.clone();
                    state.navigate_to(here);
                }
                return Ok(());
            }
            let given = self.given(state, value);
            let outcome = self.drive(name, given, state).await?;
            apply(outcome, state)
        })
    }
}

impl ScriptVisit {
    fn name(&self, state: &SurfaceState, event: &Event) -> String {
        let route = self.shared.definition.route(&state.navigation.path);
        event_name(event, route.map_or("/", |(route, _)| route))
    }

    /// The visit, as the script sees it.
    fn given(&self, state: &SurfaceState, value: Option<&Value>) -> String {
        let context = &state.context;
        let site = context.site.as_ref();
        let surface = self.shared.definition.surfaces.iter().find(|surface| surface.surface_name == SETTINGS);
        let navigation = &state.navigation;
        let href = format!("{}{}{}", navigation.path, navigation.search, navigation.hash);
        let provider_token = context.provider_token.as_ref().map(ExposeSecret::expose_secret);
        json!({
            "elements": state.elements,
            "inputs": state.inputs,
            "data": state.data,
            "surface": surface,
            "value": value,
            "place": { "href": href, "search": navigation.search, "hash": navigation.hash },
            "context": {
                "siteId": site.map(|site| &site.id),
                "siteName": site.map(|site| &site.name),
                "siteUrl": site.map(|site| &site.url),
                "accountId": context.account,
                "netlifyToken": context.token.expose_secret(),
                "providerOAuthToken": provider_token,
                "serverUrl": context.server_url.as_str().trim_end_matches('/'),
                "isConnected": context.is_connected,
            },
        })
        .to_string()
    }

    /// Lets the callbacks of an event run, and gets them what they wait for.
    async fn drive(&mut self, name: String, given: String, state: &SurfaceState) -> Result<Outcome, SurfaceError> {
        let engine = match self.engine.take() {
            Some(engine) => engine,
            None => self.shared.load().await?,
        };
        let (mut engine, mut turn) = self.shared.run(engine, move |engine| engine.emit(&name, &given)).await?;
        let (mut asked, mut pending) = (0, FuturesUnordered::new());
        loop {
            let requests = match turn {
                Turn::Over(outcome) => {
                    self.engine = Some(engine);
                    return Ok(*outcome);
                }
                Turn::Requests(requests) => requests,
            };
            asked += requests.len();
            if asked > self.shared.limits.requests {
                return Err(SurfaceError::Limit(format!("{} requests", self.shared.limits.requests)));
            }
            pending.extend(requests.into_iter().map(|request| self.grant(request, state)));
            let Some((id, answer)) = pending.next().await else {
                return Err(SurfaceError::Broken("it waits for something that never comes".to_owned()));
            };
            (engine, turn) = self.shared.run(engine, move |engine| engine.answer(id, &answer)).await?;
        }
    }

    /// Gets the script what it asked for.
    fn grant<'a>(&self, request: Request, state: &'a SurfaceState) -> BoxFuture<'a, (u64, String)> {
        let (id, limit) = (request.id, self.shared.limits.answer);
        match request.wish {
            Wish::Fetch(wanted) => Box::pin(async move { (id, fetch::fetch(wanted, state, limit).await.to_string()) }),
            Wish::Sleep(milliseconds) => {
                // What is longer than an event may take is over before it ends.
                let pause = Duration::from_secs_f64(milliseconds.clamp(0.0, 3_600_000.0) / 1000.0);
                tokio::time::sleep(pause).map(move |()| (id, "{}".to_owned())).boxed()
            }
        }
    }
}

fn apply(mut outcome: Outcome, state: &mut SurfaceState) -> Result<(), SurfaceError> {
    state.inputs = outcome.inputs().collect();
    let Outcome { elements, data, go, error, .. } = outcome;
    state.elements = elements;
    state.data = data;
    state.navigation.go = match go {
        None => None,
        Some(Leave::Route(path)) => Some(Go::Route(path)),
        Some(Leave::External(url)) => {
            let url = url.parse().map_err(|_| SurfaceError::Broken(format!("it leads to `{url}`, which is no URL")))?;
            Some(Go::External(url))
        }
    };
    error.map_or(Ok(()), |thrown| Err(thrown.into_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_names_that_the_sdk_gives_them() {
        let name = |event: Event| event_name(&event, "/add");
        assert_eq!(name(Event::Load), "WFUI_LOAD_/add");
        assert_eq!(name(Event::Click("add-database-button".into())), "add_database_button:click_UICALLBACK");
        assert_eq!(name(Event::Submit("my-form".into())), "WFUI_SAVE_my-form:submit");
        assert_eq!(name(Event::Cancel("my-form".into())), "WFUI_CANCEL_my-form:cancel");
        assert_eq!(name(Event::Change("my-form_region".into())), "WFUI_INTERACTION_my-form_region:onChange");
    }
}
