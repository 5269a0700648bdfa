//! The function of an integration, run by Node: one process for each integration, started when it is called, stopped
//! when it rests, and started anew after a crash (contract integration-api, sections 4 and 8).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use outrigger_integrations::handler::{Caller, HandlerCall, HandlerError, HandlerHost, HandlerReply};
use tokio::time::Instant;
use url::Url;

use crate::artefact::Artefact;

mod event;
mod process;

use process::{Gone, Process};

/// After how long a crashed process is started again; doubles with each crash in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A process that ran for so long was sound.
const SOUND_AFTER: Duration = Duration::from_secs(30);

/// How functions are run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunnerOptions {
    /// Node, version 20.6 or newer.
    pub node: PathBuf,
    /// Where this platform is, as the function reaches it. No slash at its end is needed.
    pub api: Url,
    /// Variables that the function finds in its environment. Of ours it sees none but `PATH`, `NODE_EXTRA_CA_CERTS` and
    /// those for a proxy.
    pub env: Vec<(String, String)>,
    /// How long it may take to start.
    pub start: Duration,
    /// How long a call may take.
    pub call: Duration,
    /// How long it may rest before it is stopped.
    pub idle: Duration,
    /// How many calls it may have at a time.
    pub calls: usize,
    /// The most bytes of an answer.
    pub answer: usize,
    /// How much memory its objects may take, in MiB.
    pub memory: usize,
}

impl RunnerOptions {
    /// Those that are usual, for a platform that is there.
    pub fn new(api: Url) -> Self {
        Self {
            node: "node".into(),
            api,
            env: Vec::new(),
            start: Duration::from_secs(20),
            call: Duration::from_secs(26),
            idle: Duration::from_secs(5 * 60),
            calls: 100,
            answer: 6 * 1024 * 1024,
            memory: 256,
        }
    }
}

/// Why a function is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunnerError {
    /// Node does not start.
    #[error("`{node}` does not start ({error}): functions need Node 20.6 or newer")]
    NoNode {
        /// What was started.
        node: String,
        /// What the system says.
        error: String,
    },
    /// The function does not load.
    #[error("the function does not load: {0}")]
    NotLoaded(String),
    /// It took too long to start.
    #[error("the function did not start within {} s", .0.as_secs_f64())]
    TooSlow(Duration),
}

/// The handlers of an integration that the SDK has built.
pub struct FunctionRunner {
    shared: Arc<Shared>,
    names: BTreeSet<String>,
}

struct Shared {
    slug: String,
    file: PathBuf,
    options: RunnerOptions,
    /// Held while a process is started, so that there is one.
    starting: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// What is known of the process.
#[derive(Default)]
struct State {
    process: Option<(Arc<Process>, Instant)>,
    crashes: u32,
    not_before: Option<Instant>,
}

impl std::fmt::Debug for FunctionRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FunctionRunner").field("slug", &self.shared.slug).field("names", &self.names).finish()
    }
}

impl FunctionRunner {
    /// Starts the function of an artefact, and learns the names of its handlers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(artefact: &Artefact, options: RunnerOptions) -> Result<Self, RunnerError> {
        let shared = Arc::new(Shared {
            slug: artefact.slug().to_string(),
            file: artefact.handler(),
            options,
            starting: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        });
        let (process, names) = Process::start(&shared.slug, &shared.file, &shared.options).await?;
        shared.state().process = Some((Arc::new(process), Instant::now()));
        Ok(Self { shared, names })
    }

    /// Whether its process runs now.
    pub fn is_running(&self) -> bool {
        self.shared.state().process.as_ref().is_some_and(|(process, _)| !process.is_over())
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process, started if it is not there.
    async fn process(&self) -> Result<Arc<Process>, HandlerError> {
        let _starting = self.starting.lock().await;
        if let Some(process) = self.running()? {
            return Ok(process);
        }
        let started = Process::start(&self.slug, &self.file, &self.options).await;
        let mut state = self.state();
        match started {
            Ok((process, _)) => {
                let process = Arc::new(process);
                state.process = Some((process.clone(), Instant::now()));
                Ok(process)
            }
            Err(error) => {
                state.crashed();
                Err(unavailable(&self.slug, &error.to_string()))
            }
        }
    }

    /// The process if it runs. What is known of one that does not is noted.
    fn running(&self) -> Result<Option<Arc<Process>>, HandlerError> {
        let mut state = self.state();
        if let Some((process, since)) = state.process.take() {
            if !process.is_over() {
                state.process = Some((process.clone(), since));
                return Ok(Some(process));
            }
            if process.has_crashed() {
                if since.elapsed() >= SOUND_AFTER {
                    state.crashes = 0;
                }
                state.crashed();
            } else {
                *state = State::default();
            }
        }
        if state.not_before.is_some_and(|moment| Instant::now() < moment) {
            return Err(unavailable(&self.slug, "it crashed and is not started again yet"));
        }
        Ok(None)
    }

    async fn call(&self, call: HandlerCall, caller: Caller) -> Result<HandlerReply, HandlerError> {
        let event = event::of(&self.slug, call, &caller);
        let process = self.process().await?;
        let called = tokio::time::timeout(self.options.call, process.call(event)).await;
        match called {
            Ok(Ok(answer)) => event::reply(answer),
            Ok(Err(Gone::Busy)) => Err(HandlerError::unavailable("The integration is busy. Try again in a moment.")),
            Ok(Err(Gone::Failed(cause))) => Err(HandlerError::failed(cause)),
            Ok(Err(Gone::Ended)) => Err(unavailable(&self.slug, "its process ended during the call")),
            Err(_) => Err(unavailable(&self.slug, "a call took too long")),
        }
    }
}

impl State {
    fn crashed(&mut self) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.crashes.min(16)).min(LONGEST_PAUSE);
        self.crashes += 1;
        self.not_before = Some(Instant::now() + pause);
    }
}

fn unavailable(slug: &str, why: &str) -> HandlerError {
    tracing::warn!(integration = slug, why, "the function of an integration did not answer");
    HandlerError::unavailable("The integration did not answer. Try again in a moment.")
}

impl HandlerHost for FunctionRunner {
    fn names(&self) -> Vec<String> {
        self.names.iter().cloned().collect()
    }

    fn call(&self, call: HandlerCall, caller: Caller) -> BoxFuture<'static, HandlerReply> {
        if !self.names.contains(&call.name) {
            return Box::pin(std::future::ready(HandlerReply::no_such(&call.name)));
        }
        let shared = self.shared.clone();
        Box::pin(async move { shared.call(call, caller).await.unwrap_or_else(|error| error.reply()) })
    }
}
