//! Clients that ask for everything the upstreams do, and look at what comes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::upstream::{BAD, GOOD, body};

/// How outcomes begin that must not be.
pub(crate) const WRONG: &str = "WRONG";

const CLIENTS: u64 = 64;
/// No answer takes as long.
const LOST: Duration = Duration::from_secs(15);

static NONCES: AtomicU64 = AtomicU64::new(0);

/// Sends as many requests in this time, evenly, and counts how they went.
pub(crate) async fn load(gateway: SocketAddr, time: Duration, requests: u64) -> BTreeMap<String, u64> {
    let each = (requests / CLIENTS).max(1);
    let pace = time / u32::try_from(each).unwrap();
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(run(gateway, Instant::now() + time, each, pace))).collect();
    let mut outcomes = BTreeMap::new();
    for client in clients {
        for (outcome, times) in client.await.unwrap() {
            *outcomes.entry(outcome).or_default() += times;
        }
    }
    outcomes
}

async fn run(gateway: SocketAddr, end: Instant, requests: u64, pace: Duration) -> BTreeMap<String, u64> {
    let idle = Duration::from_millis(500);
    let client = Client::builder().no_proxy().http1_only().pool_idle_timeout(idle).build().unwrap();
    let mut outcomes = BTreeMap::new();
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..requests {
        ticks.tick().await;
        if Instant::now() >= end {
            break;
        }
        let request = Request::random();
        let outcome = match timeout(LOST, request.send(&client, gateway)).await {
            Ok(outcome) => outcome,
            Err(_) => format!("{WRONG}: {} was lost", request.what),
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    outcomes
}

struct Request {
    slug: &'static str,
    what: &'static str,
    nonce: String,
    length: usize,
}

impl Request {
    fn random() -> Self {
        let (slug, does) = if fastrand::u8(..10) < 8 { ("good", GOOD) } else { ("bad", BAD) };
        let length = match fastrand::u8(..10) {
            0 => fastrand::usize(100_000..500_000),
            1..4 => fastrand::usize(10_000..100_000),
            _ => fastrand::usize(10..2_000),
        };
        let nonce = format!("n{:x}-", NONCES.fetch_add(1, Ordering::Relaxed));
        // Else it would fail five times in a row all the time, and be left alone.
        let what = if slug == "bad" && fastrand::bool() { "plain" } else { does[fastrand::usize(..does.len())] };
        Self { slug, what, nonce, length }
    }

    async fn send(&self, client: &Client, gateway: SocketAddr) -> String {
        let Self { slug, what, nonce, length } = self;
        let url = format!("http://{gateway}/.netlify/{slug}/{what}/{nonce}/{length}");
        let request = match *what {
            "echo" => client.post(url).body(body(nonce, *length)),
            "early" => client.post(url).body(body(nonce, *length % 8000)),
            _ => client.get(url),
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(fault) => return format!("{WRONG}: {what} got no answer: {fault:?}"),
        };
        let (status, of) = (response.status(), response.headers().get("x-nonce").cloned());
        if *what == "chunked" && fastrand::u8(..10) == 0 {
            return "left by the client in the middle of the answer".to_owned();
        }
        let bytes = response.bytes().await;
        match (of, bytes) {
            (Some(of), _) if of.as_bytes() != nonce.as_bytes() => format!("{WRONG}: {what} got the answer to another"),
            (Some(_), Ok(bytes)) => self.judge_whole(status, &bytes),
            (Some(_), Err(_)) => self.judge_broken(),
            (None, Ok(bytes)) => self.judge_fault(status, &bytes),
            (None, Err(fault)) => format!("{WRONG}: {what} got half a fault: {fault}"),
        }
    }

    fn judge_whole(&self, status: StatusCode, bytes: &[u8]) -> String {
        let what = self.what;
        let (expected, length) = match what {
            "nothing" => (StatusCode::NO_CONTENT, 0),
            _ => (StatusCode::OK, self.length),
        };
        let is_whole = status == expected && bytes == body(&self.nonce, length);
        match what {
            "short" | "broken-chunk" | "silence" => format!("{WRONG}: {what} was passed on as whole"),
            _ if is_whole => format!("{}: {what}, the right answer", self.slug),
            _ => format!("{WRONG}: {what} got other bytes"),
        }
    }

    fn judge_broken(&self) -> String {
        match self.what {
            "short" | "broken-chunk" | "silence" => format!("bad: {}, an answer that broke off", self.what),
            what => format!("{WRONG}: {what} broke off"),
        }
    }

    /// The gateway's own answer.
    fn judge_fault(&self, status: StatusCode, bytes: &[u8]) -> String {
        let what = self.what;
        let fault: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        let code = fault["error"].as_str().unwrap_or_default();
        let is_right = match (what, code) {
            // Five in a row, and it is left alone for a while.
            (_, "upstream_left_alone") => self.slug == "bad",
            ("reset" | "garbage", "bad_answer") | ("stall", "answer_timeout") => true,
            // Sent on a connection that was hung up meanwhile; it must not be sent twice.
            ("echo" | "early", "bad_answer") => true,
            _ => false,
        };
        match is_right {
            true => format!("{}: {what}, {} {code}", self.slug, status.as_u16()),
            false => format!("{WRONG}: {what} got {status} {code}"),
        }
    }
}
