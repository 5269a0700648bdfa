//! The unmodified netlify CLI, version 17.38.1, from npm: the outside world's own client.
//!
//! `cargo xtask test` installs it and names it in OUTRIGGER_NETLIFY_CLI.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::demo::{Demo, check};

pub(crate) fn netlify_cli() -> Option<OsString> {
    let cli = std::env::var_os("OUTRIGGER_NETLIFY_CLI");
    if cli.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI must not skip the netlify CLI: set OUTRIGGER_NETLIFY_CLI");
        // Straight to the terminal: the test runner shows the output of failed tests only.
        let line = b"skipped: the netlify CLI (cargo xtask test runs it)\n";
        let _ = std::io::stderr().lock().write_all(line);
    }
    cli
}

/// The netlify CLI through `outrigger netlify`.
struct Netlify<'a> {
    demo: &'a Demo,
    cli: OsString,
}

impl Netlify<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.demo.outrigger();
        command.env("OUTRIGGER_NETLIFY_CLI", &self.cli).current_dir(self.demo.home.path());
        command.args(["netlify", "--"]).args(arguments);
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let ran = self.output(arguments);
        check(&ran, 0);
        String::from_utf8(ran.stdout).unwrap()
    }

    #[track_caller]
    fn fail(&self, code: i32, arguments: &[&str]) -> String {
        let ran = self.output(arguments);
        check(&ran, code);
        String::from_utf8(ran.stderr).unwrap() + &String::from_utf8(ran.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(arguments);
        serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{fault}: {text}"))
    }
}

#[test]
fn the_netlify_cli_does_its_work() {
    let Some(cli) = netlify_cli() else { return };
    let demo = Demo::start();
    let netlify = Netlify { demo: &demo, cli };
    add_ons(&netlify);
    variables(&netlify);
    account_and_sites(&netlify);
    plain_variables_suffice_for_add_ons(&netlify);
}

fn add_ons(netlify: &Netlify) {
    assert!(netlify.run(&["addons:list"]).contains("No addons currently installed for harbor"));
    let unknown = netlify.fail(1, &["addons:create", "nope", "--label", "x"]);
    assert!(unknown.contains("No add-on \"nope\" found"), "{unknown}");
    let bad = netlify.fail(1, &["addons:create", "tally", "--label", "x", "--color", "mauve"]);
    assert!(bad.contains("color"), "the server's text reaches the user: {bad}");
    let created = netlify.run(&["addons:create", "tally", "--label", "Visitors", "--start", "5"]);
    assert!(created.contains("Add-on \"tally\" created for harbor"), "{created}");
    assert!(created.contains("from 5"), "the add-on's message is printed: {created}");
    netlify.fail(1, &["addons:create", "tally", "--label", "Visitors"]);
    assert!(netlify.run(&["addons:list"]).contains("tally"));
    let listed = netlify.json(&["addons:list", "--json"]);
    assert_eq!(listed[0]["service_slug"], "tally");
    let configured = netlify.run(&["addons:config", "tally", "--label", "Visitors", "--color", "coral"]);
    assert!(configured.contains("successfully updated"), "{configured}");
    let listed = netlify.json(&["addons:list", "--json"]);
    assert_eq!((&listed[0]["config"]["color"], &listed[0]["config"]["start"]), (&"coral".into(), &5.into()));
    assert!(netlify.run(&["addons:auth", "tally"]).contains("/login#ey"));
    let ran = netlify.run(&["dev:exec", "--", "sh", "-c", "echo got:$TALLY_URL"]);
    let url = listed[0]["env"]["TALLY_URL"].as_str().unwrap();
    assert!(ran.contains("Injected addon env var: TALLY_URL") && ran.contains(&format!("got:{url}")), "{ran}");
    let deleted = netlify.run(&["addons:delete", "tally", "--force"]);
    assert!(deleted.contains("Addon \"tally\" deleted"), "{deleted}");
    prompts(netlify);
}

