//! Clients that send what they should not: a defined answer each time, and nothing of it reaches an upstream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::world::{HOST, World, answers, body, echo, fault, settings, site, status, surroundings, upstream};

#[tokio::test]
async fn a_host_that_is_not_there_is_told_and_one_that_is_missing_or_double_too() {
    let world = World::start(site(Some(echo().await), None));
    for (hosts, code) in [
        ("host: elsewhere.example\r\n", (404, "unknown_site")),
        ("host: shop.example.evil.example\r\n", (404, "unknown_site")),
        ("host: shop.example@evil.example\r\n", (400, "bad_host")),
        ("host: shop.example:x\r\n", (400, "bad_host")),
        ("host: \r\n", (400, "bad_host")),
        ("", (400, "bad_host")),
        ("host: shop.example\r\nhost: elsewhere.example\r\n", (400, "bad_host")),
    ] {
        let answer = world.raw(&format!("GET / HTTP/1.1\r\n{hosts}connection: close\r\n\r\n")).await;
        let (status, error, _) = fault(&answer);
        assert_eq!((status, error.as_str()), code, "{hosts:?}");
    }
    for host in ["Shop.Example", "shop.example:8080", "shop.example."] {
        let answer = world.raw(&format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await;
        assert_eq!(status(&answer), 200, "{host}");
    }
}

#[tokio::test]
async fn the_host_in_a_whole_address_wins() {
    let world = World::start(site(Some(echo().await), None));
    let ask = async |target: &str, host: &str| {
        world.raw(&format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await
    };
    let answer = ask("http://shop.example/a?b", "elsewhere.example").await;
    assert!(answer.contains(r#""target":"/a?b""#), "{answer}");
    assert_eq!(fault(&ask("http://elsewhere.example/a", HOST).await).1, "unknown_site");
    assert_eq!(fault(&ask("http://user@shop.example/a", HOST).await).1, "bad_host");
}

/// Both sides must see the same requests on a connection, whatever a client says about where one ends.
#[tokio::test]
async fn no_request_hides_behind_another() {
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = requests.clone();
    let origin = upstream(move |mut gateway, _| {
        let seen = seen.clone();
        async move {
            let got = gateway.until("\r\n\r\n").await;
            assert!(!got.contains("hidden"), "{got}");
            seen.fetch_add(1, Ordering::Relaxed);
            gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
        }
    })
    .await;
    let world = World::start(site(Some(origin), None));
    let head = format!("POST / HTTP/1.1\r\nhost: {HOST}\r\n");
    let hidden = format!("GET /hidden HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
    for lines in [
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "content-length: 5, 6\r\n\r\nhello",
        "content-length: +5\r\n\r\nhello",
        "content-length: 0x5\r\n\r\nhello",
        "content-length: -1\r\n\r\n",
        "content-length: 99999999999999999999999\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        "x-a: b\r\n folded: c\r\n\r\n",
        "content-length : 5\r\n\r\nhello",
        "x-a\r\n\r\n",
        "x-a: b\0c\r\n\r\n",
        "x a: b\r\n\r\n",
    ] {
        let answer = world.raw(&format!("{head}{lines}{hidden}")).await;
        assert!(status(&answer) == 400 && answer.matches("HTTP/1.1 ").count() == 1, "{lines:?}: {answer}");
    }
    assert_eq!(requests.load(Ordering::Relaxed), 0);
    for lines in [
        "transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n5;\r\n\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n5\r\nhelloGET /hidden HTTP/1.1\r\n",
    ] {
        let answer = world.raw(&format!("{head}{lines}{hidden}")).await;
        assert!(!answer.contains("200 OK\r\n") || answer.matches("HTTP/1.1 ").count() == 1, "{lines:?}: {answer}");
    }
}

/// What is after a request whose end is clear is the next request, of the same client: that is no smuggling.
#[tokio::test]
async fn a_length_beside_chunks_is_not_passed_on() {
    let origin = upstream(|mut gateway, _| async move {
        let got = gateway.until("0\r\n\r\n").await;
        assert!(got.contains("transfer-encoding: chunked") && !got.contains("content-length"), "{got}");
        gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
    })
    .await;
    let world = World::start(site(Some(origin), None));
    for order in ["content-length: 3\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 3"]
    {
        let head = format!("POST / HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{order}\r\n\r\n");
        let answer = world.raw(&format!("{head}5\r\nhello\r\n0\r\n\r\n")).await;
        assert!(matches!(status(&answer), 200 | 400), "{answer}");
    }
}

#[tokio::test]
async fn floods_are_refused() {
    let mut settings = settings();
    settings.limits.headers = 20;
    settings.limits.head_bytes = 8192;
    settings.limits.target_bytes = 1000;
    settings.limits.body_bytes = 100_000;
    let world = World::with(settings, surroundings(), site(Some(echo().await), None));
    let get = |target: &str, lines: &str| {
        format!("GET {target} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{lines}\r\n")
    };
    assert_eq!(status(&world.raw(&get("/", &"x-a: b\r\n".repeat(30))).await), 431);
    assert_eq!(status(&world.raw(&get("/", &format!("x-a: {}\r\n", "b".repeat(20_000)))).await), 431);
    assert_eq!(status(&world.raw(&get(&format!("/{}", "a".repeat(1000)), "")).await), 414);
    assert!(matches!(status(&world.raw(&get(&format!("/{}", "a".repeat(100_000)), "")).await), 414 | 431));
    let post = |length: usize| {
        let body = "b".repeat(length);
        format!("POST / HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    assert_eq!(status(&world.raw(&post(100_000)).await), 200);
    let refused = world.raw(&post(100_001)).await;
    assert_eq!(fault(&refused), (413, "body_too_large".to_owned(), "downstream".to_owned()));
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, "b".repeat(60_000));
    let chunks =
        format!("POST / HTTP/1.1\r\nhost: {HOST}\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    assert_eq!(fault(&world.raw(&chunks).await).1, "body_too_large");
}

#[tokio::test]
async fn who_dribbles_a_head_or_stops_in_a_body_is_let_go() {
    let mut settings = settings();
    settings.timeouts.request_head = Duration::from_millis(300);
    settings.timeouts.idle = Duration::from_millis(300);
    let world = World::with(settings, surroundings(), site(Some(echo().await), None));
    let mut slow = world.connect().await;
    for byte in b"GET / HTTP/1.1\r\nhost: shop.example\r\nx-a: b" {
        // Writing fails once the gateway has closed.
        if slow.0.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!slow.rest().await.contains("200 OK"));
    let mut stopped = world.connect().await;
    stopped.send(&format!("POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 9\r\n\r\nhello")).await;
    let answer = stopped.rest().await;
    assert_eq!(fault(&answer), (408, "body_stalled".to_owned(), "downstream".to_owned()));
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_program_json() {
    let world = World::start(site(None, None));
    let ask = |accept: &str| format!("GET / HTTP/1.1\r\nhost: <b>\r\naccept: {accept}\r\nconnection: close\r\n\r\n");
    let page = world.raw(&ask("text/html,application/xhtml+xml")).await;
    assert!(
        page.contains("content-type: text/html; charset=utf-8\r\n") && page.contains("cache-control: no-store"),
        "{page}"
    );
    assert!(body(&page).starts_with("<!doctype html>") && !page.contains("<b>"), "{page}");
    let json = world.raw(&ask("*/*")).await;
    assert!(json.contains("content-type: application/json\r\n"), "{json}");
    // Its id is in the page, so that whoever sees one can say which it was.
    let id = page.split("x-request-id: ").nth(1).unwrap().split('\r').next().unwrap();
    assert!(body(&page).contains(id), "{page}");
}

#[tokio::test]
async fn an_address_that_leads_back_to_the_gateway_ends() {
    let world = World::start(site(None, None));
    let mut shop = site(Some(world.address), None);
    // The gateway asks itself under the name of its own address.
    shop.hosts.push("127.0.0.1".to_owned());
    world.gateway.table().put(shop).unwrap();
    assert_eq!(fault(&world.get("/").await), (508, "loop".to_owned(), "upstream".to_owned()));
}

#[tokio::test]
async fn addresses_that_are_forbidden_are_not_asked_however_they_are_written() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let inner = upstream(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        async {}
    })
    .await;
    let mut surroundings = surroundings();
    surroundings.may_connect = Arc::new(|_, address| !address.is_loopback());
    let world = World::with(settings(), surroundings, site(None, None));
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"] {
        let mut shop = site(None, None);
        shop.mounts[0].endpoint = Some(format!("http://{host}:{}/", inner.port()).parse().unwrap());
        world.gateway.table().put(shop).unwrap();
        let (status, code, side) = fault(&world.get("/.netlify/tally").await);
        // A host that could not be reached five times in a row is left alone.
        assert!(code == "forbidden_address" || code == "upstream_left_alone", "{host}: {status} {code} {side}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn one_tenants_answer_is_never_anothers() {
    let a = answers("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na").await;
    let b = answers("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nb").await;
    let world = World::start(site(Some(a), None));
    let mut other = site(Some(b), None);
    other.id = "site-2".to_owned();
    other.hosts = vec!["other.example".to_owned()];
    world.gateway.table().put(other).unwrap();
    let mut client = world.connect().await;
    for (host, expected) in [(HOST, "a"), ("other.example", "b"), (HOST, "a"), ("other.example", "b")] {
        client.send(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        let answer = client.until("\r\n\r\n").await;
        let answer = if body(&answer).is_empty() { answer + &client.until(expected).await } else { answer };
        assert_eq!(body(&answer), expected);
    }
}

/// What an operator lets sites do, a partner must not get by naming the same address.
#[tokio::test]
async fn an_add_on_gets_no_connection_that_was_opened_for_a_site() {
    let inner = echo().await;
    let mut surroundings = surroundings();
    surroundings.may_connect = Arc::new(|destination, _| destination == outrigger_gateway::Destination::Origin);
    let world = World::with(settings(), surroundings, site(Some(inner), Some(inner)));
    assert_eq!(status(&world.get("/").await), 200);
    assert_eq!(fault(&world.get("/.netlify/tally").await).1, "forbidden_address");
}
