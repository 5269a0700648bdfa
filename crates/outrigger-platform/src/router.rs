//! Every URL of the platform, one line each. The path stands here and in the handler's OpenAPI note; `at` refuses to
//! build a router in which the two differ.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use outrigger_integrations::pages::hooks_router;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::api::*;
use crate::app::SharedApp;
use crate::dashboard::{
    accounts as account_pages, assets, authorize, connections, error_pages, integrations as integration_pages,
    protection, settings, sign_in, sites as site_pages, surfaces,
};
use crate::error::{ApiError, bad_request, internal, not_found};

/// The most of a request's body that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

fn urls() -> OpenApiRouter<SharedApp> {
    let api = OpenApiRouter::new()
        .at("/user", routes!(users::show_user))
        .at("/logins", routes!(logins::create_login))
        .at("/tokens", routes!(tokens::list_tokens, tokens::create_token))
        .at("/tokens/{token_id}", routes!(tokens::revoke_token))
        .at("/accounts", routes!(accounts::list_accounts))
        .at("/accounts/{account_id}", routes!(accounts::show_account))
        .at("/accounts/{account_id}/env", routes!(env_vars::list_env_vars, env_vars::create_env_vars))
        .at(
            "/accounts/{account_id}/env/{key}",
            routes!(
                env_vars::show_env_var,
                env_vars::update_env_var,
                env_vars::set_env_value,
                env_vars::delete_env_var
            ),
        )
        .at("/accounts/{account_id}/env/{key}/value/{value_id}", routes!(env_vars::delete_env_value))
        .at("/sites", routes!(sites::list_sites, sites::create_site))
        .at("/{account_slug}/sites", routes!(sites::list_sites_of_account, sites::create_site_in_account))
        .at("/sites/{site_id}", routes!(sites::show_site, sites::update_site, sites::delete_site))
        .at("/sites/{site_id}/env", routes!(env_vars::list_env_of_site))
        .at("/sites/{site_id}/builds", routes!(sites::create_build))
        .at("/sites/{site_id}/build_hooks", routes!(build_hooks::list_build_hooks, build_hooks::create_build_hook))
        .at(
            "/sites/{site_id}/build_hooks/{hook_id}",
            routes!(build_hooks::show_build_hook, build_hooks::update_build_hook, build_hooks::delete_build_hook),
        )
        .at("/sites/{site_id}/deliveries", routes!(deliveries::list_deliveries))
        .at("/sites/{site_id}/snippets", routes!(snippets::list_snippets, snippets::create_snippet))
        .at(
            "/sites/{site_id}/snippets/{snippet_id}",
            routes!(
                snippets::show_snippet,
                snippets::update_snippet,
                snippets::roll_out_snippet,
                snippets::delete_snippet
            ),
        )
        .at("/services", routes!(addons::list_addons, addons::register_addon))
        .at("/services/{addon}", routes!(addons::show_addon, addons::retire_addon))
        .at("/services/{addon}/manifest", routes!(addons::show_manifest))
        .at("/services/{addon}/rotate-secret", routes!(addons::rotate_secret))
        .at("/services/{addon}/refresh", routes!(addons::refresh_addon))
        .at("/services/{addon}/snippets", routes!(addons::switch_snippets))
        .at("/sites/{site_id}/service-instances", routes!(instances::list_instances))
        .at("/sites/{site_id}/services/{addon}/plan", routes!(instances::show_plan))
        .at("/sites/{site_id}/services/{addon}/instances", routes!(instances::create_instance))
        .at(
            "/sites/{site_id}/services/{addon}/instances/{instance_id}",
            routes!(instances::show_instance, instances::update_instance, instances::delete_instance),
        )
        .at("/sites/{site_id}/services/{addon}/instances/{instance_id}/refresh", routes!(instances::refresh_instance))
        .at("/sites/{site_id}/services/{addon}/instances/{instance_id}/retry", routes!(instances::retry_instance))
        .at("/sites/{site_id}/services/{addon}/instances/{instance_id}/adopt", routes!(instances::adopt_instance))
        .at("/sites/{site_id}/services/{addon}/instances/{instance_id}/detach", routes!(instances::detach_instance))
        .at("/oauth/tickets", routes!(oauth::create_ticket))
        .at("/oauth/tickets/{ticket_id}", routes!(oauth::show_ticket))
        .at("/oauth/tickets/{ticket_id}/exchange", routes!(oauth::exchange_ticket))
        .at("/hooks", routes!(hooks::list_hooks, hooks::create_hook))
        .at("/hooks/{hook_id}", routes!(hooks::show_hook, hooks::delete_hook))
        .at("/callbacks/{instance_id}/{token}", routes!(callbacks::report_instance));
    OpenApiRouter::new()
        .nest("/api/v1", api)
        .at("/build_hooks/{hook_id}", routes!(build_hooks::trigger_build_hook))
        .merge(integration_api())
        .at("/healthz", routes!(health::show_health))
        .at("/readyz", routes!(health::show_readiness))
        .at("/metrics", routes!(metrics::show_metrics))
}

