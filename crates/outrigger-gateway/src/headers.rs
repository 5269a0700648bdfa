//! The headers of the request that an upstream gets, and of the answer that the client gets. Pure.

use std::borrow::Cow;
use std::cell::RefCell;
use std::net::IpAddr;

use http::header::InvalidHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// The names of the headers that prove a request.
#[derive(Debug)]
pub(crate) struct ProofNames {
    pub(crate) uuid: HeaderName,
    pub(crate) id: HeaderName,
    pub(crate) site_url: HeaderName,
    pub(crate) sign: HeaderName,
    /// What became of the user's token; proves nothing.
    pub(crate) user: HeaderName,
}

impl ProofNames {
    pub(crate) fn new(prefix: &str) -> Result<Self, InvalidHeaderName> {
        let name = |rest: &str| HeaderName::try_from(format!("{prefix}{rest}"));
        let (uuid, id, site_url) = (name("uuid")?, name("id")?, name("site-url")?);
        Ok(Self { uuid, id, site_url, sign: name("sign")?, user: name("user")? })
    }
}

/// How the gateway names itself in `Via`, by the version that a request came with.
#[derive(Debug)]
pub(crate) struct Via([HeaderValue; 3]);

impl Via {
    pub(crate) fn new(gateway_name: &str) -> Self {
        Self(["1.0", "1.1", "2"].map(|version| header_value(format!("{version} {gateway_name}"))))
    }

    fn of(&self, version: Version) -> HeaderValue {
        let [http_10, http_11, http_2] = &self.0;
        match version {
            Version::HTTP_10 => http_10.clone(),
            Version::HTTP_2 => http_2.clone(),
            _ => http_11.clone(),
        }
    }
}

/// The other end of a client's connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    address_text: HeaderValue,
    pub(crate) https: bool,
    /// Whether what it says about who was before it is true.
    trusted: bool,
    /// The host of the last request, and the `Forwarded` made for it: mostly the next one has the same.
    forwarded: RefCell<Option<(HeaderValue, HeaderValue)>>,
}

impl Peer {
    pub(crate) fn new(address: IpAddr, https: bool, trusted: bool) -> Self {
        let address = address.to_canonical();
        let address_text = header_value(address.to_string());
        Self { address, address_text, https, trusted, forwarded: RefCell::new(None) }
    }

    /// Who the request comes from: the other end or, behind proxies that are trusted, whom they name. Each appends whom
    /// it has the request from; what stands before one that is not trusted is hearsay.
    pub(crate) fn visitor(&self, headers: &HeaderMap, is_trusted: &dyn Fn(IpAddr) -> bool) -> IpAddr {
        let mut visitor = self.address;
        let lines: Vec<&str> = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            match entry.trim().parse::<IpAddr>() {
                Ok(named) if is_trusted(visitor) => visitor = named.to_canonical(),
                _ => break,
            }
        }
        visitor
    }

    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// What `Forwarded` (RFC 7239) says about this hop.
    fn forwarded(&self, scheme: &str, host: &HeaderValue) -> HeaderValue {
        if let Some((last, forwarded)) = &*self.forwarded.borrow()
            && last == host
            && !self.trusted
        {
            return forwarded.clone();
        }
        let address = match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("\"[{address}]\""),
        };
        let mut text = format!("for={address};proto={scheme}");
        // What would need escapes within quotes is no host, and is left out.
        if let Some(host) = host.to_str().ok().filter(|host| !host.contains(['"', '\\'])) {
            text.push_str(&format!(";host=\"{host}\""));
        }
        let forwarded = header_value(text);
        *self.forwarded.borrow_mut() = Some((host.clone(), forwarded.clone()));
        forwarded
    }
}

