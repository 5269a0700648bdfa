//! One platform for one test.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::testing::TestDb;
use outrigger_db::{Db, KeyRing, Keys, Probe, SystemClock, SystemEntropy};
use outrigger_integrations::Outbound;
use outrigger_platform::app::{App, SharedApp};
use outrigger_platform::config::Config;
use outrigger_platform::ops::accounts::create_first_account;
use outrigger_platform::store::{self, Store};
use outrigger_platform::{server, worker};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::provider::TestProvider;

/// A running platform with an account, an operator's token, a site, and the test add-on registered as `test`.
pub(crate) struct TestApp {
    pub(crate) app: SharedApp,
    pub(crate) provider: TestProvider,
    pub(crate) token: String,
    pub(crate) site_id: String,
    pub(crate) secret: String,
    origin: String,
    http: reqwest::Client,
    stop: CancellationToken,
    // Last, so that the database is dropped after everything that uses it.
    pub(crate) db: TestDb,
}

/// An answer with its JSON body; `null` when it has none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// What holds for every answer, whatever the test is about.
    #[track_caller]
    fn check_form(&self, text: &str) {
        assert!(self.headers.contains_key("x-request-id"));
        assert_ne!(self.status, 500, "{text}");
        let json = self.headers.get("content-type").is_some_and(|kind| kind == "application/json");
        if self.status == 204 {
            assert!(text.is_empty() && !self.headers.contains_key("content-type"), "204 has no content type");
        }
        if self.status.is_client_error() || self.status.is_server_error() {
            let (code, message) = (&self.body["code"], &self.body["message"]);
            assert!(json && *code == self.status.as_u16() && message.is_string(), "not our error shape: {text}");
            assert_eq!(self.body["msg"], *message);
        }
    }

    /// The error's text; checks that it has the shape of our errors.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> String {
        let body = self.expect(status);
        assert_eq!(body["code"], status);
        assert_eq!(body["message"], body["msg"]);
        body["message"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn config() -> Config {
    Config {
        allow_private_addresses: true,
        instance_wait: Duration::from_secs(10),
        provider_timeout: Duration::from_secs(1),
        retry_pause: Duration::from_millis(20),
        max_attempts: 3,
        workers: 8,
        ..Config::default()
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::with_config(config()).await
    }

    pub(crate) async fn with_config(config: Config) -> Self {
        Self::with_keys(config, Keys::fixed(KeyRing::generate(&SystemEntropy))).await
    }

    pub(crate) async fn with_keys(config: Config, keys: Keys) -> Self {
        Self::build(config, keys, None).await
    }

    /// A probe decides what happens at each step of each job.
    pub(crate) async fn with_probe(probe: Arc<dyn Probe>) -> Self {
        Self::build(config(), Keys::fixed(KeyRing::generate(&SystemEntropy)), Some(probe)).await
    }

    async fn build(mut config: Config, keys: Keys, probe: Option<Arc<dyn Probe>>) -> Self {
        let db = TestDb::new(store::migrations()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        config.listen = listener.local_addr().unwrap();
        let origin = format!("http://{}", config.listen);
        if probe.is_some() {
            config.workers = 0;
        }
        let app = build_app(config, db.db().clone(), keys);
        let stop = CancellationToken::new();
        if let Some(probe) = probe {
            let worker = worker(&app).concurrency(8).with_probe(probe);
            let stop = stop.clone();
            tokio::spawn(async move { worker.run(stop).await });
        }
        tokio::spawn(server::serve(app.clone(), listener, stop.clone()));
        let first = create_first_account(&app, "acme", "Acme", "ada@example.com", None).await.unwrap();
        let provider = TestProvider::start().await;
        let http = reqwest::Client::builder().build().unwrap();
        let mut test = Self {
            app,
            provider,
            token: first.token,
            site_id: String::new(),
            secret: String::new(),
            origin,
            http,
            stop,
            db,
        };
        test.set_up().await;
        test
    }

    async fn set_up(&mut self) {
        let site = self.post("/acme/sites", json!({ "name": "demo" })).await.expect(201);
        self.site_id = site["id"].as_str().unwrap().to_owned();
        let addon = self.register("test", json!({})).await.expect(201);
        self.secret = addon["secret"].as_str().unwrap().to_owned();
        self.provider.accept_secret(&self.secret);
    }

    /// Registers the test add-on under a slug. It checks signatures with the secret that it has.
    pub(crate) async fn register(&self, slug: &str, more: Value) -> Answer {
        let mut body = json!({ "slug": slug, "title": format!("Add-on {slug}"), "url": self.provider.url() });
        if !self.secret.is_empty() {
            body["secret"] = json!(self.secret);
        }
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/services", body).await
    }

    /// A second node on the same database.
    pub(crate) async fn second_node(&self) -> Node {
        self.node_on(self.db.url(), self.app.config.clone()).await
    }

    /// A second node, with settings of its own.
    pub(crate) async fn node_on(&self, url: &str, mut config: Config) -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        config.listen = listener.local_addr().unwrap();
        let origin = format!("http://{}", config.listen);
        let db = Db::connect(url).await.unwrap();
        let outbound = Outbound::new(config.allow_private_addresses, config.provider_timeout).unwrap();
        let store = Store::new(db, self.app.store.keys(), Arc::new(SystemClock), Arc::new(SystemEntropy));
        let app = App::new(config, store, outbound);
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(app, listener, stop.clone()));
        Node { origin, _stop: stop.drop_guard() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send_to(&self.origin, method, path, body, &self.token).await
    }

    /// Sends with another token, or to another node.
    pub(crate) async fn send_to(
        &self,
        origin: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
        token: &str,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{origin}/api/v1{path}")).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Below the site.
    pub(crate) fn site(&self, rest: &str) -> String {
        format!("/sites/{}{rest}", self.site_id)
    }

    /// The instances of the add-on `test`, or one of them.
    pub(crate) fn instances(&self, rest: &str) -> String {
        self.site(&format!("/services/test/instances{rest}"))
    }

    pub(crate) async fn create(&self, config: Value) -> Answer {
        self.post(&self.instances(""), json!({ "config": config })).await
    }

    /// All instances of the site, failed ones and tombstones too.
    pub(crate) async fn all_instances(&self) -> Vec<Value> {
        let listed = self.get(&self.site("/service-instances?all=true")).await.expect(200);
        listed.as_array().unwrap().clone()
    }

    /// Names of all variables that reach the site.
    pub(crate) async fn env_names(&self) -> Vec<String> {
        let listed = self.get(&self.site("/env")).await.expect(200);
        listed.as_array().unwrap().iter().map(|var| var["key"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the site's only instance is as wanted. The wait is for the platform's background work.
    pub(crate) async fn eventually(&self, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(15);
        loop {
            let instances = self.all_instances().await;
            if wanted(&instances) {
                return instances;
            }
            assert!(tokio::time::Instant::now() < deadline, "not in time: {instances:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Another process would look the same to the database.
pub(crate) struct Node {
    pub(crate) origin: String,
    _stop: tokio_util::sync::DropGuard,
}

pub(crate) fn build_app(config: Config, db: Db, keys: Keys) -> SharedApp {
    let outbound = Outbound::new(config.allow_private_addresses, config.provider_timeout).unwrap();
    let store = Store::new(db, Arc::new(keys), Arc::new(SystemClock), Arc::new(SystemEntropy));
    App::new(config, store, outbound)
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    let answer = Answer { status, body, headers };
    answer.check_form(&text);
    answer
}
