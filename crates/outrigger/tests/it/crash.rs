//! kill -9 at any moment: after the restart it is as if nothing had happened, or as if all had.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::demo::Demo;

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
