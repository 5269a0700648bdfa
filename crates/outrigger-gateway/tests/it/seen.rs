//! What is counted and logged of requests.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use outrigger_gateway::Surroundings;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::world::{HOST, World, answers, settings, site, status, surroundings, upstream};

fn counted() -> (Surroundings, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().set_buckets(&[0.5, 30.0]).unwrap().build_recorder();
    let handle = recorder.handle();
    (Surroundings { recorder: Arc::new(recorder), ..surroundings() }, handle)
}

const OF_SITE: &str = r#"site="site-1",host="shop.example",addon="""#;
const OF_ADDON: &str = r#"site="site-1",host="shop.example",addon="tally""#;
const OF_NOBODY: &str = r#"site="",host="",addon="""#;

/// Waits until all of it is told: what was sent is counted when it has been sent, not when it has arrived.
async fn tells(handle: &PrometheusHandle, lines: &[String]) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let text = handle.render();
        let missing: Vec<_> = lines.iter().filter(|line| !text.lines().any(|told| told == **line)).collect();
        if missing.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{missing:#?} of\n{text}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn requests_are_counted_for_their_site_and_add_on() {
    let origin = answers("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let addon = upstream(|mut client, _| async move {
        client.until("0123456789").await;
        client.send("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nabc").await;
    })
    .await;
    let (surroundings, handle) = counted();
    let world = World::with(settings(), surroundings, site(Some(origin), Some(addon)));
    world.get("/").await;
    world.get("/a").await;
    let head = format!("POST /.netlify/tally/x HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n");
    assert_eq!(status(&world.raw(&format!("{head}content-length: 10\r\n\r\n0123456789")).await), 404);
    let unknown = "GET / HTTP/1.1\r\nhost: nobody.example\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&world.raw(unknown).await), 404);
    tells(
        &handle,
        &[
            format!(r#"outrigger_gateway_requests_total{{{OF_SITE},status="2xx"}} 2"#),
            format!(r#"outrigger_gateway_requests_total{{{OF_ADDON},status="4xx"}} 1"#),
            format!(r#"outrigger_gateway_requests_total{{{OF_NOBODY},status="4xx"}} 1"#),
            format!(r#"outrigger_gateway_sent_bytes_total{{{OF_SITE}}} 10"#),
            format!(r#"outrigger_gateway_sent_bytes_total{{{OF_ADDON}}} 3"#),
            format!(r#"outrigger_gateway_received_bytes_total{{{OF_ADDON}}} 10"#),
            format!(r#"outrigger_gateway_first_byte_seconds_bucket{{{OF_SITE},le="30"}} 2"#),
            format!(r#"outrigger_gateway_first_byte_seconds_count{{{OF_ADDON}}} 1"#),
            r#"outrigger_gateway_faults_total{code="unknown_site",side="downstream"} 1"#.to_owned(),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_before_its_answer_is_counted_too() {
    let origin = upstream(|mut client, _| async move {
        client.rest().await;
    })
    .await;
    let (surroundings, handle) = counted();
    let world = World::with(settings(), surroundings, site(Some(origin), None));
    let mut client = world.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    sleep(Duration::from_millis(50)).await;
    drop(client);
    tells(&handle, &[format!(r#"outrigger_gateway_requests_total{{{OF_SITE},status="left"}} 1"#)]).await;
}

#[tokio::test]
async fn what_passes_through_a_switched_connection_is_counted() {
    let origin = upstream(|mut client, _| async move {
        client.until("\r\n\r\n").await;
        client.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n").await;
        client.until("ping").await;
        client.send("pong!").await;
    })
    .await;
    let (surroundings, handle) = counted();
    let world = World::with(settings(), surroundings, site(Some(origin), None));
    let mut client = world.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")).await;
    client.until("\r\n\r\n").await;
    client.send("ping").await;
    client.until("pong!").await;
    tells(
        &handle,
        &[
            format!(r#"outrigger_gateway_requests_total{{{OF_SITE},status="1xx"}} 1"#),
            format!(r#"outrigger_gateway_received_bytes_total{{{OF_SITE}}} 4"#),
            format!(r#"outrigger_gateway_sent_bytes_total{{{OF_SITE}}} 5"#),
        ],
    )
    .await;
}

/// What all gateways of this process log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn of_process() -> &'static Log {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Log::default();
            let writer = log.clone();
            tracing_subscriber::fmt().json().with_writer(move || writer.clone()).init();
            log
        })
    }

    /// The line of the access log about the request of this trace.
    async fn line(&self, trace: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let is_it =
                |line: &Value| line["target"] == "outrigger_gateway::access" && line["fields"]["request_id"] == trace;
            if let Some(line) = lines.into_iter().find(is_it) {
                return line["fields"].clone();
            }
            assert!(Instant::now() < deadline, "no line about {trace} in\n{text}");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn each_request_is_a_line_of_the_log_without_its_secrets() {
    let log = Log::of_process();
    let addon = answers("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok").await;
    let world = World::start(site(None, Some(addon)));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01\r\nauthorization: Bearer word-1\r\n");
    let target = "/.netlify/tally/a%20b?key=word-2";
    let answer = world
        .raw(&format!(
            "GET {target} HTTP/1.1\r\nhost: {HOST}\r\n{headers}cookie: c=word-3\r\nconnection: close\r\n\r\n"
        ))
        .await;
    // Whoever reads the answer can name the line.
    assert!(answer.contains(&format!("x-request-id: {trace}\r\n")), "{answer}");
    let line = log.line(trace).await;
    let told = ["site", "addon", "method", "path", "status", "received", "sent"].map(|name| line[name].to_string());
    assert_eq!(told, ["\"site-1\"", "\"tally\"", "\"GET\"", "\"/.netlify/tally/a%20b\"", "201", "0", "2"]);
    assert!(line["first_byte_ms"].as_f64().unwrap() <= line["total_ms"].as_f64().unwrap(), "{line}");
    let all = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!["word-1", "word-2", "word-3"].iter().any(|word| all.contains(word)), "a secret is in the log");
}
