//! What stands between the pages and other sites: requests from there are refused, and the browser is told to load,
//! run and frame nothing that is not ours.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use crate::error::forbidden;
use crate::urls::Urls;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // `no-referrer` would turn the `Origin` of our own forms into `null`.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A function that answers a request from another site.
type Refuse = fn(ProtectionError) -> Response;

/// Refuses what a page of another site makes a browser send, by `Sec-Fetch-Site` or, where that is missing, by
/// `Origin`. A proxy may hand on another `Host`, so our public origin is named. Programs send neither header, and no
/// cookie.
pub(crate) fn refuse_other_sites(urls: &Urls) -> CsrfLayer<Refuse> {
    let refuse: Refuse = |_| {
        forbidden("this was sent from a page of another site, and nothing was done; open the page here and try again")
            .into_response()
    };
    let layer = CsrfLayer::new();
    layer
        .clone()
        .add_trusted_origin(urls.origin())
        // An origin with a path or non-ASCII host cannot be named; the comparison with `Host` remains.
        .unwrap_or(layer)
        .with_rejection_response(refuse)
}

/// Adds the headers to every answer of the pages. What is for one person is kept nowhere.
pub(crate) async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    add_headers(&mut response);
    response
}

pub(crate) fn add_headers(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
