//! A gateway in front of an add-on and an origin, both of which answer with the headers they got.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use outrigger_addon::signature::verify;
use outrigger_gateway::{
    Destination, Gateway, Identity, Listeners, Mount, Origin, Running, Settings, Site, Surroundings, Timeouts,
};
use serde_json::{Value, json};
use url::Url;

pub(crate) const NOW: i64 = 2_000_000_000;
pub(crate) const ADD_ON_SECRET: &str = "add-on-secret";

/// What an upstream got.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Got {
    pub(crate) word: Option<String>,
    pub(crate) authorization: Vec<String>,
    pub(crate) cookie: Vec<String>,
}

impl Got {
    /// The token that was made for the add-on.
    pub(crate) fn token(&self) -> &str {
        let [authorization] = &*self.authorization else { panic!("not one token: {self:?}") };
        authorization.strip_prefix("Bearer ").unwrap()
    }

    /// What the add-on believes about the user.
    pub(crate) fn claims(&self) -> Value {
        let now = jiff::Timestamp::from_second(NOW).unwrap();
        verify(self.token(), &[ADD_ON_SECRET], now, Duration::from_secs(30)).unwrap()
    }

    pub(crate) fn word(&self) -> &str {
        self.word.as_deref().unwrap_or("-")
    }
}

pub(crate) struct World {
    gateway: Gateway,
    running: Running,
    at: String,
    clock: Arc<AtomicI64>,
    client: reqwest::Client,
}

impl World {
    pub(crate) async fn new(identity: Option<Identity>) -> World {
        World::of(identity, |_| true, Duration::from_millis(500)).await
    }

    /// With an answer to which last byte of an address may be connected to, and the time that key servers have.
    pub(crate) async fn of(identity: Option<Identity>, may_connect: fn(u8) -> bool, keys: Duration) -> World {
        let upstream = serve(Router::new().fallback(echo)).await;
        let clock = Arc::new(AtomicI64::new(NOW));
        let reading = clock.clone();
        let surroundings = Surroundings {
            clock: Arc::new(move || jiff::Timestamp::from_second(reading.load(Ordering::Relaxed)).unwrap()),
            entropy: Arc::new(|bytes| bytes.fill(7)),
            may_connect: Arc::new(move |to, address: IpAddr| match address {
                _ if to != Destination::Keys => true,
                IpAddr::V4(address) => may_connect(address.octets()[3]),
                IpAddr::V6(_) => true,
            }),
            trusted_proxy: Arc::new(|_| false),
            recorder: Arc::new(metrics::NoopRecorder),
            tls: Some(Arc::new(no_trust())),
        };
        let timeouts = Timeouts { keys, drain: Duration::ZERO, ..Timeouts::default() };
        let gateway = Gateway::new(Settings { timeouts, ..Settings::default() }, surroundings).unwrap();
        gateway.table().put(site(identity, &upstream)).unwrap();
        World::open(gateway, clock)
    }

    fn open(gateway: Gateway, clock: Arc<AtomicI64>) -> World {
        let door = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("http://{}", door.local_addr().unwrap());
        let listeners = Listeners { plain: vec![door], threads: 3, ..Listeners::default() };
        let running = gateway.serve(listeners).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        World { gateway, running, at, clock, client }
    }

    /// The same gateway on other threads.
    pub(crate) fn elsewhere(&self) -> World {
        World::open(self.gateway.clone(), self.clock.clone())
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.at)
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        let mut request = self.client.get(self.url(path)).header("host", "shop.localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let text = request.send().await.unwrap().text().await.unwrap();
        let got: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        let all = |name: &str| serde_json::from_value(got[name].clone()).unwrap();
        Got {
            word: got["word"].as_str().map(str::to_owned),
            authorization: all("authorization"),
            cookie: all("cookie"),
        }
    }

    /// What the add-on gets of a request.
    pub(crate) async fn add_on(&self, headers: &[(&str, &str)]) -> Got {
        self.get("/.netlify/tally/x", headers).await
    }

    pub(crate) async fn word(&self, token: &str) -> String {
        self.add_on(&[("authorization", &format!("Bearer {token}"))]).await.word().to_owned()
    }
}

fn site(identity: Option<Identity>, upstream: &str) -> Site {
    let upstream: Url = upstream.parse().unwrap();
    let mount = Mount {
        slug: "tally".into(),
        endpoint: Some(upstream.clone()),
        secret: ADD_ON_SECRET.into(),
        instance_id: "i".into(),
        netlify_id: "u".into(),
    };
    Site {
        id: "1".into(),
        url: "https://shop.localhost".into(),
        hosts: vec!["shop.localhost".into()],
        origin: Some(Origin::Upstream(upstream)),
        identity,
        function_hooks: None,
        mounts: vec![mount],
        snippets: vec![],
    }
}

async fn echo(headers: HeaderMap) -> String {
    let all = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    let word = headers.get("x-nf-user").map(|word| word.to_str().unwrap());
    json!({ "word": word, "authorization": all("authorization"), "cookie": all("cookie") }).to_string()
}

pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn no_trust() -> tokio_rustls::rustls::ClientConfig {
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

/// What a server of keys answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Keys(Value),
    Status(StatusCode),
    Redirect(String),
    Text(String),
    Never,
}

#[derive(Clone)]
pub(crate) struct KeyServer {
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
    pub(crate) url: String,
}

impl KeyServer {
    pub(crate) async fn new(answer: Answer) -> KeyServer {
        let mut server = KeyServer { answer: Arc::new(Mutex::new(answer)), asked: Arc::default(), url: String::new() };
        server.url = format!("{}/keys?tenant=1", serve(Router::new().fallback(keys).with_state(server.clone())).await);
        server
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::Jwks { url: self.url.parse().unwrap(), issuer: None, audience: None }
    }

    pub(crate) fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn keys(State(server): State<KeyServer>, uri: axum::http::Uri) -> axum::response::Response {
    assert_eq!(uri.to_string(), "/keys?tenant=1");
    server.asked.fetch_add(1, Ordering::SeqCst);
    let answer = server.answer.lock().unwrap().clone();
    match answer {
        Answer::Keys(keys) => ([("cache-control", "max-age=100")], json!({ "keys": keys }).to_string()).into_response(),
        // A set of no keys: who takes it for an answer says so.
        Answer::Status(status) => (status, json!({ "keys": [] }).to_string()).into_response(),
        Answer::Redirect(to) => {
            (StatusCode::FOUND, [("location", to)], json!({ "keys": [] }).to_string()).into_response()
        }
        Answer::Text(text) => text.into_response(),
        Answer::Never => std::future::pending().await,
    }
}