/// For texts of which we know that a header can hold them.
fn header_value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Where a request goes on to, and how it came.
#[derive(Debug)]
pub(crate) struct Hop<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) version: Version,
    /// Host, and port, that the client asked for.
    pub(crate) asked_host: &'a HeaderValue,
    /// Host, and port, of the upstream.
    pub(crate) upstream_host: &'a HeaderValue,
    /// Where the upstream is mounted on the site: nowhere for the origin.
    pub(crate) mounted_at: Option<&'a HeaderValue>,
    pub(crate) header_prefix: &'a str,
    pub(crate) via: &'a Via,
}

/// Makes the client's headers those of the request that goes on: without what is between two hops only and what could
/// be taken for ours, with who asked, under which name, and through whom.
pub(crate) fn pass_on(headers: &mut HeaderMap, hop: &Hop<'_>) {
    let upgrade = upgrade_asked(headers).and_then(|protocol| HeaderValue::from_str(protocol).ok());
    let trailers = tokens(headers, &header::TE).any(|token| token.eq_ignore_ascii_case("trailers"));
    let before = Before::take(headers, hop.peer.trusted);
    drop_all(headers, |name| !passes(name, hop.header_prefix));
    join_cookies(headers);
    headers.reserve(ADDED);
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    } else if trailers {
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    headers.insert(header::HOST, hop.upstream_host.clone());
    before.put_with(headers, hop);
}

/// Room for what the gateway adds, so that it is made once.
const ADDED: usize = 16;

/// What proxies in front of us said.
#[derive(Default)]
struct Before {
    via: Option<HeaderValue>,
    addresses: Option<HeaderValue>,
    forwarded: Option<HeaderValue>,
    proto: Option<HeaderValue>,
    host: Option<HeaderValue>,
}

impl Before {
    fn take(headers: &mut HeaderMap, trusted: bool) -> Self {
        let via = joined(headers, &header::VIA);
        if !trusted {
            return Self { via, ..Self::default() };
        }
        Self {
            via,
            addresses: joined(headers, &X_FORWARDED_FOR),
            forwarded: joined(headers, &header::FORWARDED),
            proto: headers.get(X_FORWARDED_PROTO).cloned(),
            host: headers.get(X_FORWARDED_HOST).cloned(),
        }
    }

    fn put_with(self, headers: &mut HeaderMap, hop: &Hop<'_>) {
        let host = self.host.as_ref().unwrap_or(hop.asked_host);
        let scheme = self.proto.as_ref().and_then(|proto| proto.to_str().ok()).unwrap_or(hop.peer.scheme());
        let forwarded = hop.peer.forwarded(scheme, host);
        headers.insert(header::FORWARDED, and(self.forwarded, forwarded));
        headers.insert(X_FORWARDED_FOR, and(self.addresses, hop.peer.address_text.clone()));
        headers.insert(X_FORWARDED_HOST, host.clone());
        let proto = self.proto.unwrap_or(HeaderValue::from_static(hop.peer.scheme()));
        headers.insert(X_FORWARDED_PROTO, proto);
        if let Some(at) = hop.mounted_at {
            headers.insert(X_FORWARDED_PREFIX, at.clone());
        }
        headers.insert(header::VIA, and(self.via, hop.via.of(hop.version)));
    }
}

fn and(before: Option<HeaderValue>, own: HeaderValue) -> HeaderValue {
    let Some(before) = before else { return own };
    HeaderValue::from_bytes(&[before.as_bytes(), b", ", own.as_bytes()].concat()).unwrap_or(own)
}

/// All values of a header as one list.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    headers.get_all(name).iter().cloned().map(Some).reduce(|all, next| Some(and(all, next?))).flatten()
}

/// Drops these headers, and those that `Connection` names. The length is part of the message, whatever a hop says about
/// it.
fn drop_all(headers: &mut HeaderMap, is_dropped: impl Fn(&HeaderName) -> bool) {
    let named: Vec<&str> = tokens(headers, &header::CONNECTION).collect();
    let is_named = |name: &HeaderName| {
        named.iter().any(|other| other.eq_ignore_ascii_case(name.as_str())) && name != header::CONTENT_LENGTH
    };
    let dropped: Vec<HeaderName> = headers.keys().filter(|name| is_dropped(name) || is_named(name)).cloned().collect();
    dropped.iter().for_each(|name| drop(headers.remove(name)));
}

