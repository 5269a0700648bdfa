//! Connections that are used again, tables that change under running requests, and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::world::{HOST, World, echo, fault, settings, site, status, surroundings, upstream};

#[tokio::test]
async fn connections_to_an_upstream_are_kept() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let origin = upstream(move |mut gateway, _| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            for _ in 0..20 {
                gateway.until("\r\n\r\n").await;
                gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    })
    .await;
    let world = World::start(site(Some(origin), None));
    let mut client = world.connect().await;
    for _ in 0..10 {
        client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
        client.until("ok").await;
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

/// Says that it got a request, and answers when it is told to.
async fn waiting() -> (std::net::SocketAddr, Arc<Notify>, Arc<Notify>) {
    let (got, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (got.clone(), go.clone());
    let address = upstream(move |mut gateway, _| {
        let (tell, wait) = (tell.clone(), wait.clone());
        async move {
            gateway.until("\r\n\r\n").await;
            tell.notify_one();
            wait.notified().await;
            gateway.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            gateway.rest().await;
        }
    })
    .await;
    (address, got, go)
}

#[tokio::test]
async fn a_new_table_counts_from_the_next_request_on() {
    let (slow, got, go) = waiting().await;
    let world = World::start(site(Some(slow), None));
    let mut running = world.connect().await;
    running.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    got.notified().await;
    let table = world.gateway.table();
    table.put(site(Some(echo().await), None)).unwrap();
    assert_eq!(world.echoed("/new", "").await["target"], "/new");
    table.remove("site-1");
    assert_eq!(fault(&world.get("/").await).1, "unknown_site");
    go.notify_one();
    let answer = running.until("ok").await;
    assert_eq!(status(&answer), 200);
}

#[tokio::test]
async fn a_stop_lets_running_requests_end_and_takes_no_new_ones() {
    let (slow, got, go) = waiting().await;
    let World { gateway: _gateway, running, address } = World::start(site(Some(slow), None));
    let connect = async || crate::world::Client(TcpStream::connect(address).await.unwrap());
    let (mut idle, mut busy) = (connect().await, connect().await);
    busy.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    got.notified().await;
    let stopping = tokio::spawn(running.stop());
    assert_eq!(idle.rest().await, "", "a connection without a request is closed");
    go.notify_one();
    let answer = busy.rest().await;
    assert!(status(&answer) == 200 && answer.ends_with("ok"), "{answer}");
    stopping.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let (stuck, got, _go) = waiting().await;
    let mut settings = settings();
    settings.timeouts.drain = Duration::from_millis(300);
    let World { gateway: _gateway, running, address } = World::with(settings, surroundings(), site(Some(stuck), None));
    let mut client = crate::world::Client(TcpStream::connect(address).await.unwrap());
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    got.notified().await;
    tokio::time::timeout(Duration::from_secs(5), running.stop()).await.unwrap();
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let mut settings = settings();
    settings.limits.connections = 4;
    let world = World::with(settings, surroundings(), site(Some(echo().await), None));
    let mut holding = Vec::new();
    for _ in 0..6 {
        let mut client = world.connect().await;
        client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
        holding.push(client);
    }
    // As soon as others have gone, those that waited are answered.
    while let Some(mut client) = holding.pop() {
        if holding.len() < 2 {
            client.until("}").await;
        }
    }
}
