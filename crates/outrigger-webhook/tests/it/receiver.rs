//! A receiver that checks signatures as its library does, and remembers what it was sent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

/// Serves until the test's runtime ends. The URL has no slash at its end.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// Answers everything with this.
pub(crate) async fn always(status: u16, header: Option<(&'static str, String)>, body: String) -> String {
    let answer = move || {
        let (header, body) = (header.clone(), body.clone());
        async move {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            if let Some((name, value)) = header {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    };
    serve(Router::new().fallback(answer)).await
}

#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Receiver {
    secret: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Receiver {
    /// One that knows this secret, and where it is.
    pub(crate) async fn knowing(secret: &str) -> (Self, String) {
        let receiver = Self { secret: secret.to_owned(), heard: Arc::default() };
        let url = serve(Router::new().fallback(hear).with_state(receiver.clone())).await;
        (receiver, url)
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

async fn hear(State(receiver): State<Receiver>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    if method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, "POST, please").into_response();
    }
    let library = standardwebhooks::Webhook::new(&receiver.secret).unwrap();
    let verified = library.verify(&body, &headers);
    receiver.heard.lock().unwrap().push(Heard { method, headers, body });
    match verified {
        Ok(()) => (StatusCode::ACCEPTED, "thank you").into_response(),
        Err(error) => (StatusCode::UNAUTHORIZED, error.to_string()).into_response(),
    }
}
