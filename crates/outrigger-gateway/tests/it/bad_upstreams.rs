//! Upstreams that fail, each in its way: the client learns which side failed, and other requests are not touched.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use crate::world::{HOST, World, answers, body, fault, settings, site, status, surroundings, upstream};

#[tokio::test]
async fn what_is_no_answer_is_a_502() {
    for nonsense in [
        "",
        "hello",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ] {
        let world = World::start(site(None, Some(answers(nonsense).await)));
        let answer = world.get("/.netlify/tally").await;
        assert_eq!(fault(&answer), (502, "bad_answer".to_owned(), "upstream".to_owned()), "{nonsense:?}");
        assert!(body(&answer).contains("The add-on `tally`"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_502() {
    let mut settings = settings();
    settings.limits.headers = 20;
    settings.limits.head_bytes = 8192;
    let many: &'static str = Box::leak(format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-a: b\r\n".repeat(50)).into_boxed_str());
    let long: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\nx-a: {}\r\n\r\n", "b".repeat(200_000)).into_boxed_str());
    for head in [many, long] {
        let world = World::with(settings.clone(), surroundings(), site(Some(answers(head).await), None));
        assert_eq!(fault(&world.get("/").await).0, 502);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for broken in [short, chunked] {
        let world = World::start(site(Some(answers(broken).await), None));
        let answer = world.get("/").await;
        assert!(answer.contains("hello") && !answer.ends_with("0\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_is_longer_than_it_says_is_cut_and_its_connection_not_used_again() {
    let origin = upstream(|mut gateway, number| async move {
        gateway.until("\r\n\r\n").await;
        gateway
            .send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
            .await;
        let _ = number;
        gateway.rest().await;
    })
    .await;
    let world = World::start(site(Some(origin), None));
    let mut client = world.connect().await;
    for _ in 0..5 {
        client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
        let answer = client.until("ok").await;
        assert!(!answer.contains("evil"), "{answer}");
    }
}

#[tokio::test]
async fn one_that_does_not_answer_in_time_is_a_504_and_one_that_stops_is_cut() {
    let mut settings = settings();
    settings.timeouts.first_byte = Duration::from_millis(200);
    settings.timeouts.idle = Duration::from_millis(200);
    let silent = upstream(|mut gateway, _| async move { drop(gateway.rest().await) }).await;
    let world = World::with(settings.clone(), surroundings(), site(Some(silent), None));
    assert_eq!(fault(&world.get("/").await), (504, "answer_timeout".to_owned(), "upstream".to_owned()));
    let stalling = upstream(|mut gateway, _| async move {
        gateway.until("\r\n\r\n").await;
        gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
        gateway.rest().await;
    })
    .await;
    let world = World::with(settings, surroundings(), site(Some(stalling), None));
    let answer = world.get("/").await;
    assert_eq!((status(&answer), body(&answer)), (200, "hello"));
}

#[tokio::test]
async fn a_long_upload_does_not_count_as_waiting_for_an_answer() {
    let mut settings = settings();
    settings.timeouts.first_byte = Duration::from_millis(400);
    let origin = upstream(|mut gateway, _| async move {
        gateway.until("0\r\n\r\n").await;
        gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
    })
    .await;
    let world = World::with(settings, surroundings(), site(Some(origin), None));
    let mut client = world.connect().await;
    client.send(&format!("POST / HTTP/1.1\r\nhost: {HOST}\r\ntransfer-encoding: chunked\r\n\r\n")).await;
    for _ in 0..8 {
        client.send("1\r\nx\r\n").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    client.send("0\r\n\r\n").await;
    client.until("ok").await;
}

#[tokio::test]
async fn one_that_is_not_there_is_left_alone_after_a_while_and_found_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = World::start(site(Some(address), None));
    for _ in 0..5 {
        assert_eq!(fault(&world.get("/").await), (502, "unreachable".to_owned(), "upstream".to_owned()));
    }
    let begin = Instant::now();
    let answer = world.get("/").await;
    assert_eq!(fault(&answer), (503, "upstream_left_alone".to_owned(), "upstream".to_owned()));
    assert!(answer.contains("retry-after: ") && begin.elapsed() < Duration::from_secs(1), "{answer}");
    let back = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = back.accept().await {
            let mut gateway = crate::world::Client(stream);
            gateway.until("\r\n\r\n").await;
            gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
        }
    });
    let until = Instant::now() + Duration::from_secs(10);
    while status(&world.get("/").await) != 200 {
        assert!(Instant::now() < until, "it is back, and still not asked");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status(&world.get("/").await), 200);
}

/// A server may close a kept connection just when the next request is on its way to it.
#[tokio::test]
async fn a_request_that_a_closed_connection_lost_is_sent_again_if_that_is_the_same() {
    let origin = upstream(|mut gateway, number| async move {
        let got = gateway.until("\r\n\r\n").await;
        gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        // Takes the next request, and closes instead of answering it.
        if number == 0 && !got.contains("post-first") {
            gateway.until("\r\n\r\n").await;
        }
    })
    .await;
    let world = World::start(site(Some(origin), None));
    let mut client = world.connect().await;
    for _ in 0..4 {
        client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
        let answer = client.until("ok").await;
        assert_eq!(status(&answer), 200, "{answer}");
    }
}

#[tokio::test]
async fn a_post_is_never_sent_twice() {
    let origin = upstream(|mut gateway, number| async move {
        gateway.until("\r\n\r\n").await;
        gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        assert_eq!(number, 0, "a second connection would be a second attempt");
        gateway.until("hello").await;
    })
    .await;
    let mut settings = settings();
    settings.limits.kept_connections = 1;
    let world = World::with(settings, surroundings(), site(Some(origin), None));
    let mut client = world.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    client.until("ok").await;
    client
        .send(&format!("POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"))
        .await;
    assert_eq!(fault(&client.rest().await), (502, "bad_answer".to_owned(), "upstream".to_owned()));
}
