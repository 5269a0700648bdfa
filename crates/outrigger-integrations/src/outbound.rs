//! The one way out: a client with time and size limits that follows no redirect and, unless the operator allows it,
//! refuses private addresses. Addresses are checked when a connection is made, so a name that resolves to something
//! else a moment later gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The most of an answer that is read.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why a request to somebody else failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// It was not allowed to go there.
    #[error("{0}")]
    Blocked(String),
    /// Nothing was sent: no connection.
    #[error("cannot connect: {0}")]
    NotReached(String),
    /// It was sent, or may have been, and no whole answer came back.
    #[error("no answer: {0}")]
    Lost(String),
    /// The answer went on beyond the limit.
    #[error("the answer is larger than {} KiB", MAX_ANSWER_BYTES / 1024)]
    TooLarge,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`MAX_ANSWER_BYTES`] of it.
    pub body: Bytes,
}

/// The guarded client.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: reqwest::Client,
    reach: Reach,
    timeout: Duration,
}

/// Which addresses may be called.
#[derive(Clone)]
enum Reach {
    Public,
    PublicAnd(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>),
    All,
}

impl Reach {
    fn has(&self, address: IpAddr) -> bool {
        match self {
            Reach::Public => is_public(address),
            Reach::PublicAnd(others) => is_public(address) || others(address),
            Reach::All => true,
        }
    }
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reach::Public => "Public",
            Reach::PublicAnd(_) => "PublicAnd(..)",
            Reach::All => "All",
        })
    }
}

impl Outbound {
    /// A client for a whole process. `timeout` bounds a whole exchange; `allow_private` lets it call this machine and
    /// private networks, also without TLS.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(allow_private: bool, timeout: Duration) -> Result<Self, OutboundError> {
        Self::reaching(if allow_private { Reach::All } else { Reach::Public }, timeout)
    }

    /// A client that may call these addresses too, also without TLS.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn and_to(&self, addresses: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Result<Self, OutboundError> {
        match &self.reach {
            Reach::All => Ok(self.clone()),
            narrower => {
                let narrower = narrower.clone();
                let reach = Reach::PublicAnd(Arc::new(move |address| narrower.has(address) || addresses(address)));
                Self::reaching(reach, self.timeout)
            }
        }
    }

    fn reaching(reach: Reach, timeout: Duration) -> Result<Self, OutboundError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("outrigger/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            .dns_resolver(Arc::new(GuardedResolver { reach: reach.clone() }))
            .build()
            .map_err(|error| OutboundError::Blocked(describe(&error)))?;
        Ok(Self { client, reach, timeout })
    }

    /// How long a whole exchange may take. It bounds those over HTTP; whoever speaks another protocol keeps to it.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether requests may go to this URL, as far as can be told without resolving its name.
    ///
    /// # Errors
    /// [`OutboundError::Blocked`] says why not.
    pub fn check(&self, url: &Url) -> Result<(), OutboundError> {
        match url.scheme() {
            "https" => {}
            "http" if !matches!(self.reach, Reach::Public) => {}
            "http" => return Err(OutboundError::Blocked("its address is not https".to_owned())),
            other => return Err(OutboundError::Blocked(format!("{other}:// is no web address"))),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Blocked("a URL with a user name or password in it is not accepted".to_owned()));
        }
        // Clients skip the resolver for literal addresses, so those are checked here.
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(OutboundError::Blocked("its address names no host".to_owned())),
        };
        match literal {
            Some(address) if !self.reach.has(address) => Err(blocked(address)),
            _ => Ok(()),
        }
    }

    /// Whether connections may go to this address, for those who connect on their own.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.reach.has(address)
    }

    /// A request to be sent with [`Outbound::send`].
    pub fn request(&self, method: http::Method, url: Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends and reads the whole answer.
    ///
    /// # Errors
    /// [`OutboundError`] says whether anything may have been sent.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Reply, OutboundError> {
        let request = request.build().map_err(|error| OutboundError::Blocked(describe(&error)))?;
        self.check(request.url())?;
        let mut response = self.client.execute(request).await.map_err(|error| classify(&error))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| OutboundError::Lost(describe(&error)))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status: response.status(), headers: response.headers().clone(), body: body.freeze() })
    }

    /// The addresses of a host that may be called with another protocol than HTTP. Connect to them, not to the name,
    /// which could lead elsewhere a moment later.
    ///
    /// # Errors
    /// [`OutboundError::Blocked`] when all are private and those are not allowed, [`OutboundError::NotReached`] when
    /// the name does not resolve.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
        let unknown = |reason: String| OutboundError::NotReached(format!("`{host}` cannot be resolved: {reason}"));
        let found = tokio::net::lookup_host((host, port)).await.map_err(|error| unknown(error.to_string()))?;
        let (allowed, private): (Vec<_>, Vec<_>) = found.partition(|found| self.reach.has(found.ip()));
        match private.first() {
            Some(private) if allowed.is_empty() => Err(blocked(private.ip())),
            None if allowed.is_empty() => Err(unknown("it has no address".to_owned())),
            _ => Ok(allowed),
        }
    }
}

