//! The unmodified netlify CLI, version 17.38.1, from npm: the outside world's own client. `cargo xtask test` installs it
//! and names it in OUTRIGGER_NETLIFY_CLI.
//!
//! One scenario, for one node and for several.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Once;

use serde_json::Value;
use tempfile::TempDir;

use crate::demo::{Demo, check};
use crate::terminal::Terminal;

pub(crate) fn netlify_cli() -> Option<OsString> {
    let cli = std::env::var_os("OUTRIGGER_NETLIFY_CLI");
    if cli.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI must not skip the netlify CLI: set OUTRIGGER_NETLIFY_CLI");
        static TOLD: Once = Once::new();
        // Straight to the terminal: the test runner shows the output of failed tests only.
        let line = b"skipped: the netlify CLI (cargo xtask test runs it)\n";
        TOLD.call_once(|| drop(std::io::stderr().lock().write_all(line)));
    }
    cli
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// `outrigger netlify -- …`
    Outrigger,
    /// `NETLIFY_API_URL=… netlify …`
    PlainVariables,
}

/// The netlify CLI with a site of its own, so that several can work at once.
struct Netlify<'a> {
    demo: &'a Demo,
    cli: OsString,
    way: Way,
    site: String,
    site_name: &'static str,
    folder: TempDir,
}

impl<'a> Netlify<'a> {
    fn new(demo: &'a Demo, cli: &OsString, way: Way, site_name: &'static str) -> Self {
        let site = match demo.get("site_name") == site_name {
            true => demo.get("site_id").to_owned(),
            false => demo.json(&["sites", "create", site_name])["id"].as_str().unwrap().to_owned(),
        };
        Self { demo, cli: cli.clone(), way, site, site_name, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.way {
            Way::Outrigger => {
                let mut command = self.demo.outrigger();
                command.env("OUTRIGGER_NETLIFY_CLI", &self.cli).env("OUTRIGGER_SITE", &self.site);
                command.args(["netlify", "--"]);
                command
            }
            Way::PlainVariables => self.plain_command(),
        };
        command.env("HOME", self.folder.path()).current_dir(self.folder.path()).args(arguments);
        command
    }

    fn plain_command(&self) -> Command {
        let mut command = Command::new(&self.cli);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CI", "true")
            .env("NO_UPDATE_NOTIFIER", "1")
            // The one host that the CLI insists on besides ours is out of reach: nothing listens on port 1.
            .env("NODE_OPTIONS", concat!("--require=\"", env!("CARGO_MANIFEST_DIR"), "/src/netlify/preload.cjs\""))
            .env("OUTRIGGER_EXTENSIONS_URL", "http://127.0.0.1:1")
            .env("NETLIFY_API_URL", format!("{}/api/v1", self.demo.origin))
            .env("NETLIFY_AUTH_TOKEN", self.demo.get("token"))
            .env("NETLIFY_SITE_ID", &self.site)
            .stdin(Stdio::null());
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
        [ran.stderr, ran.stdout].map(|text| String::from_utf8(text).unwrap()).concat()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(arguments);
        serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{fault}: {text}"))
    }
}

/// All that the CLI is promised to do: through `outrigger netlify`, and with plain environment variables where these
/// suffice (contract netlify-api, section 3).
pub(crate) fn scenario(demo: &Demo, cli: &OsString) {
    // Most of the time is Node's start: the three have nothing to do with each other.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let netlify = Netlify::new(demo, cli, Way::Outrigger, "harbor");
            add_ons(&netlify);
            prompts(&netlify);
        });
        scope.spawn(|| {
            let netlify = Netlify::new(demo, cli, Way::Outrigger, "lagoon");
            variables(&netlify);
            account_and_sites(&netlify);
        });
        scope.spawn(|| {
            let netlify = Netlify::new(demo, cli, Way::PlainVariables, "fjord");
            add_ons(&netlify);
            account_and_sites(&netlify);
        });
    });
}

fn add_ons(netlify: &Netlify) {
    let site = netlify.site_name;
    assert!(netlify.run(&["addons:list"]).contains(&format!("No addons currently installed for {site}")));
    let unknown = netlify.fail(1, &["addons:create", "nope", "--label", "x"]);
    assert!(unknown.contains("No add-on \"nope\" found"), "{unknown}");
    let bad = netlify.fail(1, &["addons:create", "tally", "--label", "x", "--color", "mauve"]);
    assert!(bad.contains("color"), "the server's text reaches the user: {bad}");
    let created = netlify.run(&["addons:create", "tally", "--label", "Visitors", "--start", "5"]);
    assert!(created.contains(&format!("Add-on \"tally\" created for {site}")), "{created}");
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
    let deleted = netlify.run(&["addons:delete", "tally", "--force"]);
    assert!(deleted.contains("Addon \"tally\" deleted"), "{deleted}");
    assert_eq!(netlify.json(&["addons:list", "--json"]), serde_json::json!([]));
}

