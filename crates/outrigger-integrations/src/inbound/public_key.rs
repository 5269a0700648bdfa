//! Public keys: checking with them, and fetching them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::believe::decode;
use super::verifier::{Encoding, KeySource, PublicKeyAlgorithm};
use crate::{Context, Fault};

const KEPT: SignedDuration = SignedDuration::from_hours(1);
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// How many published keys are kept at a time: their addresses come from settings.
const MOST_KEYS: usize = 256;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the signature is of this content and key.
pub(super) fn fits(algorithm: PublicKeyAlgorithm, key: &str, signature: &[u8], content: &[u8]) -> bool {
    let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
        PublicKeyAlgorithm::Ed25519 => &ED25519,
        PublicKeyAlgorithm::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
        PublicKeyAlgorithm::RsaSha512 => &RSA_PKCS1_2048_8192_SHA512,
        PublicKeyAlgorithm::RsaSha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
    };
    key_bytes(key).is_some_and(|key| UnparsedPublicKey::new(algorithm, key).verify(content, signature).is_ok())
}

/// The bytes of a key that is written as PEM, hexadecimal digits or base64.
fn key_bytes(key: &str) -> Option<Vec<u8>> {
    let key = key.trim();
    if key.starts_with("-----BEGIN") {
        let body: String = key.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        return decode(Encoding::Base64, &body);
    }
    decode(Encoding::Hex, key).or_else(|| decode(Encoding::Base64, key))
}

/// The published keys that were fetched.
#[derive(Default)]
pub(crate) struct KeyCache {
    keys: Mutex<HashMap<(Url, Option<&'static str>), Fetched>>,
}

#[derive(Clone)]
struct Fetched {
    key: String,
    at: Timestamp,
}

impl KeyCache {
    /// Whether the signature fits the key, wherever that comes from.
    pub(super) async fn fits(
        &self,
        source: &KeySource,
        algorithm: PublicKeyAlgorithm,
        (signature, content): (&[u8], &[u8]),
        context: &Context,
    ) -> Result<bool, Fault> {
        let (url, pointer) = match source {
            KeySource::Known(key) => return Ok(fits(algorithm, key, signature, content)),
            KeySource::Published { url, pointer } => (url, *pointer),
        };
        let now = context.clock.now();
        let place = (url.clone(), pointer);
        let kept = self.kept(&place).filter(|kept| now.duration_since(kept.at) < KEPT);
        if let Some(kept) = kept {
            if fits(algorithm, &kept.key, signature, content) {
                return Ok(true);
            }
            // A key that was just fetched is not fetched again for everybody who guesses.
            if now.duration_since(kept.at) < PAUSE {
                return Ok(false);
            }
        }
        let key = fetch(url, pointer, context).await?;
        let answer = fits(algorithm, &key, signature, content);
        self.keep(place, Fetched { key, at: now });
        Ok(answer)
    }

    fn kept(&self, place: &(Url, Option<&'static str>)) -> Option<Fetched> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }

    fn keep(&self, place: (Url, Option<&'static str>), fetched: Fetched) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST_KEYS {
            keys.clear();
        }
        keys.insert(place, fetched);
    }
}

async fn fetch(url: &Url, pointer: Option<&str>, context: &Context) -> Result<String, Fault> {
    let request = context.outbound.request(Method::GET, url.clone());
    let reply = tokio::time::timeout(FETCH_TIMEOUT, context.outbound.send(request))
        .await
        .map_err(|_| Fault::new("the public key was not there in time"))??;
    if !reply.status.is_success() {
        return Err(Fault::new(format!("the public key's address answers {}", reply.status.as_u16())));
    }
    let Some(pointer) = pointer else { return Ok(String::from_utf8_lossy(&reply.body).into_owned()) };
    let document: serde_json::Value =
        serde_json::from_slice(&reply.body).map_err(|_| Fault::new("the public key's document is not JSON"))?;
    let key = document.pointer(pointer).and_then(serde_json::Value::as_str);
    key.map(str::to_owned).ok_or_else(|| Fault::new(format!("the public key's document has no text at `{pointer}`")))
}
