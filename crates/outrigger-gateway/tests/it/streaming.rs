//! Bodies, in both directions, while they are made; and connections that stop being HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{HOST, World, echo, header, settings, site, status, surroundings, upstream};

#[tokio::test]
async fn a_body_arrives_piece_by_piece_in_both_directions() {
    let origin = upstream(|mut gateway, _| async move {
        let mut got = gateway.until("first").await;
        assert!(got.starts_with("POST /x HTTP/1.1\r\n"), "{got}");
        gateway.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nfirst !\r\n").await;
        got = gateway.until("0\r\n\r\n").await;
        assert!(got.contains("second"), "{got}");
        gateway.send("8\r\nsecond !\r\n0\r\n\r\n").await;
    })
    .await;
    let world = World::start(site(Some(origin), None));
    let mut client = world.connect().await;
    let head = format!("POST /x HTTP/1.1\r\nhost: {HOST}\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send(&format!("{head}5\r\nfirst\r\n")).await;
    client.until("first !").await;
    client.send("6\r\nsecond\r\n0\r\n\r\n").await;
    client.until("second !\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn events_are_not_held_back() {
    let origin = upstream(|mut gateway, _| async move {
        gateway.until("\r\n\r\n").await;
        gateway.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n").await;
        // Only whoever got the first event knows what makes the second one come.
        gateway.until("never").await;
    })
    .await;
    let world = World::start(site(Some(origin), None));
    let mut client = world.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    client.until("data: 1\n\n").await;
}

#[tokio::test]
async fn who_waits_for_a_continue_gets_one() {
    let world = World::start(site(Some(echo().await), None));
    let mut client = world.connect().await;
    let head = format!("POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
    client.send(&head).await;
    client.until("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("hello").await;
    assert!(client.until("}").await.contains(r#""body":"hello""#));
    // What the gateway refuses itself is refused before the body is sent.
    client.send(&head.replace(HOST, "unknown.example")).await;
    let refused = client.until("}").await;
    assert_eq!(status(&refused), 404, "{refused}");
}

#[tokio::test]
async fn trailers_pass_but_those_that_would_mean_something_in_a_head() {
    let origin = upstream(|mut gateway, _| async move {
        let got = gateway.until("x-sum: 1\r\n\r\n").await;
        assert!(!got.contains("forged"), "{got}");
        gateway
            .send(
                "HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n",
            )
            .await;
    })
    .await;
    let world = World::start(site(Some(origin), None));
    let mut client = world.connect().await;
    let names = "x-sum, x-nf-sign";
    let head = format!("POST / HTTP/1.1\r\nhost: {HOST}\r\nte: trailers\r\ntrailer: {names}\r\n");
    client.send(&format!("{head}transfer-encoding: chunked\r\n\r\n")).await;
    client.send("2\r\nhi\r\n0\r\nx-sum: 1\r\nx-nf-sign: forged\r\n\r\n").await;
    client.until("0\r\nx-sum: 2\r\n\r\n").await;
}

#[tokio::test]
async fn a_websocket_is_passed_through() {
    let tally = upstream(|mut gateway, _| async move {
        let asked = gateway.until("\r\n\r\n").await;
        assert!(asked.contains("upgrade: websocket\r\n") && asked.contains("connection: upgrade\r\n"), "{asked}");
        assert!(asked.contains("sec-websocket-key: abc\r\n") && asked.contains("x-nf-sign: "), "{asked}");
        let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n";
        gateway.send(&format!("{head}sec-websocket-accept: xyz\r\n\r\nhello")).await;
        let said = gateway.until("?").await;
        gateway.send(&said.to_uppercase()).await;
    })
    .await;
    let world = World::start(site(None, Some(tally)));
    let mut client = world.connect().await;
    let head = format!("GET /.netlify/tally/ws HTTP/1.1\r\nhost: {HOST}\r\nconnection: keep-alive, Upgrade\r\n");
    client.send(&format!("{head}upgrade: websocket\r\nsec-websocket-key: abc\r\n\r\n")).await;
    let answer = client.until("hello").await;
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("sec-websocket-accept: xyz\r\n"), "{answer}");
    client.send("how are you?").await;
    assert_eq!(client.rest().await, "HOW ARE YOU?");
}

#[tokio::test]
async fn a_switched_connection_on_which_nothing_happens_ends() {
    let tally = upstream(|mut gateway, _| async move {
        gateway.until("\r\n\r\n").await;
        gateway.send("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n").await;
        assert_eq!(gateway.rest().await, "", "closed by the gateway");
    })
    .await;
    let mut settings = settings();
    settings.timeouts.idle = Duration::from_millis(200);
    let world = World::with(settings, surroundings(), site(Some(tally), None));
    let mut client = world.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")).await;
    client.until("\r\n\r\n").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn http_2_is_spoken_and_its_cookies_become_one_header() {
    let world = World::start(site(None, Some(echo().await)));
    let stream = TokioIo::new(TcpStream::connect(world.address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("http://{HOST}/.netlify/tally/x"))
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("x-nf-id", "forged")
        .body(Full::new(Bytes::from("hello")))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
    let echoed: serde_json::Value =
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(header(&echoed, "cookie"), ["a=1; b=2"]);
    assert_eq!(header(&echoed, "x-nf-id"), ["instance-1"]);
    assert_eq!(header(&echoed, "via"), ["2 outrigger"]);
    assert_eq!(echoed["body"], "hello");
}

/// What is between the two ends, in buffers of ours and of the system's, has an end.
#[tokio::test]
async fn a_slow_reader_slows_the_writer_down() {
    const ALL: usize = 256 * 1024 * 1024;
    let written = Arc::new(AtomicUsize::new(0));
    let counter = written.clone();
    let origin = upstream(move |mut gateway, _| {
        let counter = counter.clone();
        async move {
            gateway.until("\r\n\r\n").await;
            gateway.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {ALL}\r\n\r\n")).await;
            while counter.load(Ordering::Relaxed) < ALL && gateway.0.write_all(&[7; 65536]).await.is_ok() {
                counter.fetch_add(65536, Ordering::Relaxed);
            }
        }
    })
    .await;
    let world = World::start(site(Some(origin), None));
    let mut client = world.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    let mut before = usize::MAX;
    while before != written.load(Ordering::Relaxed) {
        before = written.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!((1..64 * 1024 * 1024).contains(&before), "{before} bytes are on their way");
    let mut read = 0;
    let mut buffer = vec![0; 1 << 20];
    while read < ALL {
        let more = client.0.read(&mut buffer).await.unwrap();
        assert!(more > 0, "cut off after {read} bytes");
        read += more;
    }
}