/// HTTP/2 may send each cookie on its own; HTTP/1.1 must not (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_some() {
        let cookies: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
            headers.insert(header::COOKIE, joined);
        }
    }
}

/// Whether a client's header goes on as it is. What is between two hops only, what the gateway says itself, and what
/// could be taken for the latter does not.
fn passes(name: &HeaderName, prefix: &str) -> bool {
    let plain = canonical(name.as_str());
    match plain.as_bytes().first() {
        Some(b'x') => !plain.starts_with("x-forwarded-") && !plain.starts_with(prefix) && plain != "x-real-ip",
        Some(b'f') => plain != "forwarded" && !plain.starts_with(prefix),
        _ => !is_between_hops(&plain) && !plain.starts_with(prefix),
    }
}

fn is_between_hops(name: &str) -> bool {
    matches!(name.as_bytes().first(), Some(b'c' | b'e' | b'h' | b'k' | b'p' | b't' | b'u'))
        && BETWEEN_HOPS.contains(&name)
}

/// `Expect` is answered by the gateway, once the upstream can be reached.
const BETWEEN_HOPS: [&str; 11] = [
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Whether a field may come behind the body: never one that would mean something in a head.
pub(crate) fn passes_as_trailer(name: &HeaderName, prefix: &str) -> bool {
    const HEAD_ONLY: [HeaderName; 6] =
        [header::AUTHORIZATION, header::CONTENT_LENGTH, header::COOKIE, header::HOST, header::SET_COOKIE, header::VIA];
    passes(name, prefix) && !HEAD_ONLY.contains(name)
}

/// A name as those see it who take all that is no letter or digit for the same, as CGI does.
fn canonical(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect())
}

fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> + use<'h> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

