//! The API as the client's commands call it.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::exit::{CommandResult, Failure};

/// The server answers within 25 s even when an add-on does not.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A platform and a token.
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
    token: Option<String>,
}

impl Client {
    /// `url` may be the origin or the API's base, as `NETLIFY_API_URL` has it.
    pub(crate) fn new(url: &str, token: Option<String>) -> CommandResult<Self> {
        let origin = url.trim_end_matches('/').trim_end_matches("/api/v1").to_owned();
        let http = reqwest::Client::builder().timeout(TIMEOUT).build();
        let http = http.map_err(|fault| Failure::new(1, fault.to_string()))?;
        Ok(Self { http, origin, token })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn token(&self) -> CommandResult<&str> {
        self.token.as_deref().ok_or_else(|| {
            Failure::new(3, "you are not signed in").hint("run `outrigger login`, or set OUTRIGGER_TOKEN")
        })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> CommandResult<T> {
        self.send(Method::GET, path, None::<&()>).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> CommandResult<T> {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> CommandResult<T> {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> CommandResult<T> {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> CommandResult<T> {
        self.send(Method::DELETE, path, None::<&()>).await
    }

    /// Sends and reads; an answer without a body reads as `null`, so ask for `Option` or `()` where there may be none.
    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> CommandResult<T> {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.origin)).bearer_auth(self.token()?);
        read(self.with_body(request, body).send().await, &self.origin).await
    }

    /// Without a token, for signing in.
    pub(crate) async fn post_unsigned<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> CommandResult<T> {
        let request = self.http.post(format!("{}/api/v1{path}", self.origin));
        read(self.with_body(request, Some(body)).send().await, &self.origin).await
    }

    fn with_body(&self, request: reqwest::RequestBuilder, body: Option<&impl Serialize>) -> reqwest::RequestBuilder {
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Whether the platform is there and ready, and what time it has.
    pub(crate) async fn readiness(&self) -> CommandResult<Option<String>> {
        let answer = self.http.get(format!("{}/readyz", self.origin)).send().await;
        let answer = answer.map_err(|_| unreachable_at(&self.origin))?;
        if !answer.status().is_success() {
            return Err(Failure::new(1, format!("the platform is not ready: {}", answer.status())));
        }
        let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
        Ok(date.map(str::to_owned))
    }
}

fn unreachable_at(origin: &str) -> Failure {
    Failure::new(6, format!("cannot reach the platform at {origin}"))
        .hint("is it running? `--platform` or OUTRIGGER_URL says where it is")
}

async fn read<T: DeserializeOwned>(
    answer: Result<reqwest::Response, reqwest::Error>,
    origin: &str,
) -> CommandResult<T> {
    let answer = answer.map_err(|_| unreachable_at(origin))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|_| unreachable_at(origin))?;
    if !status.is_success() {
        return Err(refused(status, &text));
    }
    let text = if text.is_empty() { "null" } else { &text };
    serde_json::from_str(text).map_err(|fault| {
        Failure::new(1, format!("{origin} answers what this version does not understand: {fault}"))
            .hint("is that an Outrigger of the same version?")
    })
}

fn refused(status: StatusCode, text: &str) -> Failure {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let message = body["message"].as_str().map_or_else(|| format!("the platform answers {status}"), str::to_owned);
    let failure = |code| Failure::new(code, message);
    match status.as_u16() {
        401 => failure(3).hint("run `outrigger login`"),
        403 => failure(3),
        404 => failure(4),
        409 => failure(5),
        400 | 422 => failure(2),
        _ => failure(1),
    }
}
