//! What the life of a demo promises.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::demo::{Demo, check, command, signal};

#[test]
fn a_second_start_finds_what_the_first_left() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let (token, site) = (demo.get("token").to_owned(), demo.get("site_id").to_owned());
    let data = demo.data();
    let home = demo.stop();
    let demo = Demo::start_on(home, &data);
    assert_eq!((demo.get("token"), demo.get("site_id")), (token.as_str(), site.as_str()));
    assert!(demo.run(&["addons", "list"]).contains("active"));
    demo.run(&["addons", "config", "tally", "--color", "coral"]);
    demo.run(&["addons", "delete", "tally", "--force"]);
}

#[test]
fn a_second_start_makes_what_is_not_there_any_more() {
    let demo = Demo::start();
    let tokens = demo.json(&["tokens", "list"]);
    demo.run(&["sites", "delete", "harbor", "--force"]);
    demo.run(&["tokens", "revoke", tokens[0]["id"].as_str().unwrap()]);
    let (old_token, data) = (demo.get("token").to_owned(), demo.data());
    let demo = Demo::start_on(demo.stop(), &data);
    assert_ne!(demo.get("token"), old_token);
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    // The same folder, another database.
    let database = format!("sqlite:{}", data.join("other.db").display());
    let demo = Demo::start_with(demo.stop(), &data, &["--database-url", &database]);
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
}

#[test]
fn two_demos_on_one_folder_are_refused() {
    let demo = Demo::start();
    let ran = command(demo.home.path()).args(["demo", "--port", "0", "--data-dir"]).arg(demo.data()).output().unwrap();
    check(&ran, 5);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("another demo is running"));
}

/// A demo that says as JSON when it is ready.
fn spawn(home: &std::path::Path, arguments: &[&str]) -> (Child, Value) {
    let mut process = command(home)
        .env("TMPDIR", home.join("tmp"))
        .args(["demo", "--port", "0", "--json"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = process.stdout.take().unwrap();
    let info = serde_json::Deserializer::from_reader(output).into_iter().next().unwrap().unwrap();
    (process, info)
}

#[test]
fn an_ephemeral_demo_leaves_nothing_however_it_is_stopped() {
    for name in ["INT", "TERM", "HUP"] {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("tmp")).unwrap();
        let (mut process, _) = spawn(home.path(), &["--ephemeral"]);
        let count = || std::fs::read_dir(home.path().join("tmp")).unwrap().count();
        assert_eq!(count(), 1);
        signal(&process, name);
        assert!(process.wait().unwrap().success(), "{name}");
        assert_eq!(count(), 0, "{name}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "nothing is anywhere else");
    }
}

#[test]
fn an_idle_demo_stops_at_once_though_clients_stay_connected() {
    for name in ["INT", "TERM"] {
        let home = tempfile::tempdir().unwrap();
        let (mut process, info) = spawn(home.path(), &[]);
        let address = info["dashboard_url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let silent = TcpStream::connect(&address).unwrap();
        let mut kept_alive = TcpStream::connect(&address).unwrap();
        kept_alive.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        assert!(kept_alive.read(&mut [0; 1024]).unwrap() > 0);
        let asked = Instant::now();
        signal(&process, name);
        assert!(process.wait().unwrap().success());
        assert!(asked.elapsed() < Duration::from_secs(2), "{name}: {:?}", asked.elapsed());
        drop(silent);
    }
}

#[test]
fn the_info_file_says_what_a_script_needs_and_is_never_an_old_one() {
    let demo = Demo::start();
    for name in ["api_url", "gateway_url", "dashboard_url", "token", "account_id", "account_slug", "site_id"] {
        assert!(!demo.get(name).is_empty(), "{name}");
    }
    assert_eq!((demo.get("site_name"), demo.get("addon_slug")), ("harbor", "tally"));
    let file = demo.home.path().join("info.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // A start that comes to nothing leaves none behind.
    let mut start = command(demo.home.path());
    let ran = start.args(["demo", "--data-dir"]).arg(demo.data()).arg("--info-file").arg(&file).output().unwrap();
    check(&ran, 5);
    assert!(!file.exists());
}

#[test]
fn a_port_that_is_taken_is_told() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = command(home.path()).args(["demo", "--port", &port]).output().unwrap();
    check(&ran, 1);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("choose another with --port"));
}

#[test]
fn an_add_on_that_had_to_move_is_known_at_its_new_address() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let data = demo.data();
    let state: Value = serde_json::from_slice(&std::fs::read(data.join("demo.json")).unwrap()).unwrap();
    let port = state["addon_port"].as_u64().unwrap();
    let home = demo.stop();
    let _taken = TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    let demo = Demo::start_on(home, &data);
    let link = demo.run(&["addons", "open", "tally", "--print"]);
    assert!(link.contains("/login#ey") && !link.contains(&format!(":{port}/")), "{link}");
    demo.run(&["addons", "config", "tally", "--color", "coral"]);
}

#[test]
fn secrets_on_disk_are_for_their_owner_only() {
    let demo = Demo::start();
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    for file in ["outrigger.db", "outrigger.key", "demo.json", "tally.json"] {
        let mode = std::fs::metadata(demo.data().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is {mode:o}");
    }
}
