//! Calls to partners: the only file that makes them. It signs, sends, and says what an answer means; what to do about
//! it is the jobs' business (failure matrix, rows 1 to 34).

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use outrigger_addon::instances::{CreateRequest, Created, InstanceDetails, ProvisioningState, Refusal, UpdateRequest};
use outrigger_addon::manifest::Manifest;
use outrigger_addon::proxied::{self, RequestClaims};
use outrigger_addon::signature;
use outrigger_db::Clock;
use outrigger_integrations::{Outbound, OutboundError, Reply};
use url::Url;
use uuid::Uuid;

use crate::store::addons::{AddonAuth, FetchedManifest};

/// How long a signed request stays valid.
const SIGNATURE_LIFETIME_SECONDS: i64 = 60;
/// Redirects of a manifest that are followed, all on the add-on's own origin.
const MAX_REDIRECTS: usize = 3;

/// Why a call did not give what it was made for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// We may not go there. Nothing was sent.
    #[error("not allowed to call it: {0}")]
    Blocked(String),
    /// No connection. Nothing was sent.
    #[error("it cannot be reached ({0})")]
    NotReached(String),
    /// The partner may or may not have done what was asked.
    #[error("{reason}")]
    Unclear { reason: String, retry_after: Option<Duration> },
    /// It wants to be asked again later; nothing was done.
    #[error("it is busy")]
    Busy { retry_after: Option<Duration> },
    /// It does not accept our proof of who we are.
    #[error("it refuses our signature with {0}; does it have the add-on's current secret, and is its clock right?")]
    Unauthorized(StatusCode),
    /// It knows no such thing (404), or no longer (410).
    #[error("it answers {0}")]
    Gone(StatusCode),
    /// It will not do this, and did not.
    #[error("{message}")]
    Refused { status: StatusCode, message: String },
    /// It answered with success, but not as the protocol wants it. Something may have been made.
    #[error("{reason}")]
    Malformed { reason: String },
}

/// An answer about an instance.
#[derive(Debug, Clone)]
pub struct InstanceReply {
    pub details: InstanceDetails,
    /// When the partner wants to be asked again, while it is still provisioning.
    pub retry_after: Option<Duration>,
}

/// Where an add-on is and how we prove ourselves there.
#[derive(Clone)]
pub struct Endpoint {
    /// Base of the management API.
    pub url: Url,
    pub auth: AddonAuth,
    pub secret: String,
}

/// What a request is about; goes into its signature.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    pub remote_id: Option<String>,
    pub uuid: Option<Uuid>,
    pub site_url: Option<String>,
}

/// Makes the calls.
#[derive(Clone)]
pub struct ProviderClient {
    outbound: Outbound,
    clock: Arc<dyn Clock>,
}

impl Endpoint {
    fn join(&self, segments: &[&str]) -> Result<Url, CallError> {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut()
            .map_err(|()| CallError::Blocked(format!("{} cannot be a base address", self.url)))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }
}

impl ProviderClient {
    /// `clock` dates the signatures.
    pub fn new(outbound: Outbound, clock: Arc<dyn Clock>) -> Self {
        Self { outbound, clock }
    }

    /// Whether an add-on may be at this address.
    pub fn check_url(&self, url: &Url) -> Result<(), CallError> {
        Ok(self.outbound.check(url)?)
    }