/// On a terminal the CLI asks for each text option. `script` gives it one.
fn prompts(netlify: &Netlify) {
    let line = format!("{} netlify -- addons:create tally", crate::demo::OUTRIGGER);
    let mut command = Command::new("script");
    let theirs = netlify.command(&[]);
    command.env_clear().envs(theirs.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("TERM", "xterm").env("CI", "true").current_dir(netlify.demo.home.path());
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let mut session = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keyboard = session.stdin.take().unwrap();
    let mut screen = session.stdout.take().unwrap();
    for (question, answer) in [("label (required)", "Asked\r"), ("color - ", "\r"), ("note - ", "\r")] {
        read_until(&mut screen, question);
        keyboard.write_all(answer.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }
    read_until(&mut screen, "created for harbor");
    // `script` goes on for as long as its own input is open.
    drop(keyboard);
    assert!(session.wait().unwrap().success());
    let listed = netlify.json(&["addons:list", "--json"]);
    assert_eq!(listed[0]["config"]["label"], "Asked");
}

/// The test runner's own time limit ends a wait for something that never comes; the end of the output does at once.
#[track_caller]
fn read_until(screen: &mut impl std::io::Read, wanted: &str) {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&seen).contains(wanted) {
        let read = screen.read(&mut byte).unwrap();
        assert_eq!(read, 1, "`{wanted}` never came: {}", String::from_utf8_lossy(&seen));
        seen.extend(byte);
    }
}

fn variables(netlify: &Netlify) {
    assert!(netlify.json(&["env:list", "--json"])["TALLY_URL"].is_string(), "the add-on's variables are listed");
    netlify.run(&["env:set", "ONE", "1"]);
    assert_eq!(netlify.run(&["env:get", "ONE"]).trim(), "1");
    netlify.run(&["env:set", "ONE", "production", "--context", "production"]);
    assert_eq!(netlify.run(&["env:get", "ONE"]).trim(), "1");
    assert_eq!(netlify.run(&["env:get", "ONE", "--context", "production"]).trim(), "production");
    netlify.run(&["env:unset", "ONE", "--context", "production"]);
    assert_eq!(netlify.run(&["env:get", "ONE"]).trim(), "1");
    netlify.run(&["env:unset", "ONE"]);
    assert!(netlify.run(&["env:get", "ONE"]).contains("No value set"));
    let refused = netlify.fail(1, &["env:set", "TALLY_URL", "mine"]);
    assert!(refused.contains("add-on `tally`"), "{refused}");
    let file = netlify.demo.home.path().join("vars.env");
    std::fs::write(&file, "A=1\nB=two words\n").unwrap();
    netlify.run(&["env:set", "OLD", "x"]);
    netlify.run(&["env:import", file.to_str().unwrap(), "-r"]);
    let listed = netlify.json(&["env:list", "--json"]);
    assert_eq!((&listed["A"], &listed["B"], &listed["OLD"]), (&"1".into(), &"two words".into(), &Value::Null));
    assert!(listed["TALLY_URL"].is_string(), "what the add-on sets stays");
}

fn account_and_sites(netlify: &Netlify) {
    let status = netlify.json(&["status", "--json"]);
    assert_eq!(status["siteData"]["site-name"], "harbor");
    assert_eq!(status["account"]["Email"], "demo@example.com");
    assert!(netlify.run(&["sites:list"]).contains("harbor"));
    let made = netlify.run(&["sites:create", "--name", "second", "--account-slug", "demo", "--disable-linking"]);
    assert!(made.contains("Site Created"), "{made}");
    let folder = netlify.demo.home.path().join("linked");
    std::fs::create_dir(&folder).unwrap();
    let mut link = netlify.command(&["link", "--name", "second"]);
    let linked = link.current_dir(&folder).env_remove("OUTRIGGER_SITE").output().unwrap();
    check(&linked, 0);
    assert!(String::from_utf8_lossy(&linked.stdout).contains("Linked to second"));
    let state = std::fs::read_to_string(folder.join(".netlify/state.json")).unwrap();
    let site: Value = serde_json::from_str(&state).unwrap();
    netlify.run(&["sites:delete", site["siteId"].as_str().unwrap(), "--force"]);
    assert!(!netlify.run(&["sites:list"]).contains("second"));
}

/// The contract's section 3 says which commands work without the extensions host being answered.
fn plain_variables_suffice_for_add_ons(netlify: &Netlify) {
    let demo = netlify.demo;
    let ran = Command::new(&netlify.cli)
        .args(["addons:list", "--json"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", demo.home.path())
        .env("CI", "true")
        .env("NO_UPDATE_NOTIFIER", "1")
        // The one host that the CLI insists on besides ours is out of reach: nothing listens on port 1.
        .env("NODE_OPTIONS", concat!("--require=\"", env!("CARGO_MANIFEST_DIR"), "/src/netlify/preload.cjs\""))
        .env("OUTRIGGER_EXTENSIONS_URL", "http://127.0.0.1:1")
        .env("NETLIFY_API_URL", demo.get("api_url"))
        .env("NETLIFY_AUTH_TOKEN", demo.get("token"))
        .env("NETLIFY_SITE_ID", demo.get("site_id"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    check(&ran, 0);
    let listed: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(listed[0]["service_slug"], "tally");
}
