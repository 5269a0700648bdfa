//! What arrives.

use outrigger_email::Email;
use outrigger_integrations::{Announcement, CheckState, Integration as _, Level};
use serde_json::json;

use crate::host::{Shop, check, config, delivery, open, send, settings, values};
use crate::server::{Script, Server};

#[tokio::test]
async fn a_message_arrives_as_it_was_meant() {
    let server = Server::start(Script::default()).await;
    let message = Announcement::new("Deploy of harbor failed")
        .text("The build ran out of memory.")
        .level(Level::Error)
        .field("Branch", "main")
        .url("https://example.com/builds/7");
    let changes = json!({ "to": ["ada@example.com", "grace@example.org"], "subject_prefix": "[harbor]" });
    let sent = send(values(server.port, changes), &message).await.unwrap();
    assert_eq!((sent.status, sent.summary.as_str()), (Some(250), "2.0.0 queued as 4711"));
    let mail = &server.mails()[0];
    assert_eq!((mail.from.as_str(), mail.to.len()), ("shop@example.com", 2));
    for (header, value) in [
        ("From", "shop@example.com"),
        ("To", "ada@example.com, grace@example.org"),
        ("Subject", "[harbor] Failure: Deploy of harbor failed"),
        ("Date", "Thu, 01 Jan 2026 00:00:00 +0000"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(mail.header(header).as_deref(), Some(value), "{}", mail.data);
    }
    let expected = "Deploy of harbor failed\r\n\r\nThe build ran out of memory.\r\n\r\nBranch: main\r\n\r\n\
                    https://example.com/builds/7\r\n";
    assert_eq!(mail.body().trim_end(), expected.trim_end());
    assert!(server.lines()[0].starts_with("EHLO example.com"), "{:?}", server.lines());
    assert_eq!(server.lines().last().unwrap(), "QUIT");
}

#[tokio::test]
async fn each_attempt_has_the_same_message_id_and_no_other_message_has_it() {
    let server = Server::start(Script::default()).await;
    let config = config(values(server.port, json!({})));
    for number in [7, 7, 8] {
        let message = Announcement::new("x");
        Email::<Shop>::new().send(&config, &message, &delivery(number), &open()).await.unwrap();
    }
    let ids: Vec<String> = server.mails().iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    assert_eq!(ids[0], format!("<{}@example.com>", delivery(7)));
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn other_scripts_arrive_through_servers_that_know_ascii_only() {
    let server = Server::start(Script::default()).await;
    send(values(server.port, json!({})), &Announcement::new("Zoë hat bezahlt 🎉").text("グラフ")).await.unwrap();
    let mail = &server.mails()[0];
    assert!(mail.data.is_ascii());
    let subject = mail.header("Subject").unwrap();
    assert!(subject.to_lowercase().contains("=?utf-8?"), "{subject}");
    assert!(matches!(mail.header("Content-Transfer-Encoding").as_deref(), Some("quoted-printable" | "base64")));
    assert!(!server.lines().iter().any(|line| line.contains("8BITMIME")));
}

#[tokio::test]
async fn nothing_in_a_text_becomes_a_header_or_a_command() {
    let server = Server::start(Script::default()).await;
    let evil = "x\r\nBcc: evil@example.com\r\n\r\nhello\r\n.\r\nMAIL FROM:<evil@example.com>\r\n\0\u{b}y";
    let message = Announcement::new(evil).text(evil).field(evil, evil).url(evil);
    send(values(server.port, json!({ "subject_prefix": "[x]" })), &message).await.unwrap();
    assert_eq!(server.mails().len(), 1);
    let mail = &server.mails()[0];
    assert_eq!(mail.to, ["ada@example.com"]);
    assert_eq!(mail.header("Bcc"), None);
    let subject = mail.header("Subject").unwrap();
    assert_eq!(subject, "[x] x Bcc: evil@example.com hello . MAIL FROM:<evil@example.com> y");
    let verbs: Vec<String> = server.lines().iter().map(|line| line.chars().take(4).collect()).collect();
    assert_eq!(verbs, ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]);
}

#[tokio::test]
async fn a_long_title_is_one_short_subject() {
    let server = Server::start(Script::default()).await;
    send(values(server.port, json!({})), &Announcement::new("word ".repeat(200))).await.unwrap();
    let subject = server.mails()[0].header("Subject").unwrap();
    assert!(subject.len() < 400, "{subject}");
}

#[tokio::test]
async fn a_check_sends_nothing() {
    let server = Server::start(Script::default()).await;
    assert_eq!(check(values(server.port, json!({}))).await.state(), CheckState::Passed);
    assert!(server.mails().is_empty());
    let verbs: Vec<String> = server.lines().iter().map(|line| line.chars().take(4).collect()).collect();
    assert_eq!(verbs, ["EHLO", "QUIT"]);
    assert!(Email::<Shop>::new().sample().is_some());
}

#[test]
fn a_password_needs_a_user_name_and_a_protected_connection() {
    let faults = |changes| settings(values(587, changes)).err().unwrap_or_default();
    assert!(faults(json!({ "protection": "start_tls", "username": "ada", "password": "x" })).is_empty());
    let unprotected = faults(json!({ "username": "ada", "password": "x" }));
    assert_eq!(unprotected.of("protection").len(), 1, "{unprotected}");
    assert_eq!(faults(json!({ "username": "ada" })).of("password").len(), 1);
    assert_eq!(faults(json!({ "protection": "tls", "password": "x" })).of("password").len(), 1);
    assert!(!faults(json!({ "to": [] })).of("to").is_empty());
    assert!(!faults(json!({ "port": 0 })).of("port").is_empty());
    assert!(!faults(json!({ "from": "shop@example.com\r\nBcc: x@example.com" })).of("from").is_empty());
}
