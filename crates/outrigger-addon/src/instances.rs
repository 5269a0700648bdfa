//! Requests and answers of `/instances`.
//!
//! The platform builds requests and parses answers, a provider does the reverse; the types are the same. Configuration,
//! variables and hook URLs may hold secrets, so `Debug` shows their names only.

mod answer;
mod refusal;
mod request;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;
use uuid::Uuid;

use crate::body::{BodyFault, FieldFault};
use crate::env_name::EnvName;

pub use refusal::Refusal;

/// The body of `POST /instances`.
///
/// `uuid` is the key of the whole creation: a platform that got no answer sends the same request again, and a provider
/// answers with the same instance. On the wire it is the guide's shape, with the user's values in it twice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CreateRequest {
    /// The platform's id of the instance.
    pub uuid: Uuid,
    /// The account that owns the site.
    pub account: String,
    /// Everything else.
    pub config: CreateConfig,
}

/// The `config` of a [`CreateRequest`].
#[derive(Clone, PartialEq, Serialize)]
pub struct CreateConfig {
    /// The site's URL.
    pub site_url: String,
    /// The secret that verifies the site's own user tokens.
    pub jwt: JwtSecret,
    /// The user's configuration, checked against the manifest.
    pub config: Map<String, Value>,
    /// The site.
    pub site_id: String,
    /// The add-on's slug.
    pub service_id: String,
    /// The user's configuration again.
    pub service_instance: ServiceInstance,
    /// Where a `POST` makes the site be built anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incoming_hook_url: Option<String>,
    /// Extension: where a provider that answers `provisioning` may `POST` its [`InstanceDetails`] when it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

/// The secret that verifies a site's user tokens.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
pub struct JwtSecret {
    /// The secret itself; empty when the site has none.
    pub secret: String,
}

/// Repeats the user's configuration inside a [`CreateConfig`].
#[derive(Clone, PartialEq, Default, Serialize)]
pub struct ServiceInstance {
    /// The user's configuration.
    pub config: Map<String, Value>,
}

/// The body of `PUT /instances/:id`.
#[derive(Clone, PartialEq, Default, Serialize)]
pub struct UpdateRequest {
    /// The whole new configuration of the user.
    pub config: Map<String, Value>,
}

/// The answer of `POST /instances`: an id, and what [`InstanceDetails`] says.
///
/// ```
/// use outrigger_addon::instances::Created;
///
/// let created = Created { message: Some("Welcome".to_owned()), ..Created::new("n-1") };
/// let wire = serde_json::to_vec(&created)?;
/// assert_eq!(Created::parse(&wire)?, created);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Serialize)]
pub struct Created {
    /// The provider's id of the instance: 1 to 512 characters, no control characters, not `.` or `..`, because it is a
    /// part of paths and headers.
    pub id: String,
    /// Whether the instance is ready.
    pub state: ProvisioningState,
    /// See [`InstanceDetails::endpoint`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Url>,
    /// See [`InstanceDetails::message`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// See [`InstanceDetails::config`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// See [`InstanceDetails::env`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<EnvName, String>>,
    /// See [`InstanceDetails::snippets`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippets: Option<Vec<Snippet>>,
}

/// The answer of `GET` and `PUT /instances/:id`, and the body of a callback. An absent field means "as it was".
#[derive(Clone, PartialEq, Default, Serialize)]
pub struct InstanceDetails {
    /// The service behind `/.netlify/<slug>/` of the site; http or https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Url>,
    /// A word to the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The configuration as the provider keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// Variables for the site's builds and functions: all of them, replacing those of before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<EnvName, String>>,
    /// HTML for the site's pages: all of it, replacing that of before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippets: Option<Vec<Snippet>>,
    /// Extension: whether the instance is ready.
    pub state: ProvisioningState,
}

/// HTML that goes into each page of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// Its name for people; may be empty.
    pub title: String,
    /// Where it goes.
    pub position: SnippetPosition,
    /// The HTML, put in as it is.
    pub html: String,
}

/// Where a snippet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnippetPosition {
    /// Before `</head>`.
    #[default]
    Head,
    /// Before `</body>`.
    Footer,
}

/// Extension: whether an instance is ready. Absent and unknown words mean that it is, as they did before there was a
/// word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProvisioningState {
    /// Ready.
    #[default]
    Active,
    /// Not yet: ask again, or wait for the callback.
    Provisioning,
    /// It will never be.
    Failed,
}

/// A provider's answer that cannot be used; the fault is the provider's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the add-on's answer cannot be used: {0}")]
pub struct AnswerError(#[from] pub BodyFault);

/// A request that a provider cannot use; the fault is the platform's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the request cannot be used: {0}")]
pub struct RequestError(#[from] pub BodyFault);

impl From<FieldFault> for AnswerError {
    fn from(fault: FieldFault) -> Self {
        AnswerError(fault.into())
    }
}

impl From<FieldFault> for RequestError {
    fn from(fault: FieldFault) -> Self {
        RequestError(fault.into())
    }
}

impl Created {
    /// An instance that is ready and yields nothing.
    pub fn new(id: impl Into<String>) -> Created {
        Created::with_details(id, InstanceDetails::default())
    }

    /// An id together with what a later `GET` would answer.
    pub fn with_details(id: impl Into<String>, details: InstanceDetails) -> Created {
        let InstanceDetails { endpoint, message, config, env, snippets, state } = details;
        Created { id: id.into(), state, endpoint, message, config, env, snippets }
    }

    /// All but the id.
    pub fn into_details(self) -> InstanceDetails {
        let Created { id: _, state, endpoint, message, config, env, snippets } = self;
        InstanceDetails { endpoint, message, config, env, snippets, state }
    }
}

/// Shows names where values may be secrets.
struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    fn of(map: &'a Map<String, Value>) -> Self {
        Names(map.keys().map(String::as_str).collect())
    }

    fn of_env(env: &'a BTreeMap<EnvName, String>) -> Self {
        Names(env.keys().map(EnvName::as_str).collect())
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|name| (name, format_args!("…")))).finish()
    }
}

impl fmt::Debug for CreateConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateConfig")
            .field("site_url", &self.site_url)
            .field("jwt", &self.jwt)
            .field("config", &Names::of(&self.config))
            .field("site_id", &self.site_id)
            .field("service_id", &self.service_id)
            .field("service_instance", &self.service_instance)
            .field("incoming_hook_url", &self.incoming_hook_url.as_ref().map(|_| format_args!("…")))
            .field("callback_url", &self.callback_url.as_ref().map(|_| format_args!("…")))
            .finish()
    }
}

impl fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtSecret(…)")
    }
}

impl fmt::Debug for ServiceInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceInstance").field("config", &Names::of(&self.config)).finish()
    }
}

impl fmt::Debug for UpdateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateRequest").field("config", &Names::of(&self.config)).finish()
    }
}

impl fmt::Debug for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = self.clone().into_details();
        f.debug_struct("Created").field("id", &self.id).field("details", &details).finish()
    }
}

impl fmt::Debug for InstanceDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceDetails")
            .field("endpoint", &self.endpoint.as_ref().map(Url::as_str))
            .field("message", &self.message)
            .field("config", &self.config.as_ref().map(Names::of))
            .field("env", &self.env.as_ref().map(Names::of_env))
            .field("snippets", &self.snippets)
            .field("state", &self.state)
            .finish()
    }
}

#[cfg(test)]
mod tests;
