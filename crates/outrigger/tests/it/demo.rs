//! A running demo.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const OUTRIGGER: &str = env!("CARGO_BIN_EXE_outrigger");

/// A demo of its own, with a home of its own.
pub(crate) struct Demo {
    pub(crate) info: Value,
    /// Where the CLIs are pointed: at the demo itself, unless a test says otherwise.
    pub(crate) origin: String,
    pub(crate) ready_after: Duration,
    pub(crate) home: TempDir,
    process: Child,
}

impl Demo {
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        Self::start_on(home, &data)
    }

    /// On a data folder that may have been used before.
    pub(crate) fn start_on(home: TempDir, data: &Path) -> Self {
        Self::start_with(home, data, &[])
    }

    /// With more arguments.
    pub(crate) fn start_with(home: TempDir, data: &Path, arguments: &[&str]) -> Self {
        let info_file = home.path().join("info.json");
        let _ = std::fs::remove_file(&info_file);
        let started = Instant::now();
        let process = command(home.path())
            .args(["demo", "--port", "0", "--data-dir"])
            .arg(data)
            .arg("--info-file")
            .arg(&info_file)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut demo = Self { info: Value::Null, origin: String::new(), ready_after: Duration::ZERO, home, process };
        demo.info = demo.wait_for(&info_file);
        demo.origin = demo.get("dashboard_url").to_owned();
        demo.ready_after = started.elapsed();
        demo
    }

    fn wait_for(&mut self, info_file: &Path) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            // The file appears whole, by renaming.
            if let Ok(text) = std::fs::read(info_file) {
                return serde_json::from_slice(&text).unwrap();
            }
            if let Some(status) = self.process.try_wait().unwrap() {
                let mut text = String::new();
                self.process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
                panic!("the demo ended with {status}: {text}");
            }
            assert!(Instant::now() < deadline, "the demo is not ready in time");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.info[name].as_str().unwrap()
    }

    /// Our CLI, signed in and with the site chosen.
    pub(crate) fn outrigger(&self) -> Command {
        let mut command = command(self.home.path());
        command
            .env("OUTRIGGER_URL", &self.origin)
            .env("OUTRIGGER_TOKEN", self.get("token"))
            .env("OUTRIGGER_SITE", self.get("site_id"))
            .stdin(Stdio::null());
        command
    }

    /// Runs our CLI; the answer is its standard output.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let ran = self.outrigger().args(arguments).output().unwrap();
        check(&ran, 0);
        String::from_utf8(ran.stdout).unwrap()
    }

    /// Runs our CLI, which fails with this code; the answer is what it says about it.
    #[track_caller]
    pub(crate) fn fail(&self, code: i32, arguments: &[&str]) -> String {
        let ran = self.outrigger().args(arguments).output().unwrap();
        check(&ran, code);
        String::from_utf8(ran.stderr).unwrap()
    }

    /// Runs our CLI; the answer is the JSON that it prints.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{fault}: {text}"))
    }

    /// Stops it as Ctrl-C does and gives its home back.
    pub(crate) fn stop(self) -> TempDir {
        self.end("INT")
    }

    pub(crate) fn kill(self) -> TempDir {
        self.end("KILL")
    }

    fn end(mut self, name: &str) -> TempDir {
        signal(&self.process, name);
        let status = self.process.wait().unwrap();
        assert!(name == "KILL" || status.success(), "{status}");
        std::mem::replace(&mut self.home, tempfile::tempdir().unwrap())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn signal(process: &Child, name: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", process.id())).status();
    assert!(sent.unwrap().success());
}

/// Our binary in a clean environment, so that nothing of the machine's own sign-ins is used.
pub(crate) fn command(home: &Path) -> Command {
    let mut command = Command::new(OUTRIGGER);
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

#[track_caller]
pub(crate) fn check(ran: &Output, code: i32) {
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(ran.status.code(), Some(code), "stdout: {}\nstderr: {}", shown(&ran.stdout), shown(&ran.stderr));
}
