//! With `--json` every command prints one JSON document, on standard output when it has done its work, on standard
//! error when it has not.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::demo::{Demo, check, command};

/// Commands that have no such form, and why.
const WITHOUT_JSON: [(&str, &str); 4] = [
    ("completions", "prints a script for a shell"),
    ("run", "what it prints is that of the command that takes its place"),
    ("netlify", "what it prints is that of the netlify CLI, which has a --json of its own"),
    ("serve", "prints nothing but logs, as JSON when they go to no terminal"),
];

/// Every command that has none below it, as its help tells.
fn commands(home: &Path, above: &[String], found: &mut BTreeSet<String>) {
    let help = command(home).args(above).arg("--help").output().unwrap();
    check(&help, 0);
    let help = String::from_utf8(help.stdout).unwrap();
    let Some((_, listed)) = help.split_once("\nCommands:\n") else {
        found.insert(above.join(" "));
        return;
    };
    for line in listed.lines().take_while(|line| !line.is_empty()) {
        let is_name = line.starts_with("  ") && !line.starts_with("   ");
        let name = line.split_whitespace().next().unwrap();
        if is_name && name != "help" {
            commands(home, &[above, &[name.to_owned()]].concat(), found);
        }
    }
}

/// Runs commands and notes which.
struct Runner<'a> {
    known: &'a BTreeSet<String>,
    seen: BTreeSet<String>,
}

impl Runner<'_> {
    /// What it prints must be one JSON document, and nothing else.
    #[track_caller]
    fn run(&mut self, mut command: Command, arguments: &[&str], input: &str, code: i32) -> Value {
        command.args(arguments).arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let ran: Output = process.wait_with_output().unwrap();
        check(&ran, code);
        let name = [&arguments[..1], &arguments[..arguments.len().min(2)]]
            .map(|words| words.join(" "))
            .into_iter()
            .find(|name| self.known.contains(name));
        self.seen.insert(name.unwrap_or_else(|| panic!("{arguments:?} is no known command")));
        let (printed, other) = if code == 0 { (ran.stdout, ran.stderr) } else { (ran.stderr, ran.stdout) };
        let printed = String::from_utf8(printed).unwrap();
        assert_eq!(String::from_utf8(other).unwrap(), "", "{arguments:?}");
        let value: Value =
            serde_json::from_str(&printed).unwrap_or_else(|fault| panic!("{arguments:?}: {fault}: {printed}"));
        if code != 0 {
            assert_eq!(value["exit_code"], code);
            assert!(value["error"].is_string());
        }
        value
    }
}

#[test]
fn every_command_has_a_form_for_programs() {
    let home = tempfile::tempdir().unwrap();
    let mut known = BTreeSet::new();
    commands(home.path(), &[], &mut known);
    assert!(known.len() > 35, "{known:?}");
    let mut runner = Runner { known: &known, seen: BTreeSet::new() };
    let demo = Demo::start();
    runner.seen.insert("demo".to_owned());
    // Runs until it is stopped; `upstash_emulator` reads what it prints.
    runner.seen.insert("upstash-emulator".to_owned());
    // Need npm's packages; `installed` reads what they print.
    runner.seen.extend(["install", "list", "remove"].map(|command| format!("integrations {command}")));
    site_commands(&mut runner, &demo);
    registry_commands(&mut runner, &demo);
    operator_commands(&mut runner, home.path());
    let expected = WITHOUT_JSON.iter().map(|(name, _)| (*name).to_owned()).chain(runner.seen.iter().cloned());
    assert_eq!(known, expected.collect());
}

