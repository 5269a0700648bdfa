//! What a surface in Rust costs: an event, a page as HTML over HTTP, and the memory of an open visit.
//!
//! `cargo bench -p outrigger-integrations --features axum --bench surface`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the benchmark failing")]

#[path = "../tests/pages/surface/sample.rs"]
mod sample;

use std::alloc::System;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cap::Cap;
use http::request::Parts;
use outrigger_db::{SystemClock, SystemEntropy};
use outrigger_integrations::handler::HandlerCaller;
use outrigger_integrations::pages::{SurfaceHost, SurfaceOptions, SurfaceRefusal, SurfaceVisitor, surface_router};
use outrigger_integrations::surface::{Act, Event, SurfaceProgram, VisitContext, VisitLimits, VisitView, Visits};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

const EVENTS: usize = 20_000;
const VISITS: usize = 10_000;

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

struct Anybody(Arc<dyn SurfaceProgram>);

impl SurfaceHost for Anybody {
    async fn visitor(&self, _: &Parts) -> Result<SurfaceVisitor, SurfaceRefusal> {
        let (program, handlers) = (self.0.clone(), HandlerCaller::none());
        let owner = "bench".to_owned();
        Ok(SurfaceVisitor { owner, program, context: context(), handlers, may_change: true, connect_url: None })
    }
}

fn choose(view: &VisitView, value: &str) -> Act {
    let inputs = vec![("pick".to_owned(), value.to_owned())];
    Act { step: view.step, event: Event::Change("pick".to_owned()), confirmed: false, inputs }
}

fn shares(mut waits: Vec<Duration>) -> String {
    waits.sort_unstable();
    let at = |share: usize| waits[waits.len() * share / 1000].as_secs_f64() * 1e6;
    format!("p50 {:.0} µs, p99 {:.0} µs", at(500), at(990))
}

#[tokio::main]
async fn main() {
    let limits = VisitLimits::default();
    let visits = Visits::new(Arc::new(SystemClock), Arc::new(SystemEntropy), limits);
    let program: Arc<dyn SurfaceProgram> = Arc::new(sample::surface());
    let open = async || visits.open("bench", program.clone(), context(), HandlerCaller::none(), "/").await.unwrap();

    let mut view = open().await;
    let mut waits = Vec::with_capacity(EVENTS);
    for number in 0..EVENTS {
        let act = choose(&view, if number % 2 == 0 { "a" } else { "b" });
        let start = Instant::now();
        view = visits.act("bench", view.id, act).await.unwrap();
        waits.push(start.elapsed());
    }
    println!("an event, of a page with 27 elements: {}", shares(waits));

    let before = ALLOCATED.allocated();
    for _ in 0..VISITS {
        open().await;
    }
    let each = (ALLOCATED.allocated() - before) / VISITS;
    println!("memory of an open visit: {:.1} KiB (of {VISITS})", each as f64 / 1024.0);

    let router = surface_router(Anybody(program.clone()), visits.clone(), SurfaceOptions::default());
    let router = axum::Router::new().nest("/cache", router);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cache", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().build().unwrap();
    let mut waits = Vec::new();
    for _ in 0..EVENTS / 10 {
        let start = Instant::now();
        let page = client.get(&url).send().await.unwrap().bytes().await.unwrap();
        waits.push(start.elapsed());
        assert!(page.len() > 2000);
    }
    println!("a new visit's page, over HTTP: {}", shares(waits));
}