/// On a terminal the CLI asks for each text option.
fn prompts(netlify: &Netlify) {
    let mut command = netlify.command(&["addons:create", "tally"]);
    let mut terminal = Terminal::start(command.env("CI", "true"));
    for (question, answer) in [("label (required)", "Asked\r"), ("color - ", "\r"), ("note - ", "\r")] {
        terminal.wait_for(question);
        terminal.type_in(answer);
    }
    terminal.wait_for("created for harbor");
    assert_eq!(terminal.end().1, 0);
    let listed = netlify.json(&["addons:list", "--json"]);
    assert_eq!(listed[0]["config"]["label"], "Asked");
}

fn variables(netlify: &Netlify) {
    let created = netlify.demo.json(&["addons", "create", "tally", "--site", &netlify.site, "--label", "Visitors"]);
    let url = created["env"]["TALLY_URL"].as_str().unwrap();
    assert_eq!(netlify.json(&["env:list", "--json"])["TALLY_URL"], url, "the add-on's variables are listed");
    let ran = netlify.run(&["dev:exec", "--", "sh", "-c", "echo got:$TALLY_URL"]);
    assert!(ran.contains("Injected addon env var: TALLY_URL") && ran.contains(&format!("got:{url}")), "{ran}");

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

    let file = netlify.folder.path().join("vars.env");
    std::fs::write(&file, "A=1\nB=two words\n").unwrap();
    netlify.run(&["env:set", "OLD", "x"]);
    netlify.run(&["env:import", file.to_str().unwrap(), "-r"]);
    let listed = netlify.json(&["env:list", "--json"]);
    assert_eq!((&listed["A"], &listed["B"], &listed["OLD"]), (&"1".into(), &"two words".into(), &Value::Null));
    assert_eq!(listed["TALLY_URL"], url, "what the add-on sets stays");
}

fn account_and_sites(netlify: &Netlify) {
    let status = netlify.json(&["status", "--json"]);
    assert_eq!(status["account"]["Email"], "demo@example.com");
    let shown = netlify.run(&["status"]);
    assert!(shown.contains("demo@example.com"), "{shown}");
    if netlify.way == Way::Outrigger {
        // With plain variables the CLI knows the site's id only.
        assert_eq!(status["siteData"]["site-name"], netlify.site_name);
        assert!(shown.contains(netlify.site_name), "{shown}");
    }
    assert!(netlify.run(&["login"]).contains("Already logged in"));
    let input = format!("{{\"site_id\":\"{}\"}}", netlify.site);
    assert_eq!(netlify.json(&["api", "getSite", "--data", &input])["name"], netlify.site_name);

    let second = format!("{}-two", netlify.site_name);
    let made = netlify.run(&["sites:create", "--name", &second, "--account-slug", "demo", "--disable-linking"]);
    assert!(made.contains("Site Created"), "{made}");
    assert!(netlify.run(&["sites:list"]).contains(&second));
    let listed = netlify.json(&["sites:list", "--json"]);
    let site = listed.as_array().unwrap().iter().find(|site| site["name"] == *second).unwrap();
    let site = site["id"].as_str().unwrap();
    for (folder, flag, value) in [("by-name", "--name", second.as_str()), ("by-id", "--id", site)] {
        link(netlify, folder, flag, value, &second, site);
    }
    netlify.run(&["sites:delete", site, "--force"]);
    assert!(!netlify.run(&["sites:list"]).contains(&second));
}

/// In a folder of its own that knows no site yet, and back.
fn link(netlify: &Netlify, folder: &str, flag: &str, value: &str, name: &str, site: &str) {
    let folder: PathBuf = netlify.folder.path().join(folder);
    std::fs::create_dir(&folder).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = netlify.command(arguments);
        let ran = command.current_dir(&folder).env_remove("OUTRIGGER_SITE").env_remove("NETLIFY_SITE_ID").output();
        let ran = ran.unwrap();
        check(&ran, 0);
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(run(&["link", flag, value]).contains(&format!("Linked to {name}")));
    let state = std::fs::read_to_string(folder.join(".netlify/state.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&state).unwrap()["siteId"], site);
    if netlify.way == Way::Outrigger {
        assert!(run(&["unlink"]).contains(&format!("Unlinked from {name}")));
    }
}
