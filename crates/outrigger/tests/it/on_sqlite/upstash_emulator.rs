//! The emulator of Upstash as a command: what it prints is all that a client needs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::demo::{check, command};

struct Emulator {
    process: Child,
    printed: String,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Emulator {
    /// Reads what it prints up to the line with this.
    fn start(home: &std::path::Path, arguments: &[&str], last: &str) -> Self {
        let mut start = command(home);
        start.arg("upstash-emulator").args(arguments).stdout(Stdio::piped());
        let mut process = start.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut printed = String::new();
        for line in &mut lines {
            printed += &(line.unwrap() + "\n");
            if printed.lines().next_back() == Some(last) {
                break;
            }
        }
        Self { process, printed }
    }

    /// As Ctrl-C does.
    fn stop(mut self) {
        check(&Command::new("kill").args(["-INT", &self.process.id().to_string()]).output().unwrap(), 0);
        assert!(self.process.wait().unwrap().success());
    }
}

fn curl(arguments: &[&str]) -> Value {
    let ran =
        Command::new("curl").args(["--silent", "--show-error", "--noproxy", "*"]).args(arguments).output().unwrap();
    check(&ran, 0);
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn what_the_emulator_prints_is_enough_to_use_it() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["--port", "0", "--json", "--database", "one", "--database", "two"];
    let emulator = Emulator::start(home.path(), &arguments, "}");
    let told: Value = serde_json::from_str(&emulator.printed).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let user = format!("{}:{}", text(&told["email"]), text(&told["api_key"]));
    let listed = curl(&["--user", &user, &format!("{}/redis/databases", text(&told["api_url"]))]);
    assert_eq!((listed[0]["database_name"].as_str(), listed[1]["database_name"].as_str()), (Some("one"), Some("two")));
    if told["redis_server"] == true {
        let one = &told["databases"][0];
        let bearer = format!("authorization: Bearer {}", text(&one["token"]));
        assert_eq!(curl(&["--header", &bearer, "--data", r#"["PING"]"#, &text(&one["url"])])["result"], "PONG");
    }

    let port = text(&told["api_url"]).split([':', '/']).nth(4).unwrap().to_owned();
    let second = command(home.path()).args(["upstash-emulator", "--port", &port]).output().unwrap();
    check(&second, 1);
    assert!(String::from_utf8_lossy(&second.stderr).contains("choose another with --port"));
    emulator.stop();
}

#[test]
fn people_are_told_what_to_do_with_it() {
    let home = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(home.path(), &["--port", "0"], "Stop with Ctrl-C.");
    let other = Emulator::start(home.path(), &["--port", "0"], "Stop with Ctrl-C.");
    let key = |printed: &str| {
        let line = printed.lines().find(|line| line.trim_start().starts_with("API key")).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    assert_ne!(key(&emulator.printed), key(&other.printed), "no key is fixed");
    // The line that asks for a fault is a command.
    let fault = emulator.printed.lines().find(|line| line.trim_start().starts_with("curl")).unwrap();
    check(
        &Command::new("sh")
            .args(["-c", &fault.replace("curl", "curl --silent --fail --noproxy '*'")])
            .output()
            .unwrap(),
        0,
    );
    emulator.stop();
    other.stop();
}

/// Of a process and the threads that started them.
fn children(process: u32) -> Vec<String> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let listed = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    listed.flat_map(|pids| pids.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("redis-server"))
}

#[test]
fn a_database_ends_with_an_emulator_that_is_killed() {
    let home = tempfile::tempdir().unwrap();
    let mut emulator = Emulator::start(home.path(), &["--port", "0", "--json", "--database", "one"], "}");
    let told: Value = serde_json::from_str(&emulator.printed).unwrap();
    let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
    if told["redis_server"] != true || !has_setpriv {
        assert!(std::env::var_os("CI").is_none(), "redis-server and setpriv belong to the suite");
        return;
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = &told["databases"][0];
    let bearer = format!("authorization: Bearer {}", text(&one["token"]));
    assert_eq!(curl(&["--header", &bearer, "--data", r#"["PING"]"#, &text(&one["url"])])["result"], "PONG");
    let servers: Vec<String> = children(emulator.process.id()).into_iter().filter(|pid| runs(pid)).collect();
    assert_eq!(servers.len(), 1);
    emulator.process.kill().unwrap();
    emulator.process.wait().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while runs(&servers[0]) {
        assert!(std::time::Instant::now() < deadline, "redis-server runs on without anybody");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
