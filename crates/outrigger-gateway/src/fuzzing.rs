//! What the fuzz targets call: the pure phases on bytes that nobody chose, with what must be true of what comes out.

use http::{HeaderMap, HeaderName, HeaderValue, Version};

use crate::headers::{Hop, Peer, Via, pass_on, passes_through, strip_answer, upgrade_asked};
use crate::inject::preview;
use crate::mounted::Endpoint;
use crate::path::normalise;
use crate::rewrite::rewrite_answer;
use crate::route::{Asked, asked, host_name};
use crate::settings::Destination;
use crate::site::{PageSnippet, SnippetPosition};
use crate::trace::Trace;

const PREFIX: &str = "x-nf-";
const MOUNTED_AT: &str = "/.netlify/tally";

/// A head: its first line is the path, a blank and the host; then `name: value` lines.
pub fn head(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (path, host) = first.split_once(' ').unwrap_or((&first, ""));
    let headers = parse(lines);
    route(path);
    name(host);
    request(headers.clone(), host);
    answer(headers, path);
}

fn parse<'b>(lines: impl Iterator<Item = &'b [u8]>) -> HeaderMap {
    let field = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(field).take(100) {
        headers.append(name, value);
    }
    headers
}

/// Nothing leads out of the endpoint's path, however often it is decoded.
fn route(path: &str) {
    let Ok(path) = normalise(path) else { return };
    assert!(path.starts_with('/'));
    assert_eq!(normalise(&path), Ok(path.clone()), "it stays what it is");
    let Asked::AddOn { rest, .. } = asked(&path, "/.netlify/") else { return };
    let target = endpoint().target_below(rest, None);
    assert!(target.starts_with("/base"), "{target}");
    let mut decoded = target.into_bytes();
    for _ in 0..3 {
        let is_dots = |segment: &[u8]| matches!(segment, b"." | b"..");
        assert!(!decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots));
        decoded = percent_encoding::percent_decode(&decoded).collect();
    }
}

fn name(host: &str) {
    if let Some(name) = host_name(host) {
        assert!(!name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase()));
    }
}

/// Nothing that could be taken for the gateway's word gets through.
fn request(mut headers: HeaderMap, host: &str) {
    let _ = (passes_through(&headers, "outrigger"), upgrade_asked(&headers).is_some());
    Trace::continued(&mut headers, &mut fastrand::Rng::with_seed(1));
    let Ok(asked_host) = HeaderValue::from_str(host) else { return };
    let hop = Hop {
        peer: &Peer::new([192, 0, 2, 1].into(), false, false),
        version: Version::HTTP_11,
        asked_host: &asked_host,
        upstream_host: &HeaderValue::from_static("up"),
        mounted_at: Some(&HeaderValue::from_static(MOUNTED_AT)),
        header_prefix: PREFIX,
        via: &Via::new("outrigger"),
    };
    pass_on(&mut headers, &hop);
    for name in headers.keys() {
        let letters: String =
            name.as_str().chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).collect();
        assert!(!letters.starts_with(PREFIX), "{name}");
    }
    assert_eq!(headers.get_all("x-forwarded-for").iter().count(), 1);
    assert!(!headers.contains_key("transfer-encoding") && !headers.contains_key("keep-alive"));
}

fn answer(mut headers: HeaderMap, path: &str) {
    strip_answer(&mut headers);
    rewrite_answer(&mut headers, &endpoint(), path, MOUNTED_AT);
    assert!(!headers.contains_key("connection") && !headers.contains_key("transfer-encoding"));
}

fn endpoint() -> Endpoint {
    let url = "http://up/base".parse().unwrap_or_else(|fault| panic!("{fault}"));
    Endpoint::new(&url, Destination::AddOn).unwrap_or_else(|fault| panic!("{fault}"))
}

/// A policy, and a page behind the first line: what is put in is put in whole, and nothing else changes.
pub fn page(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (policy, page) = bytes.split_at(end);
    let mut headers = HeaderMap::new();
    if let Ok(policy) = HeaderValue::from_bytes(policy) {
        headers.insert("content-security-policy", policy);
    }
    let snippet =
        |id: &str, position, html: &str| PageSnippet { id: id.into(), position, html: html.into(), share: 100 };
    let snippets = [
        snippet("1", SnippetPosition::Head, "<script>head()</script>"),
        snippet("2", SnippetPosition::Footer, "<script>foot()</script>"),
    ];
    let shown = preview(&headers, page, &snippets);
    let added: usize = shown.insertions.iter().map(|insertion| insertion.html.len()).sum();
    assert_eq!(shown.page.len(), page.len() + added);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn heads_that_are_nearly_right(
            path in "/(\\.netlify/tally)?[a-z./%25eEfF\\\\;]{0,24}",
            host in "[a-zA-Z.:@\\[\\]]{0,12}",
            fields in "(([xX][-_][nN][fF][-_][a-z]{1,4}|connection|cookie|via|[fF]orwarded|te|upgrade|location): ?[ -~]{0,20}\n){0,6}",
        ) {
            super::head(format!("{path} {host}\n{fields}").as_bytes());
        }

        #[test]
        fn pages_that_are_nearly_right(
            policy in "((script-src|default-src|style-src) ('self'|'nonce-[a-z]{3}'|'sha256-[a-z=]{3}'|\\*)?;? ?){0,3}",
            page in "(<!doctype html>|</?(html|head|body|script|title|p|template)>|<!--|-->|[a-z ]{1,4}){0,16}",
        ) {
            super::page(format!("{policy}\n{page}").as_bytes());
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            super::head(&bytes);
            super::page(&bytes);
        }
    }
}
