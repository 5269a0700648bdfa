//! Minutes of requests through a gateway whose upstreams do at random what upstreams should not. Each request has a
//! nonce, which is looked for in its answer. At the end the gateway has to be as it was at the begin.
//!
//! ```sh
//! cargo run --release -p outrigger-gateway --example soak -- 600 600000
//! ```
//!
//! runs for 600 seconds with at most 600,000 requests, all on loopback, and fails when an answer was lost, crossed or
//! not what it should be, or when memory or descriptors did not come back.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the soak failing")]

mod client;
mod upstream;

use std::collections::BTreeMap;
use std::env;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics::NoopRecorder;
use outrigger_gateway::{Gateway, Listeners, Mount, Settings, Site, Surroundings, Table, Timeouts};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the gateway keeps connections that nobody uses; clients close theirs sooner.
const KEEP: Duration = Duration::from_secs(2);
/// Until nothing is left of a load: kept connections, with the time between two sweeps.
const QUIET: Duration = Duration::from_secs(12);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [word, listen, good, bad] if word == "gateway" => serve(listen, good, bad),
        _ => {
            let number = |at: usize, usual: u64| arguments.get(at).map_or(usual, |text| text.parse().unwrap());
            soak(Duration::from_secs(number(0, 600)), number(1, 600_000))
        }
    }
}

/// The gateway is a process of its own, so that what it holds can be told from what the test holds.
fn serve(listen: &str, good: &str, bad: &str) -> ! {
    let timeouts = Timeouts {
        first_byte: Duration::from_millis(300),
        idle: Duration::from_secs(1),
        keep: KEEP,
        ..Timeouts::default()
    };
    let gateway = Gateway::new(Settings { timeouts, ..Settings::default() }, surroundings()).unwrap();
    let mount = |slug: &str, server: &str| Mount {
        slug: slug.into(),
        endpoint: Some(format!("http://{server}").parse().unwrap()),
        secret: "a secret of thirty-two characters".into(),
        instance_id: slug.into(),
        netlify_id: slug.into(),
    };
    let site = Site {
        id: "soak".into(),
        url: "https://soak.example".into(),
        hosts: vec!["127.0.0.1".into()],
        origin: None,
        identity: None,
        function_hooks: None,
        mounts: vec![mount("good", good), mount("bad", bad)],
        snippets: vec![],
    };
    gateway.set_table(Table::default().with_site(site).unwrap());
    let plain = vec![TcpListener::bind(listen).unwrap()];
    let _running = gateway.serve(Listeners { plain, ..Listeners::default() }).unwrap();
    loop {
        std::thread::park();
    }
}

#[expect(clippy::disallowed_methods, reason = "a program of its own: nobody gives it a clock")]
fn surroundings() -> Surroundings {
    Surroundings {
        clock: Arc::new(Timestamp::now),
        entropy: Arc::new(|bytes| fastrand::Rng::new().fill(bytes)),
        may_connect: Arc::new(|_, address| address.is_loopback()),
        trusted_proxy: Arc::new(|_| false),
        recorder: Arc::new(NoopRecorder),
        tls: None,
    }
}

#[tokio::main]
async fn soak(time: Duration, requests: u64) -> ExitCode {
    let good = upstream::start(upstream::GOOD).await;
    let bad = upstream::start(upstream::BAD).await;
    let gateway = Process::start(good, bad);
    let warm_up = time / 10;
    client::load(gateway.address, warm_up, requests / 10).await;
    tokio::time::sleep(QUIET).await;
    let begin = gateway.holds();
    let outcomes = client::load(gateway.address, time, requests).await;
    tokio::time::sleep(QUIET).await;
    let end = gateway.holds();
    report(&outcomes, begin, end)
}

/// Resident memory in KiB, and open descriptors.
type Holds = (u64, usize);

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(good: SocketAddr, bad: SocketAddr) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let arguments = ["gateway".to_owned(), address.to_string(), good.to_string(), bad.to_string()];
        let child = Command::new(env::current_exe().unwrap()).args(arguments).spawn().unwrap();
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, address }
    }

    fn holds(&self) -> Holds {
        let about = |what: &str| format!("/proc/{}/{what}", self.child.id());
        let status = std::fs::read_to_string(about("status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let memory = memory.trim().trim_end_matches(" kB").parse().unwrap();
        (memory, std::fs::read_dir(about("fd")).unwrap().count())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn report(outcomes: &BTreeMap<String, u64>, begin: Holds, end: Holds) -> ExitCode {
    let total: u64 = outcomes.values().sum();
    println!("{total} requests");
    for (outcome, times) in outcomes {
        println!("{times:>9}  {outcome}");
    }
    println!("memory: {} KiB at the begin, {} KiB at the end", begin.0, end.0);
    println!("descriptors: {} at the begin, {} at the end", begin.1, end.1);
    let wrong: Vec<&String> = outcomes.keys().filter(|outcome| outcome.starts_with(client::WRONG)).collect();
    // The allocator may keep a little more than it did.
    let is_back = end.0 <= begin.0 + begin.0 / 10 + 4096 && end.1 <= begin.1;
    if wrong.is_empty() && is_back && total > 0 {
        return ExitCode::SUCCESS;
    }
    println!(
        "FAILED: {}",
        if is_back { "an answer was not what it should be" } else { "something was not given back" }
    );
    ExitCode::FAILURE
}
