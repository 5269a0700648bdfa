//! Signatures that prove who is speaking: JSON Web Signatures with HS256 and a time limit.
//!
//! The key is the secret's UTF-8 text, as in the verifier that the add-ons guide shows (npm's `jsonwebtoken`), whose
//! answers the crate's test vectors are compared with.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

/// How far two honest clocks may be apart.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Why a signature proves nothing. No message repeats the token or a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no secret to verify with, or a blank one; the fault is the verifier's own.
    #[error("no signature can be verified: the list of secrets is empty or holds a blank one")]
    NoSecret,
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the signature is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// Not three base64url parts that hold JSON.
    #[error("the signature is not a JSON Web Signature")]
    Malformed,
    /// Its header names another algorithm than HS256 (such as `none`), or something that must be understood and is not.
    #[error("the signature's header is not acceptable: the algorithm must be HS256, with no critical extensions")]
    Algorithm,
    /// Made with another secret, or changed on its way.
    #[error("the signature was not made with the add-on's secret")]
    WrongSecret,
    /// There is no `exp`, so it would count for ever.
    #[error("the signature has no expiry (exp)")]
    NoExpiry,
    /// Past its `exp`.
    #[error("the signature expired {seconds} s ago; if it is fresh, the clocks differ")]
    Expired {
        /// Whole seconds since `exp`.
        seconds: i64,
    },
    /// Before its `nbf`.
    #[error("the signature counts only in {seconds} s; if it should count now, the clocks differ")]
    NotYetValid {
        /// Whole seconds until `nbf`.
        seconds: i64,
    },
    /// Signed well, but the claims are not the ones that were asked for.
    #[error("the signed claims are not the expected ones: {0}")]
    Claims(String),
}

/// Signs claims with the add-on's secret: compact form, header `{"typ":"JWT","alg":"HS256"}`.
///
/// # Panics
/// When the claims cannot be written as JSON, which a struct of plain fields always can.
///
/// ```
/// use outrigger_addon::signature::{sign, verify, DEFAULT_LEEWAY, SignatureError};
/// use serde_json::{json, Value};
///
/// let now: jiff::Timestamp = "2026-01-02T03:04:05Z".parse()?;
/// let token = sign(&json!({ "exp": now.as_second() + 60 }), "secret");
/// assert!(verify::<Value>(&token, &["new secret", "secret"], now, DEFAULT_LEEWAY).is_ok());
/// assert_eq!(verify::<Value>(&token, &["other"], now, DEFAULT_LEEWAY), Err(SignatureError::WrongSecret));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sign<C: Serialize>(claims: &C, secret: &str) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes()))
        .expect("HMAC takes any key, and plain claims are always JSON")
}

/// Verifies a token with any of the secrets (two while one is being replaced) and gives its claims.
///
/// `exp` must be there, and `now` must be before it (RFC 7519 section 4.1.4); `nbf`, where present, must have come;
/// both with `leeway`. The algorithm is HS256 whatever the token says.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify<C: DeserializeOwned>(
    token: &str,
    secrets: &[&str],
    now: Timestamp,
    leeway: Duration,
) -> Result<C, SignatureError> {
    if secrets.is_empty() || secrets.iter().any(|secret| secret.trim().is_empty()) {
        return Err(SignatureError::NoSecret);
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(SignatureError::TooLong);
    }
    check_header(token)?;
    let claims = signed_claims(token, secrets)?;
    check_times(&claims, now, leeway)?;
    serde_json::from_value(claims).map_err(|error| SignatureError::Claims(error.to_string()))
}

fn check_header(token: &str) -> Result<(), SignatureError> {
    let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        // Readable, but with an algorithm that the library has no name for: `none` among others.
        ErrorKind::Json(json) if json.is_data() => SignatureError::Algorithm,
        _ => SignatureError::Malformed,
    })?;
    // RFC 7515 section 4.1.11: what is marked critical and not understood makes the signature invalid.
    if header.alg != Algorithm::HS256 || header.crit.is_some() {
        return Err(SignatureError::Algorithm);
    }
    Ok(())
}

fn signed_claims(token: &str, secrets: &[&str]) -> Result<Value, SignatureError> {
    let mut rules = Validation::new(Algorithm::HS256);
    // The library would read the system's clock; `check_times` uses the one that was passed in.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    for secret in secrets {
        let key = DecodingKey::from_secret(secret.as_bytes());
        match jsonwebtoken::decode::<Value>(token, &key, &rules) {
            Ok(data) => return Ok(data.claims),
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => {}
            Err(_) => return Err(SignatureError::Malformed),
        }
    }
    Err(SignatureError::WrongSecret)
}

/// Whether claims that were verified in another way than by [`verify`] count now, by the same rules: `exp` must be
/// there and not have passed, `nbf` must have come where it is present, both with `leeway`.
///
/// ```
/// use outrigger_addon::signature::{check_times, SignatureError};
///
/// let now: jiff::Timestamp = "2026-01-02T03:04:05Z".parse()?;
/// let claims = serde_json::json!({ "exp": now.as_second() - 5 });
/// assert_eq!(check_times(&claims, now, std::time::Duration::from_secs(30)), Ok(()));
/// assert_eq!(check_times(&claims, now, std::time::Duration::ZERO), Err(SignatureError::Expired { seconds: 5 }));
/// # Ok::<(), jiff::Error>(())
/// ```
///
/// # Errors
/// [`SignatureError::NoExpiry`], [`SignatureError::Expired`], [`SignatureError::NotYetValid`], or
/// [`SignatureError::Claims`] for a time that is no number.
// RFC 7519 lets a time be a fraction, so times are compared as such.
pub fn check_times(claims: &Value, now: Timestamp, leeway: Duration) -> Result<(), SignatureError> {
    let time = |name: &str| match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_f64()
            .map(Some)
            .ok_or_else(|| SignatureError::Claims(format!("{name} must be a number of seconds"))),
    };
    let (now, leeway) = (now.as_second() as f64, leeway.as_secs_f64());
    let exp = time("exp")?.ok_or(SignatureError::NoExpiry)?;
    if now >= exp + leeway {
        return Err(SignatureError::Expired { seconds: (now - exp) as i64 });
    }
    match time("nbf")? {
        Some(nbf) if nbf > now + leeway => Err(SignatureError::NotYetValid { seconds: (nbf - now) as i64 }),
        _ => Ok(()),
    }
}