fn blocked(address: IpAddr) -> OutboundError {
    OutboundError::Blocked(format!(
        "{address} is a private address; the operator can allow those with allow_private_addresses"
    ))
}

fn classify(error: &reqwest::Error) -> OutboundError {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<OutboundError>() {
            return refused.clone();
        }
        source = cause.source();
    }
    if error.is_connect() { OutboundError::NotReached(describe(error)) } else { OutboundError::Lost(describe(error)) }
}

/// The innermost cause says most; the URL is left out, since it may hold an id that is a secret.
fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    if innermost.is::<reqwest::Error>() { "the request failed".to_owned() } else { innermost.to_string() }
}

#[derive(Debug)]
struct GuardedResolver {
    reach: Reach,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> = found.iter().copied().filter(|found| reach.has(found.ip())).collect();
            match (allowed.is_empty(), found.first()) {
                (true, Some(private)) => Err(blocked(private.ip()).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address belongs to somebody on the public internet (RFC 6890 and its updates).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Addresses that carry an IPv4 address lead where that one leads.
    let embedded = match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some((high, low))
        }
        _ => None,
    };
    if let Some((high, low)) = embedded {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // 2000::/3 is all that is handed out; 2001:db8::/32 in it is for documentation.
    segments[0] & 0xe000 == 0x2000 && !(segments[0] == 0x2001 && segments[1] == 0x0db8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, public: bool) {
        assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
    }

    #[test]
    fn private_addresses_are_told_from_public_ones_in_every_disguise() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
            "::127.0.0.1",
        ] {
            check(private, false);
        }
        for public in ["1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"] {
            check(public, true);
        }
    }

    #[test]
    fn urls_are_refused_before_anything_is_resolved() {
        let strict = Outbound::new(false, Duration::from_secs(1)).unwrap();
        for refused in [
            "http://example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://u:p@example.com/",
            "ftp://example.com/",
            "https://0x7f.1/",
        ] {
            assert!(strict.check(&refused.parse().unwrap()).is_err(), "{refused}");
        }
        strict.check(&"https://example.com/".parse().unwrap()).unwrap();
        let open = Outbound::new(true, Duration::from_secs(1)).unwrap();
        open.check(&"http://127.0.0.1:9/".parse().unwrap()).unwrap();
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_refused() {
        let strict = Outbound::new(false, Duration::from_secs(5)).unwrap();
        let refused = strict.send(strict.request(http::Method::GET, "https://localhost:9/".parse().unwrap())).await;
        assert!(matches!(refused, Err(OutboundError::Blocked(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn what_may_be_called_too_is_called_and_nothing_else() {
        let this_machine: IpAddr = "127.0.0.1".parse().unwrap();
        let wider = Outbound::new(false, Duration::from_secs(5)).unwrap().and_to(move |to| to == this_machine).unwrap();
        for reached in ["http://127.0.0.1:9/", "http://localhost:9/"] {
            let answer = wider.send(wider.request(http::Method::GET, reached.parse().unwrap())).await;
            assert!(matches!(answer, Err(OutboundError::NotReached(_))), "{reached}: {answer:?}");
        }
        let refused = wider.send(wider.request(http::Method::GET, "http://10.0.0.1/".parse().unwrap())).await;
        assert!(matches!(refused, Err(OutboundError::Blocked(_))), "{refused:?}");
        assert!(wider.allows(this_machine) && !wider.allows("127.0.0.2".parse().unwrap()));
    }

    #[tokio::test]
    async fn addresses_for_other_protocols_are_checked_too() {
        let strict = Outbound::new(false, Duration::from_secs(5)).unwrap();
        for private in ["localhost", "127.0.0.1", "::1", "10.0.0.1"] {
            let refused = strict.resolve(private, 25).await;
            assert!(matches!(refused, Err(OutboundError::Blocked(_))), "{private}: {refused:?}");
        }
        let public: SocketAddr = "1.1.1.1:25".parse().unwrap();
        assert_eq!(strict.resolve("1.1.1.1", 25).await, Ok(vec![public]));
        let open = Outbound::new(true, Duration::from_secs(5)).unwrap();
        assert!(!open.resolve("localhost", 25).await.unwrap().is_empty());
        let unknown = open.resolve("nowhere.invalid", 25).await;
        assert!(matches!(unknown, Err(OutboundError::NotReached(_))), "{unknown:?}");
    }

    #[tokio::test]
    async fn a_closed_port_is_told_from_a_lost_answer() {
        let open = Outbound::new(true, Duration::from_secs(5)).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let hang_up = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
        let lost = open.send(open.request(http::Method::GET, url.clone())).await.unwrap_err();
        assert!(matches!(lost, OutboundError::Lost(_)), "{lost:?}");
        hang_up.await.unwrap();
        let refused = open.send(open.request(http::Method::GET, url)).await.unwrap_err();
        assert!(matches!(refused, OutboundError::NotReached(_)), "{refused:?}");
    }
}
