//! How a request proves where it comes from.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::webhook_signature::WebhookSecret;

/// How a request to a configuration proves where it comes from.
///
/// ```
/// use outrigger_integrations::{Digest, Verifier};
///
/// let verifier = Verifier::Hmac {
///     secret: "what the service was told".into(),
///     header: "x-hub-signature-256",
///     digest: Digest::Sha256,
///     prefix: "sha256=",
/// };
/// # let _ = verifier;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verifier {
    /// A header has the HMAC of the body, in hexadecimal digits.
    Hmac {
        /// The shared secret.
        secret: SecretString,
        /// The header.
        header: &'static str,
        /// With which hash.
        digest: Digest,
        /// What stands before the digits, such as `sha256=`.
        prefix: &'static str,
    },
    /// The [Standard Webhooks](crate::webhook_signature) scheme, with its protection against replays: a message that
    /// is too old is refused, and one that was taken before is answered without being handled again.
    StandardWebhooks {
        /// Those secrets of which any is good.
        secrets: Vec<WebhookSecret>,
        /// By how much the clocks may differ.
        tolerance: Duration,
    },
    /// A header has the secret itself. It is compared in constant time.
    SharedSecret {
        /// The shared secret.
        secret: SecretString,
        /// The header.
        header: &'static str,
    },
    /// A header has a signature that a public key checks.
    PublicKey {
        /// Where the key comes from.
        key: KeySource,
        /// Of which kind the signature is.
        algorithm: PublicKeyAlgorithm,
        /// The header with the signature.
        header: &'static str,
        /// How the signature is written.
        encoding: Encoding,
        /// What is signed.
        content: SignedContent,
    },
    /// The request shows the token of an unfinished run of the configuration: as `Authorization: Bearer`, or in this
    /// header.
    RunToken {
        /// The header; `authorization` for a bearer token.
        header: &'static str,
    },
    /// Nothing proves anything: whoever knows the address is believed.
    Unverified,
}

/// The hash of an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Hexadecimal digits.
    Hex,
    /// Base64, with or without padding.
    Base64,
}

/// The kind of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKeyAlgorithm {
    /// Ed25519.
    Ed25519,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
    /// RSA PKCS#1 v1.5 with SHA-1, for services that have nothing better.
    RsaSha1,
}

/// What a public key's signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedContent {
    /// The body.
    Body,
    /// The text of a header with a Unix time in seconds, and then the body. A time too far from the present is refused.
    TimestampAndBody {
        /// The header.
        header: &'static str,
        /// By how much the clocks may differ.
        tolerance: Duration,
    },
    /// A field of a body that is a form.
    FormField(&'static str),
}

/// Where a public key comes from. The key is PEM, or the raw key in hexadecimal digits or base64.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// The settings have it.
    Known(String),
    /// The service publishes it. It is fetched once, kept for an hour, and fetched anew, at most once a minute, when a
    /// signature does not fit.
    Published {
        /// Where.
        url: Url,
        /// Where in the document, if that is JSON (RFC 6901): `/config/public_key`.
        pointer: Option<&'static str>,
    },
}
