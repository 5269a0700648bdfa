//! What the platform and the add-on both know.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The secrets that the platform gave for an add-on when it was registered: one, or two while one is being replaced.
///
/// ```
/// use outrigger_provider::{Accept, Secrets};
///
/// let secrets = Secrets::new("the secret")?.and_previous("the one before")?;
/// assert_eq!(format!("{secrets:?}"), "Secrets(2, Accept { jws: true, bearer: false })");
/// let for_a_simple_platform = secrets.accept(Accept { jws: true, bearer: true });
/// # Ok::<(), outrigger_provider::BlankSecret>(())
/// ```
#[derive(Clone)]
pub struct Secrets {
    known: Vec<SecretString>,
    accept: Accept,
}

/// How the platform may prove, on the management API, that it knows the secret. One of those that are accepted is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept {
    /// `X-Nf-Sign`: a signature that ends soon (add-ons guide).
    pub jws: bool,
    /// `Authorization: Bearer` and the secret itself, as the first platforms did. Only for connections that nobody else
    /// can read.
    pub bearer: bool,
}

impl Default for Accept {
    fn default() -> Self {
        Accept { jws: true, bearer: false }
    }
}

/// A secret without a visible character: it would prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the add-on's secret is blank; set it to the one that the platform gave when the add-on was registered")]
pub struct BlankSecret;

impl Secrets {
    /// The secret that counts now.
    ///
    /// # Errors
    /// [`BlankSecret`].
    pub fn new(current: impl Into<String>) -> Result<Secrets, BlankSecret> {
        Ok(Secrets { known: vec![not_blank(current.into())?], accept: Accept::default() })
    }

    /// Lets a secret that has been replaced count for a while.
    ///
    /// # Errors
    /// [`BlankSecret`].
    pub fn and_previous(mut self, previous: impl Into<String>) -> Result<Secrets, BlankSecret> {
        self.known.push(not_blank(previous.into())?);
        Ok(self)
    }

    /// Sets how the platform may prove itself; at first with `X-Nf-Sign` only.
    pub fn accept(self, accept: Accept) -> Secrets {
        Secrets { accept, ..self }
    }

    pub(crate) fn accepted(&self) -> Accept {
        self.accept
    }

    pub(crate) fn exposed(&self) -> Vec<&str> {
        self.known.iter().map(ExposeSecret::expose_secret).collect()
    }

    /// Compares digests, so that the time it takes says nothing about the secret.
    pub(crate) fn contain(&self, given: &str) -> bool {
        let given = Sha256::digest(given);
        self.known.iter().any(|secret| Sha256::digest(secret.expose_secret()) == given)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.known.len()).field(&self.accept).finish()
    }
}

fn not_blank(secret: String) -> Result<SecretString, BlankSecret> {
    if secret.trim().is_empty() { Err(BlankSecret) } else { Ok(secret.into()) }
}
