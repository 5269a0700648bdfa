//! One request: who sent it, where to, and what they may do.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, OriginalUri, RawPathParams};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use url::form_urlencoded;

use super::policy::{Action, Decision, PathParams, Policy, Subject};
use super::problem::Problem;
use super::say::Say;
use super::view::When;
use super::{Inner, Language, Urls};
use crate::{Actor, ConfigId, DeliveryId, Host, IntegrationId, Scope};

/// What a handler answers.
pub(super) type Answer = Result<Response, Problem>;

/// A request whose sender and scope are known.
pub(super) struct Request<H: Host, P: Policy> {
    pub(super) pages: Arc<Inner<H, P>>,
    pub(super) parts: Parts,
    pub(super) principal: P::Principal,
    pub(super) scope: Scope,
    pub(super) place: Place,
}

/// Where an answer goes, whoever asked: enough to say what went wrong.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) urls: Urls,
    pub(super) language: Language,
    pub(super) wants_json: bool,
}

/// What was posted.
pub(super) enum Posted {
    /// By a form.
    Form(Vec<(String, String)>),
    /// By a program.
    Json(Value),
}

impl Place {
    pub(super) fn find<H: Host, P: Policy>(pages: &Inner<H, P>, parts: &Parts) -> Self {
        let base = match &pages.options.base_path {
            Some(base_path) => base_path(parts),
            None => mounted_at(parts),
        };
        Self {
            urls: Urls::new(base),
            language: (pages.options.language)(parts),
            wants_json: wants_json(&parts.headers),
        }
    }
}

/// What the path had before the router that the pages are took its own part of it.
pub(super) fn mounted_at(parts: &Parts) -> String {
    let here = parts.uri.path();
    let Some(OriginalUri(original)) = parts.extensions.get::<OriginalUri>() else { return String::new() };
    let original = original.path();
    match original.strip_suffix(here) {
        Some(base) => base.to_owned(),
        // Nested at `/x`, the address `/x` comes in as `/`.
        None => original.trim_end_matches('/').to_owned(),
    }
}

pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

impl<H: Host, P: Policy> Request<H, P> {
    /// Finds out who sent the request, and where to.
    pub(super) async fn accept(pages: Arc<Inner<H, P>>, mut parts: Parts, place: Place) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(|_| Problem::NotFound)?;
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        parts.extensions.insert(PathParams(params));
        let principal = pages.options.policy.principal(&parts).await.map_err(Problem::Stranger)?;
        let scope = pages.options.scope.find(&parts, &principal).ok_or(Problem::NotFound)?;
        Ok(Self { pages, parts, principal, scope, place })
    }

    pub(super) fn say(&self) -> Say<'_> {
        Say::new(&*self.place.language.catalog)
    }

    pub(super) fn urls(&self) -> &Urls {
        &self.place.urls
    }

    pub(super) fn wants_json(&self) -> bool {
        self.place.wants_json
    }

    pub(super) fn actor(&self) -> Actor {
        self.pages.options.policy.actor(&self.principal)
    }

    /// A moment as people read it now.
    pub(super) fn when(&self, at: jiff::Timestamp) -> When {
        When::new(at, self.pages.manager.context().clock.now(), self.say())
    }

    /// What the list is called.
    pub(super) fn list_title(&self) -> String {
        self.say().text(&self.pages.options.names.list)
    }

    async fn decide(&self, action: Action, integration: Option<&IntegrationId>, config: Option<ConfigId>) -> Decision {
        let subject = Subject { scope: &self.scope, integration, config };
        self.pages.options.policy.decide(&self.principal, action, &subject).await
    }

    /// Goes on only when the policy allows it.
    pub(super) async fn allow(
        &self,
        action: Action,
        integration: Option<&IntegrationId>,
        config: Option<ConfigId>,
    ) -> Result<(), Problem> {
        match self.decide(action, integration, config).await {
            Decision::Allow => Ok(()),
            Decision::Deny => Err(Problem::Forbidden),
            Decision::Hide => Err(Problem::NotFound),
        }
    }

    /// Whether the policy allows it: for what a page offers.
    pub(super) async fn may(
        &self,
        action: Action,
        integration: Option<&IntegrationId>,
        config: Option<ConfigId>,
    ) -> bool {
        self.decide(action, integration, config).await == Decision::Allow
    }

    fn param(&self, name: &str) -> Result<&str, Problem> {
        self.parts.extensions.get::<PathParams>().and_then(|params| params.get(name)).ok_or(Problem::NotFound)
    }

    /// The configuration that the path names; what is no id is nothing that exists.
    pub(super) fn config_id(&self) -> Result<ConfigId, Problem> {
        self.param("og_config")?.parse().map_err(|_| Problem::NotFound)
    }

    /// The integration that the path names.
    pub(super) fn integration_id(&self) -> Result<IntegrationId, Problem> {
        self.param("og_integration")?.parse().map_err(|_| Problem::NotFound)
    }

    /// The delivery that the path names.
    pub(super) fn delivery_id(&self) -> Result<DeliveryId, Problem> {
        self.param("og_delivery")?.parse().map_err(|_| Problem::NotFound)
    }

    /// The last value of a parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let pairs = form_urlencoded::parse(self.parts.uri.query().unwrap_or_default().as_bytes());
        pairs.filter(|(key, value)| key == name && !value.is_empty()).last().map(|(_, value)| value.into_owned())
    }

    /// What was posted.
    pub(super) async fn posted(&self, body: Body) -> Result<Posted, Problem> {
        let bytes = axum::body::to_bytes(body, self.pages.options.body_limit).await.map_err(|_| Problem::TooLarge)?;
        let kind = self.parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        match kind.map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
            Some("application/json") => {
                let value = serde_json::from_slice(&bytes).map_err(|error| Problem::Malformed(error.to_string()))?;
                Ok(Posted::Json(value))
            }
            Some("application/x-www-form-urlencoded") => {
                Ok(Posted::Form(form_urlencoded::parse(&bytes).into_owned().collect()))
            }
            None if bytes.is_empty() => Ok(Posted::Form(Vec::new())),
            _ => Err(Problem::UnsupportedType),
        }
    }

    /// A page.
    pub(super) fn html(&self, status: StatusCode, title: &str, template: &impl askama::Template) -> Response {
        self.pages.document(&self.place, &self.parts, status, title, &super::render(template))
    }

    /// Leads a browser on.
    pub(super) fn redirect(&self, to: &str) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        // Addresses are built of ids and escaped text only.
        if let Ok(to) = HeaderValue::from_str(to) {
            response.headers_mut().insert(header::LOCATION, to);
        }
        no_store(&mut response);
        response
    }
}

/// An answer for a program.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    no_store(&mut response);
    response
}

/// What is shown to one person is not for caches, and the same address has two forms.
pub(super) fn no_store(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
}

impl Posted {
    /// Whether something is to be switched on.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self {
            Posted::Form(pairs) => {
                let (_, value) = pairs.iter().rev().find(|(key, _)| key == name)?;
                Some(value == "true")
            }
            Posted::Json(value) => value[name].as_bool(),
        }
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self {
            Posted::Form(pairs) => pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str()),
            Posted::Json(value) => value[name].as_str(),
        }
    }
}
