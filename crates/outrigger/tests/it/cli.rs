//! Our own CLI, as a site developer and an operator use it.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::demo::{Demo, check, command};

#[test]
fn a_site_developer_adds_an_add_on_and_gets_its_variables() {
    let demo = Demo::start();
    let plan = demo.run(&["addons", "plan", "tally", "--label", "Visitors"]);
    assert!(plan.contains("TALLY_TOKEN (secret)") && plan.contains("/.netlify/tally/*"), "{plan}");
    assert!(demo.fail(2, &["addons", "create", "tally"]).contains("--label"));
    let created = demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    assert!(created.contains("TALLY_TOKEN, TALLY_URL"), "{created}");
    assert!(demo.fail(5, &["addons", "create", "tally", "--label=Other"]).contains("already"));
    let listed: Value = serde_json::from_str(&demo.run(&["addons", "list", "--json"])).unwrap();
    assert_eq!(listed[0]["state"], "active");

    let ran = demo.run(&["run", "--", "sh", "-c", "echo \"$TALLY_URL\""]);
    assert_eq!(ran.trim(), listed[0]["env"]["TALLY_URL"].as_str().unwrap());
    let failing = demo.outrigger().args(["run", "--", "sh", "-c", "exit 7"]).output().unwrap();
    check(&failing, 7);

    demo.run(&["env", "set", "GREETING", "it's $HOME \"quoted\""]);
    let shell = demo.run(&["env", "pull", "--format", "shell"]);
    let echoed = std::process::Command::new("sh").arg("-c").arg(format!("{shell}\nprintf %s \"$GREETING\"")).output();
    assert_eq!(String::from_utf8(echoed.unwrap().stdout).unwrap(), "it's $HOME \"quoted\"");
    demo.run(&["env", "set", "GREETING", "hi", "--context", "production"]);
    assert_eq!(demo.run(&["env", "get", "GREETING", "--context", "production"]).trim(), "hi");
    assert_eq!(demo.run(&["env", "get", "GREETING"]).trim(), "it's $HOME \"quoted\"");
    assert!(demo.fail(5, &["env", "set", "TALLY_URL", "mine"]).contains("add-on `tally`"));
    demo.run(&["env", "unset", "GREETING"]);
    demo.fail(4, &["env", "get", "GREETING"]);

    demo.run(&["addons", "config", "tally", "--color", "coral"]);
    assert!(demo.fail(2, &["addons", "config", "tally", "--color", "mauve"]).contains("color"));
    assert!(demo.run(&["addons", "open", "tally", "--print"]).contains("/login#ey"));
    assert!(demo.fail(2, &["addons", "delete", "tally"]).contains("--force"));
    demo.run(&["addons", "delete", "tally", "--force"]);
    assert!(demo.run(&["env", "list"]).contains("No variables yet"));
}

#[test]
fn files_are_imported_and_pulled() {
    let demo = Demo::start();
    let file = demo.home.path().join(".env");
    std::fs::write(&file, "A=1\nB=\"two\\nlines\"\n").unwrap();
    demo.run(&["env", "set", "OLD", "x"]);
    demo.run(&["env", "import", "--replace", file.to_str().unwrap()]);
    let pulled: Value = serde_json::from_str(&demo.run(&["env", "pull", "--format", "json"])).unwrap();
    assert_eq!(pulled, serde_json::json!({ "A": "1", "B": "two\nlines" }));
    std::fs::write(&file, "A=\"open").unwrap();
    assert!(demo.fail(2, &["env", "import", file.to_str().unwrap()]).contains("line 1"));
}

#[test]
fn signing_in_is_remembered_and_forgotten() {
    let demo = Demo::start();
    let mut login = command(demo.home.path())
        .args(["login", "--token-stdin", "--site", "harbor", "--platform", demo.get("api_url")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(login.stdin.take().unwrap(), "{}", demo.get("token")).unwrap();
    assert!(login.wait().unwrap().success());
    let status = command(demo.home.path()).args(["status"]).output().unwrap();
    check(&status, 0);
    assert!(String::from_utf8_lossy(&status.stdout).contains("harbor"));
    check(&command(demo.home.path()).arg("logout").output().unwrap(), 0);
    let ran = command(demo.home.path()).env("OUTRIGGER_URL", demo.get("api_url")).arg("status").output().unwrap();
    check(&ran, 3);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("outrigger login"));
}

#[test]
fn an_operator_sets_up_a_platform_adds_users_and_rotates_keys() {
    let home = tempfile::tempdir().unwrap();
    let outrigger = |arguments: &[&str]| {
        command(home.path())
            .env("OUTRIGGER_DATABASE_URL", format!("sqlite:{}", home.path().join("o.db").display()))
            .env("OUTRIGGER_KEY_FILE", home.path().join("o.key"))
            .args(arguments)
            .output()
            .unwrap()
    };
    check(&outrigger(&["users", "list"]), 1);
    let made = outrigger(&["init", "--email", "ada@example.com", "--json"]);
    check(&made, 0);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(made["token"].as_str().unwrap().starts_with("ort_"));
    check(&outrigger(&["init", "--email", "eve@example.com"]), 1);
    let added = outrigger(&["users", "create", "bob@example.com", "--account", "my-account", "--role", "viewer"]);
    check(&added, 0);
    assert!(String::from_utf8_lossy(&outrigger(&["users", "list"]).stdout).contains("bob@example.com"));
    let before = std::fs::read_to_string(home.path().join("o.key")).unwrap();
    check(&outrigger(&["keys", "rotate"]), 0);
    check(&outrigger(&["keys", "prune"]), 0);
    let after = std::fs::read_to_string(home.path().join("o.key")).unwrap();
    assert_ne!(before, after);
    check(&outrigger(&["migrate"]), 0);
}

#[test]
fn completions_are_printed_and_a_missing_platform_is_told() {
    let home = tempfile::tempdir().unwrap();
    let printed = command(home.path()).args(["completions", "bash"]).output().unwrap();
    check(&printed, 0);
    assert!(String::from_utf8_lossy(&printed.stdout).contains("outrigger"));
    let ran = command(home.path())
        .args(["status", "--json", "--platform", "http://127.0.0.1:1", "--token", "x"])
        .output()
        .unwrap();
    check(&ran, 6);
    let told: Value = serde_json::from_slice(&ran.stderr).unwrap();
    assert_eq!(told["exit_code"], 6);
}
