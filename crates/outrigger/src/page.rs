//! A page of a site, as its origin sends it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use url::Url;

use crate::exit::{CommandResult, Failure};
use crate::output::with_spinner;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Without snippets, also through a gateway: it is asked for as a part of another page. No token goes along.
pub(crate) async fn fetch(url: Url) -> CommandResult<(HeaderMap, Vec<u8>)> {
    let request = client(&url)?.get(url.clone()).header("sec-fetch-dest", "empty");
    let request = request.header(ACCEPT, "text/html").header(ACCEPT_ENCODING, "identity");
    let unreachable = |fault: reqwest::Error| Failure::new(6, format!("{url} cannot be fetched: {fault}"));
    let answer = with_spinner("fetching the page", request.send()).await.map_err(unreachable)?;
    if !answer.status().is_success() {
        return Err(Failure::new(4, format!("{url} answers {}", answer.status())));
    }
    let headers = answer.headers().clone();
    let is_html = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_html || headers.contains_key(CONTENT_ENCODING) {
        return Err(Failure::new(5, format!("{url} is no HTML page that could be read without decompressing it")));
    }
    let page = answer.bytes().await.map_err(unreachable)?;
    Ok((headers, page.to_vec()))
}

/// One that knows, as browsers do, that all names below `localhost` are this machine (RFC 6761, section 6.3); not every
/// system's resolver does.
fn client(url: &Url) -> CommandResult<reqwest::Client> {
    let builder = reqwest::Client::builder().timeout(TIMEOUT);
    let builder = match url.host_str().filter(|host| host.ends_with(".localhost")) {
        Some(host) => builder.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        None => builder,
    };
    Ok(builder.build().context("the HTTP client cannot be set up")?)
}
