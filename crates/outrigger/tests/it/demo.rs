//! A running demo, and what its life promises.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const OUTRIGGER: &str = env!("CARGO_BIN_EXE_outrigger");

/// A demo of its own, with a home of its own.
pub(crate) struct Demo {
    pub(crate) info: Value,
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
        let mut demo = Self { info: Value::Null, ready_after: Duration::ZERO, home, process };
        demo.info = demo.wait_for(&info_file);
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
            .env("OUTRIGGER_URL", self.get("dashboard_url"))
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

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.process.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Stops it as Ctrl-C does and gives its home back.
    pub(crate) fn stop(mut self) -> TempDir {
        self.signal("INT");
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
        std::mem::replace(&mut self.home, tempfile::tempdir().unwrap())
    }

    pub(crate) fn kill(mut self) -> TempDir {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
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

#[test]
fn a_second_start_finds_what_the_first_left() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let (token, site) = (demo.get("token").to_owned(), demo.get("site_id").to_owned());
    let data = demo.data();
    let home = demo.stop();
    let demo = Demo::start_on(home, &data);
    assert_eq!((demo.get("token"), demo.get("site_id")), (token.as_str(), site.as_str()));
    assert!(demo.run(&["addons", "list"]).contains("active"));
    demo.run(&["addons", "config", "tally", "--color", "coral"]);
    demo.run(&["addons", "delete", "tally", "--force"]);
}

#[test]
fn two_demos_on_one_folder_are_refused() {
    let demo = Demo::start();
    let ran = command(demo.home.path()).args(["demo", "--port", "0", "--data-dir"]).arg(demo.data()).output().unwrap();
    check(&ran, 1);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("another demo is running"));
}

#[test]
fn an_ephemeral_demo_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let temp = home.path().join("tmp");
    std::fs::create_dir(&temp).unwrap();
    let info = home.path().join("info.json");
    let mut process = command(home.path())
        .env("TMPDIR", &temp)
        .args(["demo", "--ephemeral", "--port", "0", "--info-file"])
        .arg(&info)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !info.exists() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(std::fs::read_dir(&temp).unwrap().count(), 1);
    assert!(Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(&temp).unwrap().count(), 0);
}

#[test]
fn secrets_on_disk_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    for file in ["outrigger.db", "outrigger.key", "demo.json", "tally.json"] {
        let mode = std::fs::metadata(demo.data().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is {mode:o}");
    }
}