/// The protocol that a request asks for instead of HTTP.
pub(crate) fn upgrade_asked(headers: &HeaderMap) -> Option<&str> {
    let protocol = headers.get(header::UPGRADE)?.to_str().ok()?;
    let asked = tokens(headers, &header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    // The other version of HTTP is a matter between two hops.
    (asked && !protocol.is_empty() && !protocol.to_ascii_lowercase().starts_with("h2")).then_some(protocol)
}

/// How often a request went through gateways of this name.
pub(crate) fn passes_through(headers: &HeaderMap, gateway_name: &str) -> usize {
    tokens(headers, &header::VIA).filter(|entry| entry.split_whitespace().nth(1) == Some(gateway_name)).count()
}

/// Takes out of an answer what is between two hops only.
pub(crate) fn strip_answer(headers: &mut HeaderMap) {
    drop_all(headers, |name| is_between_hops(name.as_str()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passed_on(trusted: bool, headers: &[(&str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let hop = Hop {
            peer: &Peer::new("192.0.2.1".parse().unwrap(), false, trusted),
            version: Version::HTTP_11,
            asked_host: &HeaderValue::from_static("shop.example:8080"),
            upstream_host: &HeaderValue::from_static("up"),
            mounted_at: Some(&HeaderValue::from_static("/.netlify/tally")),
            header_prefix: "x-nf-",
            via: &Via::new("outrigger"),
        };
        pass_on(&mut map, &hop);
        let mut lines: Vec<String> =
            map.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
        lines.sort();
        lines.concat()
    }

    const WAY: &str = "forwarded: for=192.0.2.1;proto=http;host=\"shop.example:8080\"\nhost: up\n\
        via: 1.1 outrigger\nx-forwarded-for: 192.0.2.1\nx-forwarded-host: shop.example:8080\n\
        x-forwarded-prefix: /.netlify/tally\nx-forwarded-proto: http\n";

    #[test]
    fn what_could_be_taken_for_ours_is_dropped_in_any_spelling() {
        let forged = ["x-nf-sign", "X-NF-ID", "x_nf_uuid", "X-Nf_Site-Url", "x.nf.sign", "x-nf-new"];
        let others = ["x_forwarded_for", "x-forwarded-for", "forwarded", "x-real-ip", "proxy", "x-forwarded-ssl"];
        let headers: Vec<_> = forged.iter().chain(&others).map(|name| (*name, "forged")).collect();
        assert_eq!(passed_on(false, &headers), WAY);
    }

    #[test]
    fn what_is_between_two_hops_stays_there() {
        let kept = passed_on(
            false,
            &[
                ("accept", "a"),
                ("connection", "close, X-Private, content-length"),
                ("content-length", "3"),
                ("x-private", "1"),
                ("keep-alive", "1"),
                ("te", "gzip, trailers"),
                ("upgrade", "h2c"),
                ("transfer-encoding", "chunked"),
                ("expect", "100-continue"),
                ("cookie", "a=1"),
                ("cookie", "b=2"),
            ],
        );
        let own = "accept: a\nconnection: te\ncontent-length: 3\ncookie: a=1; b=2\n";
        let (before_te, after_te) = WAY.split_at(WAY.find("via").unwrap());
        assert_eq!(kept, format!("{own}{before_te}te: trailers\n{after_te}"));
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_added_to() {
        let head = passed_on(
            true,
            &[
                ("x-forwarded-for", "203.0.113.9"),
                ("x-forwarded-for", "198.51.100.7"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "shop.example"),
                ("forwarded", "for=198.51.100.7"),
                ("via", "1.1 edge"),
            ],
        );
        assert!(head.contains("x-forwarded-for: 203.0.113.9, 198.51.100.7, 192.0.2.1\n"), "{head}");
        assert!(head.contains("x-forwarded-proto: https\n"), "{head}");
        let forwarded = "forwarded: for=198.51.100.7, for=192.0.2.1;proto=https;host=\"shop.example\"\n";
        assert!(head.contains(forwarded), "{head}");
        assert!(head.contains("via: 1.1 edge, 1.1 outrigger\n"), "{head}");
    }

    #[test]
    fn a_visitor_is_whom_the_last_trusted_proxy_names() {
        let peer = Peer::new("10.0.0.1".parse().unwrap(), false, true);
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("203.0.113.9, 198.51.100.7"));
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.2"));
        let of_ours = |address: IpAddr| address.to_string().starts_with("10.");
        assert_eq!(peer.visitor(&headers, &of_ours).to_string(), "198.51.100.7");
        assert_eq!(peer.visitor(&headers, &|_| false).to_string(), "10.0.0.1");
        assert_eq!(peer.visitor(&HeaderMap::new(), &of_ours).to_string(), "10.0.0.1");
    }

    #[test]
    fn loops_are_counted_by_name() {
        let mut headers = HeaderMap::new();
        headers.append("via", HeaderValue::from_static("1.1 outrigger, 1.1 edge"));
        headers.append("via", HeaderValue::from_static("2 outrigger (x), 1.1 outriggers"));
        assert_eq!(passes_through(&headers, "outrigger"), 2);
    }

    #[test]
    fn an_address_of_version_6_is_quoted() {
        let peer = Peer::new("2001:db8::1".parse().unwrap(), true, false);
        let forwarded = peer.forwarded("https", &HeaderValue::from_static("a"));
        assert_eq!(forwarded, "for=\"[2001:db8::1]\";proto=https;host=\"a\"");
        assert_eq!(
            peer.forwarded("https", &HeaderValue::from_static("b")),
            "for=\"[2001:db8::1]\";proto=https;host=\"b\""
        );
    }

    proptest! {
        #[test]
        fn no_header_of_the_family_gets_through(
            names in proptest::collection::vec("[xX][-_.][nN][fF][-_.](id|sign|[a-z_]{1,5})", 1..5),
            value in "[ -~]{0,20}",
        ) {
            let headers: Vec<_> = names.iter().map(|name| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(passed_on(false, &headers), WAY);
        }
    }
}
