//! Wrong input gives the documented exit code, says what is wrong and what to do next, and leaves things as they were.

use std::net::TcpListener;

use crate::demo::{Demo, check, command};

#[test]
fn every_command_says_what_is_wrong_with_its_input() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let long = "x".repeat(70_000);
    for (code, arguments, told) in [
        (2, &["addons", "create", "tally", "label", "x"][..], "--NAME VALUE"),
        (2, &["addons", "plan", "tally", "--label", ""], "label"),
        (2, &["addons", "config", "tally", "--start", "many"], "start"),
        (2, &["addons", "config", "tally", "--colour", "sea"], "colour"),
        (2, &["addons", "plan", "tally", "--label", "x", "--site", "harbor"], "--site comes before"),
        (4, &["addons", "create", "nope"], "nope"),
        (4, &["addons", "show", "nope"], "nope"),
        (4, &["addons", "config", "nope", "--a", "b"], "outrigger addons create nope"),
        (4, &["addons", "delete", "nope", "--force"], "outrigger addons catalog"),
        (4, &["addons", "open", "a/b?c"], "a/b?c"),
        (4, &["addons", "plan", "nope"], "nope"),
        (4, &["addons", "refresh", "nope"], "nope"),
        (4, &["addons", "retry", "nope"], "nope"),
        (4, &["addons", "adopt", "nope", "x"], "nope"),
        (4, &["addons", "detach", "nope", "--force"], "nope"),
        (5, &["addons", "create", "tally", "--label", "x"], "already"),
        (2, &["addons", "register", "--slug", "NO", "--title", "T", "--url", "http://127.0.0.1:1"], "slug"),
        (2, &["addons", "register", "--slug", "no", "--title", "T", "--url", "no"], "url"),
        (2, &["addons", "register", "--slug", "no", "--title", "T", "--url", "x", "--secret-file", "/no"], "/no"),
        (1, &["addons", "register", "--slug", "no", "--title", "T", "--url", "http://127.0.0.1:1"], "manifest"),
        (4, &["addons", "rotate-secret", "nope"], "nope"),
        (2, &["addons", "rotate-secret", "tally", "--overlap", "1w"], "30d"),
        (4, &["addons", "refresh-manifest", "nope"], "nope"),
        (4, &["addons", "retire", "nope"], "nope"),
        (2, &["env", "set", "2A", "x"], "key"),
        (2, &["env", "set", "A", &long], "value"),
        (2, &["env", "set", "A", "x", "--context", "nowhere"], "nowhere"),
        (2, &["env", "set", "A", "x", "--scope", "nowhere"], "nowhere"),
        (5, &["env", "set", "TALLY_URL", "x"], "add-on `tally`"),
        (4, &["env", "get", "A"], "`A`"),
        (4, &["env", "unset", "A"], "`A`"),
        (5, &["env", "unset", "TALLY_URL"], "add-on `tally`"),
        (2, &["env", "import", "/no/such.env"], "/no/such.env"),
        (2, &["env", "pull", "--format", "yaml"], "dotenv, json, shell"),
        (2, &["env", "pull", "--output", "/no/such/folder"], "/no/such/folder"),
        (2, &["run"], "COMMAND"),
        (2, &["sites", "create", "Not A Label"], "name"),
        (2, &["sites", "create", "harbor"], "choose another"),
        (4, &["sites", "create", "new", "--account", "nope"], "account not found"),
        (4, &["sites", "show", "nope"], "nope"),
        (4, &["sites", "delete", "nope", "--force"], "nope"),
        (2, &["sites", "webhook", "no"], "url"),
        (4, &["sites", "deliveries", "--site", "nope"], "nope"),
        (2, &["tokens", "create", "--name", " "], "name"),
        (2, &["tokens", "create", "--name", "x", "--expires", "soon"], "30d"),
        (2, &["tokens", "create", "--name", "x", "--account", "nope"], "`nope`"),
        (4, &["tokens", "revoke", "nope"], "nope"),
        (3, &["status", "--token", "wrong"], "outrigger login"),
        (4, &["status", "--site", "nope"], "nope"),
        (2, &["status", "--platform", "nowhere"], "http://HOST:PORT"),
        (6, &["status", "--platform", "http://127.0.0.1:1"], "OUTRIGGER_URL"),
        (3, &["login", "--token", "wrong"], "tokens create"),
        (4, &["netlify", "--site", "nope", "status"], "nope"),
        (2, &["completions", "cobol"], "bash"),
        (2, &["frobnicate"], "--help"),
    ] {
        let said = demo.fail(code, arguments);
        assert!(said.contains(told), "{arguments:?}: `{told}` is not in\n{said}");
        assert!(said.contains("error:"), "{arguments:?}: {said}");
    }
    assert_eq!(demo.json(&["addons", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(demo.json(&["env", "pull"]).as_object().unwrap().len(), 2);
    assert_eq!(demo.json(&["sites", "list"]).as_array().unwrap().len(), 1);
    let mut nowhere = demo.outrigger();
    let ran = nowhere.env_remove("OUTRIGGER_SITE").args(["env", "list"]).output().unwrap();
    check(&ran, 2);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("outrigger sites list"));
    let mut nobody = demo.outrigger();
    let ran = nobody.env("OUTRIGGER_TOKEN", "").args(["env", "list"]).output().unwrap();
    check(&ran, 3);
}

#[test]
fn an_operator_is_told_too() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let outrigger = |arguments: &[&str]| {
        let mut outrigger = command(home.path());
        outrigger
            .env("OUTRIGGER_DATABASE_URL", format!("sqlite:{}", home.path().join("o.db").display()))
            .env("OUTRIGGER_KEY_FILE", home.path().join("o.key"))
            .stdin(std::process::Stdio::null());
        outrigger.args(arguments).output().unwrap()
    };
    let fail = |code: i32, arguments: &[&str], told: &str| {
        let ran = outrigger(arguments);
        check(&ran, code);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(said.contains(told), "{arguments:?}: `{told}` is not in\n{said}");
    };
    for before_init in [&["serve"][..], &["users", "list"], &["keys", "rotate"], &["keys", "prune"]] {
        fail(2, before_init, "outrigger init");
    }
    fail(2, &["init", "--email", "nobody"], "email");
    fail(2, &["init", "--email", "ada@example.com", "--account-slug", "Not A Slug"], "slug");
    fail(2, &["init", "--email", "ada@example.com", "--password-stdin"], "password");
    check(&outrigger(&["init", "--email", "ada@example.com"]), 0);
    fail(5, &["init", "--email", "ada@example.com"], "users create");
    fail(2, &["users", "create", "nobody"], "email");
    fail(2, &["users", "create", "ada@example.com"], "taken");
    fail(4, &["users", "create", "bob@example.com", "--account", "nope"], "nope");
    fail(2, &["users", "create", "bob@example.com", "--role", "king"], "viewer");
    fail(4, &["users", "password", "bob@example.com"], "users list");
    fail(2, &["users", "password", "ada@example.com"], "password");
    fail(1, &["serve", "--listen", &taken], "--listen");
    fail(2, &["serve", "--listen", "nowhere"], "--listen");
    fail(2, &["serve", "--config", "/no/such.toml"], "/no/such.toml");
    fail(1, &["migrate", "--database-url", "mysql://x"], "--database-url");
    fail(1, &["migrate", "--database-url", "sqlite:/no/such/folder/o.db"], "--database-url");
    fail(1, &["users", "list", "--database-url", "postgres://127.0.0.1:1/x"], "--database-url");
    fail(2, &["demo", "--ephemeral", "--data-dir", "x"], "--data-dir");
    fail(2, &["demo", "--data-dir", "/proc/no"], "--data-dir");
    fail(2, &["upstash-emulator", "--port", "0", "--redis-server", "/no/such"], "/no/such");
    let file = home.path().join("bad.toml");
    std::fs::write(&file, "lisen = 1").unwrap();
    fail(2, &["serve", "--config", file.to_str().unwrap()], "lisen");
    std::fs::write(home.path().join("o.key"), "no key").unwrap();
    fail(2, &["serve"], "o.key");
}
