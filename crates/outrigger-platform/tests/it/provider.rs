//! An add-on that keeps real instances, and misbehaves on demand. It checks signatures with the protocol crate.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use outrigger_addon::proxied::RequestClaims;
use outrigger_addon::signature;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the next request of a kind gets instead of the right answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This answer; nothing is done.
    Answer(u16, String),
    /// This answer with headers.
    Headers(u16, Vec<(&'static str, String)>, String),
    /// The request is carried out, and the answer lost.
    ExecuteAndHangUp,
    /// The connection is closed at once; nothing is done.
    HangUp,
    /// It is carried out, but the answer takes this long.
    ExecuteSlowly(Duration),
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Inner {
    manifest: Value,
    etag: Option<String>,
    instances: BTreeMap<String, Value>,
    ids: BTreeMap<String, String>,
    made: u32,
    faults: BTreeMap<String, VecDeque<Fault>>,
    seen: Vec<Seen>,
    secrets: Vec<String>,
    env: Value,
    snippets: Value,
    state: Option<String>,
    endpoint: Option<String>,
}

#[derive(Clone)]
pub(crate) struct TestProvider {
    inner: Arc<Mutex<Inner>>,
    url: String,
}

pub(crate) fn manifest() -> Value {
    json!({
        "name": "Test",
        "description": "An add-on for tests",
        "admin_url": "https://addon.example/login",
        "config": {
            "plan": { "displayName": "Plan", "type": "string", "required": true, "pattern": "^[a-z]+$" },
            "size": { "type": "number", "default": 1 },
            "apiKey": { "type": "string", "secret": true }
        },
        "provides": { "env": ["TEST_URL"], "snippets": [{ "title": "Test", "position": "head" }], "endpoint": true }
    })
}

impl TestProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner {
            manifest: manifest(),
            env: json!({ "TEST_URL": "https://db.example/1" }),
            snippets: json!([{ "title": "Test", "position": "head", "html": "<script>1</script>" }]),
            endpoint: Some("https://db.example/1".to_owned()),
            ..Inner::default()
        };
        let provider = Self { inner: Arc::new(Mutex::new(inner)), url };
        let router = Router::new().fallback(answer).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Signatures are checked from now on; any of the accepted secrets will do.
    pub(crate) fn accept_secret(&self, secret: &str) {
        self.inner.lock().unwrap().secrets.push(secret.to_owned());
    }

    pub(crate) fn forget_secrets(&self) {
        self.inner.lock().unwrap().secrets.clear();
    }

    pub(crate) fn set_manifest(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.inner.lock().unwrap().manifest);
    }

    pub(crate) fn set_etag(&self, etag: &str) {
        self.inner.lock().unwrap().etag = Some(etag.to_owned());
    }

    pub(crate) fn set_env(&self, env: Value) {
        self.inner.lock().unwrap().env = env;
    }

    /// `provisioning`, `active` or `failed`; `None` leaves the field out.
    /// What new instances say answers for them.
    pub(crate) fn set_endpoint(&self, endpoint: &str) {
        self.inner.lock().unwrap().endpoint = Some(endpoint.to_owned());
    }

    pub(crate) fn set_state(&self, state: Option<&str>) {
        self.inner.lock().unwrap().state = state.map(str::to_owned);
    }

    /// The next requests of this kind (`POST /instances`, `DELETE /instances/:id` …) misbehave so, one each.
    pub(crate) fn fail(&self, kind: &str, faults: impl IntoIterator<Item = Fault>) {
        self.inner.lock().unwrap().faults.entry(kind.to_owned()).or_default().extend(faults);
    }

    pub(crate) fn count(&self) -> usize {
        self.inner.lock().unwrap().instances.len()
    }

    /// The configuration of an instance, as the add-on has it.
    pub(crate) fn config_of(&self, id: &str) -> Value {
        self.inner.lock().unwrap().instances[id].clone()
    }

    /// How many instances were ever made.
    pub(crate) fn made(&self) -> u32 {
        self.inner.lock().unwrap().made
    }

    pub(crate) fn seen(&self, kind: &str) -> Vec<Seen> {
        let inner = self.inner.lock().unwrap();
        inner.seen.iter().filter(|seen| kind_of(&seen.method, &seen.path) == kind).cloned().collect()
    }
}

fn kind_of(method: &Method, path: &str) -> String {
    let shape = match path.strip_prefix("/instances/") {
        Some(rest) if rest.starts_with("by-uuid/") => "/instances/by-uuid/:uuid",
        Some(_) => "/instances/:id",
        None => path,
    };
    format!("{method} {shape}")
}

