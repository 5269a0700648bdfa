//! What a surface built with the SDK costs, beside its twin in Rust: an event, and the memory of an open visit.
//!
//! `OUTRIGGER_NODE_MODULES=target/xtask/node/node_modules cargo bench -p outrigger-netlify-sdk --bench surface`, once
//! `cargo xtask test` has put the packages there.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the benchmark failing")]

#[path = "../tests/it/sample.rs"]
mod sample;
#[path = "../tests/it/twin.rs"]
mod twin;

use std::sync::Arc;
use std::time::{Duration, Instant};

use outrigger_db::{SystemClock, SystemEntropy};
use outrigger_integrations::handler::{HandlerCaller, HandlerReply};
use outrigger_integrations::surface::{Act, Event, SurfaceProgram, VisitContext, VisitLimits, VisitView, Visits};
use outrigger_netlify_sdk::{ScriptLimits, ScriptSurface};
use reqwest::StatusCode;
use serde_json::json;

const ROUNDS: usize = 7;
const EVENTS: usize = 1_000;
const VISITS: usize = 500;

fn context() -> VisitContext {
    VisitContext {
        site: None,
        account: "1".to_owned(),
        token: String::new().into(),
        provider_token: None,
        server_url: "https://cache.example".parse().unwrap(),
        is_connected: false,
        is_enabled: true,
        plugins: Vec::new(),
    }
}

struct Bed {
    visits: Visits,
    program: Arc<dyn SurfaceProgram>,
}

impl Bed {
    fn of(program: Arc<dyn SurfaceProgram>) -> Self {
        let visits = Visits::new(Arc::new(SystemClock), Arc::new(SystemEntropy), VisitLimits::default());
        Self { visits, program }
    }

    async fn open(&self) -> VisitView {
        let handlers = HandlerCaller::new(|_| {
            let reply = HandlerReply::json(StatusCode::OK, &json!({ "siteId": "7" }));
            Box::pin(std::future::ready(reply))
        });
        self.visits.open("bench", self.program.clone(), context(), handlers, "/").await.unwrap()
    }

    /// How long events of one visit take.
    async fn events(&self) -> Vec<Duration> {
        let mut view = self.open().await;
        let mut waits = Vec::with_capacity(EVENTS);
        for number in 0..EVENTS {
            let inputs = vec![("pick".to_owned(), if number % 2 == 0 { "a" } else { "b" }.to_owned())];
            let act = Act { step: view.step, event: Event::Change("pick".to_owned()), confirmed: false, inputs };
            let begin = Instant::now();
            view = self.visits.act("bench", view.id, act).await.unwrap();
            waits.push(begin.elapsed());
        }
        waits.sort_unstable();
        waits
    }

    /// KiB that the process grows by for each visit; the script's engine takes its memory from no allocator of ours.
    async fn visit(&self) -> f64 {
        let before = resident();
        for _ in 0..VISITS {
            self.open().await;
        }
        resident().saturating_sub(before) as f64 / VISITS as f64
    }
}

/// KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() {
    let Some(artefact) = sample::artefact().await else { return };
    let native = Bed::of(Arc::new(twin::surface()));
    let script = Bed::of(Arc::new(ScriptSurface::new(&artefact, ScriptLimits::default())));
    let mut seen: [Vec<(f64, f64)>; 2] = Default::default();
    for _ in 0..ROUNDS {
        for (bed, seen) in [&native, &script].into_iter().zip(&mut seen) {
            let waits = bed.events().await;
            let at = |share: usize| waits[EVENTS * share / 100].as_secs_f64() * 1e6;
            seen.push((at(50), at(99)));
        }
    }
    for ((name, bed), seen) in [("in Rust", &native), ("built with the SDK", &script)].into_iter().zip(seen) {
        let (p50, p99): (Vec<f64>, Vec<f64>) = seen.into_iter().unzip();
        let (p50, p99, memory) = (median(p50), median(p99), bed.visit().await);
        println!("{name}: an event p50 {p50:.0} µs, p99 {p99:.0} µs; an open visit {memory:.0} KiB");
    }
}
