//! Our own CLI, as a site developer uses it: one scenario, for one node and for several.

use serde_json::Value;

use crate::demo::{Demo, check};

/// Adds an add-on, gets its variables, changes and removes it.
pub(crate) fn site_developer(demo: &Demo) {
    let plan = demo.run(&["addons", "plan", "tally", "--label", "Visitors"]);
    assert!(plan.contains("TALLY_TOKEN (secret)") && plan.contains("/.netlify/tally/*"), "{plan}");
    assert!(demo.fail(2, &["addons", "create", "tally"]).contains("--label"));
    assert!(demo.run(&["addons", "show", "tally"]).contains("--color  sand|sea|coral, sea when missing"));
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
    demo.run(&["env", "set", "GREETING", "hi", "--context", "production", "--secret"]);
    assert_eq!(demo.run(&["env", "get", "GREETING", "--context", "production"]).trim(), "hi");
    assert_eq!(demo.run(&["env", "get", "GREETING"]).trim(), "it's $HOME \"quoted\"");
    assert!(demo.fail(5, &["env", "set", "TALLY_URL", "mine"]).contains("add-on `tally`"));
    assert!(demo.run(&["env", "list"]).contains("(secret)"), "a table shows no secret");
    demo.run(&["env", "set", "GREETING", "new"]);
    assert_eq!(demo.json(&["env", "get", "GREETING"])["is_secret"], true, "a new value is as secret as the old");
    demo.run(&["env", "unset", "GREETING"]);
    demo.fail(4, &["env", "get", "GREETING"]);

    let changed = demo.json(&["addons", "config", "tally", "--color", "coral", "--note", "between us"]);
    assert_eq!(changed["config"]["color"], "coral");
    for shown in ["show", "list"] {
        let args = ["addons", shown, "tally"];
        let args = if shown == "list" { &args[..2] } else { &args };
        let printed = format!("{} {}", demo.run(args), demo.json(args));
        assert!(!printed.contains("between us"), "{shown} shows no secret");
    }
    assert!(!demo.run(&["addons", "plan", "tally", "--label", "x", "--note", "between us"]).contains("between us"));
    assert!(demo.fail(2, &["addons", "config", "tally", "--color", "mauve"]).contains("color"));
    assert!(demo.run(&["addons", "open", "tally", "--print"]).contains("/login#ey"));
    assert!(demo.fail(2, &["addons", "delete", "tally"]).contains("--force"));
    demo.run(&["addons", "delete", "tally", "--force"]);
    assert!(demo.run(&["env", "list"]).contains("No variables yet"));
}
