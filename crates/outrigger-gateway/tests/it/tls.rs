//! HTTPS, on both sides.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use outrigger_gateway::{CertificateFiles, Gateway, Listeners};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::world::{Client, HOST, World, echo, fault, header, settings, site, surroundings};

/// A server's configuration for a name, and that of clients which trust it.
fn certified(name: &str) -> (ServerConfig, ClientConfig) {
    let signed = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(signed.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (server, client.with_root_certificates(roots).with_no_client_auth())
}

#[tokio::test]
async fn clients_come_through_tls_with_either_version_of_http() {
    let (mut server, client) = certified(HOST);
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = Gateway::new(settings(), surroundings()).unwrap();
    gateway.table().put(site(Some(echo().await), None)).unwrap();
    let tls = vec![(listener, Arc::new(server))];
    let _running = gateway.serve(Listeners { tls, threads: 1, ..Listeners::default() }).unwrap();
    for (protocol, via) in [("h2", "2 outrigger"), ("http/1.1", "1.1 outrigger")] {
        let mut client = client.clone();
        client.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let stream = TokioIo::new(TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap());
        let request =
            http::Request::get(format!("https://{HOST}/a")).header("host", HOST).body(Empty::<Bytes>::new()).unwrap();
        let answer = if protocol == "h2" {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let echoed = answer.into_body().collect().await.unwrap().to_bytes();
        let echoed: serde_json::Value = serde_json::from_slice(&echoed).unwrap();
        assert_eq!(header(&echoed, "x-forwarded-proto"), ["https"]);
        assert_eq!(header(&echoed, "via"), [via]);
    }
}

/// An upstream behind TLS, for a name.
async fn secure_upstream(name: &str) -> (std::net::SocketAddr, ClientConfig) {
    let (server, client) = certified(name);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                let _ = stream.read(&mut [0; 8192]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    });
    (address, client)
}

#[tokio::test]
async fn upstreams_prove_who_they_are() {
    for (name, trusted) in [("localhost", true), ("elsewhere.example", false)] {
        let (address, client) = secure_upstream(name).await;
        let mut surroundings = surroundings();
        surroundings.tls = Some(Arc::new(client));
        let mut shop = site(None, None);
        shop.mounts[0].endpoint = Some(format!("https://localhost:{}/", address.port()).parse().unwrap());
        let world = World::with(settings(), surroundings, shop);
        let answer = world.get("/.netlify/tally").await;
        if trusted {
            assert!(answer.ends_with("ok"), "{answer}");
        } else {
            assert_eq!(fault(&answer), (502, "unreachable".to_owned(), "upstream".to_owned()));
        }
    }
}

/// A new certificate for `HOST`, written over the old one, and clients that trust only it.
fn renew(folder: &std::path::Path) -> ClientConfig {
    let signed = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    std::fs::write(folder.join("chain.pem"), signed.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signed.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(signed.cert.der().clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    client.with_root_certificates(roots).with_no_client_auth()
}

#[tokio::test]
async fn a_certificate_that_was_replaced_counts_from_the_next_connection_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = renew(folder.path());
    let files = [folder.path().join("chain.pem"), folder.path().join("key.pem")];
    let certificate = CertificateFiles::read(files[0].clone(), files[1].clone()).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = Gateway::new(settings(), surroundings()).unwrap();
    let tls = vec![(listener, certificate.server_config().unwrap())];
    let _running = gateway.serve(Listeners { tls, threads: 1, ..Listeners::default() }).unwrap();
    let trusts = async |client: &ClientConfig| {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        TlsConnector::from(Arc::new(client.clone())).connect(name, stream).await.is_ok()
    };
    assert!(trusts(&first).await);
    assert!(!certificate.read_again_if_changed().unwrap());
    // Half a renewal is none: the old one stays until both files fit.
    let old_key = std::fs::read(&files[1]).unwrap();
    let second = renew(folder.path());
    let new_key = std::fs::read(&files[1]).unwrap();
    std::fs::write(&files[1], old_key).unwrap();
    let fault = certificate.read_again_if_changed().unwrap_err().to_string();
    assert!(fault.contains("cannot be used together"), "{fault}");
    assert!(trusts(&first).await && !trusts(&second).await);
    std::fs::write(&files[1], new_key).unwrap();
    assert!(certificate.read_again_if_changed().unwrap());
    assert!(trusts(&second).await && !trusts(&first).await);
}

#[test]
fn files_that_are_no_certificate_are_named() {
    let folder = tempfile::tempdir().unwrap();
    renew(folder.path());
    let path = |name: &str| folder.path().join(name);
    let fault = |chain: &str, key: &str| CertificateFiles::read(path(chain), path(key)).unwrap_err().to_string();
    assert!(fault("none.pem", "key.pem").contains("none.pem"));
    assert!(fault("key.pem", "key.pem").contains("has no certificate"));
    assert!(fault("chain.pem", "chain.pem").contains("chain.pem"));
}

#[tokio::test]
async fn a_client_that_speaks_no_tls_is_let_go() {
    let (server, _) = certified(HOST);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = Gateway::new(settings(), surroundings()).unwrap();
    let tls = vec![(listener, Arc::new(server))];
    let _running = gateway.serve(Listeners { tls, threads: 1, ..Listeners::default() }).unwrap();
    let mut client = Client(TcpStream::connect(address).await.unwrap());
    client.send("GET / HTTP/1.1\r\n\r\n").await;
    let mut rest = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut client.0, &mut rest).await;
    assert!(!rest.starts_with(b"HTTP"));
}
