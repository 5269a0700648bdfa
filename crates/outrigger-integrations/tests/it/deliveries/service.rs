//! A third-party service: a real server that answers as it is told and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

#[derive(Clone, Default)]
pub(super) struct Service {
    address: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
    document: String,
}

#[derive(Clone)]
struct Answer {
    status: u16,
    header: Option<(&'static str, &'static str)>,
    body: String,
}

/// What the service was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) id: String,
    pub(super) body: String,
}

impl Service {
    pub(super) async fn start() -> Service {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let service = Service { address, inner: Arc::default() };
        let router = axum::Router::new()
            .route("/key", any(|State(service): State<Service>| async move { service.lock().document.clone() }))
            .fallback(answer)
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        service
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// The address that configurations of this test post to; the path is what is secret about it.
    pub(super) fn url(&self, secret: &str) -> String {
        format!("{}/hook/{secret}", self.address)
    }

    pub(super) fn key_url(&self) -> String {
        format!("{}/key", self.address)
    }

    pub(super) fn publish(&self, document: impl Into<String>) {
        self.lock().document = document.into();
    }

    /// Answers the next requests so; after that, 200.
    pub(super) fn will(&self, statuses: &[u16]) {
        let answers = statuses.iter().map(|status| Answer { status: *status, header: None, body: String::new() });
        self.lock().answers.extend(answers);
    }

    pub(super) fn will_say(&self, status: u16, header: Option<(&'static str, &'static str)>, body: impl Into<String>) {
        self.lock().answers.push_back(Answer { status, header, body: body.into() });
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    /// The bodies, in the order they came.
    pub(super) fn bodies(&self) -> Vec<String> {
        self.lock().asked.iter().map(|asked| asked.body.clone()).collect()
    }
}

async fn answer(State(service): State<Service>, headers: HeaderMap, body: String) -> Response {
    let id = headers.get("idempotency-key").map(|id| id.to_str().unwrap().to_owned()).unwrap_or_default();
    let mut inner = service.lock();
    inner.asked.push(Asked { id, body });
    let answer = inner.answers.pop_front().unwrap_or(Answer { status: 200, header: None, body: "ok".into() });
    let mut response = (StatusCode::from_u16(answer.status).unwrap(), answer.body).into_response();
    if let Some((name, value)) = answer.header {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
