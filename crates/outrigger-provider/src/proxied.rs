//! Requests that come through a site's `/.netlify/<slug>/`.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use outrigger_addon::proxied::RequestClaims;
use uuid::Uuid;

use crate::{ProviderError, Verifier};

/// Proof that a request came through the gateway, and for which instance. An extractor where the router's state holds a
/// [`Verifier`]; elsewhere, [`Verifier::verify`].
///
/// ```
/// use axum::{Router, routing::get};
/// use outrigger_provider::{ProxiedRequest, Secrets, Verifier, system_clock};
///
/// async fn greet(request: ProxiedRequest) -> String {
///     format!("hello, instance {}", request.instance_id)
/// }
///
/// let verifier = Verifier::new(Secrets::new("the add-on's secret")?, system_clock);
/// let endpoint: Router = Router::new().route("/", get(greet)).with_state(verifier);
/// # Ok::<(), outrigger_provider::BlankSecret>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ProxiedRequest {
    /// The add-on's own id of the instance.
    pub instance_id: String,
    /// The platform's id of the instance, where it is a UUID.
    pub uuid: Option<Uuid>,
    /// The site that was called.
    pub site_url: Option<String>,
    /// All that was signed.
    pub claims: RequestClaims,
}

impl ProxiedRequest {
    /// The add-on's secret signs the tokens of sites' users as well, with claims of their choice but for `netlify_id`:
    /// one that got into the wrong hands must not pass for the gateway's word about an instance.
    pub(crate) fn from_claims(claims: RequestClaims) -> Result<Self, ProviderError> {
        if claims.netlify_id.as_deref().is_none_or(str::is_empty) {
            return Err(ProviderError::unauthorized("the signature is not that of a request"));
        }
        let instance_id = claims.id.clone().filter(|id| !id.is_empty());
        Ok(ProxiedRequest {
            instance_id: instance_id.ok_or_else(|| ProviderError::unauthorized("the signature names no instance"))?,
            uuid: claims.netlify_id.as_deref().and_then(|id| id.parse().ok()),
            site_url: claims.site_url.clone(),
            claims,
        })
    }
}

impl<S> FromRequestParts<S> for ProxiedRequest
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ProviderError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProviderError> {
        Verifier::from_ref(state).verify(&parts.headers)
    }
}
