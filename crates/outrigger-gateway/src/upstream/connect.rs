//! New connections, to addresses that are allowed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{self, ClientConfig, crypto::aws_lc_rs, pki_types::ServerName};
use tokio_util::either::Either;

use crate::mounted::Endpoint;
use crate::settings::{Destination, Surroundings};

/// Why there is no connection; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("its name cannot be resolved: {0}")]
    Name(String),
    #[error("{0} is an address to which the gateway does not connect")]
    Forbidden(IpAddr),
    #[error("no connection: {0}")]
    Refused(std::io::Error),
    #[error("no TLS: {0}")]
    Tls(std::io::Error),
}

/// A connection, as the HTTP library takes one.
pub(crate) type Io = TokioIo<Either<TcpStream, TlsStream<TcpStream>>>;

pub(crate) struct Connector {
    may_connect: Arc<dyn Fn(Destination, IpAddr) -> bool + Send + Sync>,
    tls: TlsConnector,
}

impl Connector {
    pub(crate) fn new(surroundings: &Surroundings) -> Result<Self, rustls::Error> {
        let config = match &surroundings.tls {
            Some(config) => config.clone(),
            None => Arc::new(system_trust()?),
        };
        Ok(Self { may_connect: surroundings.may_connect.clone(), tls: config.into() })
    }

    pub(crate) async fn connect(&self, endpoint: &Endpoint) -> Result<Io, ConnectError> {
        let stream = self.reach(endpoint).await?;
        // Heads and bodies go out as soon as they are there.
        stream.set_nodelay(true).map_err(ConnectError::Refused)?;
        if !endpoint.https {
            return Ok(TokioIo::new(Either::Left(stream)));
        }
        let name = ServerName::try_from(bare(&endpoint.host).to_owned());
        let name = name.map_err(|fault| ConnectError::Tls(std::io::Error::other(fault)))?;
        let stream = self.tls.connect(name, stream).await.map_err(ConnectError::Tls)?;
        Ok(TokioIo::new(Either::Right(stream)))
    }

    async fn reach(&self, endpoint: &Endpoint) -> Result<TcpStream, ConnectError> {
        let host = bare(&endpoint.host);
        let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![(address, endpoint.port).into()],
            Err(_) => {
                let found = tokio::net::lookup_host((host, endpoint.port)).await;
                found.map_err(|fault| ConnectError::Name(fault.to_string()))?.collect()
            }
        };
        let mut last = ConnectError::Name("it has no address".to_owned());
        for address in addresses {
            if !(self.may_connect)(endpoint.destination, address.ip().to_canonical()) {
                last = ConnectError::Forbidden(address.ip());
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(fault) => last = ConnectError::Refused(fault),
            }
        }
        Err(last)
    }
}

/// An IPv6 address without the brackets that it has in a URL.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn system_trust() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_platform_verifier()?.with_no_client_auth())
}
