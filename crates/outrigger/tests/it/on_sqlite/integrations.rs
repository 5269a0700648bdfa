//! The integrations that the binary brings: a chat room, a webhook and a mailbox hear of what happens in a demo.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::demo::{Demo, check, command};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves each connection with `talk`, which says what it got.
fn server(talk: fn(TcpStream, &Sender<String>)) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, got) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            std::thread::spawn(move || talk(stream.unwrap(), &sender));
        }
    });
    (port, got)
}

/// A server that takes posts, as the services behind webhooks do.
fn take_posts(stream: TcpStream, sender: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let before = head.len();
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
            let line = head[before..].to_ascii_lowercase();
            length = line.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().unwrap());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        if head.starts_with("POST") && length > 2 {
            let _ = sender.send(String::from_utf8(body).unwrap());
        }
    }
}

/// A mail server that takes everything.
fn take_mail(stream: TcpStream, sender: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    let mut answer = "220 mail.test";
    let mut mail = None::<String>;
    loop {
        if !answer.is_empty() && reader.get_mut().write_all(format!("{answer}\r\n").as_bytes()).is_err() {
            return;
        }
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        answer = match (&mut mail, line.trim_end()) {
            (Some(text), ".") => {
                let _ = sender.send(std::mem::take(text));
                mail = None;
                "250 taken"
            }
            (Some(text), _) => {
                text.push_str(&line);
                ""
            }
            (None, "DATA") => {
                mail = Some(String::new());
                "354 go on"
            }
            (None, "QUIT") => "221 bye",
            (None, _) => "250 mail.test",
        };
    }
}

fn http(demo: &Demo, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(demo.origin.trim_start_matches("http://")).unwrap();
    let body = body.to_string();
    let (token, length) = (demo.get("token"), body.len());
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         accept: application/json\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

fn add(demo: &Demo, integration: &str, settings: &Value) {
    let path = format!("/accounts/{}/integrations/new/{integration}", demo.get("account_slug"));
    let body = json!({ "name": integration, "enabled": true, "settings": settings });
    let (status, answer) = http(demo, "POST", &path, &body);
    assert_eq!(status, 201, "{answer:#}");
}

#[test]
fn a_chat_room_a_webhook_and_a_mailbox_hear_of_an_add_on_also_after_the_keys_were_rotated() {
    let demo = Demo::start();
    let (chat_port, chat) = server(take_posts);
    let (hook_port, hook) = server(take_posts);
    let (mail_port, mails) = server(take_mail);
    let always = json!({ "mode": "always" });
    let chat_url = format!("http://127.0.0.1:{chat_port}/services/T/B/x");
    add(&demo, "outrigger.slack", &json!({ "url": chat_url, "rules": always }));
    let hook_url = format!("http://127.0.0.1:{hook_port}/events");
    add(&demo, "outrigger.webhook", &json!({ "url": hook_url, "secret": SECRET, "rules": always }));
    let mailbox = json!({
        "host": "127.0.0.1", "port": mail_port, "protection": "none", "from": "outrigger@example.com",
        "to": ["ada@example.com"], "rules": always,
    });
    add(&demo, "outrigger.email", &mailbox);
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let said = chat.recv_timeout(PATIENCE).unwrap();
    assert!(said.contains("was added to harbor"), "{said}");
    let event: Value = serde_json::from_str(&hook.recv_timeout(PATIENCE).unwrap()).unwrap();
    assert_eq!((&event["type"], &event["data"]["addon"]["slug"]), (&json!("instance.created"), &json!("tally")));
    let mail = mails.recv_timeout(PATIENCE).unwrap();
    assert!(mail.contains("was added to harbor") && mail.contains("To: ada@example.com"), "{mail}");

    let data = demo.data();
    let keys = command(demo.home.path())
        .args(["keys", "rotate", "--key-file"])
        .arg(data.join("outrigger.key"))
        .env("OUTRIGGER_DATABASE_URL", format!("sqlite:{}", data.join("outrigger.db").display()))
        .output()
        .unwrap();
    check(&keys, 0);
    demo.run(&["addons", "delete", "tally", "--force"]);
    assert!(chat.recv_timeout(PATIENCE).unwrap().contains("was removed from harbor"));
    let event: Value = serde_json::from_str(&hook.recv_timeout(PATIENCE).unwrap()).unwrap();
    assert_eq!(event["type"], "instance.removed");
    assert!(mails.recv_timeout(PATIENCE).unwrap().contains("was removed from harbor"));
}
