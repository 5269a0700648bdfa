//! From settings to a server that has introduced itself, protected as the settings want it.
//!
//! The connection is made here and not by the library, to an address that was checked: the library would resolve the
//! name anew, and could be led elsewhere. TLS still asks for a certificate of the name.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use outrigger_integrations::{EmailAddress, Host, Outbound, OutboundError};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig};

use crate::failure::{Failure, words};
use crate::{EmailSettings, Protection};

/// The most that a server may say in a conversation. Those of honest servers have a few KiB.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// In how many lines. With each line of an answer the library reads the answer from its beginning again.
const MAX_ANSWER_LINES: usize = 1000;

pub(super) async fn open<H: Host>(
    settings: &EmailSettings<H>,
    outbound: &Outbound,
) -> Result<AsyncSmtpConnection, Failure> {
    let addresses = outbound.resolve(&settings.host, settings.port).await.map_err(Failure::Outbound)?;
    let not_reached = |error: io::Error| Failure::Outbound(OutboundError::NotReached(error.to_string()));
    let tcp = TcpStream::connect(&*addresses).await.map_err(not_reached)?;
    let peer = tcp.peer_addr().map_err(not_reached)?;
    let stream: Box<dyn Stream> = match settings.protection {
        Protection::Tls => Box::new(encrypted(tcp, &settings.host).await?),
        Protection::StartTls | Protection::None => Box::new(tcp),
    };
    let bounded = Box::new(Bounded { stream, peer, bytes_left: MAX_ANSWER_BYTES, lines_left: MAX_ANSWER_LINES });
    let we = introduction(&settings.from);
    let mut server = AsyncSmtpConnection::connect_with_transport(bounded, &we).await.map_err(Failure::Greeting)?;
    if settings.protection == Protection::StartTls {
        start_tls(&mut server, settings, &we).await?;
    }
    Ok(server)
}

async fn start_tls<H: Host>(
    server: &mut AsyncSmtpConnection,
    settings: &EmailSettings<H>,
    we: &ClientId,
) -> Result<(), Failure> {
    if !server.can_starttls() {
        return Err(Failure::Protection("it does not offer STARTTLS".to_owned()));
    }
    let parameters = TlsParameters::new_rustls(settings.host.clone());
    let parameters = parameters.map_err(|error| Failure::Protection(words(&error)))?;
    server.starttls(parameters, we).await.map_err(|error| Failure::Protection(words(&error)))
}

async fn encrypted(tcp: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Protection(error.to_string());
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
    let connector = TlsConnector::from(Arc::new(tls_config().map_err(|error| failed(&error))?));
    connector.connect(name, tcp).await.map_err(|error| failed(&error))
}

fn tls_config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_platform_verifier()?.with_no_client_auth())
}

/// Servers want the name of a host that sends mail: that of the sender's domain is known to do so.
fn introduction(from: &EmailAddress) -> ClientId {
    crate::compose::ascii_domain(from).map_or_else(ClientId::default, |domain| ClientId::Domain(domain.to_owned()))
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> Stream for S {}

/// A stream that ends with an error when the server says too much: the library would collect a line without end.
#[derive(Debug)]
struct Bounded {
    stream: Box<dyn Stream>,
    peer: SocketAddr,
    bytes_left: usize,
    lines_left: usize,
}

impl Bounded {
    /// Whether what the server has said now is still within the bounds.
    fn takes(&mut self, said: &[u8]) -> bool {
        let lines = said.iter().filter(|byte| **byte == b'\n').count();
        let left = self.bytes_left.checked_sub(said.len()).zip(self.lines_left.checked_sub(lines));
        (self.bytes_left, self.lines_left) = left.unwrap_or_default();
        left.is_some()
    }
}

impl AsyncRead for Bounded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.takes(&buf.filled()[before..]) {
            return read;
        }
        Poll::Ready(Err(io::Error::other("it says more than a mail server has to say")))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Bounded {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
