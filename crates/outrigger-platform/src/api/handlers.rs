//! The handlers of integrations, as they are called from outside: by browsers and builds with a token, and by services
//! at the handlers that take webhooks.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{any, get};
use outrigger_integrations::handler::{Caller, HandlerCall, HandlerReply};
use outrigger_integrations::surface::SurfaceIntegration;
use serde_json::json;

use super::Path;
use crate::app::{App, SharedApp};
use crate::auth::{Stranger, handler_caller};
use crate::error::{ApiResult, not_found};
use crate::store::StoreError;

/// Both addresses that the SDK's function answers to (contract integration-api, section 4), and what a build fetches.
pub(crate) fn router() -> Router<SharedApp> {
    Router::new()
        .route("/surfaces/{slug}/.netlify/functions/handler/{*handler}", any(call_handler))
        .route("/surfaces/{slug}/api/{*handler}", any(call_handler))
        .route("/surfaces/{slug}/packages/buildhooks.tgz", get(show_build_plugin))
}

fn find(app: &App, slug: &str) -> ApiResult<SurfaceIntegration> {
    app.surfaces.find(slug).ok_or_else(|| not_found(format!("integration `{slug}`")))
}

async fn show_build_plugin(
    State(app): State<SharedApp>,
    _: Stranger,
    Path(slug): Path<String>,
) -> ApiResult<([(HeaderName, &'static str); 1], Bytes)> {
    let plugin = find(&app, &slug)?.build_plugin;
    let plugin = plugin.ok_or_else(|| not_found(format!("build plugin of `{slug}`")))?;
    Ok(([(header::CONTENT_TYPE, "application/gzip")], plugin))
}

async fn call_handler(
    State(app): State<SharedApp>,
    _: Stranger,
    Path((slug, handler)): Path<(String, String)>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Response> {
    let integration = find(&app, &slug)?;
    let (name, rest) = handler.split_once('/').map_or((&*handler, ""), |(name, _)| (name, &handler[name.len()..]));
    if !integration.handlers.names().iter().any(|known| known == name) {
        return Ok(open_to_all(HandlerReply::no_such(name)));
    }
    if method == Method::OPTIONS {
        return Ok(open_to_all(HandlerReply::json(StatusCode::OK, &json!({}))));
    }
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let caller = match handler_caller(&app, &headers, &integration.id, name) {
        Some(caller) => caller,
        None if name.starts_with("webhook") => service(&app, &query).await?,
        None => {
            let refused = json!({ "error": "Unauthorized" });
            return Ok(open_to_all(HandlerReply::json(StatusCode::UNAUTHORIZED, &refused)));
        }
    };
    let call = HandlerCall { name: name.to_owned(), rest: rest.to_owned(), method, query, headers, body };
    Ok(open_to_all(integration.handlers.call(call, caller).await))
}

/// Whom a service calls for that has no token: the place that it names, if there is one. The handler has to see proof.
async fn service(app: &App, query: &[(String, String)]) -> Result<Caller, StoreError> {
    let named = |name: &str| query.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str());
    let account = app.store.find_account_anywhere(named("teamId").unwrap_or_default()).await?;
    let site = app.store.find_site_anywhere(named("siteId").unwrap_or_default()).await?;
    let site = site.filter(|site| account.as_ref().is_none_or(|account| account.id == site.account_id));
    let account = account.map(|account| account.id).or_else(|| Some(site.as_ref()?.account_id.clone()));
    let account = account.map(|account| account.to_string()).unwrap_or_default();
    Ok(Caller { account, site: site.map(|site| site.id.to_string()), user: None, token: None, provider_token: None })
}

/// Pages of other origins may call handlers: what they need for it, the token, no browser sends by itself.
fn open_to_all(reply: HandlerReply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    // The code of an integration speaks from our own origin here, and must have nothing of what that origin has.
    for name in [header::SET_COOKIE, HeaderName::from_static("clear-site-data"), header::STRICT_TRANSPORT_SECURITY] {
        response.headers_mut().remove(name);
    }
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        header::ACCESS_CONTROL_ALLOW_METHODS,
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static("*"));
    }
    response
}
