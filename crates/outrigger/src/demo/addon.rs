//! `tally`, a small but real add-on: each instance counts visits, and keeps its count in a file.

mod instances;

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{FromRef, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use outrigger_provider::{
    CreateRequest, Created, InstanceDetails, Manifest, Provider, ProviderError, ProxiedRequest, Secrets, Snippet,
    SnippetPosition, SsoLogin, UpdateRequest, Uuid, Verifier, system_clock,
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
    stop: CancellationToken,
) -> anyhow::Result<JoinHandle<()>> {
    let origin = format!("http://{}", listener.local_addr()?);
    let addon = Arc::new(DemoAddon { instances: Instances::load(data_dir.join("tally.json"))?, origin });
    let secrets = Secrets::new(secret)?;
    let pages = Pages { addon: addon.clone(), verifier: Verifier::new(secrets.clone(), system_clock) };
    let router = outrigger_provider::router(addon, secrets, system_clock).merge(routes(pages));
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    Ok(tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the demo add-on stopped");
        }
    }))
}

#[derive(Clone)]
struct Pages {
    addon: Arc<DemoAddon>,
    verifier: Verifier,
}

impl FromRef<Pages> for Verifier {
    fn from_ref(pages: &Pages) -> Self {
        pages.verifier.clone()
    }
}

fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/tallies/{id}", get(show_tally))
        .route("/tallies/{id}/visits", post(count_visit))
        .route("/proxied/{id}/visits", post(count_proxied_visit))
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
                "note": { "displayName": "Private note", "type": "string", "secret": true },
            },
        });
        Manifest::parse(manifest.to_string().as_bytes()).expect("the manifest above is a valid one")
    }

    async fn create(&self, request: CreateRequest) -> Result<Created, ProviderError> {
        // Made from the uuid: the same request gives the same instance, however often it comes.
        let id = request.uuid.simple().to_string();
        let config = request.config.config;
        let tally = self.instances.insert(&id, config).map_err(ProviderError::internal)?;
        let details = self.details(&id, &tally);
        let message = format!("Counting “{}” from {}.", tally.label(), tally.count);
        Ok(Created { message: Some(message), ..Created::with_details(id, details) })
    }

    async fn update(&self, id: &str, request: UpdateRequest) -> Result<InstanceDetails, ProviderError> {
        let changed = self.instances.change(id, |tally| tally.config = request.config);
        let tally = changed.map_err(ProviderError::internal)?.ok_or(ProviderError::NotFound)?;
        Ok(self.details(id, &tally))
    }

    async fn delete(&self, id: &str) -> Result<(), ProviderError> {
        match self.instances.remove(id).map_err(ProviderError::internal)? {
            true => Ok(()),
            false => Err(ProviderError::NotFound),
        }
    }

    async fn get(&self, id: &str) -> Result<InstanceDetails, ProviderError> {
        let tally = self.instances.get(id).ok_or(ProviderError::NotFound)?;
        Ok(self.details(id, &tally))
    }

    async fn id_of(&self, uuid: Uuid) -> Result<Option<String>, ProviderError> {
        let id = uuid.simple().to_string();
        Ok(self.instances.get(&id).map(|_| id))
    }
}

impl DemoAddon {
    fn details(&self, id: &str, tally: &Tally) -> InstanceDetails {
        let url = format!("{}/tallies/{id}", self.origin);
        let env = [("TALLY_URL", url), ("TALLY_TOKEN", tally.token.clone())];
        let env = env.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value))).collect();
        let html =
            "<script>addEventListener('load', () => fetch('/.netlify/tally/visits', { method: 'POST' }))</script>";
        InstanceDetails {
            endpoint: format!("{}/proxied/{id}", self.origin).parse().ok(),
            config: Some(tally.config.clone()),
            env: Some(env),
            snippets: Some(vec![Snippet {
                title: "Tally".to_owned(),
                position: SnippetPosition::Head,
                html: html.to_owned(),
            }]),
            ..InstanceDetails::default()
        }
    }
}

fn shown(tally: &Tally) -> Json<Value> {
    Json(json!({ "label": tally.label(), "count": tally.count }))
}

/// With the instance's own token, as the site's code has it in `TALLY_TOKEN`.
fn authorized(pages: &Pages, id: &str, headers: &HeaderMap) -> Result<Tally, StatusCode> {
    let tally = pages.addon.instances.get(id).ok_or(StatusCode::NOT_FOUND)?;
    let header = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match header.strip_prefix("Bearer ") {
        Some(token) if token == tally.token => Ok(tally),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

async fn show_tally(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    authorized(&pages, &id, &headers).map(|tally| shown(&tally))
}

async fn count_visit(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    authorized(&pages, &id, &headers)?;
    count(&pages, &id)
}

/// Through the site: the platform's signature says which instance is called.
async fn count_proxied_visit(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    request: ProxiedRequest,
) -> Result<Json<Value>, StatusCode> {
    if request.instance_id != id {
        return Err(StatusCode::FORBIDDEN);
    }
    count(&pages, &id)
}

fn count(pages: &Pages, id: &str) -> Result<Json<Value>, StatusCode> {
    let counted = pages.addon.instances.change(id, |tally| tally.count += 1);
    let tally = counted.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?.ok_or(StatusCode::NOT_FOUND)?;
    Ok(shown(&tally))
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

/// The first number of a new count.
fn first_count(config: &Map<String, Value>) -> i64 {
    config.get("start").and_then(Value::as_f64).map_or(0, |start| start as i64)
}
