//! A gateway on ports of its own, raw clients, and upstreams that do as a test says.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use outrigger_gateway::{Gateway, Listeners, Mount, Origin, Running, Settings, Site, Surroundings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

pub(crate) const HOST: &str = "shop.example";
pub(crate) const SECRET: &str = "the add-on's secret";

/// Longer than anything in these tests takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn surroundings() -> Surroundings {
    let random = std::cell::RefCell::new(fastrand::Rng::new());
    let random = std::sync::Mutex::new(random);
    Surroundings {
        clock: Arc::new(Timestamp::now),
        entropy: Arc::new(move |bytes| random.lock().unwrap().borrow_mut().fill(bytes)),
        may_connect: Arc::new(|_, _| true),
        trusted_proxy: Arc::new(|_| false),
        recorder: Arc::new(metrics::NoopRecorder),
        tls: None,
    }
}

/// Short enough for tests.
pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.timeouts.drain = Duration::from_secs(10);
    settings
}

pub(crate) fn upstream_at(address: SocketAddr, path: &str) -> url::Url {
    format!("http://{address}{path}").parse().unwrap()
}

/// A site whose origin is at the first address, with the add-on `tally` at the second.
pub(crate) fn site(origin: Option<SocketAddr>, tally: Option<SocketAddr>) -> Site {
    let mount = Mount {
        slug: "tally".to_owned(),
        endpoint: tally.map(|address| upstream_at(address, "/base")),
        secret: SECRET.to_owned(),
        instance_id: "instance-1".to_owned(),
        netlify_id: "uuid-1".to_owned(),
    };
    Site {
        id: "site-1".to_owned(),
        url: "https://shop.example".to_owned(),
        hosts: vec![HOST.to_owned()],
        origin: origin.map(|address| Origin::Upstream(upstream_at(address, ""))),
        identity: None,
        function_hooks: None,
        mounts: vec![mount],
        snippets: vec![],
    }
}

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl World {
    pub(crate) fn start(site: Site) -> World {
        World::with(settings(), surroundings(), site)
    }

    pub(crate) fn with(settings: Settings, surroundings: Surroundings, site: Site) -> World {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let gateway = Gateway::new(settings, surroundings).unwrap();
        gateway.table().put(site).unwrap();
        let listeners = Listeners { plain: vec![listener], threads: 2, ..Listeners::default() };
        let running = gateway.serve(listeners).unwrap();
        World { gateway, running, address }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends these bytes, and reads until the gateway closes.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut client = self.connect().await;
        client.send(request).await;
        client.rest().await
    }

    /// A GET that ends the connection.
    pub(crate) async fn get(&self, path: &str) -> String {
        self.raw(&format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n")).await
    }

    /// What the `echo` upstream got of a GET with these header lines, each ending its line.
    pub(crate) async fn echoed(&self, path: &str, headers: &str) -> Value {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\n{headers}connection: close\r\n\r\n");
        let answer = self.raw(&request).await;
        serde_json::from_str(body(&answer)).unwrap_or_else(|_| panic!("no echo: {answer}"))
    }
}

/// A connection to the gateway, or from it.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn send(&mut self, bytes: &str) {
        timeout(PATIENCE, self.0.write_all(bytes.as_bytes())).await.unwrap().unwrap();
    }

    /// Until the other side closes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        // A reset after an answer is an end, too.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut all)).await.expect("the other side should close");
        String::from_utf8(all).unwrap()
    }

    /// Until the text has come, and no further than what came with it.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        while !String::from_utf8_lossy(&all).contains(text) {
            let read = timeout(PATIENCE, self.0.read_buf(&mut all)).await;
            let read = read.unwrap_or_else(|_| panic!("no {text:?} in {:?}", String::from_utf8_lossy(&all)));
            assert!(read.unwrap() > 0, "closed before {text:?}: {:?}", String::from_utf8_lossy(&all));
        }
        String::from_utf8(all).unwrap()
    }
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

pub(crate) fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// The code of the gateway's own answer.
pub(crate) fn fault(answer: &str) -> (u16, String, String) {
    let told: Value = serde_json::from_str(body(answer)).unwrap_or_else(|_| panic!("no fault: {answer}"));
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    assert!(text("request_id").len() == 32 && !text("message").is_empty(), "{told}");
    (status(answer), text("error"), text("side"))
}

/// Runs a conversation for each connection.
pub(crate) async fn upstream<F>(conversation: impl Fn(Client, usize) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let connections = AtomicUsize::new(0);
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(conversation(Client(stream), connections.fetch_add(1, Ordering::Relaxed)));
        }
    });
    address
}

/// Answers each request with these bytes, and closes.
pub(crate) async fn answers(bytes: &'static str) -> SocketAddr {
    upstream(move |mut client, _| async move {
        client.until("\r\n\r\n").await;
        client.send(bytes).await;
    })
    .await
}

/// Tells each client what it got from it.
pub(crate) async fn echo() -> SocketAddr {
    let app = axum::Router::new().fallback(async |request: axum::extract::Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let headers = parts.headers.iter().map(|(name, value)| [name.as_str(), value.to_str().unwrap()]);
        axum::Json(json!({
            "method": parts.method.as_str(),
            "target": parts.uri.to_string(),
            "headers": headers.collect::<Vec<_>>(),
            "body": String::from_utf8_lossy(&body),
        }))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// All values of a header in what `echo` tells.
pub(crate) fn header<'e>(echoed: &'e Value, name: &str) -> Vec<&'e str> {
    let headers = echoed["headers"].as_array().unwrap().iter();
    headers.filter(|header| header[0] == name).map(|header| header[1].as_str().unwrap()).collect()
}
