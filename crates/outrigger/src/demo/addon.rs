//! `tally`, a small but real add-on: each instance counts visits, and keeps its count in a file.

mod instances;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use outrigger_addon::proxied::header::SIGN;
use outrigger_provider::{
    CreateRequest, Created, InstanceDetails, Manifest, Provider, ProviderError, Secrets, Snippet, SnippetPosition,
    SsoLogin, UpdateRequest, Uuid, Verifier,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::operator::Sources;
use instances::{Instances, Tally};

/// Its part of commands and paths.
pub(crate) const SLUG: &str = "tally";

struct DemoAddon {
    instances: Instances,
    /// Where it is reached, without a slash at the end.
    origin: String,
}

/// Serves the add-on until `stop`. Its instances are kept in the folder, and are there again at the next start.
pub(crate) async fn start(
    listener: TcpListener,
    secret: &str,
    data_dir: PathBuf,
    sources: Sources,
    stop: CancellationToken,
) -> anyhow::Result<JoinHandle<()>> {
    let serving = serve(listener, secret, Some(data_dir), sources, stop)?;
    Ok(tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the demo add-on stopped");
        }
    }))
}

/// Without a folder it keeps its instances in memory.
///
/// What cannot be opened is an error at once, before anything is served.
fn serve(
    listener: TcpListener,
    secret: &str,
    data_dir: Option<PathBuf>,
    sources: Sources,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = io::Result<()>> + Send + use<>> {
    let origin = format!("http://{}", listener.local_addr()?);
    let instances = Instances::load(data_dir.map(|dir| dir.join("tally.json")), sources.entropy)?;
    let addon = Arc::new(DemoAddon { instances, origin });
    let secrets = Secrets::new(secret)?;
    let clock = move || sources.clock.now();
    let pages = Pages { addon: addon.clone(), verifier: Verifier::new(secrets.clone(), clock.clone()) };
    let router = outrigger_provider::router(addon, secrets, clock).merge(routes(pages));
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    Ok(serving.into_future())
}

#[derive(Clone)]
struct Pages {
    addon: Arc<DemoAddon>,
    verifier: Verifier,
}

fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/tallies/{id}", get(show_tally))
        .route("/tallies/{id}/visits", post(count_visit))
        .route("/login", get(async || SsoLogin::page("/login")).post(log_in))
        .with_state(pages)
}

impl Provider for DemoAddon {
    fn manifest(&self) -> Manifest {
        let manifest = json!({
            "name": "Tally",
            "description": "Counts the visits of a site's pages.",
            "admin_url": format!("{}/login", self.origin),
            "env_prefix": "TALLY_",
            "instances_by_uuid": true,
            "provides": {
                "env": [
                    { "name": "TALLY_URL", "description": "Where the count is" },
                    { "name": "TALLY_TOKEN", "description": "Lets the site's own code count and read", "secret": true },
                ],
                "snippets": [{ "title": "Tally", "position": "head" }],
                "endpoint": true,
            },
            "config": {
                "label": {
                    "displayName": "Label",
                    "description": "What is counted, for people",
                    "type": "string",
                    "required": true,
                    "pattern": "^.{1,40}$",
                },
                "start": { "displayName": "First number", "type": "number", "default": 0 },
                "color": {
                    "displayName": "Color",
                    "type": "string",
                    "enum": ["sand", "sea", "coral"],
                    "default": "sea",
                },
                "note": {
                    "displayName": "Private note",
                    "description": "Kept, and shown to nobody",
                    "type": "string",
                    "secret": true,
                },
            },
        });
        Manifest::parse(manifest.to_string().as_bytes()).expect("the manifest above is a valid one")
    }

    async fn create(&self, request: CreateRequest) -> Result<Created, ProviderError> {
        // Made from the uuid: the same request gives the same instance, however often it comes.
        let id = request.uuid.simple().to_string();
        let config = request.config.config;
        let tally = self.instances.insert(&id, config).map_err(ProviderError::internal)?;
        let details = self.details(&id, &tally)?;
        let message = format!("Counting “{}” from {}.", tally.label(), tally.count);
        Ok(Created { message: Some(message), ..Created::with_details(id, details) })
    }

    async fn update(&self, id: &str, request: UpdateRequest) -> Result<InstanceDetails, ProviderError> {
        let changed = self.instances.change(id, |tally| tally.config = request.config);
        let tally = changed.map_err(ProviderError::internal)?.ok_or(ProviderError::NotFound)?;
        self.details(id, &tally)
    }

