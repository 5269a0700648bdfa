//! The engine that one visit's script runs in. It is called from threads that may block, does nothing by itself, and
//! says after each call what it waits for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use outrigger_integrations::surface::{Element, Input, SurfaceError};
use rquickjs::function::{Args, IntoArgs};
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, Module, Object, Runtime};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::ScriptLimits;

/// What the script finds around it.
const HOST: &str = include_str!("host.js");
/// Where the host keeps its side, among the script's globals.
const HOST_NAME: &str = "__outrigger";

/// A script that was loaded.
pub(super) struct Engine {
    // Before the runtime, which it must not outlive.
    context: Context,
    runtime: Runtime,
    budget: Arc<Budget>,
    limits: ScriptLimits,
}

/// What a script waits for, or what came of an event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Turn {
    /// It wants these, and goes on when it has an answer.
    Requests(Vec<Request>),
    /// Its callbacks are over.
    Over(Box<Outcome>),
}

/// Something that a script asks of its host.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) wish: Wish,
}

/// What it asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Wish {
    /// An answer from an address.
    Fetch(Fetch),
    /// To be called again after so many milliseconds.
    Sleep(f64),
}

/// A request to an address.
#[derive(Debug, Deserialize)]
pub(super) struct Fetch {
    pub(super) url: String,
    pub(super) method: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// What the callbacks of an event have done.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) elements: Vec<Element>,
    /// What is neither a text nor several is no input.
    pub(super) inputs: Map<String, Value>,
    pub(super) data: Value,
    pub(super) go: Option<Leave>,
    pub(super) error: Option<Thrown>,
}

/// Where the callbacks send people.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Leave {
    Route(String),
    External(String),
}

/// What a callback has thrown.
#[derive(Debug, Deserialize)]
pub(super) struct Thrown {
    name: String,
    message: String,
    stack: String,
}

impl Outcome {
    /// The inputs that are some.
    pub(super) fn inputs(&mut self) -> impl Iterator<Item = (String, Input)> {
        let inputs = std::mem::take(&mut self.inputs).into_iter();
        inputs.filter_map(|(id, value)| Some((id, serde_json::from_value(value).ok()?)))
    }
}

impl Thrown {
    /// Authors throw to tell people something; what the language throws is a mistake of theirs.
    pub(super) fn into_error(self) -> SurfaceError {
        let Self { name, message, stack } = self;
        match name.as_str() {
            "InternalError" if message.contains("out of memory") => SurfaceError::Limit("memory".to_owned()),
            "TypeError" | "ReferenceError" | "RangeError" | "SyntaxError" | "EvalError" | "InternalError" => {
                SurfaceError::Broken(format!("{name}: {message}\n{stack}"))
            }
            _ if message.trim().is_empty() => SurfaceError::Broken(format!("{name} without a message\n{stack}")),
            _ => SurfaceError::Told(message),
        }
    }
}

/// How long a script may still run before it is stopped.
struct Budget {
    left: Mutex<Duration>,
    until: Mutex<Option<Instant>>,
    over: AtomicBool,
}

impl Budget {
    fn new(all: Duration) -> Self {
        Self { left: Mutex::new(all), until: Mutex::new(None), over: AtomicBool::new(false) }
    }

    fn refill(&self, all: Duration) {
        *lock(&self.left) = all;
    }

    fn is_over(&self) -> bool {
        let over = lock(&self.until).is_some_and(|until| Instant::now() >= until);
        if over {
            self.over.store(true, Ordering::Relaxed);
        }
        over
    }

