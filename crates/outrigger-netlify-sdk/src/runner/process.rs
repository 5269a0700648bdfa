//! A process of Node with one function in it, spoken to in lines of JSON.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::codec::{FramedRead, LinesCodec};

use super::event::{FunctionAnswer, FunctionEvent};
use super::{RunnerError, RunnerOptions};

/// What runs in Node, around the function.
const HOST: &str = include_str!("host.mjs");
/// Of our environment a function needs these, and sees no other.
const PASSED_ON: [&str; 5] = ["PATH", "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
/// The most of a line that a function prints that is logged.
const LOGGED: usize = 2000;
/// So many of the last lines that it printed are told when it crashes.
const LAST_LINES: usize = 20;

/// A process, as long as somebody holds it.
pub(super) struct Process {
    calls: mpsc::Sender<Call>,
    crashed: Arc<AtomicBool>,
    in_flight: Arc<AtomicU64>,
    most: u64,
}

struct Call {
    event: FunctionEvent,
    answered: oneshot::Sender<Result<FunctionAnswer, Gone>>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// It has as many calls as it may have.
    Busy,
    /// The function failed.
    Failed(String),
    /// The process ended.
    Ended,
}

/// A line that the process sends.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Ready { ready: Ready },
    Failed { failed: String },
    Answered { id: u64, answer: FunctionAnswer },
    Threw { id: u64, error: String },
}

#[derive(Deserialize)]
struct Ready {
    handlers: BTreeSet<String>,
}

type Lines = FramedRead<ChildStdout, LinesCodec>;
type LastLines = Arc<Mutex<VecDeque<String>>>;

impl Process {
    /// Starts one, and waits until its function is loaded. Gives the names of its handlers, too.
    pub(super) async fn start(
        slug: &str,
        function: &Path,
        options: &RunnerOptions,
    ) -> Result<(Self, BTreeSet<String>), RunnerError> {
        let no_node = |error: std::io::Error| RunnerError::NoNode {
            node: options.node.display().to_string(),
            error: error.to_string(),
        };
        let mut child = command(slug, function, options).spawn().map_err(no_node)?;
        let piped = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = piped else {
            return Err(no_node(std::io::Error::other("it has no pipes")));
        };
        let last_lines = LastLines::default();
        tokio::spawn(log(slug.to_owned(), stderr, last_lines.clone()));
        let mut lines = FramedRead::new(stdout, LinesCodec::new_with_max_length(options.answer));
        let names = tokio::time::timeout(options.start, ready(&mut lines, &last_lines)).await;
        let names = names.map_err(|_| RunnerError::TooSlow(options.start))??;
        let (calls, called) = mpsc::channel(options.calls.max(1));
        let crashed = Arc::new(AtomicBool::new(false));
        let supervised = Supervised {
            slug: slug.to_owned(),
            child,
            stdin,
            lines,
            last_lines,
            crashed: crashed.clone(),
            waiting: HashMap::new(),
            idle: options.idle,
        };
        tokio::spawn(supervised.run(called));
        let (in_flight, most) = (Arc::default(), options.calls as u64);
        Ok((Self { calls, crashed, in_flight, most }, names))
    }

    /// Whether it is over, for whatever reason.
    pub(super) fn is_over(&self) -> bool {
        self.calls.is_closed()
    }

    /// Whether it ended by itself.
    pub(super) fn has_crashed(&self) -> bool {
        self.crashed.load(Ordering::Acquire)
    }

    /// Calls the function.
    pub(super) async fn call(&self, event: FunctionEvent) -> Result<FunctionAnswer, Gone> {
        let _counted = Counted::new(&self.in_flight, self.most).ok_or(Gone::Busy)?;
        let (answered, answer) = oneshot::channel();
        self.calls.send(Call { event, answered }).await.map_err(|_| Gone::Ended)?;
        answer.await.unwrap_or(Err(Gone::Ended))
    }
}

/// Counts a call while it lasts.
struct Counted(Arc<AtomicU64>);

