//! Addresses in an answer, put back under the URL at which the client sees the upstream. Pure.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use crate::mounted::Endpoint;

/// Rewrites `Location`, `Content-Location` and the paths of cookies. `target` is what the upstream was asked for,
/// `mounted_at` where it is on the site, without a slash at its end: empty for an origin.
pub(crate) fn rewrite_answer(headers: &mut HeaderMap, endpoint: &Endpoint, target: &str, mounted_at: &str) {
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        rewrite_location(headers, &name, endpoint, target, mounted_at);
    }
    if headers.contains_key(header::SET_COOKIE) && !mounted_at.is_empty() {
        let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
        headers.remove(header::SET_COOKIE);
        for cookie in cookies {
            let rewritten = cookie.to_str().ok().map(|text| cookie_below(text, endpoint.base(), mounted_at));
            headers.append(header::SET_COOKIE, rewritten.and_then(|text| text.parse().ok()).unwrap_or(cookie));
        }
    }
}

fn rewrite_location(headers: &mut HeaderMap, name: &HeaderName, endpoint: &Endpoint, target: &str, mounted_at: &str) {
    let Some(text) = headers.get(name).and_then(|value| value.to_str().ok()) else { return };
    if let Some(value) = location_below(text, endpoint, target, mounted_at).and_then(|text| text.parse().ok()) {
        headers.insert(name, value);
    }
}

/// The address as the client must see it; `None` where it says the right thing already.
fn location_below(text: &str, endpoint: &Endpoint, target: &str, mounted_at: &str) -> Option<String> {
    let scheme = if endpoint.https { "https" } else { "http" };
    let authority = endpoint.authority.to_str().ok()?;
    let asked = Url::parse(&format!("{scheme}://{authority}{target}")).ok()?;
    let meant = asked.join(text).ok()?;
    if !is_same_server(&meant, endpoint) {
        return None;
    }
    match meant.path().strip_prefix(endpoint.base()) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let slash = if rest.is_empty() { "/" } else { "" };
            let query = meant.query().map(|query| format!("?{query}")).unwrap_or_default();
            let fragment = meant.fragment().map(|fragment| format!("#{fragment}")).unwrap_or_default();
            // Two slashes at the start would name a server.
            let rest =
                if mounted_at.is_empty() { format!("/{}", rest.trim_start_matches('/')) } else { rest.to_owned() };
            let slash = if mounted_at.is_empty() { "" } else { slash };
            Some(format!("{mounted_at}{rest}{slash}{query}{fragment}"))
        }
        // On the same server, but not where the site leads: only its whole address is right.
        _ => Some(meant.into()),
    }
}

/// Servers behind something that ends TLS often give their addresses with the other scheme.
fn is_same_server(url: &Url, endpoint: &Endpoint) -> bool {
    let standard = |port: u16| matches!(port, 80 | 443);
    let port = url.port_or_known_default().unwrap_or(0);
    matches!(url.scheme(), "http" | "https")
        && url.host_str() == Some(&endpoint.host)
        && (port == endpoint.port || standard(port) && standard(endpoint.port))
}

/// The cookie, for what is below the mount only. A domain is dropped, because it would be the endpoint's, or reach
/// beyond the site.
fn cookie_below(cookie: &str, base: &str, mounted_at: &str) -> String {
    if cookie.trim_start().to_ascii_lowercase().starts_with("__host-") {
        return cookie.to_owned();
    }
    let parts = cookie.split(';').enumerate().filter_map(|(at, part)| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            _ if at == 0 => Some(part.to_owned()),
            "domain" => None,
            "path" => {
                let below = value.trim().strip_prefix(base).filter(|rest| rest.starts_with('/')).unwrap_or("/");
                Some(format!(" Path={mounted_at}{below}"))
            }
            _ => Some(part.to_owned()),
        }
    });
    parts.collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Destination;

    const AT: &str = "/.netlify/tally";

    #[track_caller]
    fn check(url: &str, target: &str, at: &str, location: &str, expected: Option<&str>) {
        let endpoint = Endpoint::new(&url.parse().unwrap(), Destination::AddOn).unwrap();
        assert_eq!(location_below(location, &endpoint, target, at).as_deref(), expected, "{location}");
    }

    #[test]
    fn addresses_below_the_endpoint_come_back_below_the_mount() {
        let check = |location, expected| check("https://up.example/base", "/base/a/b?q", AT, location, expected);
        check("https://up.example/base/c?x=1#y", Some("/.netlify/tally/c?x=1#y"));
        check("http://up.example/base/c", Some("/.netlify/tally/c"));
        check("//up.example/base/c", Some("/.netlify/tally/c"));
        check("/base", Some("/.netlify/tally/"));
        check("/base/", Some("/.netlify/tally/"));
        check("/base//x", Some("/.netlify/tally//x"));
        check("c", Some("/.netlify/tally/a/c"));
        check("../c", Some("/.netlify/tally/c"));
        check("?r", Some("/.netlify/tally/a/b?r"));
        check("/login", Some("https://up.example/login"));
        check("/basement", Some("https://up.example/basement"));
        check("../../c", Some("https://up.example/c"));
        check("https://elsewhere.example/base/c", None);
        check("https://up.example:8443/base/c", None);
        check("mailto:a@b", None);
        check("http://[", None);
    }

    #[test]
    fn the_endpoint_itself_is_not_a_folder() {
        check("http://up/base", "/base", AT, "c", Some("http://up/c"));
        check("http://up", "/", AT, "c", Some("/.netlify/tally/c"));
    }

    #[test]
    fn addresses_of_an_origin_come_back_on_the_site() {
        check("http://up:3000", "/a", "", "http://up:3000/login?x", Some("/login?x"));
        check("http://up:3000", "/a", "", "http://up:3000", Some("/"));
        check("http://up:3000", "/a", "", "http://up:3000//evil.example", Some("/evil.example"));
        check("http://up:3000/base", "/base/a", "", "/base", Some("/"));
    }

    #[test]
    fn cookies_stay_below_the_mount() {
        let check = |cookie: &str, expected: &str| assert_eq!(cookie_below(cookie, "/base", AT), expected);
        check("a=1", "a=1");
        check("a=1; Path=/base/x; HttpOnly", "a=1; Path=/.netlify/tally/x; HttpOnly");
        check("a=1; path = /; Secure", "a=1; Path=/.netlify/tally/; Secure");
        check("a=1; Path=/base", "a=1; Path=/.netlify/tally/");
        check("a=1; Domain=up.example; Path=/other", "a=1; Path=/.netlify/tally/");
        check("path=/x; Max-Age=1", "path=/x; Max-Age=1");
        check("__Host-a=1; Path=/; Secure", "__Host-a=1; Path=/; Secure");
    }
}
