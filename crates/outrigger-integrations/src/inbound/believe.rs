//! Whether a request is believed: everything that needs no network and no database.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use sha2::{Sha256, Sha512};

use super::verifier::{Digest, Encoding, SignedContent};
use super::{InboundRequest, Verifier};
use crate::webhook_signature::{ID_HEADER, SIGNATURE_HEADER, Signed, TIMESTAMP_HEADER, verify};

/// What a request has proved.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It is believed. A message with an id is taken once.
    Believed { message_id: Option<String> },
    /// It showed this token; whether there is such a run is for the store to say.
    Token(String),
    /// It has this signature over this content; whether they fit is for the public key to say.
    Signature { signature: Vec<u8>, content: Vec<u8> },
    /// It is not believed.
    Refused,
}

const BELIEVED: Proof = Proof::Believed { message_id: None };

/// `now` is a Unix time in seconds.
pub(crate) fn prove(verifier: &Verifier, request: &InboundRequest, now: i64) -> Proof {
    let proved = match verifier {
        Verifier::Hmac { secret, header, digest, prefix } => {
            let code = request.header(header).and_then(|value| from_hex(value.strip_prefix(prefix)?));
            let key = secret.expose_secret().as_bytes();
            code.filter(|code| !key.is_empty() && fits(*digest, key, &request.body, code)).map(|_| BELIEVED)
        }
        Verifier::StandardWebhooks { secrets, tolerance } => standard(request).and_then(|signed| {
            verify(secrets, &signed, &request.body, now, *tolerance).ok()?;
            Some(Proof::Believed { message_id: Some(signed.id.to_owned()) })
        }),
        Verifier::SharedSecret { secret, header } => {
            let (known, given) = (secret.expose_secret(), request.header(header));
            given.filter(|given| !known.is_empty() && equal(known.as_bytes(), given.as_bytes())).map(|_| BELIEVED)
        }
        Verifier::PublicKey { header, encoding, content, .. } => {
            let signature = request.header(header).and_then(|text| decode(*encoding, text));
            signature
                .zip(signed_content(*content, request, now))
                .map(|(signature, content)| Proof::Signature { signature, content })
        }
        Verifier::RunToken { header } => bearer(request, header).map(|token| Proof::Token(token.to_owned())),
        Verifier::Unverified => Some(BELIEVED),
    };
    proved.unwrap_or(Proof::Refused)
}

fn fits(digest: Digest, key: &[u8], body: &[u8], code: &[u8]) -> bool {
    // HMAC takes keys of every length, and compares in constant time.
    match digest {
        Digest::Sha256 => {
            Hmac::<Sha256>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(body).verify_slice(code).is_ok())
        }
        Digest::Sha512 => {
            Hmac::<Sha512>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(body).verify_slice(code).is_ok())
        }
    }
}

/// Whether two secrets are the same, in a time that says nothing about where they differ: the codes of both under a
/// key that nobody knows are compared, not they themselves.
fn equal(known: &[u8], given: &[u8]) -> bool {
    let of = |text: &[u8]| Hmac::<Sha256>::new_from_slice(known).map(|mac| mac.chain_update(text));
    match (of(known), of(given)) {
        (Ok(known), Ok(given)) => given.verify(&known.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

fn standard(request: &InboundRequest) -> Option<Signed<'_>> {
    Some(Signed {
        id: request.header(ID_HEADER).filter(|id| !id.is_empty() && id.len() <= 256)?,
        timestamp: request.header(TIMESTAMP_HEADER)?,
        signature: request.header(SIGNATURE_HEADER)?,
    })
}

fn bearer<'a>(request: &'a InboundRequest, header: &str) -> Option<&'a str> {
    let value = request.header(header)?;
    if header.eq_ignore_ascii_case(AUTHORIZATION.as_str()) {
        let (scheme, token) = value.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim());
    }
    Some(value)
}

fn signed_content(content: SignedContent, request: &InboundRequest, now: i64) -> Option<Vec<u8>> {
    match content {
        SignedContent::Body => Some(request.body.to_vec()),
        SignedContent::TimestampAndBody { header, tolerance } => {
            let timestamp = request.header(header)?;
            is_near(timestamp, now, tolerance).then(|| [timestamp.as_bytes(), &request.body].concat())
        }
        SignedContent::FormField(name) => url::form_urlencoded::parse(&request.body)
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.into_owned().into_bytes()),
    }
}

fn is_near(timestamp: &str, now: i64, tolerance: Duration) -> bool {
    timestamp.parse::<i64>().is_ok_and(|timestamp| timestamp.abs_diff(now) <= tolerance.as_secs())
}

pub(super) fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => from_hex(text),
        Encoding::Base64 => {
            let padded =
                format!("{0:=<1$}", text.trim_end_matches('='), text.trim_end_matches('=').len().div_ceil(4) * 4);
            STANDARD.decode(padded).ok()
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16)).map(|d| d?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
