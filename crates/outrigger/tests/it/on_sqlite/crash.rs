//! kill -9 at any moment: after the restart it is as if nothing had happened, or as if all had.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::demo::{Demo, check, command};

/// Kills the demo this long after a create was asked for, starts it again, and checks what is there.
fn kill_after(pause: Duration) {
    let demo = Demo::start();
    let mut asking = demo
        .outrigger()
        .args(["addons", "create", "tally", "--label", "Visitors"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(pause);
    let data = demo.data();
    let home = demo.kill();
    asking.wait().unwrap();
    let demo = Demo::start_on(home, &data);

    // A job that was under way when its worker died is taken over once the lease has run out.
    let deadline = Instant::now() + Duration::from_secs(60);
    let instances = loop {
        let listed = demo.run(&["addons", "list", "--json"]);
        let instances: Vec<Value> = serde_json::from_str(&listed).unwrap();
        if instances.iter().all(|instance| instance["state"] == "active") {
            break instances;
        }
        assert!(Instant::now() < deadline, "{instances:#?}");
        std::thread::sleep(Duration::from_millis(200));
    };
    let kept: Value = match std::fs::read(data.join("tally.json")) {
        Ok(text) => serde_json::from_slice(&text).unwrap(),
        Err(_) => Value::Object(serde_json::Map::new()),
    };
    assert_eq!(kept.as_object().unwrap().len(), instances.len(), "both sides agree after {pause:?}");
    let pulled: Value = serde_json::from_str(&demo.run(&["env", "pull", "--format", "json"])).unwrap();
    assert_eq!(pulled.as_object().unwrap().len(), 2 * instances.len());
    // Whichever it was, the next create and delete work.
    if instances.is_empty() {
        demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    }
    demo.run(&["addons", "delete", "tally", "--force"]);
}

#[test]
fn killed_at_any_moment_of_a_create() {
    std::thread::scope(|scope| {
        for milliseconds in [0, 10, 20, 30, 40, 60, 90, 150] {
            scope.spawn(move || kill_after(Duration::from_millis(milliseconds)));
        }
    });
}

/// Sixteen moments, spread over the time that it takes when it is left alone.
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    (0..16).map(move |part| whole * part / 16)
}

#[test]
fn killed_at_any_moment_of_the_first_start() {
    let whole = Demo::start().ready_after;
    for pause in moments(whole) {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let mut process = command(home.path())
            .args(["demo", "--port", "0", "--data-dir"])
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(pause);
        process.kill().unwrap();
        process.wait().unwrap();
        let demo = Demo::start_on(home, &data);
        demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
        assert_eq!(demo.json(&["sites", "list"]).as_array().unwrap().len(), 1, "after {pause:?}");
    }
}

#[test]
fn killed_at_any_moment_of_init() {
    let init = |home: &std::path::Path| {
        let mut init = command(home);
        init.env("OUTRIGGER_DATABASE_URL", format!("sqlite:{}", home.join("o.db").display()))
            .env("OUTRIGGER_KEY_FILE", home.join("o.key"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        init
    };
    let arguments = ["init", "--email", "ada@example.com"];
    let home = tempfile::tempdir().unwrap();
    let started = Instant::now();
    assert!(init(home.path()).args(arguments).status().unwrap().success());
    for pause in moments(started.elapsed()) {
        let home = tempfile::tempdir().unwrap();
        let mut process = init(home.path()).args(arguments).spawn().unwrap();
        std::thread::sleep(pause);
        process.kill().unwrap();
        process.wait().unwrap();
        let again = init(home.path()).args(arguments).stderr(Stdio::piped()).output().unwrap();
        if again.status.code() == Some(5) {
            // All was done but the printing: the way on is the one that is advised.
            let advised = ["users", "create", "--operator", "bob@example.com"];
            assert!(String::from_utf8_lossy(&again.stderr).contains("--operator"));
            check(&init(home.path()).args(advised).output().unwrap(), 0);
        } else {
            check(&again, 0);
        }
    }
}

#[test]
fn killed_at_any_moment_of_a_key_rotation() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let token = demo.run(&["env", "get", "TALLY_TOKEN"]);
    let data = demo.data();
    let home = demo.stop();
    let keys = |deed: &str| {
        let mut keys = command(home.path());
        keys.env("OUTRIGGER_DATABASE_URL", format!("sqlite:{}", data.join("outrigger.db").display()))
            .env("OUTRIGGER_KEY_FILE", data.join("outrigger.key"))
            .args(["keys", deed])
            .stdout(Stdio::null());
        keys
    };
    for deed in ["rotate", "prune"] {
        let started = Instant::now();
        assert!(keys(deed).status().unwrap().success());
        for pause in moments(started.elapsed()) {
            let mut process = keys(deed).spawn().unwrap();
            std::thread::sleep(pause);
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
    let demo = Demo::start_on(home, &data);
    assert_eq!(demo.run(&["env", "get", "TALLY_TOKEN"]), token);
    demo.run(&["addons", "config", "tally", "--color", "coral"]);
}