    /// Lets the script run, and takes the time from what is left.
    fn spend<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        *lock(&self.until) = Some(begun + *lock(&self.left));
        let done = work();
        *lock(&self.until) = None;
        let mut left = lock(&self.left);
        *left = left.saturating_sub(begun.elapsed());
        done
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn broken(error: impl std::fmt::Display) -> SurfaceError {
    SurfaceError::Broken(error.to_string())
}

impl Engine {
    /// Loads a module, which registers its callbacks.
    pub(super) fn load(script: &str, limits: ScriptLimits) -> Result<Self, SurfaceError> {
        let runtime = Runtime::new().map_err(broken)?;
        runtime.set_memory_limit(limits.memory);
        runtime.set_max_stack_size(limits.stack);
        let budget = Arc::new(Budget::new(limits.running));
        let watch = budget.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || watch.is_over())));
        let context = Context::full(&runtime).map_err(broken)?;
        let engine = Self { context, runtime, budget, limits };
        engine.budget.spend(|| engine.evaluate(script)).map_err(|error| engine.fault(error))?;
        Ok(engine)
    }

    fn evaluate(&self, script: &str) -> Result<(), SurfaceError> {
        self.context.with(|ctx| {
            let host = || -> rquickjs::Result<Object<'_>> {
                let make: Function<'_> = ctx.eval(HOST)?;
                let host: Object<'_> = make.call((native(&ctx)?,))?;
                ctx.globals().set(HOST_NAME, host.clone())?;
                Ok(host)
            };
            host().catch(&ctx).map_err(caught)?;
            let evaluated = Module::evaluate(ctx.clone(), "integration-ui", script);
            evaluated.and_then(|module| module.finish::<()>()).catch(&ctx).map_err(caught)
        })
    }

    /// The names of the events that something listens to.
    pub(super) fn events(&self) -> Result<BTreeSet<String>, SurfaceError> {
        let names = self.budget.spend(|| self.call("events", ())).map_err(|error| self.fault(error))?;
        serde_json::from_str(&names).map_err(broken)
    }

    /// Begins an event. `given` is the visit as JSON.
    pub(super) fn emit(&self, event: &str, given: &str) -> Result<Turn, SurfaceError> {
        self.budget.refill(self.limits.running);
        self.turn("emit", (event, given))
    }

    /// Goes on with what came of a request.
    pub(super) fn answer(&self, id: u64, answer: &str) -> Result<Turn, SurfaceError> {
        self.turn("answer", (id as f64, answer))
    }

    fn turn<A: for<'js> IntoArgs<'js>>(&self, function: &str, arguments: A) -> Result<Turn, SurfaceError> {
        let turn = || {
            self.call(function, arguments)?;
            self.run_jobs()?;
            self.call("turn", ())
        };
        let turn = self.budget.spend(turn).map_err(|error| self.fault(error))?;
        if turn.len() > self.limits.state {
            return Err(SurfaceError::Limit(format!("{} bytes for a page", self.limits.state)));
        }
        // A tree that is none is the script's mistake.
        serde_json::from_str(&turn).map_err(|error| broken(format!("its page makes no sense: {error}")))
    }

    /// Calls a function of the host's side, and gives the text that it answers, if it does.
    fn call<A: for<'js> IntoArgs<'js>>(&self, function: &str, arguments: A) -> Result<String, SurfaceError> {
        self.context.with(|ctx| {
            let call = || -> rquickjs::Result<Option<String>> {
                let host: Object<'_> = ctx.globals().get(HOST_NAME)?;
                let function: Function<'_> = host.get(function)?;
                let mut args = Args::new(ctx.clone(), arguments.num_args());
                arguments.into_args(&mut args)?;
                function.call_arg(args)
            };
            call().catch(&ctx).map(Option::unwrap_or_default).map_err(caught)
        })
    }

    /// Runs what is due: the rest of functions that waited for something that has come.
    fn run_jobs(&self) -> Result<(), SurfaceError> {
        loop {
            match self.runtime.execute_pending_job() {
                Ok(false) => return Ok(()),
                Ok(true) if self.budget.is_over() => return Err(broken("interrupted")),
                Ok(true) => {}
                Err(_) => return Err(broken("a callback was stopped")),
            }
        }
    }

    /// A script that was stopped says nothing of why; we know.
    fn fault(&self, error: SurfaceError) -> SurfaceError {
        if self.budget.over.load(Ordering::Relaxed) {
            return SurfaceError::Limit(format!("{} ms of running", self.limits.running.as_millis()));
        }
        error
    }

    /// How much memory the script holds, in bytes.
    pub(super) fn memory(&self) -> i64 {
        self.runtime.memory_usage().memory_used_size
    }
}

fn caught(error: CaughtError<'_>) -> SurfaceError {
    match error {
        CaughtError::Exception(exception) => {
            let text = exception.to_string();
            if text.contains("out of memory") { SurfaceError::Limit("memory".to_owned()) } else { broken(text) }
        }
        other => broken(other),
    }
}

/// What the host's side is given by the engine.
fn native<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("parseUrl", Function::new(ctx.clone(), parse_url)?)?;
    native.set("log", Function::new(ctx.clone(), |text: String| tracing::debug!(text, "a surface's script says"))?)?;
    Ok(native)
}

/// The parts of an address, as JSON; blank if it is none.
fn parse_url(input: String, base: String) -> String {
    let parsed =
        if base.is_empty() { Url::parse(&input) } else { Url::parse(&base).and_then(|base| base.join(&input)) };
    let Ok(url) = parsed else { return String::new() };
    let part = |prefix: &str, part: Option<&str>| {
        part.filter(|part| !part.is_empty()).map(|part| format!("{prefix}{part}")).unwrap_or_default()
    };
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let hostname = url.host_str().unwrap_or_default();
    let parts = serde_json::json!({
        "before": &url[..url::Position::BeforePath],
        "protocol": format!("{}:", url.scheme()),
        "host": format!("{hostname}{}", part(":", Some(&port))),
        "hostname": hostname,
        "port": port,
        "origin": url.origin().ascii_serialization(),
        "pathname": url.path(),
        "search": part("?", url.query()),
        "hash": part("#", url.fragment()),
    });
    parts.to_string()
}
