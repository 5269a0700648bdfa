//! Where third-party services send to.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::any;
use http::{HeaderValue, Request, header};

use crate::{Host, InboundReply, InboundRequest, MAX_INBOUND_BYTES, Manager};

/// The addresses to which third-party services send, `/{config}`: to be nested at `/hooks`, say, outside of everything
/// that asks who is signed in. What proves a request is said by the integration.
///
/// ```
/// use axum::Router;
/// use outrigger_integrations::{Host, Manager, pages};
///
/// fn app<H: Host>(manager: Manager<H>) -> Router {
///     Router::new().nest("/hooks", pages::hooks_router(manager))
/// }
/// ```
pub fn hooks_router<H: Host>(manager: Manager<H>) -> Router {
    Router::new().route(
        "/{config}",
        any(move |Path(address): Path<String>, request: Request<Body>| {
            let manager = manager.clone();
            async move { receive(&manager, &address, request).await }
        }),
    )
}

async fn receive<H: Host>(manager: &Manager<H>, address: &str, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_INBOUND_BYTES).await else {
        return response(InboundReply::too_large());
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    response(
        manager.receive(address, InboundRequest { method: parts.method, headers: parts.headers, query, body }).await,
    )
}

fn response(reply: InboundReply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
