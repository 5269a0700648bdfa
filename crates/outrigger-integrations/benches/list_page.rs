//! The list page of 10,000 configurations, over HTTP on loopback: how long one browser waits, and how many pages a
//! second eight of them get.
//!
//! `cargo bench -p outrigger-integrations --features axum --bench list_page`. With `DATABASE_URL` naming a PostgreSQL
//! server, the configurations are there.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the benchmark failing")]

#[path = "configs/bed.rs"]
mod bed;

use std::time::{Duration, Instant};

use bed::Bed;
use futures_util::future::join_all;
use http::request::Parts;
use outrigger_integrations::pages::{self, Action, Decision, PagesOptions, Policy, ScopeFrom, Stranger, Subject};
use outrigger_integrations::{Actor, Scope};
use tokio::net::TcpListener;

const CONFIGS: usize = 10_000;
const CLIENTS: usize = 8;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);

struct Anybody;

impl Policy for Anybody {
    type Principal = ();

    async fn principal(&self, _: &Parts) -> Result<(), Stranger> {
        Ok(())
    }

    fn actor(&self, (): &()) -> Actor {
        Actor::new("bench", "Bench")
    }

    async fn decide(&self, (): &(), _: Action, _: &Subject<'_>) -> Decision {
        Decision::Allow
    }
}

/// The pages in a process that has found the configurations in the store.
async fn serve(bed: &Bed) -> String {
    let manager = bed.another();
    manager.refresh().await.unwrap();
    let pages = PagesOptions::new(Anybody, ScopeFrom::fixed(Scope::System));
    let router = axum::Router::new().nest("/integrations", pages::router(manager, pages));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/integrations", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Asks for the page again and again, and says how long each took.
async fn browse(client: reqwest::Client, url: &str, until: Instant) -> Vec<Duration> {
    let mut waits = Vec::new();
    while Instant::now() < until {
        let start = Instant::now();
        let page = client.get(url).send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
        waits.push(start.elapsed());
        assert!(page.len() > 1_000, "a page");
    }
    waits
}

async fn round(url: &str, clients: usize) -> Vec<Duration> {
    let until = Instant::now() + ROUND;
    let client = || reqwest::Client::builder().build().unwrap();
    let mut waits: Vec<Duration> = join_all((0..clients).map(|_| browse(client(), url, until))).await.concat();
    waits.sort_unstable();
    waits
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[tokio::main]
async fn main() {
    // Half of the bed's configurations are in the scope of the system.
    let bed = Bed::of(2 * CONFIGS).await;
    let engine = bed.manager.store().db().engine();
    let list = serve(&bed).await;
    for (name, url) in [
        ("the first page", list.clone()),
        ("those that need attention", format!("{list}?state=failed")),
        ("a search", format!("{list}?q=name+77")),
    ] {
        let (mut waits, mut tails, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let alone = round(&url, 1).await;
            waits.push(alone[alone.len() / 2].as_secs_f64() * 1e3);
            tails.push(alone[alone.len() * 99 / 100].as_secs_f64() * 1e3);
            rates.push(round(&url, CLIENTS).await.len() as f64 / ROUND.as_secs_f64());
            bed.change_one().await;
        }
        let (wait, tail, rate) = (median(waits), median(tails), median(rates));
        println!(
            "{engine:?}, {CONFIGS} configurations, {name}: {wait:.2} ms (p99 {tail:.2} ms), {rate:.0} pages a second"
        );
    }
}