fn site_commands(runner: &mut Runner, demo: &Demo) {
    let mut run = |arguments: &[&str]| runner.run(demo.outrigger(), arguments, "", 0);
    assert_eq!(run(&["status"])["site"]["name"], "harbor");
    assert!(run(&["doctor"]).is_array());
    run(&["addons", "plan", "tally", "--label", "x"]);
    assert_eq!(run(&["addons", "create", "tally", "--label", "x"])["state"], "active");
    run(&["addons", "list"]);
    run(&["addons", "show", "tally"]);
    assert_eq!(run(&["addons", "config", "tally", "--color", "sand"])["config"]["color"], "sand");
    assert!(run(&["addons", "open", "tally"])["auth_url"].is_string());
    run(&["addons", "refresh", "tally"]);
    assert_eq!(run(&["addons", "delete", "tally", "--force"]), Value::Null);
    run(&["addons", "create", "tally", "--label", "x"]);
    assert_eq!(run(&["addons", "snippets", "tally", "off"])["snippets_enabled"], false);
    run(&["addons", "snippets", "tally", "on"]);
    let snippets = run(&["snippets", "list"]);
    let snippet = snippets[0]["id"].as_str().unwrap();
    assert_eq!(run(&["snippets", "roll-out", snippet, "--share", "30"])["share"], 30);
    let shown = run(&["snippets", "preview", demo.get("site_url")]);
    assert_eq!(shown["insertions"].as_array().unwrap().len(), 1);
    run(&["env", "list"]);
    assert_eq!(run(&["env", "set", "A", "1"])["key"], "A");
    assert_eq!(run(&["env", "get", "A"])["values"][0]["value"], "1");
    let file = demo.home.path().join("vars.env");
    std::fs::write(&file, "B=2").unwrap();
    assert_eq!(run(&["env", "import", "--replace", file.to_str().unwrap()])["deleted"][0], "A");
    assert_eq!(run(&["env", "pull"])["B"], "2");
    assert_eq!(run(&["env", "pull", "--output", file.to_str().unwrap()])["variables"], 3);
    assert_eq!(run(&["env", "unset", "B"])["deleted"], "B");
    assert_eq!(run(&["sites", "create", "second"])["name"], "second");
    run(&["sites", "list"]);
    run(&["sites", "show"]);
    run(&["sites", "webhook", "http://127.0.0.1:1/build"]);
    run(&["sites", "deliveries"]);
    assert_eq!(run(&["sites", "domains", "shop.example", "www.shop.example"])["custom_domain"], "shop.example");
    assert_eq!(
        run(&["sites", "identity", "--jwks", "https://shop.example/keys", "--audience", "shop"])["identity"],
        "https://shop.example/keys"
    );
    assert_eq!(run(&["sites", "origin", "http://127.0.0.1:1"])["origin_url"], "http://127.0.0.1:1");
    assert_eq!(run(&["sites", "delete", "second", "--force"])["deleted"], "second");
    let made = run(&["tokens", "create", "--name", "x"]);
    assert!(run(&["tokens", "list"]).as_array().unwrap().len() > 1);
    assert_eq!(run(&["tokens", "revoke", made["id"].as_str().unwrap()])["revoked"], made["id"]);
    assert!(runner.run(demo.outrigger(), &["login", "--token-stdin"], demo.get("token"), 0)["kept_in"].is_string());
    assert_eq!(runner.run(demo.outrigger(), &["logout"], "", 0)["was_signed_in"], true);
    // Nothing is wrong with the instance: there is nothing to try again or to take over.
    runner.run(demo.outrigger(), &["addons", "retry", "tally"], "", 5);
    runner.run(demo.outrigger(), &["addons", "adopt", "tally", "remote"], "", 5);
    runner.run(demo.outrigger(), &["addons", "detach", "tally", "--force"], "", 0);
}

/// As much of an add-on as it takes to be registered: a manifest.
fn other_addon() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = client.read(&mut [0; 8192]);
            let manifest = r#"{"name":"Other","description":"Another add-on."}"#;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            let _ = write!(client, "{head}content-length: {}\r\n\r\n{manifest}", manifest.len());
        }
    });
    url
}

fn registry_commands(runner: &mut Runner, demo: &Demo) {
    let addons = runner.run(demo.outrigger(), &["addons", "catalog"], "", 0);
    assert_eq!(addons[0]["slug"], "tally");
    let url = other_addon();
    let register = ["addons", "register", "--slug", "other-staging", "--title", "Other", "--staging", "--url", &url];
    let registered = runner.run(demo.outrigger(), &register, "", 0);
    assert!(registered["secret"].is_string());
    assert!(runner.run(demo.outrigger(), &["addons", "rotate-secret", "other-staging"], "", 0)["secret"].is_string());
    runner.run(demo.outrigger(), &["addons", "refresh-manifest", "tally"], "", 0);
    assert_eq!(runner.run(demo.outrigger(), &["addons", "retire", "tally"], "", 0)["retired"], "tally");
}

fn operator_commands(runner: &mut Runner, home: &Path) {
    let outrigger = || {
        let mut outrigger = command(home);
        outrigger
            .env("OUTRIGGER_DATABASE_URL", format!("sqlite:{}", home.join("o.db").display()))
            .env("OUTRIGGER_KEY_FILE", home.join("o.key"));
        outrigger
    };
    let mut run = |arguments: &[&str], input: &str| runner.run(outrigger(), arguments, input, 0);
    assert!(run(&["init", "--email", "ada@example.com"], "")["token"].is_string());
    assert!(run(&["users", "create", "bob@example.com"], "")["token"].is_string());
    assert_eq!(run(&["users", "list"], "").as_array().unwrap().len(), 2);
    run(&["users", "password", "bob@example.com"], "correct horse battery\n");
    let link = run(&["users", "sign-in-link", "bob@example.com"], "");
    assert!(link["sign_in_url"].as_str().unwrap().contains("/sign-in/link/"), "{link}");
    assert!(run(&["keys", "rotate"], "")["key"].is_string());
    run(&["keys", "prune"], "");
    run(&["migrate"], "");
}
