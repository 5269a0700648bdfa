//! Servers that hang, talk nonsense, or are none.

use std::time::{Duration, Instant};

use outrigger_email::Email;
use outrigger_integrations::{Announcement, CheckState, Integration as _, SendError};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::host::{Shop, check, config, context, delivery, open, send, values};
use crate::server::{Does, Script, Server};

#[tokio::test]
async fn nobody_waits_for_a_server_that_hangs() {
    let impatient = context(true, Duration::from_millis(300));
    for at in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let server = Server::start(Script { at: vec![(at, Does::Hangs)], ..Script::default() }).await;
        let config = config(values(server.port, json!({})));
        let begun = Instant::now();
        let sent = Email::<Shop>::new().send(&config, &Announcement::new("x"), &delivery(7), &impatient).await;
        assert_eq!(sent, Err(SendError::retry("the mail server took too long")), "{at}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{at}");
    }
    // What was accepted is accepted, however the server says good-bye.
    for goodbye in [Does::Hangs, Does::HangsUp, Does::Says("500 no")] {
        let server = Server::start(Script { at: vec![("QUIT", goodbye)], ..Script::default() }).await;
        send(values(server.port, json!({})), &Announcement::new("x")).await.unwrap();
        assert_eq!(server.mails().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_may_come_back() {
    for at in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let server = Server::start(Script { at: vec![(at, Does::HangsUp)], ..Script::default() }).await;
        let refused = send(values(server.port, json!({})), &Announcement::new("x")).await.unwrap_err();
        assert!(matches!(refused, SendError::Retry { .. }), "{at}: {refused:?}");
    }
}

/// A server that says this to everybody and hangs up.
async fn saying(bytes: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move { drop(stream.write_all(&bytes).await) });
        }
    });
    port
}

#[tokio::test]
async fn nonsense_is_told_from_a_mail_server() {
    let garbage: [&[u8]; 7] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\r\n",
        b"220\xff\xfe\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"999 what\r\n",
        b"",
    ];
    for bytes in garbage {
        let port = saying(bytes.to_vec()).await;
        let refused = send(values(port, json!({})), &Announcement::new("x")).await.unwrap_err();
        assert!(matches!(refused, SendError::Retry { .. }), "{bytes:?}: {refused:?}");
        assert_ne!(check(values(port, json!({}))).await.state(), CheckState::Passed, "{bytes:?}");
    }
    let http = check(values(saying(garbage[0].to_vec()).await, json!({}))).await;
    assert_eq!((http.state(), http.findings()[0].field.as_deref()), (CheckState::Refused, Some("port")));
}

#[tokio::test]
async fn a_server_that_talks_without_end_is_cut_short() {
    let endless = [b"220 ".to_vec(), vec![b'x'; 8 * 1024 * 1024]].concat();
    let many = [b"220-x\r\n".repeat(500_000), b"220 x\r\n".to_vec()].concat();
    for bytes in [endless, many] {
        let port = saying(bytes).await;
        let begun = Instant::now();
        let refused = send(values(port, json!({})), &Announcement::new("x")).await.unwrap_err();
        assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "it is not read to its end");
    }
}

fn on(host: &str, port: u16) -> Value {
    values(port, json!({ "host": host }))
}

#[tokio::test]
async fn where_we_may_not_go_we_do_not_go() {
    let server = Server::start(Script::default()).await;
    let strict = context(false, Duration::from_secs(5));
    let email = Email::<Shop>::new();
    for host in ["localhost", "127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"] {
        let config = config(on(host, server.port));
        let refused = email.send(&config, &Announcement::new("x"), &delivery(7), &strict).await.unwrap_err();
        assert!(matches!(refused, SendError::Broken { .. }), "{host}: {refused:?}");
        let report = email.check(&config, &strict).await;
        assert_eq!((report.state(), report.findings()[0].field.as_deref()), (CheckState::Refused, Some("host")));
    }
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for values in [on("localhost", port), on("nowhere.invalid", port)] {
        assert!(matches!(send(values.clone(), &Announcement::new("x")).await, Err(SendError::Retry { .. })));
        assert_eq!(check(values).await.state(), CheckState::Unavailable);
    }
}

#[tokio::test]
async fn without_the_protection_that_was_asked_for_nothing_is_said() {
    let secret = json!({ "protection": "start_tls", "username": "ada", "password": "hunter2" });
    for script in [
        Script::default(),
        Script { extensions: vec!["AUTH PLAIN"], ..Script::default() },
        Script { extensions: vec!["STARTTLS"], ..Script::saying("STARTTLS", "454 not now") },
        Script { extensions: vec!["STARTTLS"], ..Script::saying("STARTTLS", "220 go\r\n250-evil\r\n250 AUTH PLAIN") },
    ] {
        let server = Server::start(script).await;
        let refused = send(values(server.port, secret.clone()), &Announcement::new("x")).await.unwrap_err();
        assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
        let report = check(values(server.port, secret.clone())).await;
        assert_eq!((report.state(), report.findings()[0].field.as_deref()), (CheckState::Refused, Some("protection")));
        let said = server.lines();
        assert!(!said.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{said:?}");
    }
    let plain = Server::start(Script::default()).await;
    let wrapped = values(plain.port, json!({ "protection": "tls" }));
    let impatient = context(true, Duration::from_millis(500));
    let refused = Email::<Shop>::new()
        .send(&config(wrapped), &Announcement::new("x"), &delivery(7), &impatient)
        .await
        .unwrap_err();
    assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
    assert_eq!(open().outbound.timeout(), Duration::from_secs(10));
}
