//! The pages' own files, and the pictures of the integrations. Their names have the hash of what is in them, so they
//! may be kept for ever.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::Urls;

const CSS: &str = include_str!("assets/pages.css");
const PLAIN_CSS: &str = include_str!("assets/plain.css");
const JS: &str = include_str!("assets/pages.js");

/// FNV-1a: names a content; it need not withstand anybody.
const fn hash(content: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < content.len() {
        hash = (hash ^ content[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

const CSS_HASH: u64 = hash(CSS.as_bytes());
const PLAIN_CSS_HASH: u64 = hash(PLAIN_CSS.as_bytes());
const JS_HASH: u64 = hash(JS.as_bytes());

pub(super) fn style_url(urls: &Urls) -> String {
    urls.asset(&format!("pages-{CSS_HASH:016x}.css"))
}

pub(super) fn plain_style_url(urls: &Urls) -> String {
    urls.asset(&format!("plain-{PLAIN_CSS_HASH:016x}.css"))
}

pub(super) fn script_url(urls: &Urls) -> String {
    urls.asset(&format!("pages-{JS_HASH:016x}.js"))
}

/// The address of an integration's picture.
pub(super) fn icon_url(urls: &Urls, integration: &str, svg: &str) -> String {
    urls.asset(&format!("icon-{integration}-{:016x}.svg", hash(svg.as_bytes())))
}

/// The integration whose picture a file's name asks for, and the hash it expects.
pub(super) fn icon_asked_for(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("icon-")?.strip_suffix(".svg")?.rsplit_once('-')
}

pub(super) fn is_hash_of(text: &str, svg: &str) -> bool {
    text == format!("{:016x}", hash(svg.as_bytes()))
}

/// One of the pages' own files.
pub(super) fn own(name: &str) -> Option<Response> {
    let (stem, extension) = name.rsplit_once('.')?;
    let (kind, wanted) = stem.rsplit_once('-')?;
    let (content, hash, content_type) = match (kind, extension) {
        ("pages", "css") => (CSS, CSS_HASH, "text/css; charset=utf-8"),
        ("plain", "css") => (PLAIN_CSS, PLAIN_CSS_HASH, "text/css; charset=utf-8"),
        ("pages", "js") => (JS, JS_HASH, "text/javascript; charset=utf-8"),
        _ => return None,
    };
    (wanted == format!("{hash:016x}")).then(|| file(content, content_type))
}

/// A picture. Opened by itself it may not run anything either.
pub(super) fn picture(svg: &'static str) -> Response {
    let mut response = file(svg, "image/svg+xml");
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn file(content: &'static str, content_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