async fn answer(State(provider): State<TestProvider>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_else(|_| Bytes::new());
    let path = parts.uri.path().to_owned();
    let seen = Seen {
        method: parts.method.clone(),
        path: path.clone(),
        headers: parts.headers.clone(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let fault = {
        let mut inner = provider.inner.lock().unwrap();
        inner.seen.push(seen.clone());
        if !inner.is_signed(&parts.headers) {
            return (StatusCode::UNAUTHORIZED, "bad signature").into_response();
        }
        inner.faults.get_mut(&kind_of(&parts.method, &path)).and_then(VecDeque::pop_front)
    };
    match fault {
        None => provider.execute(&seen),
        Some(Fault::Answer(status, body)) => {
            (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body).into_response()
        }
        Some(Fault::Headers(status, headers, body)) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Some(Fault::ExecuteAndHangUp) => {
            provider.execute(&seen);
            hang_up()
        }
        Some(Fault::HangUp) => hang_up(),
        Some(Fault::ExecuteSlowly(pause)) => {
            let response = provider.execute(&seen);
            tokio::time::sleep(pause).await;
            response
        }
    }
}

/// A panic closes the connection without an answer; unwinding this way prints nothing.
fn hang_up() -> Response {
    std::panic::resume_unwind(Box::new("hang up"))
}

impl Inner {
    fn is_signed(&self, headers: &HeaderMap) -> bool {
        if self.secrets.is_empty() {
            return true;
        }
        let secrets: Vec<&str> = self.secrets.iter().map(String::as_str).collect();
        let token = headers.get("x-nf-sign").and_then(|value| value.to_str().ok()).unwrap_or_default();
        #[expect(clippy::disallowed_methods, reason = "the add-on is another party with a clock of its own")]
        let now = jiff::Timestamp::now();
        let signed = signature::verify::<RequestClaims>(token, &secrets, now, signature::DEFAULT_LEEWAY).is_ok();
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
        signed || bearer.is_some_and(|bearer| secrets.iter().any(|secret| bearer == format!("Bearer {secret}")))
    }

    fn yields(&self) -> Value {
        let mut yields = json!({ "env": self.env, "snippets": self.snippets });
        if let Some(state) = &self.state {
            yields["state"] = json!(state);
        }
        yields
    }

    fn create(&mut self, body: &Value) -> Response {
        let uuid = body["uuid"].as_str().unwrap_or_default().to_owned();
        let next = format!("remote-{}", self.made + 1);
        let id = self.ids.entry(uuid).or_insert(next).clone();
        if !self.instances.contains_key(&id) {
            self.made += 1;
            self.instances.insert(id.clone(), body["config"]["config"].clone());
        }
        let mut created = self.yields();
        created["id"] = json!(id);
        created["message"] = json!("Welcome aboard");
        created["endpoint"] = json!(self.endpoint);
        (StatusCode::CREATED, axum::Json(created)).into_response()
    }
}

impl TestProvider {
    fn execute(&self, seen: &Seen) -> Response {
        let mut inner = self.inner.lock().unwrap();
        let missing = StatusCode::NOT_FOUND.into_response();
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/manifest") => {
                let known = seen.headers.get("if-none-match").and_then(|value| value.to_str().ok());
                if known.is_some() && known == inner.etag.as_deref() {
                    return StatusCode::NOT_MODIFIED.into_response();
                }
                let mut response = axum::Json(inner.manifest.clone()).into_response();
                if let Some(etag) = &inner.etag {
                    response.headers_mut().insert("etag", etag.parse().unwrap());
                }
                response
            }
            ("POST", "/instances") => inner.create(&seen.body),
            (method, path) => {
                let Some(rest) = path.strip_prefix("/instances/") else { return missing };
                let id = match rest.strip_prefix("by-uuid/") {
                    Some(uuid) => inner.ids.get(uuid).cloned().unwrap_or_default(),
                    None => rest.to_owned(),
                };
                if !inner.instances.contains_key(&id) {
                    return missing;
                }
                match method {
                    "GET" => {
                        let mut details = inner.yields();
                        details["config"] = inner.instances[&id].clone();
                        axum::Json(details).into_response()
                    }
                    "PUT" => {
                        inner.instances.insert(id, seen.body["config"].clone());
                        axum::Json(inner.yields()).into_response()
                    }
                    "DELETE" => {
                        inner.instances.remove(&id);
                        StatusCode::NO_CONTENT.into_response()
                    }
                    _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
                }
            }
        }
    }
}