/// What integrations call in somebody's name, at the addresses that Netlify's SDK knows (contract integration-api).
fn integration_api() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .at(
            "/site/{site_id}/integrations/{integration}",
            routes!(
                integrations::show_of_site,
                integrations::enable_at_site,
                integrations::update_at_site,
                integrations::disable_at_site
            ),
        )
        .at(
            "/team/{account_id}/integrations/{integration}",
            routes!(
                integrations::show_of_account,
                integrations::enable_at_account,
                integrations::update_at_account,
                integrations::disable_at_account
            ),
        )
        .at(
            "/site/{site_id}/integrations/{integration}/generate-build-token",
            routes!(integrations::generate_build_token),
        )
        .at(
            "/site/{site_id}/integrations/{integration}/exchange-build-token",
            routes!(integrations::exchange_build_token),
        )
        .at("/site/{site_id}/integrations/safe", routes!(integrations::list_safe_integrations))
        .at(
            "/team/{account_id}/integrations/installations/meta/{site_id}",
            routes!(integrations::list_installed_integrations),
        )
        .at("/integrations", routes!(integrations::list_integrations))
}

/// The pages for people in a browser. Every address is also in `urls::Page`, which is how it is written elsewhere.
fn pages(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .route("/", get(account_pages::list_accounts))
        .route("/sign-in", get(sign_in::show_sign_in).post(sign_in::create_session))
        .route("/sign-in/link/{link}", get(sign_in::show_sign_in_link).post(sign_in::use_sign_in_link))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/authorize", get(authorize::show_authorize).post(authorize::decide))
        .route("/settings", get(settings::show_settings))
        .route("/settings/password", post(settings::set_password))
        .route("/settings/sessions/end", post(settings::end_all_sessions))
        .route("/settings/sessions/{session}/end", post(settings::end_session))
        .route("/settings/tokens/{token}/revoke", post(settings::revoke_token))
        .route("/accounts/{account}", get(account_pages::show_account))
        .route("/accounts/{account}/env", get(account_pages::show_account_env))
        .route("/sites/{site}", get(site_pages::show_site))
        .route("/sites/{site}/env", get(site_pages::show_site_env))
        .route("/sites/{site}/snippets", get(site_pages::show_snippets))
        .route("/assets/{file}", get(assets::show_asset))
        .merge(integration_pages::router(app))
        .route("/accounts/{account}/surfaces", get(surfaces::list_of_account))
        .route("/sites/{site}/surfaces", get(surfaces::list_of_site))
        .merge(surfaces::router(app))
        .route("/accounts/{account}/connections/{slug}", get(connections::connect_account))
        .route("/sites/{site}/connections/{slug}", get(connections::connect_site))
        .route("/connections/callback", get(connections::come_back))
        .route_layer(protection::refuse_other_sites(&app.urls))
        .route_layer(from_fn(protection::protect))
}

