//! Signatures of webhooks after the [Standard Webhooks](https://www.standardwebhooks.com) scheme: made for what we
//! send, checked for what we receive. Values in, values out.
//!
//! ```
//! use outrigger_integrations::webhook_signature::{Signed, WebhookSecret, sign, verify};
//! use std::time::Duration;
//!
//! let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
//! let body = br#"{"type":"order.paid"}"#;
//! let signature = sign(std::slice::from_ref(&secret), "msg_1", 1_767_225_600, body);
//!
//! let signed = Signed { id: "msg_1", timestamp: "1767225600", signature: &signature };
//! verify(&[secret], &signed, body, 1_767_225_630, Duration::from_secs(300))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;

/// The header with the id of the message, the same at each attempt to send it.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the Unix time in seconds at which this attempt was made.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with one or more signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// By how much the scheme lets the clocks of the two sides differ.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

const SECRET_PREFIX: &str = "whsec_";
const VERSION: &str = "v1,";
/// A header with more signatures than any rotation needs is an attempt to keep us busy.
const MOST_SIGNATURES: usize = 16;

/// The secret that both sides of a webhook share. Its text form is `whsec_` and base64. `Debug` does not show it.
pub struct WebhookSecret(SecretBox<[u8]>);

impl WebhookSecret {
    /// The secret of these bytes; the scheme wants 24 to 64 random ones.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(SecretBox::new(bytes.into()))
    }

    /// Its text form, to be shown once and stored sealed.
    pub fn to_text(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(self.0.expose_secret()))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let key = self.0.expose_secret();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

impl Clone for WebhookSecret {
    fn clone(&self) -> Self {
        Self::from_bytes(self.0.expose_secret())
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(***)")
    }
}

/// The text is no secret of a webhook. It is not part of the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is `whsec_` and base64 of at least one byte")]
pub struct InvalidSecret;

impl FromStr for WebhookSecret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(InvalidSecret)?;
        match STANDARD.decode(encoded) {
            Ok(bytes) if !bytes.is_empty() => Ok(Self::from_bytes(&bytes)),
            _ => Err(InvalidSecret),
        }
    }
}

/// The value of [`SIGNATURE_HEADER`]: one signature for each secret, so that a receiver that knows any of them accepts
/// the message. While a secret is being replaced, sign with the new one and the old one.
pub fn sign(secrets: &[WebhookSecret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let signatures = secrets.iter().map(|secret| {
        let code = secret.mac(id, &timestamp, body).finalize().into_bytes();
        format!("{VERSION}{}", STANDARD.encode(code))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

/// What the three headers of a message say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// [`ID_HEADER`].
    pub id: &'a str,
    /// [`TIMESTAMP_HEADER`].
    pub timestamp: &'a str,
    /// [`SIGNATURE_HEADER`].
    pub signature: &'a str,
}

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The timestamp is no number.
    #[error("the webhook's timestamp is not a Unix time in seconds")]
    Timestamp,
    /// The message is older, or newer, than the tolerance allows: it may be one that was heard before.
    #[error("the webhook's timestamp is too far from the present")]
    Stale,
    /// No signature is of any of the secrets.
    #[error("the webhook's signature does not fit")]
    Mismatch,
}

/// Believes a message if one of its signatures is of one of the secrets, and its timestamp no further than `tolerance`
/// from `now` (Unix time in seconds). The comparison takes the same time wherever the first difference is.
///
/// # Errors
/// [`SignatureError`] is for logs; whoever called should learn no more than that it was refused.
pub fn verify(
    secrets: &[WebhookSecret],
    signed: &Signed<'_>,
    body: &[u8],
    now: i64,
    tolerance: Duration,
) -> Result<(), SignatureError> {
    let timestamp: i64 = signed.timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    if timestamp.abs_diff(now) > tolerance.as_secs() {
        return Err(SignatureError::Stale);
    }
    let given: Vec<Vec<u8>> = signed
        .signature
        .split(' ')
        .take(MOST_SIGNATURES)
        .filter_map(|one| STANDARD.decode(one.strip_prefix(VERSION)?).ok())
        .collect();
    let known = secrets.iter().any(|secret| {
        let mac = secret.mac(signed.id, signed.timestamp, body);
        given.iter().any(|code| mac.clone().verify_slice(code).is_ok())
    });
    if known { Ok(()) } else { Err(SignatureError::Mismatch) }
}

#[cfg(test)]
mod tests;
