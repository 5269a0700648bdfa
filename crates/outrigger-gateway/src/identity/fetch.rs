//! Asks for a key set: one request, one answer, on a connection of its own.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::keys::KeySet;
use crate::mounted::Endpoint;
use crate::server::Shared;
use crate::upstream::ConnectError;

/// Sets of many keys with certificates are a tenth of it.
const MAX_BYTES: usize = 256 * 1024;

/// How long a set is used where the server does not say.
const USUAL_AGE: i64 = 300;
const SHORTEST_AGE: i64 = 60;
const LONGEST_AGE: i64 = 3600;

/// Why there is no key set.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no answer that could be understood: {0}")]
    Http(#[from] hyper::Error),
    #[error("it answers with {0}")]
    Status(StatusCode),
    #[error("its answer breaks off, or is longer than {MAX_BYTES} bytes")]
    Body,
    #[error("{0}")]
    Keys(String),
    #[error("no whole answer within {0:?}")]
    Timeout(Duration),
}

/// The keys, and for how many seconds they may be used without asking again.
pub(super) async fn fetch(endpoint: &Endpoint, shared: &Shared) -> Result<(KeySet, i64), FetchError> {
    let longest = shared.settings.timeouts.keys;
    timeout(longest, ask(endpoint, shared)).await.unwrap_or(Err(FetchError::Timeout(longest)))
}

async fn ask(endpoint: &Endpoint, shared: &Shared) -> Result<(KeySet, i64), FetchError> {
    let limits = &shared.settings.limits;
    let stream = shared.connector.connect(endpoint).await?;
    let mut builder = http1::Builder::new();
    builder.max_headers(limits.headers).max_header_size(limits.head_bytes);
    let (mut sender, connection) = builder.handshake(stream).await?;
    let _connection = AbortOnDropHandle::new(spawn_local(connection));
    let mut request = Request::new(Empty::<Bytes>::new());
    // A URL's path and query are always a target.
    *request.uri_mut() = endpoint.target_below("", None).parse().unwrap_or_default();
    request.headers_mut().insert(header::HOST, endpoint.authority.clone());
    request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
    let response = sender.send_request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let age = age(response.headers());
    let body = Limited::new(response.into_body(), MAX_BYTES).collect().await.map_err(|_| FetchError::Body)?;
    Ok((KeySet::parse(&body.to_bytes()).map_err(FetchError::Keys)?, age))
}

/// What `Cache-Control` says, within bounds.
fn age(headers: &HeaderMap) -> i64 {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut age = USUAL_AGE;
    for directive in values.flat_map(|value| value.split(',')).map(|directive| directive.trim().to_ascii_lowercase()) {
        match directive.split_once('=') {
            Some(("max-age", seconds)) => age = seconds.trim_matches('"').parse().unwrap_or(USUAL_AGE),
            None if directive == "no-store" || directive == "no-cache" => return SHORTEST_AGE,
            _ => {}
        }
    }
    age.clamp(SHORTEST_AGE, LONGEST_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_word_on_its_age_counts_within_bounds() {
        let check = |value: &str, expected: i64| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, value.parse().unwrap());
            assert_eq!(age(&headers), expected, "{value}");
        };
        assert_eq!(age(&HeaderMap::new()), 300);
        check("public, Max-Age=600", 600);
        check("max-age=\"900\"", 900);
        check("max-age=0", 60);
        check("max-age=31536000", 3600);
        check("max-age=99999999999999999999", 300);
        check("no-store, max-age=600", 60);
        check("public", 300);
    }
}
