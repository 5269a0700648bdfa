//! What an operator sets, and what the gateway gets from outside instead of reaching for it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics::Recorder;
use outrigger_addon::signature::DEFAULT_LEEWAY;
use tokio_rustls::rustls::ClientConfig;

/// What an operator may set. [`Settings::default`] is what the add-ons guide describes, with limits that fit most.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the names of the headers begin that prove a request, in lower case and with a hyphen at the end.
    pub header_prefix: String,
    /// How the paths of proxied URLs begin, with a slash at both ends.
    pub path_prefix: String,
    /// What the gateway calls itself in `Via`. All nodes of one installation have the same name: loops are found by it.
    pub name: String,
    /// How often a request may pass through gateways of this name before it is taken for a loop.
    pub max_passes: usize,
    /// For how long a signature counts.
    pub signature_lifetime: Duration,
    /// For how long a signature is used again for other requests to the same instance; zero makes one for each.
    pub signature_reuse: Duration,
    /// How far the clock of whoever makes users' tokens may be from ours: `exp` and `nbf` are read with it.
    pub token_leeway: Duration,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How much of what is taken.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            header_prefix: "x-nf-".to_owned(),
            path_prefix: "/.netlify/".to_owned(),
            name: "outrigger".to_owned(),
            max_passes: 4,
            signature_lifetime: Duration::from_secs(300),
            signature_reuse: Duration::from_secs(30),
            token_leeway: DEFAULT_LEEWAY,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
        }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// For a connection to an upstream, name and TLS included.
    pub connect: Duration,
    /// For the head of an upstream's answer, from the last byte that it took of the request.
    pub first_byte: Duration,
    /// For the next bytes of a body, in either direction; also for those of an upgraded connection.
    pub idle: Duration,
    /// For the whole head of a client's request, from its first byte or the end of the last request.
    pub request_head: Duration,
    /// How long an unused connection to an upstream is kept. Upstreams that name a shorter time are believed.
    pub keep: Duration,
    /// For the key set of whoever makes a site's tokens, from the connection to its last byte.
    pub keys: Duration,
    /// How long running requests may go on after the shutdown began.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            request_head: Duration::from_secs(15),
            keep: Duration::from_secs(55),
            keys: Duration::from_secs(5),
            drain: Duration::from_secs(30),
        }
    }
}

/// As many headers as the HTTP library takes unless told otherwise. Told so, it does much more work for each head.
pub(crate) const HEADERS_OF_LIBRARY: usize = 100;

/// How much of what is taken.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a head, of requests and answers alike.
    pub head_bytes: usize,
    /// Headers in a head.
    pub headers: usize,
    /// Bytes of a request's target.
    pub target_bytes: usize,
    /// Bytes of a request's body.
    pub body_bytes: u64,
    /// Unused connections that are kept to one upstream.
    pub kept_connections: usize,
    /// Connections of clients at a time; more of them wait to be accepted.
    pub connections: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 64 * 1024,
            headers: HEADERS_OF_LIBRARY,
            target_bytes: 16 * 1024,
            body_bytes: 1024 * 1024 * 1024,
            kept_connections: 256,
            connections: 16 * 1024,
            streams: 128,
        }
    }
}

/// What a connection is for. Connections for one are never used for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Destination {
    /// The server of a site, which may well be in a network of the operator's own.
    Origin,
    /// An add-on, whose address its partner chose.
    AddOn,
    /// The keys of users' tokens, whose address whoever keeps the site chose.
    Keys,
}

/// Overwrites all bytes with random ones.
pub type Entropy = dyn Fn(&mut [u8]) + Send + Sync;

/// What the gateway is given because it must not reach for it itself.
#[derive(Clone)]
pub struct Surroundings {
    /// The present, for signatures and tokens.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Overwrites all bytes with random ones.
    pub entropy: Arc<Entropy>,
    /// Whether what is of this kind may have this address. Asked for each connection, after names were resolved.
    pub may_connect: Arc<dyn Fn(Destination, IpAddr) -> bool + Send + Sync>,
    /// Whether this peer is a proxy of ours, whose `X-Forwarded-*` headers are true.
    pub trusted_proxy: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Where requests are counted: `outrigger_gateway_requests_total`, `…_first_byte_seconds`, `…_received_bytes_total`
    /// and `…_sent_bytes_total`, each with the labels `site` (its id), `host` (one of its names) and `addon` (a slug; empty
    /// for what the site itself answers), and `…_faults_total` with `code` and `side`. A [`metrics::NoopRecorder`] counts
    /// nothing.
    pub recorder: Arc<dyn Recorder + Send + Sync>,
    /// How upstreams prove who they are. `None` trusts the certificates that the system trusts.
    pub tls: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}
