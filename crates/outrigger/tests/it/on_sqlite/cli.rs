//! Our own CLI, as a site developer and an operator use it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::cli::site_developer;
use crate::demo::{Demo, check, command, signal};

#[test]
fn a_site_developer_adds_an_add_on_and_gets_its_variables() {
    site_developer(&Demo::start());
}

#[test]
fn a_command_that_is_run_keeps_its_exit_code_and_gets_the_signals() {
    let demo = Demo::start();
    demo.run(&["env", "set", "GREETING", "hello"]);
    let output = |command: &[&str]| demo.outrigger().args(["run", "--"]).args(command).output().unwrap();
    let ran = output(&["sh", "-c", "echo $GREETING; echo oops >&2; exit 7"]);
    check(&ran, 7);
    assert_eq!((&ran.stdout[..], &ran.stderr[..]), (&b"hello\n"[..], &b"oops\n"[..]));
    assert_eq!(output(&["sh", "-c", "kill -TERM $$"]).status.signal(), Some(15));
    check(&output(&["no-such-program"]), 127);
    check(&output(&["/"]), 126);
    // What is set already wins.
    let mut command = demo.outrigger();
    let ran = command.env("GREETING", "mine").args(["run", "--", "printenv", "GREETING"]).output().unwrap();
    assert_eq!(ran.stdout, b"mine\n");

    let mut command = demo.outrigger();
    let script = "trap 'echo stopped; exit 3' TERM; echo started; while :; do sleep 0.05; done";
    let mut process =
        command.args(["run", "--", "sh", "-c", script]).stdout(Stdio::piped()).stdin(Stdio::piped()).spawn().unwrap();
    let mut output = std::io::BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    signal(&process, "TERM");
    std::io::Read::read_to_string(&mut output, &mut line).unwrap();
    assert_eq!((line.as_str(), process.wait().unwrap().code()), ("started\nstopped\n", Some(3)));
}

#[test]
fn files_are_imported_and_pulled() {
    let demo = Demo::start();
    let file = demo.home.path().join(".env");
    let name = file.to_str().unwrap();
    let import = |text: &str, more: &[&str]| {
        std::fs::write(&file, text).unwrap();
        demo.outrigger().args(["env", "import", name]).args(more).output().unwrap()
    };
    let pulled = || demo.json(&["env", "pull"]);
    demo.run(&["env", "set", "OLD", "x"]);
    demo.run(&["env", "set", "KEY", "1", "--secret"]);
    check(&import("\u{feff}export A=1\r\nB=\"two\\nlines\"\r\nKEY='2' # new\r\n", &["--replace"]), 0);
    assert_eq!(pulled(), json!({ "A": "1", "B": "two\nlines", "KEY": "2" }));
    assert_eq!(demo.json(&["env", "get", "KEY"])["is_secret"], true, "an import makes no secret public");
    for format in ["dotenv", "json", "shell"] {
        let text = demo.run(&["env", "pull", "--format", format]);
        demo.run(&["env", "unset", "B"]);
        check(&import(&text, &[]), 0);
        assert_eq!(pulled()["B"], "two\nlines", "{format}");
    }
    let shown = |ran: Output| String::from_utf8(ran.stderr).unwrap();
    let refused = import("A=2\nB=\"open", &[]);
    check(&refused, 2);
    assert!(shown(refused).contains("line 2"));
    let refused = import("A=2\n2B=3", &[]);
    check(&refused, 2);
    assert!(shown(refused).contains("`2B`"));
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let refused = import("A=2\nTALLY_URL=mine", &[]);
    check(&refused, 5);
    assert!(shown(refused).contains("add-on `tally`"));
    assert_eq!(pulled()["A"], "1", "a file with a fault changes nothing");

    let out = demo.home.path().join("pulled.env");
    demo.run(&["env", "pull", "--output", out.to_str().unwrap()]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&out).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
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
    check(&outrigger(&["users", "list"]), 2);
    let made = outrigger(&["init", "--email", "ada@example.com", "--json"]);
    check(&made, 0);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(made["token"].as_str().unwrap().starts_with("ort_"));
    check(&outrigger(&["init", "--email", "eve@example.com"]), 5);
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

#[test]
fn output_that_nobody_takes_is_told_by_the_exit_code() {
    let home = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let full = command(home.path()).args(["completions", "bash"]).stdout(full).output().unwrap();
    check(&full, 1);
    assert!(String::from_utf8_lossy(&full.stderr).contains("cannot write to standard output"));
    // A reader that has seen enough is no fault.
    let mut process = command(home.path())
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let ran = process.wait_with_output().unwrap();
    check(&ran, 141);
    assert!(ran.stderr.is_empty());
}
