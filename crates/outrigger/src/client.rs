//! The API as the client's commands call it.

use std::error::Error;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Method, StatusCode, header, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::exit::{CommandResult, Failure};
use crate::output::with_spinner;

/// The server answers within 25 s even when an add-on does not.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A platform and a token.
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
    token: Option<String>,
}

impl Client {
    /// For what [`origin_of`] gave.
    pub(crate) fn new(origin: String, token: Option<String>) -> CommandResult<Self> {
        // A redirect could take the token, or a password, to another platform.
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
        let http = http.context("the HTTP client cannot be set up")?;
        Ok(Self { http, origin, token })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn token(&self) -> CommandResult<&str> {
        self.token.as_deref().ok_or_else(|| {
            Failure::new(3, format!("you are not signed in at {}", self.origin))
                .hint("run `outrigger login`, or set OUTRIGGER_TOKEN")
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
        let mut request = self.http.request(method, self.url(path)).bearer_auth(self.token()?);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request).await
    }

    /// Without a token, for signing in.
    pub(crate) async fn post_unsigned<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> CommandResult<T> {
        self.answer(self.http.post(self.url(path)).json(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.origin)
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> CommandResult<T> {
        let asked = async { read(request.send().await, &self.origin).await };
        with_spinner(&format!("waiting for {}", self.origin), asked).await
    }

    /// Whether the platform is there and ready, and what time it has.
    pub(crate) async fn readiness(&self) -> CommandResult<Option<String>> {
        let answer = self.http.get(format!("{}/readyz", self.origin)).send().await;
        let answer = answer.map_err(|fault| unreachable_at(&self.origin, &fault))?;
        if !answer.status().is_success() {
            return Err(Failure::new(1, format!("{} is not ready: {}", self.origin, answer.status())));
        }
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
        if answer.text().await.is_ok_and(|text| text == "ready") {
            return Ok(date);
        }
        Err(Failure::new(1, format!("what answers at {} is no Outrigger", self.origin)))
    }
}

/// `url` may be the origin or the API's base, as `NETLIFY_API_URL` has it. Two that name one platform give one text.
pub(crate) fn origin_of(url: &str) -> CommandResult<String> {
    let wrong = |why: &str| {
        // Not shown whole: there may be a password in it.
        Failure::usage(format!("the platform's address {why}"))
            .hint("write it as http://HOST:PORT or https://HOST, with --platform or in OUTRIGGER_URL")
    };
    let url = Url::parse(url.trim()).map_err(|fault| wrong(&format!("is no URL: {fault}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("is no http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has more to it than a host, a port and a path"));
    }
    let text = url.as_str().trim_end_matches('/');
    Ok(text.strip_suffix("/api/v1").unwrap_or(text).trim_end_matches('/').to_owned())
}

fn unreachable_at(origin: &str, fault: &reqwest::Error) -> Failure {
    let mut cause: &dyn Error = fault;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Failure::new(6, format!("cannot reach the platform at {origin}: {cause}"))
        .hint("is it running? `--platform` or OUTRIGGER_URL says where it is")
}

async fn read<T: DeserializeOwned>(
    answer: Result<reqwest::Response, reqwest::Error>,
    origin: &str,
) -> CommandResult<T> {
    let answer = answer.map_err(|fault| unreachable_at(origin, &fault))?;
    let status = answer.status();
    if status.is_redirection() {
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
        return Err(Failure::new(1, format!("{origin} sends us on to {to}, where your token was not made"))
            .hint("say where the platform is with --platform or OUTRIGGER_URL, and sign in there"));
    }
    let text = answer.text().await.map_err(|fault| unreachable_at(origin, &fault))?;
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
    let failure = Failure::of_status(status.as_u16(), message);
    match status {
        StatusCode::UNAUTHORIZED => failure.hint("run `outrigger login`"),
        StatusCode::FORBIDDEN => failure.hint("`outrigger status` shows who you are and what you may do"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::origin_of;

    #[test]
    fn a_platform_has_one_address_however_it_is_written() {
        for written in ["http://Host:80", "http://host/", "http://host/api/v1", " http://host/api/v1/ "] {
            assert_eq!(origin_of(written).unwrap(), "http://host", "{written}");
        }
        assert_eq!(origin_of("https://host:8443/outrigger/api/v1").unwrap(), "https://host:8443/outrigger");
        for wrong in ["", "host", "host:80", "ftp://host", "http://", "http://me:secret@host", "http://host?a=b"] {
            let failure = origin_of(wrong).unwrap_err();
            assert_eq!(failure.code, 2, "{wrong}");
            assert!(!failure.message.contains("secret"), "{failure}");
        }
    }
}
