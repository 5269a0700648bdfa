//! What `outrigger login` keeps, and whom it is shown to.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::demo::{Demo, check, command};

/// Runs a command and types into it what it reads from standard input.
fn with_input(command: &mut Command, input: &str) -> Output {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

fn sign_in(demo: &Demo) -> Output {
    let mut login = command(demo.home.path());
    login.args(["login", "--token-stdin", "--site", "harbor", "--platform", demo.get("api_url")]);
    with_input(&mut login, &format!("{}\n", demo.get("token")))
}

fn file(demo: &Demo) -> std::path::PathBuf {
    demo.home.path().join(".config/outrigger/sign-in.toml")
}

/// Another platform: keeps all that it is sent, and answers each request with this.
fn stranger(answer: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(String::new()));
    let ears = heard.clone();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut bytes = [0; 8192];
            let read = client.read(&mut bytes).unwrap_or(0);
            ears.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            let _ = TcpStream::write_all(&mut client, answer.as_bytes());
        }
    });
    (origin, heard)
}

const REFUSES: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[test]
fn signing_in_is_remembered_and_forgotten() {
    let demo = Demo::start();
    check(&sign_in(&demo), 0);
    assert_eq!(std::fs::metadata(file(&demo)).unwrap().permissions().mode() & 0o777, 0o600);
    let status = command(demo.home.path()).args(["status"]).output().unwrap();
    check(&status, 0);
    assert!(String::from_utf8_lossy(&status.stdout).contains("harbor"));
    check(&command(demo.home.path()).arg("logout").output().unwrap(), 0);
    let ran = command(demo.home.path()).env("OUTRIGGER_URL", demo.get("api_url")).arg("status").output().unwrap();
    check(&ran, 3);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("outrigger login"));
}

#[test]
fn a_file_that_others_could_read_is_replaced_by_one_that_they_cannot() {
    let demo = Demo::start();
    std::fs::create_dir_all(file(&demo).parent().unwrap()).unwrap();
    std::fs::write(file(&demo), "damaged").unwrap();
    std::fs::set_permissions(file(&demo), std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = command(demo.home.path()).arg("status").output().unwrap();
    check(&ran, 2);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("outrigger login"));
    check(&sign_in(&demo), 0);
    assert_eq!(std::fs::metadata(file(&demo)).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(file(&demo), "damaged").unwrap();
    check(&command(demo.home.path()).arg("logout").output().unwrap(), 0);
    assert!(!file(&demo).exists());
}

#[test]
fn what_is_kept_for_one_platform_is_sent_to_no_other() {
    let demo = Demo::start();
    check(&sign_in(&demo), 0);
    let token = demo.get("token");
    let (origin, heard) = stranger(REFUSES);
    let home: &Path = demo.home.path();
    for arguments in [&["status"][..], &["sites", "list"], &["env", "list"], &["doctor"], &["netlify", "--", "status"]]
    {
        let by_flag = command(home).args(["--platform", &origin]).args(arguments).output().unwrap();
        let by_variable = command(home).env("OUTRIGGER_URL", &origin).args(arguments).output().unwrap();
        for ran in [by_flag, by_variable] {
            assert!(!ran.status.success(), "{arguments:?}");
            assert!(!format!("{ran:?}").contains(token), "{arguments:?}");
        }
    }
    assert!(!heard.lock().unwrap().contains(token));
    let ran = command(home).args(["doctor", "--platform", &origin]).output().unwrap();
    assert!(String::from_utf8_lossy(&ran.stdout).contains(&format!("kept for {}", demo.origin)));
    // Elsewhere it goes on working, however the address is written.
    check(&command(home).args(["status", "--platform", &format!("{}/", demo.get("api_url"))]).output().unwrap(), 0);
}

#[test]
fn redirects_lead_neither_token_nor_password_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let (elsewhere, heard) = stranger(REFUSES);
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {elsewhere}/api/v1/user\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (origin, _) = stranger(answer.leak());
    let ran = command(home.path()).args(["status", "--platform", &origin, "--token", "ort_secret"]).output().unwrap();
    check(&ran, 1);
    assert!(String::from_utf8_lossy(&ran.stderr).contains(&elsewhere));
    let mut login = command(home.path());
    login.args(["login", "--email", "ada@example.com", "--password-stdin", "--platform", &origin]);
    check(&with_input(&mut login, "hunter22\n"), 1);
    assert_eq!(*heard.lock().unwrap(), "");
}

#[test]
fn an_operator_s_users_sign_in_with_their_password() {
    let demo = Demo::start();
    let database = format!("sqlite:{}", demo.data().join("outrigger.db").display());
    let mut password = command(demo.home.path());
    password
        .args(["users", "password", "demo@example.com", "--database-url", &database, "--key-file"])
        .arg(demo.data().join("outrigger.key"));
    check(&with_input(&mut password, "correct horse battery\n"), 0);
    let login = |password: &str| {
        let mut login = command(demo.home.path());
        login.args(["login", "--json", "--email", "demo@example.com", "--password-stdin", "--platform", &demo.origin]);
        with_input(&mut login, password)
    };
    check(&login("wrong horse battery\n"), 3);
    let signed_in = login("correct horse battery\n");
    check(&signed_in, 0);
    let signed_in: Value = serde_json::from_slice(&signed_in.stdout).unwrap();
    assert_eq!(signed_in["user"]["email"], "demo@example.com");
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let demo = Demo::start();
    let doctor = |arguments: &[&str], code: i32, told: &[&str]| {
        let ran = demo.outrigger().arg("doctor").args(arguments).output().unwrap();
        check(&ran, code);
        let text = String::from_utf8(ran.stdout).unwrap();
        for told in told {
            assert!(text.contains(told), "`{told}` is not in\n{text}");
        }
    };
    doctor(&[], 0, &["is ready", "signed in as demo@example.com", "harbor", "agrees"]);
    doctor(&["--platform", "http://127.0.0.1:1"], 1, &["cannot reach the platform", "is it running?"]);
    doctor(&["--token", "ort_wrong"], 1, &["failure  token", "outrigger login"]);
    doctor(&["--site", "nowhere"], 1, &["failure  site", "outrigger sites list"]);
    let (stranger, _) = stranger("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    doctor(&["--platform", &stranger], 1, &["no Outrigger"]);
    let ran = demo.outrigger().arg("doctor").env("PATH", "").output().unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(text.contains("Node 18") && text.contains("npm install -g netlify-cli@17.38.1"), "{text}");
}
