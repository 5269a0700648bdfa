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
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cap::Cap;
use jiff::Timestamp;
use metrics::NoopRecorder;
use mimalloc::MiMalloc;
use outrigger_gateway::{Gateway, Listeners, Mount, Settings, Site, Surroundings, Timeouts};

/// That of the binary, counted: what the system gave it says little, as it gives back late.
#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// How long the gateway keeps connections that nobody uses; clients close theirs sooner.
const KEEP: Duration = Duration::from_secs(2);
/// Until nothing is left of a load: kept connections, with the time between two sweeps.
const QUIET: Duration = Duration::from_secs(12);
/// Bytes by which buffers that are kept may have grown.
const SPARE: u64 = 256 * 1024;

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
    gateway.table().put(site).unwrap();
    let plain = vec![TcpListener::bind(listen).unwrap()];
    let _running = gateway.serve(Listeners { plain, ..Listeners::default() }).unwrap();
    // Says what it holds whenever it is asked, until nobody is there to ask.
    for _ in std::io::stdin().lines() {
        println!("{}", ALLOCATOR.allocated());
    }
    std::process::exit(0)
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
    let mut gateway = Process::start(good, bad);
    let warm_up = time / 10;
    client::load(gateway.address, warm_up, requests / 10).await;
    tokio::time::sleep(QUIET).await;
    let begin = gateway.holds();
    let outcomes = client::load(gateway.address, time, requests).await;
    tokio::time::sleep(QUIET).await;
    let end = gateway.holds();
    report(&outcomes, begin, end)
}

#[derive(Clone, Copy)]
struct Holds {
    /// Bytes that were allocated and not given back.
    allocated: u64,
    /// KiB that the system counts.
    resident: u64,
    descriptors: usize,
}

struct Process {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Process {
    fn start(good: SocketAddr, bad: SocketAddr) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let arguments = ["gateway".to_owned(), address.to_string(), good.to_string(), bad.to_string()];
        let mut command = Command::new(env::current_exe().unwrap());
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, answers, address }
    }

    fn holds(&mut self) -> Holds {
        writeln!(self.child.stdin.as_mut().unwrap()).unwrap();
        let allocated = self.answers.next().unwrap().unwrap().parse().unwrap();
        let about = |what: &str| format!("/proc/{}/{what}", self.child.id());
        let status = std::fs::read_to_string(about("status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let resident = memory.trim().trim_end_matches(" kB").parse().unwrap();
        Holds { allocated, resident, descriptors: std::fs::read_dir(about("fd")).unwrap().count() }
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
    println!("memory: {} bytes at the begin, {} at the end", begin.allocated, end.allocated);
    println!("resident: {} KiB at the begin, {} KiB at the end", begin.resident, end.resident);
    println!("descriptors: {} at the begin, {} at the end", begin.descriptors, end.descriptors);
    let wrong: Vec<&String> = outcomes.keys().filter(|outcome| outcome.starts_with(client::WRONG)).collect();
    let is_back = end.allocated <= begin.allocated + SPARE && end.descriptors <= begin.descriptors;
    if wrong.is_empty() && is_back && total > 0 {
        return ExitCode::SUCCESS;
    }
    println!(
        "FAILED: {}",
        if is_back { "an answer was not what it should be" } else { "something was not given back" }
    );
    ExitCode::FAILURE
}