    async fn delete(&self, id: &str) -> Result<(), ProviderError> {
        match self.instances.remove(id).map_err(ProviderError::internal)? {
            true => Ok(()),
            false => Err(ProviderError::NotFound),
        }
    }

    async fn get(&self, id: &str) -> Result<InstanceDetails, ProviderError> {
        let tally = self.instances.get(id).ok_or(ProviderError::NotFound)?;
        self.details(id, &tally)
    }

    async fn id_of(&self, uuid: Uuid) -> Result<Option<String>, ProviderError> {
        let id = uuid.simple().to_string();
        Ok(self.instances.get(&id).map(|_| id))
    }
}

impl DemoAddon {
    fn details(&self, id: &str, tally: &Tally) -> Result<InstanceDetails, ProviderError> {
        let url = format!("{}/tallies/{id}", self.origin);
        let html =
            "<script>addEventListener('load', () => fetch('/.netlify/tally/visits', { method: 'POST' }))</script>";
        Ok(InstanceDetails {
            endpoint: Some(url.parse().map_err(ProviderError::internal)?),
            config: Some(tally.config.clone()),
            env: Some([("TALLY_URL".parse()?, url), ("TALLY_TOKEN".parse()?, tally.token.clone())].into()),
            snippets: Some(vec![Snippet {
                title: "Tally".to_owned(),
                position: SnippetPosition::Head,
                html: html.to_owned(),
            }]),
            ..InstanceDetails::default()
        })
    }
}

/// The instance that the path names, for a caller that may read and count: the site's own code, which has its
/// `TALLY_TOKEN`, or the platform's gateway, whose signature says which instance is called.
struct Allowed(String);

impl FromRequestParts<Pages> for Allowed {
    type Rejection = ProviderError;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, ProviderError> {
        let Path(id): Path<String> =
            Path::from_request_parts(parts, pages).await.map_err(|_| ProviderError::NotFound)?;
        // Beside a signature, an Authorization header is the visitor's own, for the site: it says nothing here.
        if parts.headers.contains_key(SIGN) {
            let request = pages.verifier.verify(&parts.headers)?;
            return if request.instance_id == id {
                Ok(Self(id))
            } else {
                Err(unauthorized("it is signed for another instance"))
            };
        }
        // An instance that is not there answers as a wrong token does, so that ids cannot be tried out.
        match pages.addon.instances.get(&id) {
            Some(tally) if bearer(&parts.headers).is_some_and(|token| same(token, &tally.token)) => Ok(Self(id)),
            _ => Err(unauthorized("send TALLY_TOKEN as the bearer token, or call through the site")),
        }
    }
}

fn unauthorized(reason: &str) -> ProviderError {
    ProviderError::Unauthorized { reason: reason.to_owned() }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Looks at every byte, so that the time it takes does not say how many of them were right.
fn same(given: &str, token: &str) -> bool {
    let differing = given.bytes().zip(token.bytes()).fold(0, |bits, (given, right)| bits | (given ^ right));
    given.len() == token.len() && differing == 0
}

async fn show_tally(State(pages): State<Pages>, Allowed(id): Allowed) -> Result<Json<Value>, ProviderError> {
    pages.addon.instances.get(&id).map(shown).ok_or(ProviderError::NotFound)
}

async fn count_visit(State(pages): State<Pages>, Allowed(id): Allowed) -> Result<Json<Value>, ProviderError> {
    let counted = pages.addon.instances.change(&id, |tally| tally.count = tally.count.saturating_add(1));
    counted.map_err(ProviderError::internal)?.map(shown).ok_or(ProviderError::NotFound)
}

fn shown(tally: Tally) -> Json<Value> {
    Json(json!({ "label": tally.label(), "count": tally.count }))
}

/// What the platform's sign-in link leads to: the instance's count, for its owner.
async fn log_in(State(pages): State<Pages>, Form(login): Form<SsoLogin>) -> Result<Html<String>, ProviderError> {
    let claims = pages.verifier.verify_sso(&login.token, Some(SLUG))?;
    let tally = pages.addon.instances.get(&claims.remote_id).ok_or(ProviderError::NotFound)?;
    let label = tally.label().replace('&', "&amp;").replace('<', "&lt;");
    Ok(Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Tally</title><h1>{label}</h1><p>{} visits</p></html>",
        tally.count
    )))
}
