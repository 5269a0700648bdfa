//! Conversations over TLS. Which certificates are trusted is for the system to say, so each of these tests runs once
//! more as a process of its own, which is told to trust an authority made for the test.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use outrigger_integrations::{Announcement, CheckState, SendError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::host::{check, send, values};
use crate::server::{Script, Server};

const TRUSTED: &str = "OUTRIGGER_TEST_AUTHORITY";

type Authority = CertifiedIssuer<'static, KeyPair>;

/// The one with this key.
fn authority(key: KeyPair) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "An authority for a test");
    CertifiedIssuer::self_signed(params, key).unwrap()
}

/// With a certificate of this authority for this name.
fn acceptor(authority: &Authority, name: &str) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// In the process of its own: the authority that it trusts. Elsewhere: starts that process, and is done.
fn trusted_authority(test: &str) -> Option<Authority> {
    if let Some(key) = std::env::var_os(TRUSTED) {
        return Some(authority(KeyPair::from_pem(&key.into_string().unwrap()).unwrap()));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    let authority = authority(KeyPair::generate().unwrap());
    std::fs::write(&file, authority.pem()).unwrap();
    run_again(test, &authority, &file);
    None
}

fn run_again(test: &str, authority: &Authority, file: &Path) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SSL_CERT_FILE", file)
        .env_remove("SSL_CERT_DIR")
        .env(TRUSTED, authority.key().serialize_pem())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn signed_in(port: u16, protection: &str, password: &str) -> Value {
    values(port, json!({ "protection": protection, "username": "ada", "password": password }))
}

#[tokio::test]
async fn both_ways_of_protection_and_both_of_signing_in_work() {
    let Some(authority) = trusted_authority("encrypted::both_ways_of_protection_and_both_of_signing_in_work") else {
        return;
    };
    for (protection, wrapped) in [("start_tls", false), ("tls", true)] {
        for mechanisms in ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH XOAUTH2 PLAIN"] {
            let tls = Some(acceptor(&authority, "localhost"));
            let extensions = vec!["STARTTLS", mechanisms];
            let server = Server::start(Script { tls, wrapped, extensions, password: "hunter2", ..Script::default() });
            let server = server.await;
            let settings = signed_in(server.port, protection, "hunter2");
            send(settings.clone(), &Announcement::new("x")).await.unwrap();
            assert_eq!(server.mails().len(), 1);
            assert_eq!(check(settings).await.state(), CheckState::Passed);
            let first = server.lines().iter().position(|line| line.starts_with("AUTH")).unwrap();
            let tls = server.lines().iter().position(|line| line == "STARTTLS");
            assert!(wrapped || tls.unwrap() < first, "{:?}", server.lines());
        }
    }
}

#[tokio::test]
async fn a_password_that_is_refused_breaks_the_configuration() {
    let Some(authority) = trusted_authority("encrypted::a_password_that_is_refused_breaks_the_configuration") else {
        return;
    };
    let tls = Some(acceptor(&authority, "localhost"));
    let extensions = vec!["AUTH PLAIN"];
    let script = Script { tls, wrapped: true, extensions, password: "hunter2", ..Script::default() };
    let server = Server::start(script.clone()).await;
    let refused = send(signed_in(server.port, "tls", "s3cret"), &Announcement::new("x")).await.unwrap_err();
    assert!(matches!(refused, SendError::Broken { .. }), "{refused:?}");
    assert!(refused.to_string().contains("5.7.8") && !refused.to_string().contains("s3cret"), "{refused}");
    let report = check(signed_in(server.port, "tls", "s3cret")).await;
    assert_eq!((report.state(), report.findings()[0].field.as_deref()), (CheckState::Refused, Some("password")));

    let busy = Script { at: Script::saying("AUTH", "454 later").at, ..script.clone() };
    let server = Server::start(busy).await;
    let refused = send(signed_in(server.port, "tls", "hunter2"), &Announcement::new("x")).await.unwrap_err();
    assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
    assert_eq!(check(signed_in(server.port, "tls", "hunter2")).await.state(), CheckState::Unavailable);

    let other = Server::start(Script { extensions: vec!["AUTH GSSAPI"], ..script }).await;
    let report = check(signed_in(other.port, "tls", "hunter2")).await;
    assert_eq!((report.state(), report.findings()[0].field.as_deref()), (CheckState::Refused, Some("password")));
}

#[tokio::test]
async fn a_certificate_of_another_name_is_not_believed() {
    let Some(authority) = trusted_authority("encrypted::a_certificate_of_another_name_is_not_believed") else { return };
    not_believed(acceptor(&authority, "mail.example.com")).await;
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_nobody_trusts_is_not_believed() {
    not_believed(acceptor(&authority(KeyPair::generate().unwrap()), "localhost")).await;
}

async fn not_believed(acceptor: TlsAcceptor) {
    for (protection, wrapped) in [("start_tls", false), ("tls", true)] {
        let tls = Some(acceptor.clone());
        let extensions = vec!["STARTTLS", "AUTH PLAIN"];
        let server = Server::start(Script { tls, wrapped, extensions, ..Script::default() }).await;
        let settings = signed_in(server.port, protection, "hunter2");
        let refused = send(settings.clone(), &Announcement::new("x")).await.unwrap_err();
        assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
        let report = check(settings).await;
        assert_eq!((report.state(), report.findings()[0].field.as_deref()), (CheckState::Refused, Some("protection")));
        let said = server.lines();
        assert!(!said.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{said:?}");
    }
}
