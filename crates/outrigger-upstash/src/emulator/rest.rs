//! The Redis REST interface: one address per database, or one for all, where the token says which is meant.

mod command;
mod encode;
mod subscribe;

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use redis_protocol::resp2::types::BytesFrame;
use tokio_util::sync::CancellationToken;

use self::command::Command;
use self::encode::Format;
use super::Shared;
use super::fault::{Refusal, error};
use super::redis::{Connection, RedisFault, RedisServer};
use super::state::Rights;

/// What the service takes in one request.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;
const SYNC_TOKEN: &str = "upstash-sync-token";

pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let is_preflight = parts.method == Method::OPTIONS && parts.headers.contains_key("access-control-request-method");
    let mut response = match is_preflight {
        true => StatusCode::NO_CONTENT.into_response(),
        false => answer(&shared, &parts, body).await.unwrap_or_else(Refusal::into_response),
    };
    // Any page may ask: it has to know a token.
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, HEAD"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*, authorization"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SYNC_TOKEN));
    if let Ok(token) = HeaderValue::from_str(&outrigger_db::token(&*shared.entropy)) {
        headers.insert(SYNC_TOKEN, token);
    }
    response
}

/// A database that a request may use.
struct Access {
    shared: Arc<Shared>,
    server: Arc<tokio::sync::OnceCell<RedisServer>>,
    rights: Rights,
    valid: CancellationToken,
}

impl Access {
    async fn connect(&self) -> Result<Connection, Refusal> {
        let program = self.shared.redis_server.as_deref();
        let server = self.server.get_or_try_init(|| RedisServer::start(program, &*self.shared.entropy)).await;
        server.map_err(trouble)?.connect(self.rights).await.map_err(trouble)
    }
}

/// In JSON, as everything else: the client cannot read anything other.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn trouble(fault: RedisFault) -> Refusal {
    error(StatusCode::INTERNAL_SERVER_ERROR, &format!("ERR {fault}"))
}

fn refused(text: &str) -> Refusal {
    error(StatusCode::BAD_REQUEST, text)
}

async fn answer(shared: &Arc<Shared>, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let is_post = parts.method == Method::POST || parts.method == Method::PUT;
    if !is_post && parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(error(StatusCode::METHOD_NOT_ALLOWED, "ERR method not allowed"));
    }
    let (database, path) = split(parts.uri.path());
    let access = authenticate(shared, parts, database)?;
    let format = Format::of(&parts.headers).map_err(|text| refused(&text))?;
    let body = to_bytes(body, MAX_REQUEST_BYTES)
        .await
        .map_err(|_| error(StatusCode::PAYLOAD_TOO_LARGE, "ERR max request size exceeded"))?;
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [""] => one(&access, Command::of_json(&body).map_err(|text| refused(&text))?, format).await,
        ["pipeline"] if is_post => pipeline(&access, &body, format).await,
        ["multi-exec"] if is_post => transaction(&access, &body, format).await,
        [kind @ ("subscribe" | "psubscribe"), channels @ ..] if !channels.is_empty() => {
            let channels = channels.iter().map(|channel| command::decoded(channel)).collect();
            subscribe::stream(access, kind, channels).await
        }
        segments => {
            let query = parts.uri.query().unwrap_or_default();
            one(&access, Command::of_path(segments, query, is_post.then_some(body)), format).await
        }
    }
}

/// The database that a path names, if it does, and what comes after it.
fn split(path: &str) -> (Option<&str>, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.strip_prefix("redis/") {
        Some(path) => {
            let (id, rest) = path.split_once('/').unwrap_or((path, ""));
            (Some(id), rest)
        }
        None => (None, path),
    }
}

fn authenticate(shared: &Arc<Shared>, parts: &Parts, database: Option<&str>) -> Result<Access, Refusal> {
    let token = bearer(&parts.headers).or_else(|| command::query_token(parts.uri.query().unwrap_or_default()));
    let state = shared.state();
    let opened = token.as_deref().and_then(|token| state.open(token));
    let opened = opened.filter(|(found, ..)| database.is_none_or(|id| id == found.id));
    let (found, rights, valid) =
        opened.ok_or_else(|| error(StatusCode::UNAUTHORIZED, "WRONGPASS invalid or missing auth token"))?;
    Ok(Access { shared: shared.clone(), server: found.server.clone(), rights, valid })
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

async fn one(access: &Access, command: Command, format: Format) -> Result<Response, Refusal> {
    command.check().map_err(|text| refused(&text))?;
    let frame = access.connect().await?.ask(command.parts()).await.map_err(trouble)?;
    let status = match frame {
        BytesFrame::Error(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    Ok((status, format.one(&frame)).into_response())
}

/// In order; one that fails does not stop the rest.
async fn pipeline(access: &Access, body: &Bytes, format: Format) -> Result<Response, Refusal> {
    let commands = Command::list_of_json(body).map_err(|text| refused(&text))?;
    let mut connection = access.connect().await?;
    let mut replies = Vec::with_capacity(commands.len());
    for command in &commands {
        replies.push(match command.check() {
            Ok(()) => connection.ask(command.parts()).await.map_err(trouble)?,
            Err(text) => BytesFrame::Error(text.into()),
        });
    }
    Ok(format.list(&replies))
}

async fn transaction(access: &Access, body: &Bytes, format: Format) -> Result<Response, Refusal> {
    if format == Format::Raw {
        return Err(refused("ERR the resp2 format is not available for transactions"));
    }
    let commands = Command::list_of_json(body).map_err(|text| refused(&text))?;
    commands.iter().try_for_each(Command::check).map_err(|text| refused(&text))?;
    let mut connection = access.connect().await?;
    connection.ask(&[Bytes::from_static(b"MULTI")]).await.map_err(trouble)?;
    for command in &commands {
        // What cannot be queued makes EXEC fail, which says so.
        connection.ask(command.parts()).await.map_err(trouble)?;
    }
    match connection.ask(&[Bytes::from_static(b"EXEC")]).await.map_err(trouble)? {
        BytesFrame::Array(replies) => Ok(format.list(&replies)),
        BytesFrame::Error(text) => Err(refused(&text)),
        _ => Err(trouble(RedisFault::Gone("EXEC has no list of replies".to_owned()))),
    }
}
