//! Claims and headers of signed requests: those to the management API and those that the gateway passes on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names of the headers (add-ons guide, "Request Headers"), in lower case as HTTP libraries want them.
pub mod header {
    /// The signature over [`super::RequestClaims`]. The only one to trust.
    pub const SIGN: &str = "x-nf-sign";
    /// The platform's id of the instance.
    pub const UUID: &str = "x-nf-uuid";
    /// The provider's id of the instance.
    pub const ID: &str = "x-nf-id";
    /// The URL of the site.
    pub const SITE_URL: &str = "x-nf-site-url";
}

/// What the platform signs with the add-on's secret and sends as [`header::SIGN`] (add-ons guide, "Verification with
/// JWS"). Sign and verify it with [`crate::signature`].
///
/// A request about no instance yet, such as one for the manifest, carries `exp` alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestClaims {
    /// When the signature stops counting, in seconds since 1970.
    pub exp: i64,
    /// When it was made, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// The site's URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_url: Option<String>,
    /// The provider's id of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The platform's id of the instance: the `uuid` of its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netlify_id: Option<String>,
    /// Functions of the site that an identity service calls on its events; anything else leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_hooks: Option<Value>,
}

impl RequestClaims {
    /// Claims that say nothing but when they end, in seconds since 1970.
    pub fn expiring(exp: i64) -> RequestClaims {
        RequestClaims { exp, iat: None, site_url: None, id: None, netlify_id: None, function_hooks: None }
    }
}