impl Counted {
    fn new(count: &Arc<AtomicU64>, most: u64) -> Option<Self> {
        let counted = Self(count.clone());
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn command(slug: &str, function: &Path, options: &RunnerOptions) -> Command {
    let mut command = Command::new(&options.node);
    command
        .arg(format!("--max-old-space-size={}", options.memory))
        .args(["--input-type=module", "--eval", HOST])
        .arg("--")
        .args([function.as_os_str(), slug.as_ref(), options.api.as_str().trim_end_matches('/').as_ref()])
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
        .env("NETLIFY_API_BASE_URL", format!("{}/api/v1", options.api.as_str().trim_end_matches('/')))
        .envs(options.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn ready(lines: &mut Lines, last_lines: &LastLines) -> Result<BTreeSet<String>, RunnerError> {
    while let Some(line) = lines.next().await {
        let line = line.map_err(|error| RunnerError::NotLoaded(error.to_string()))?;
        match serde_json::from_str(&line) {
            Ok(Line::Ready { ready }) => return Ok(ready.handlers),
            Ok(Line::Failed { failed }) => return Err(RunnerError::NotLoaded(failed)),
            _ => {}
        }
    }
    Err(RunnerError::NotLoaded(format!("its process ended. It printed:\n{}", printed(last_lines))))
}

/// What a process printed last.
fn printed(last_lines: &LastLines) -> String {
    let lines = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// Logs what a function prints.
async fn log(slug: String, stderr: ChildStderr, last_lines: LastLines) {
    let mut lines = FramedRead::new(stderr, LinesCodec::new_with_max_length(64 * 1024));
    while let Some(line) = lines.next().await {
        let Ok(line) = line else { continue };
        let line: String = without_tokens(&line).chars().take(LOGGED).collect();
        tracing::info!(integration = slug, line, "a function prints");
        let mut last = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
}

/// A text without the tokens that we have given to functions; they print errors with whole requests in them.
fn without_tokens(line: &str) -> String {
    let mut parts = line.split("ori_");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        shown.push_str("ori_…");
        shown.push_str(part.trim_start_matches(is_token));
    }
    shown
}

/// A process and whoever waits for its answers.
struct Supervised {
    slug: String,
    child: Child,
    stdin: ChildStdin,
    lines: Lines,
    last_lines: LastLines,
    crashed: Arc<AtomicBool>,
    waiting: HashMap<u64, oneshot::Sender<Result<FunctionAnswer, Gone>>>,
    idle: Duration,
}

impl Supervised {
    /// Until it ends, rests too long, or nobody holds it any more. Whoever waits then hears that it is gone, since their
    /// senders are dropped.
    async fn run(mut self, mut calls: mpsc::Receiver<Call>) {
        let (mut last_id, mut used_at) = (0, Instant::now());
        loop {
            tokio::select! {
                call = calls.recv() => {
                    let Some(Call { event, answered }) = call else { break };
                    last_id += 1;
                    used_at = Instant::now();
                    // Those that nobody waits for any more would gather.
                    self.waiting.retain(|_, answered| !answered.is_closed());
                    self.waiting.insert(last_id, answered);
                    if self.send(last_id, &event).await.is_err() {
                        self.note_crash().await;
                        break;
                    }
                }
                line = self.lines.next() => {
                    used_at = Instant::now();
                    let Some(line) = line else {
                        self.note_crash().await;
                        break;
                    };
                    self.take(line.unwrap_or_default().as_str());
                }
                () = tokio::time::sleep_until(used_at + self.idle), if self.is_resting() => {
                    tracing::debug!(integration = self.slug, "a function rests and is stopped");
                    break;
                }
            }
        }
        calls.close();
        // Ours to reap; it ends when its input does, and is killed when this is dropped.
        drop(self.stdin);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await;
    }

    fn is_resting(&self) -> bool {
        self.waiting.values().all(oneshot::Sender::is_closed)
    }

    async fn send(&mut self, id: u64, event: &FunctionEvent) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(&serde_json::json!({ "id": id, "event": event }))?;
        line.push(b'\n');
        self.stdin.write_all(&line).await
    }

    fn take(&mut self, line: &str) {
        let (id, answer) = match serde_json::from_str(line) {
            Ok(Line::Answered { id, answer }) => (id, Ok(answer)),
            Ok(Line::Threw { id, error }) => (id, Err(Gone::Failed(error))),
            _ => return,
        };
        if let Some(answered) = self.waiting.remove(&id) {
            let _ = answered.send(answer);
        }
    }

    async fn note_crash(&mut self) {
        self.crashed.store(true, Ordering::Release);
        let status = tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await;
        let status = status.ok().and_then(Result::ok).map(|status| status.to_string()).unwrap_or_default();
        tracing::warn!(integration = self.slug, status, last_lines = printed(&self.last_lines), "a function crashed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_of_ours_is_in_what_is_logged() {
        let shown = without_tokens("a 'ori_v1.k0.ab-C_d' and ori_v1.x, end");
        assert_eq!(shown, "a 'ori_…' and ori_…, end");
        assert_eq!(without_tokens("nothing"), "nothing");
    }
}
