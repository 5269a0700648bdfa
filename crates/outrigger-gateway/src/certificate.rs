//! A certificate from files, read again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

/// Why files are no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read, or is no PEM.
    #[error("{} cannot be read as PEM: {fault}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        fault: pem::Error,
    },
    /// The file with the chain has no certificate in it.
    #[error("{} has no certificate in it", .0.display())]
    Empty(PathBuf),
    /// Key and certificate do not belong together, or are of a kind that is not known.
    #[error("certificate and key cannot be used together: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate chain and its key, both PEM, kept in files that somebody may replace.
///
/// ```no_run
/// use outrigger_gateway::CertificateFiles;
///
/// let files = CertificateFiles::read("chain.pem".into(), "key.pem".into())?;
/// let config = files.server_config()?;
/// // Later, every few seconds: connections from then on get the new one.
/// files.read_again_if_changed()?;
/// # let _ = config;
/// # Ok::<(), outrigger_gateway::CertificateError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CertificateFiles(Arc<Files>);

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    seen: Mutex<[Option<Stamp>; 2]>,
    current: Arc<Current>,
}

/// By which a file is known to be another one: when it was written, and its length.
type Stamp = (SystemTime, u64);

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl CertificateFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// [`CertificateError`] names the file that is at fault.
    pub fn read(certificate: PathBuf, key: PathBuf) -> Result<Self, CertificateError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = Mutex::new([stamp(&certificate), stamp(&key)]);
        let current = load(&certificate, &key, &provider)?;
        let current = Arc::new(Current(ArcSwap::from_pointee(current)));
        Ok(Self(Arc::new(Files { certificate, key, provider, seen, current })))
    }

    /// For a listener, with HTTP/2 and HTTP/1.1 to choose from.
    ///
    /// # Errors
    /// [`CertificateError::Unusable`] where the TLS library refuses.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, CertificateError> {
        let builder =
            ServerConfig::builder_with_provider(self.0.provider.clone()).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(self.0.current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Reads both files again if one of them is another than before; true says that the new certificate counts.
    ///
    /// # Errors
    /// [`CertificateError`] says why the old one stays. The files are tried again once they change again, or when they
    /// were in the middle of being written.
    pub fn read_again_if_changed(&self) -> Result<bool, CertificateError> {
        let Files { certificate, key, provider, seen, current } = &*self.0;
        let now = [stamp(certificate), stamp(key)];
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return Ok(false);
        }
        current.0.store(Arc::new(load(certificate, key, provider)?));
        *seen = now;
        Ok(true)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    found.modified().map(|modified| (modified, found.len())).ok()
}

fn load(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        move |fault| CertificateError::File { path, fault }
    };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(of(certificate))?;
    if chain.is_empty() {
        return Err(CertificateError::Empty(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(of(key))?;
    Ok(CertifiedKey::from_der(chain, key, provider)?)
}
