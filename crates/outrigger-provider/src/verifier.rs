//! Proof that a request comes from the platform.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, header};
use jiff::Timestamp;
use outrigger_addon::proxied::{self, RequestClaims};
use outrigger_addon::signature::{self, DEFAULT_LEEWAY};
use outrigger_addon::sso::SsoClaims;
use serde::de::DeserializeOwned;

use crate::{ProviderError, ProxiedRequest, Secrets};

/// Verifies what the platform signs. Cheap to clone; as (a part of) the state of an axum router it makes
/// [`ProxiedRequest`] an extractor.
#[derive(Clone)]
pub struct Verifier {
    secrets: Arc<Secrets>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Verifier {
    /// Verifies with these secrets and this clock, such as [`crate::system_clock`].
    pub fn new(secrets: Secrets, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Verifier {
        Verifier { secrets: Arc::new(secrets), clock: Arc::new(clock) }
    }

    /// Verifies a request that the gateway passed on to the endpoint of an instance.
    ///
    /// All that it gives comes from the signature; the headers beside it could be anyone's.
    ///
    /// # Errors
    /// [`ProviderError::Unauthorized`] without `X-NF-SIGN`, with one that does not hold, and with one that names no
    /// instance.
    pub fn verify(&self, headers: &HeaderMap) -> Result<ProxiedRequest, ProviderError> {
        let claims: RequestClaims = self.verify_token(sign_header(headers)?)?;
        ProxiedRequest::from_claims(claims)
    }

    /// Verifies the token of a login link.
    ///
    /// With `audience`, the add-on's slug, a token for another add-on and one for none in particular are refused. To
    /// take each link only once, remember its `jti` until its `exp`.
    ///
    /// # Errors
    /// [`ProviderError::Unauthorized`].
    pub fn verify_sso(&self, token: &str, audience: Option<&str>) -> Result<SsoClaims, ProviderError> {
        let claims: SsoClaims = self.verify_token(token)?;
        if audience.is_some() && claims.aud.as_deref() != audience {
            return Err(ProviderError::unauthorized("the login is for another add-on"));
        }
        Ok(claims)
    }

    /// Verifies a request to the management API. A bearer token has no claims.
    pub(crate) fn verify_management(&self, headers: &HeaderMap) -> Result<Option<RequestClaims>, ProviderError> {
        let accept = self.secrets.accepted();
        if accept.bearer && bearer(headers).is_some_and(|token| self.secrets.contain(token)) {
            return Ok(None);
        }
        if !accept.jws {
            return Err(ProviderError::unauthorized("no Authorization header with the add-on's secret"));
        }
        self.verify_token(sign_header(headers)?).map(Some)
    }

    fn verify_token<C: DeserializeOwned>(&self, token: &str) -> Result<C, ProviderError> {
        signature::verify(token, &self.secrets.exposed(), (self.clock)(), DEFAULT_LEEWAY)
            .map_err(ProviderError::unauthorized)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

fn sign_header(headers: &HeaderMap) -> Result<&str, ProviderError> {
    let value = headers.get(proxied::header::SIGN);
    value
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .ok_or_else(|| ProviderError::unauthorized("the X-Nf-Sign header is missing"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