    /// Fetches the manifest; `None` when it is still the one with this entity tag.
    pub async fn fetch_manifest(
        &self,
        endpoint: &Endpoint,
        path: &str,
        etag: Option<&str>,
    ) -> Result<Option<FetchedManifest>, CallError> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let mut url = endpoint.join(&segments)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.signed(endpoint, Method::GET, url.clone(), &Subject::default());
            if let Some(etag) = etag {
                request = request.header(header::IF_NONE_MATCH, etag);
            }
            let reply = self.outbound.send(request).await?;
            match reply.status {
                StatusCode::NOT_MODIFIED => return Ok(None),
                status if status.is_redirection() => url = same_origin_target(&url, &reply.headers)?,
                // The contract's own server says 201 here.
                StatusCode::OK | StatusCode::CREATED => return parse_manifest(&reply).map(Some),
                _ => return Err(fault_of(&reply)),
            }
        }
        Err(CallError::Malformed { reason: "it redirects the manifest in a circle".to_owned() })
    }

    /// Asks for an instance. Sent again with the same uuid it must give the same answer.
    pub async fn create_instance(
        &self,
        endpoint: &Endpoint,
        subject: &Subject,
        body: &CreateRequest,
    ) -> Result<(Created, Option<Duration>), CallError> {
        let request = self
            .signed(endpoint, Method::POST, endpoint.join(&["instances"])?, subject)
            .header("idempotency-key", body.uuid.to_string())
            .json(body);
        let reply = self.outbound.send(request).await?;
        match reply.status {
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED => {
                let mut created = Created::parse(&reply.body).map_err(malformed)?;
                if reply.status == StatusCode::ACCEPTED {
                    created.state = ProvisioningState::Provisioning;
                }
                Ok((created, retry_after(&reply.headers)))
            }
            // To a create these are refusals like any other: there is nothing that could be missing.
            status @ (StatusCode::NOT_FOUND | StatusCode::GONE) => {
                Err(CallError::Refused { status, message: refusal(&reply) })
            }
            status if status.is_success() || status.is_redirection() => {
                Err(CallError::Malformed { reason: format!("it answers {status} where 201 is due") })
            }
            _ => Err(fault_of(&reply)),
        }
    }

    /// Asks how an instance is.
    pub async fn get_instance(&self, endpoint: &Endpoint, subject: &Subject) -> Result<InstanceReply, CallError> {
        let url = endpoint.join(&["instances", remote_id(subject)])?;
        let reply = self.outbound.send(self.signed(endpoint, Method::GET, url, subject)).await?;
        instance_reply(&reply)
    }

    /// Asks for another configuration.
    pub async fn update_instance(
        &self,
        endpoint: &Endpoint,
        subject: &Subject,
        body: &UpdateRequest,
    ) -> Result<InstanceReply, CallError> {
        let url = endpoint.join(&["instances", remote_id(subject)])?;
        let request = self.signed(endpoint, Method::PUT, url, subject).json(body);
        let reply = self.outbound.send(request).await?;
        instance_reply(&reply)
    }

    /// Asks to delete the instance. `Some` says that the partner is still at it.
    pub async fn delete_instance(&self, endpoint: &Endpoint, subject: &Subject) -> Result<Option<Duration>, CallError> {
        let url = endpoint.join(&["instances", remote_id(subject)])?;
        self.delete(endpoint, url, subject).await
    }

    /// Asks to delete whatever a lost create made, for partners that declare `instances_by_uuid`.
    pub async fn delete_instance_by_uuid(
        &self,
        endpoint: &Endpoint,
        subject: &Subject,
        uuid: Uuid,
    ) -> Result<Option<Duration>, CallError> {
        let url = endpoint.join(&["instances", "by-uuid", &uuid.to_string()])?;
        self.delete(endpoint, url, subject).await
    }

    async fn delete(&self, endpoint: &Endpoint, url: Url, subject: &Subject) -> Result<Option<Duration>, CallError> {
        let request = self.signed(endpoint, Method::DELETE, url, subject);
        let reply = self.outbound.send(request).await?;
        match reply.status {
            StatusCode::ACCEPTED => Ok(Some(retry_after(&reply.headers).unwrap_or(Duration::from_secs(2)))),
            // 404 and 410 say that it is gone, which is what was asked for (matrix row 25).
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status if status.is_success() => Ok(None),
            _ => Err(fault_of(&reply)),
        }
    }

    fn signed(&self, endpoint: &Endpoint, method: Method, url: Url, subject: &Subject) -> reqwest::RequestBuilder {
        let mut request = self.outbound.request(method, url).header(header::ACCEPT, "application/json");
        if endpoint.auth != AddonAuth::Bearer {
            let now = self.clock.now().as_second();
            let claims = RequestClaims {
                exp: now + SIGNATURE_LIFETIME_SECONDS,
                iat: Some(now),
                site_url: subject.site_url.clone(),
                id: subject.remote_id.clone(),
                netlify_id: subject.uuid.map(|uuid| uuid.to_string()),
                function_hooks: None,
            };
            request = request.header(proxied::header::SIGN, signature::sign(&claims, &endpoint.secret));
        }
        if endpoint.auth != AddonAuth::Jws {
            request = request.bearer_auth(&endpoint.secret);
        }
        request
    }
}