/// Addresses that clients use for what has another address above.
fn aliases() -> Router<SharedApp> {
    Router::new()
        // The netlify client asks for add-ons with a slash at the end.
        .route("/api/v1/services/", get(addons::list_addons))
        // Its specification repeats the base in this one path.
        .route("/api/v1/api/v1/sites/{site_id}/env", get(env_vars::list_env_of_site))
}

trait At {
    /// Adds handlers whose OpenAPI notes name this very path.
    fn at(self, path: &str, handlers: UtoipaMethodRouter<SharedApp>) -> Self;
}

impl At for OpenApiRouter<SharedApp> {
    fn at(self, path: &str, handlers: UtoipaMethodRouter<SharedApp>) -> Self {
        for noted in handlers.1.paths.keys() {
            assert_eq!(noted, path, "router.rs and the handler's OpenAPI note name different paths");
        }
        self.routes(handlers)
    }
}

/// The OpenAPI document of all that is served.
pub fn openapi() -> OpenApi {
    let mut document = urls().into_openapi();
    document.info.title = "Outrigger".to_owned();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.description =
        Some("Add-ons for sites. Compatible with the parts of the Netlify API that its CLI uses for them.".to_owned());
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    document.components.get_or_insert_default().security_schemes.insert("token".to_owned(), bearer.into());
    document.security = Some(vec![utoipa::openapi::SecurityRequirement::new("token", std::iter::empty::<String>())]);
    document
}

/// The whole HTTP surface.
pub fn router(app: SharedApp) -> Router {
    let document = openapi();
    let (router, _) = urls().split_for_parts();
    let middleware = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(REQUEST_ID, NewRequestIds(app.clone())))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(log_response))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(from_fn(error_pages::show_errors))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn(refuse_nul));
    router
        .merge(aliases())
        .merge(pages(&app))
        .merge(handlers::router())
        .nest("/hooks", hooks_router(app.manager.clone()).with_state(()))
        .route("/api/openapi.json", get(async move || Json(document)))
        .fallback(async || not_found("this address"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware)
        .with_state(app)
}

/// Nothing that we have is named by a NUL, and PostgreSQL does not even take one as a question.
async fn refuse_nul(request: Request, next: Next) -> Response {
    let has_nul = |text: &str| text.contains("%00");
    if has_nul(request.uri().path()) {
        return not_found("this address").into_response();
    }
    if request.uri().query().is_some_and(has_nul) {
        return bad_request("the query has a NUL character in it").into_response();
    }
    next.run(request).await
}

#[derive(Clone)]
struct NewRequestIds(SharedApp);

impl MakeRequestId for NewRequestIds {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let store = &self.0.store;
        let id = outrigger_db::uuid_v7(store.clock(), store.entropy());
        id.to_string().parse().ok().map(RequestId::new)
    }
}

/// The path is left out of the log where it holds a secret.
fn span<B>(request: &axum::http::Request<B>) -> tracing::Span {
    let path = request.uri().path();
    let secrets = ["build_hooks/", "/callbacks/", "/oauth/tickets/", "/sign-in/link/", "/hooks/"];
    let shown = if secrets.iter().any(|secret| path.contains(secret)) { "(secret path)" } else { path };
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), path = shown, id)
}

fn log_response<B>(response: &axum::http::Response<B>, latency: Duration, _: &tracing::Span) {
    let milliseconds = latency.as_millis();
    tracing::info!(status = response.status().as_u16(), milliseconds, "answered");
}

fn answer_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    internal(anyhow::anyhow!("a handler panicked")).into_response()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_openapi_document_is_the_committed_one() {
        let document = serde_json::to_string_pretty(&super::openapi()).unwrap() + "\n";
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&path, &document).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == document,
            "docs/openapi.json is not what the handlers say; run the tests with UPDATE_SNAPSHOTS=1 and look at the diff"
        );
    }
}
