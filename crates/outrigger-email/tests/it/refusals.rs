//! What a server refuses, and what becomes of the message.

use outrigger_integrations::{Announcement, SendError};
use serde_json::json;

use crate::host::{send, values};
use crate::server::{Does, Script, Server};

#[derive(Debug, PartialEq)]
enum Fate {
    Again,
    Dead,
    SwitchedOff,
}

fn fate(error: &SendError) -> Fate {
    match error {
        SendError::Retry { .. } => Fate::Again,
        SendError::Refused { .. } => Fate::Dead,
        _ => Fate::SwitchedOff,
    }
}

#[tokio::test]
async fn each_answer_at_each_stage_has_its_meaning() {
    for (at, answer, expected) in [
        ("greeting", "421 too busy", Fate::Again),
        ("greeting", "554 go away", Fate::Again),
        ("EHLO", "421 too busy", Fate::Again),
        ("EHLO", "502 what?", Fate::Again),
        ("MAIL", "451 later", Fate::Again),
        ("MAIL", "530 5.7.0 sign in first", Fate::SwitchedOff),
        ("MAIL", "550 no such sender", Fate::Dead),
        ("MAIL", "552 full", Fate::Dead),
        ("RCPT", "450 greylisted", Fate::Again),
        ("RCPT", "550 no such user", Fate::Dead),
        ("DATA", "451 later", Fate::Again),
        ("DATA", "554 no", Fate::Dead),
        (".", "452 disk full", Fate::Again),
        (".", "550-this is\r\n550 spam", Fate::Dead),
    ] {
        let server = Server::start(Script::saying(at, answer)).await;
        let refused = send(values(server.port, json!({})), &Announcement::new("x")).await.unwrap_err();
        assert_eq!(fate(&refused), expected, "{at} {answer}: {refused}");
        assert!(server.mails().is_empty());
        let word = answer.split(' ').next_back().unwrap();
        assert!(refused.to_string().contains(word) && !refused.to_string().contains('\n'), "{refused}");
    }
}

#[tokio::test]
async fn one_who_is_refused_for_good_holds_up_nobody_else() {
    let server = Server::start(Script::saying("RCPT TO:<gone@example.com>", "550 5.1.1 no such user")).await;
    let to = json!({ "to": ["gone@example.com", "ada@example.com", "grace@example.org"] });
    let sent = send(values(server.port, to), &Announcement::new("x")).await.unwrap();
    assert_eq!(server.mails()[0].to, ["ada@example.com", "grace@example.org"]);
    assert!(sent.summary.starts_with("2.0.0 queued as 4711; not to gone@example.com ("), "{}", sent.summary);
    assert!(sent.summary.contains("5.1.1 no such user"), "{}", sent.summary);
}

#[tokio::test]
async fn one_who_may_be_accepted_later_is_waited_for() {
    let script = Script {
        at: vec![
            ("RCPT TO:<gone@example.com>", Does::Says("550 no such user")),
            ("RCPT TO:<grace@example.org>", Does::Says("450 greylisted")),
        ],
        ..Script::default()
    };
    let server = Server::start(script).await;
    let to = json!({ "to": ["gone@example.com", "ada@example.com", "grace@example.org"] });
    let refused = send(values(server.port, to), &Announcement::new("x")).await.unwrap_err();
    assert_eq!(fate(&refused), Fate::Again, "{refused}");
    assert!(server.mails().is_empty(), "not to some now and to all later");
}

#[tokio::test]
async fn addresses_in_other_scripts_need_a_server_that_knows_them() {
    let to = json!({ "to": ["zoë@example.com"] });
    let server = Server::start(Script::default()).await;
    let refused = send(values(server.port, to.clone()), &Announcement::new("x")).await.unwrap_err();
    assert_eq!(fate(&refused), Fate::Dead, "{refused}");
    assert!(refused.to_string().contains("SMTPUTF8"), "{refused}");
    let modern = Server::start(Script { extensions: vec!["8BITMIME", "SMTPUTF8"], ..Script::default() }).await;
    send(values(modern.port, to), &Announcement::new("x")).await.unwrap();
    assert_eq!(modern.mails()[0].to, ["zoë@example.com"]);
}