impl From<OutboundError> for CallError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Blocked(reason) => Self::Blocked(reason),
            OutboundError::NotReached(reason) => Self::NotReached(reason),
            OutboundError::Lost(reason) => Self::Unclear { reason: format!("no answer: {reason}"), retry_after: None },
            OutboundError::TooLarge => Self::Malformed { reason: error.to_string() },
        }
    }
}

/// The jobs only ask about an instance once they know its id.
fn remote_id(subject: &Subject) -> &str {
    subject.remote_id.as_deref().unwrap_or_default()
}

fn malformed(fault: impl std::fmt::Display) -> CallError {
    CallError::Malformed { reason: fault.to_string() }
}

fn parse_manifest(reply: &Reply) -> Result<FetchedManifest, CallError> {
    let manifest = Manifest::parse(&reply.body).map_err(malformed)?;
    let document = String::from_utf8(reply.body.to_vec()).map_err(|_| malformed("the manifest is not UTF-8"))?;
    let etag = reply.headers.get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(FetchedManifest { manifest, document, etag })
}

fn instance_reply(reply: &Reply) -> Result<InstanceReply, CallError> {
    match reply.status {
        StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
            let mut details = InstanceDetails::parse(&reply.body).map_err(malformed)?;
            if reply.status == StatusCode::ACCEPTED {
                details.state = ProvisioningState::Provisioning;
            }
            Ok(InstanceReply { details, retry_after: retry_after(&reply.headers) })
        }
        status if status.is_success() || status.is_redirection() => {
            Err(CallError::Malformed { reason: format!("it answers {status} where 200 is due") })
        }
        _ => Err(fault_of(reply)),
    }
}

/// What an answer that is no success means.
fn fault_of(reply: &Reply) -> CallError {
    let status = reply.status;
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CallError::Unauthorized(status),
        StatusCode::NOT_FOUND | StatusCode::GONE => CallError::Gone(status),
        StatusCode::TOO_MANY_REQUESTS => CallError::Busy { retry_after: retry_after(&reply.headers) },
        StatusCode::UNPROCESSABLE_ENTITY if says_concurrency_error(&reply.body) => {
            CallError::Busy { retry_after: retry_after(&reply.headers) }
        }
        StatusCode::REQUEST_TIMEOUT => {
            CallError::Unclear { reason: format!("it answers {status}"), retry_after: retry_after(&reply.headers) }
        }
        _ if status.is_client_error() => CallError::Refused { status, message: refusal(reply) },
        _ if status.is_server_error() => CallError::Unclear {
            reason: format!("it answers {}", with_text(status, &reply.body)),
            retry_after: retry_after(&reply.headers),
        },
        _ => CallError::Malformed { reason: format!("it answers {status}") },
    }
}

/// The word of the Open Service Broker API for "something is going on with this instance, come again".
fn says_concurrency_error(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|body| body["error"] == "ConcurrencyError")
}

fn refusal(reply: &Reply) -> String {
    with_text(reply.status, &reply.body)
}

fn with_text(status: StatusCode, body: &[u8]) -> String {
    match Refusal::parse(body) {
        Some(refusal) => refusal.message,
        None => status.to_string(),
    }
}

/// Seconds only: a date would need trust in the partner's clock. At most an hour.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}

fn same_origin_target(from: &Url, headers: &HeaderMap) -> Result<Url, CallError> {
    let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let target = from.join(location).map_err(|_| malformed("it redirects to no valid address"))?;
    if target.origin() == from.origin() {
        Ok(target)
    } else {
        Err(malformed(format!(
            "it redirects to another origin ({}), which is not followed",
            target.origin().ascii_serialization()
        )))
    }
}
