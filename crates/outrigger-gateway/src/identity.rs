//! Who the user is that a request comes from, told to an add-on so that it can believe it: the token that the site's
//! identity service made is verified, and what it says is signed again with the add-on's own secret.
//!
//! An add-on never sees the token itself, as it would be good for the site and for its other add-ons. What it gets is
//! `Authorization: Bearer`, with the same claims and the same `exp`, or no token; and in any case a word
//! (`X-NF-User`) about what became of the user's:
//!
//! - `none`: there was none.
//! - `valid`: the one in `Authorization` is made from it.
//! - `invalid`: there was one that proves nothing, or that is ambiguous; it was left out.
//! - `unavailable`: there was one that cannot be verified as nobody has the keys; it was left out.

mod cache;
mod fetch;
mod found;
mod keys;
mod token;

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderValue, header};
use outrigger_addon::signature::verify;
use serde_json::Value;
use url::Url;

pub(crate) use cache::KeySets;
use cache::{KeyCache, Lookup};
use found::{Found, take};
use token::{Expected, Wanted};

use crate::mounted::{Endpoint, Proof};
use crate::server::Shared;
use crate::settings::Destination;
use crate::site::Identity;

/// Who makes the tokens of a site's users, ready to be asked.
pub(crate) enum Issuer {
    Secret(Box<str>),
    Jwks { url: Url, expected: Expected, cache: OnceLock<Arc<KeyCache>> },
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").finish_non_exhaustive()
    }
}

/// Why there is no user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    Invalid,
    Unavailable,
}

impl Issuer {
    pub(crate) fn new(identity: &Identity) -> Result<Self, String> {
        Ok(match identity {
            Identity::Secret(secret) => Issuer::Secret(secret.as_str().into()),
            Identity::Jwks { url, issuer, audience } => {
                Endpoint::new(url, Destination::Keys)?;
                let expected = Expected { issuer: issuer.clone(), audience: audience.clone() };
                Issuer::Jwks { url: url.clone(), expected, cache: OnceLock::new() }
            }
        })
    }

    /// What a token says, if it is the issuer's.
    async fn claims(&self, token: &str, shared: &Arc<Shared>) -> Result<Value, Refused> {
        let (now, leeway) = ((shared.surroundings.clock)(), shared.settings.token_leeway);
        let claims = match self {
            Issuer::Secret(secret) => verify(token, &[secret], now, leeway).map_err(|_| Refused::Invalid)?,
            Issuer::Jwks { url, expected, cache } => {
                let wanted = Wanted::of(token).ok_or(Refused::Invalid)?;
                let cache = cache.get_or_init(|| shared.key_sets.of(url));
                match cache.key_for(&wanted, shared).await {
                    Lookup::Key(key) => key.verify(token, expected, now, leeway).ok_or(Refused::Invalid)?,
                    Lookup::NoSuchKey => return Err(Refused::Invalid),
                    Lookup::NoKeys => return Err(Refused::Unavailable),
                }
            }
        };
        Some(claims).filter(token::is_of_a_user).ok_or(Refused::Invalid)
    }
}

/// Puts the user's token for the add-on in place of that for the site.
pub(crate) async fn introduce(headers: &mut HeaderMap, issuer: Option<&Issuer>, proof: &Proof, shared: &Arc<Shared>) {
    let word = match take(headers) {
        Found::Nothing => "none",
        Found::Ambiguous => "invalid",
        Found::Token(token) => {
            let claims = match issuer {
                Some(issuer) => Box::pin(issuer.claims(&token, shared)).await,
                None => Err(Refused::Invalid),
            };
            match claims.map(|claims| bearer(proof, &claims)) {
                Ok(bearer) => {
                    headers.insert(header::AUTHORIZATION, bearer);
                    "valid"
                }
                Err(Refused::Invalid) => "invalid",
                Err(Refused::Unavailable) => "unavailable",
            }
        }
    };
    headers.insert(&shared.proof_names.user, HeaderValue::from_static(word));
}

fn bearer(proof: &Proof, claims: &Value) -> HeaderValue {
    // A compact JWS is base64url and dots: always a header's value.
    let mut value = HeaderValue::try_from(format!("Bearer {}", proof.vouch(claims)))
        .unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}
