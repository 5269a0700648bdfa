//! On a terminal there are questions, colours and a spinner; elsewhere there is none of them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::demo::{Demo, check, command};
use crate::terminal::Terminal;

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const ESCAPE: &str = "\x1b";

fn on_terminal(demo: &Demo, arguments: &[&str]) -> Terminal {
    Terminal::start(demo.outrigger().args(arguments))
}

/// What begins a colour.
fn is_coloured(text: &str) -> bool {
    text.contains("\x1b[")
}

#[test]
fn missing_options_are_asked_for() {
    let demo = Demo::start();
    let mut terminal = on_terminal(&demo, &["addons", "create", "tally"]);
    terminal.wait_for("Label:");
    terminal.wait_for("What is counted, for people");
    terminal.type_in("Visitors");
    terminal.type_in(ENTER);
    terminal.wait_for("Added `tally`.");
    assert_eq!(terminal.end().1, 0);
    assert_eq!(demo.json(&["addons", "list"])[0]["config"]["label"], "Visitors");
    // What is given is not asked for.
    demo.run(&["addons", "delete", "tally", "--force"]);
    let (seen, code) = on_terminal(&demo, &["addons", "create", "tally", "--label", "Guests"]).end();
    assert!(code == 0 && !seen.contains("Label:"), "{seen}");
}

#[test]
fn options_are_changed_one_by_one_from_what_they_are() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let mut terminal = on_terminal(&demo, &["addons", "config", "tally"]);
    for (question, answer) in [("Label:", "!"), ("First number:", ""), ("Color:", DOWN), ("Private note:", "hush")] {
        terminal.wait_for(question);
        terminal.type_in(answer);
        terminal.type_in(ENTER);
    }
    terminal.wait_for("Changed `tally`.");
    let (seen, code) = terminal.end();
    assert_eq!(code, 0);
    assert!(!seen.contains("hush"), "a secret is not shown while it is typed");
    let config = &demo.json(&["addons", "list"])[0]["config"];
    assert_eq!((&config["label"], &config["color"]), (&"Visitors!".into(), &"coral".into()));

    let mut terminal = on_terminal(&demo, &["addons", "config", "tally"]);
    terminal.wait_for("Label:");
    terminal.type_in(ESCAPE);
    terminal.wait_for("cancelled; nothing was changed");
    assert_eq!(terminal.end().1, 2);
}

#[test]
fn what_deletes_things_wants_a_yes() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let mut terminal = on_terminal(&demo, &["addons", "delete", "tally"]);
    terminal.wait_for("Remove `tally`");
    terminal.type_in(ENTER);
    terminal.wait_for("nothing was deleted");
    assert_eq!(terminal.end().1, 2);
    let mut terminal = on_terminal(&demo, &["sites", "delete", "harbor"]);
    terminal.wait_for("Delete site `harbor`");
    terminal.type_in("y\r");
    terminal.wait_for("Deleted `harbor`.");
    assert_eq!(terminal.end().1, 0);
    assert_eq!(demo.json(&["sites", "list"]), serde_json::json!([]));
}

#[test]
fn a_token_is_asked_for_and_not_shown() {
    let demo = Demo::start();
    let mut login = command(demo.home.path());
    let mut terminal = Terminal::start(login.args(["login", "--platform", demo.get("api_url")]));
    terminal.wait_for("Token:");
    terminal.type_in(demo.get("token"));
    terminal.type_in(ENTER);
    terminal.wait_for("Signed in at");
    let (seen, code) = terminal.end();
    assert_eq!(code, 0);
    assert!(!seen.contains(demo.get("token")));
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    for (arguments, told) in [
        (&["addons", "config", "tally"][..], "--NAME VALUE"),
        (&["addons", "delete", "tally"], "--force"),
        (&["addons", "detach", "tally"], "--force"),
        (&["sites", "delete", "harbor"], "--force"),
        (&["login"], "--token-stdin"),
    ] {
        // Not even where the answers could be read, as from a script's own input.
        let mut command = demo.outrigger();
        command.env_remove("OUTRIGGER_TOKEN");
        if arguments != ["login"] {
            command.env("OUTRIGGER_TOKEN", demo.get("token"));
        }
        let ran = command.args(arguments).output().unwrap();
        check(&ran, 2);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
    demo.run(&["addons", "delete", "tally", "--force"]);
    assert!(demo.fail(2, &["addons", "create", "tally"]).contains("--label"));
}

#[test]
fn colours_are_for_terminals() {
    let demo = Demo::start();
    let (seen, code) = on_terminal(&demo, &["env", "get", "NOTHING"]).end();
    assert_eq!(code, 4);
    assert!(is_coloured(&seen), "{seen:?}");
    assert!(!is_coloured(&demo.fail(4, &["env", "get", "NOTHING"])));
    let mut plain = demo.outrigger();
    let (seen, _) = Terminal::start(plain.env("NO_COLOR", "1").args(["env", "get", "NOTHING"])).end();
    assert!(!is_coloured(&seen), "{seen:?}");
    assert!(!is_coloured(&demo.run(&["sites", "list"])));
}

/// A platform that takes its time.
fn slow_platform() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = client.read(&mut [0; 8192]);
            // The test is about what is shown meanwhile.
            std::thread::sleep(Duration::from_millis(1500));
            let _ = client.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        }
    });
    origin
}

#[test]
fn what_takes_long_shows_a_spinner_on_a_terminal() {
    let home = tempfile::tempdir().unwrap();
    let platform = slow_platform();
    let delete = || {
        let mut delete: Command = command(home.path());
        delete.args(["sites", "delete", "harbor", "--force", "--token", "x", "--platform", &platform]);
        delete
    };
    let (seen, code) = Terminal::start(&delete()).end();
    assert!(code == 0 && seen.contains("removing the site and its add-ons"), "{seen:?}");
    let ran = delete().output().unwrap();
    check(&ran, 0);
    assert_eq!(String::from_utf8(ran.stderr).unwrap(), "");
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), "Deleted `harbor`.\n");
}
