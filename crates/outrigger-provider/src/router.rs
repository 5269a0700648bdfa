//! The management API of the add-ons guide, in front of a [`Provider`].

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Extension, FromRequest, FromRequestParts, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use outrigger_addon::instances::{CreateRequest, Created, InstanceDetails, ProvisioningState, UpdateRequest};
use outrigger_addon::proxied::RequestClaims;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::fault;
use crate::{Provider, ProviderError, Secrets, Verifier};

const BODY_LIMIT_BYTES: usize = 1 << 20;

/// The management API of a provider: a router to serve as it is, to nest or to merge.
///
/// | request | answer |
/// |---|---|
/// | `GET /manifest`, `GET /` | 200 with an `ETag`; 304 when `If-None-Match` has it |
/// | `POST /instances` | 201 |
/// | `GET`, `PUT /instances/{id}` | 200 |
/// | `DELETE /instances/{id}` | 204 |
/// | `GET`, `DELETE /instances/by-uuid/{uuid}` | 200 with the `id`, 204; 404 unless the manifest declares `instances_by_uuid` |
///
/// An instance that is still being made answers 202 instead of 201 and 200. Errors are those of [`ProviderError`]. Every
/// request must be proven to come from the platform ([`Secrets`]), and one that is signed for another instance than its
/// path names is refused. Bodies may have 1 MiB.
pub fn router<P: Provider>(
    provider: Arc<P>,
    secrets: Secrets,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Router {
    Router::new()
        .route("/", get(manifest::<P>))
        .route("/manifest", get(manifest::<P>))
        .route("/instances", post(create::<P>))
        // The guide's platform posts to the path with a slash at its end.
        .route("/instances/", post(create::<P>))
        .route("/instances/{id}", get(show::<P>).put(update::<P>).delete(delete::<P>))
        .route("/instances/by-uuid/{uuid}", get(show_by_uuid::<P>).delete(delete_by_uuid::<P>))
        .with_state(provider)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .route_layer(middleware::from_fn_with_state(Verifier::new(secrets, clock), require_proof))
}

/// What the request was signed for; nothing for a bearer token.
#[derive(Clone, Default)]
struct Proof {
    id: Option<String>,
    uuid: Option<Uuid>,
}

impl From<RequestClaims> for Proof {
    fn from(claims: RequestClaims) -> Self {
        Proof { id: claims.id, uuid: claims.netlify_id.and_then(|id| id.parse().ok()) }
    }
}

async fn require_proof(
    State(verifier): State<Verifier>,
    mut request: Request,
    next: Next,
) -> Result<Response, ProviderError> {
    let claims = verifier.verify_management(request.headers())?;
    request.extensions_mut().insert(claims.map(Proof::from).unwrap_or_default());
    Ok(next.run(request).await)
}

async fn manifest<P: Provider>(State(provider): State<Arc<P>>, headers: HeaderMap) -> Response {
    let body = provider.manifest().to_json().to_string();
    let tag = entity_tag(&body);
    if has_tag(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag), (header::CONTENT_TYPE, "application/json".to_owned())], body).into_response()
}

async fn create<P: Provider>(
    State(provider): State<Arc<P>>,
    Body(body): Body,
) -> Result<impl IntoResponse, ProviderError> {
    let created = provider.create(CreateRequest::parse(&body)?).await?;
    // An answer that the platform could not use, such as one with a blank id, is an error here, where its cause is.
    let answer = serde_json::to_vec(&created).map_err(ProviderError::internal)?;
    let created = Created::parse(&answer).map_err(ProviderError::internal)?;
    Ok((success(StatusCode::CREATED, created.state), Json(created)))
}

async fn show<P: Provider>(
    State(provider): State<Arc<P>>,
    InstanceId(id): InstanceId,
) -> Result<impl IntoResponse, ProviderError> {
    Ok(details(provider.get(&id).await?))
}

async fn update<P: Provider>(
    State(provider): State<Arc<P>>,
    InstanceId(id): InstanceId,
    Body(body): Body,
) -> Result<impl IntoResponse, ProviderError> {
    Ok(details(provider.update(&id, UpdateRequest::parse(&body)?).await?))
}

async fn delete<P: Provider>(
    State(provider): State<Arc<P>>,
    InstanceId(id): InstanceId,
) -> Result<StatusCode, ProviderError> {
    provider.delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show_by_uuid<P: Provider>(
    State(provider): State<Arc<P>>,
    InstanceUuid(uuid): InstanceUuid,
) -> Result<impl IntoResponse, ProviderError> {
    let id = find(&*provider, uuid).await?;
    let created = Created::with_details(&id, provider.get(&id).await?);
    Ok((success(StatusCode::OK, created.state), Json(created)))
}

async fn delete_by_uuid<P: Provider>(
    State(provider): State<Arc<P>>,
    InstanceUuid(uuid): InstanceUuid,
) -> Result<StatusCode, ProviderError> {
    let id = find(&*provider, uuid).await?;
    provider.delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find<P: Provider>(provider: &P, uuid: Uuid) -> Result<String, ProviderError> {
    if !provider.manifest().instances_by_uuid {
        return Err(ProviderError::NotFound);
    }
    provider.id_of(uuid).await?.ok_or(ProviderError::NotFound)
}

fn details(details: InstanceDetails) -> impl IntoResponse {
    (success(StatusCode::OK, details.state), Json(details))
}

fn success(done: StatusCode, state: ProvisioningState) -> StatusCode {
    if state == ProvisioningState::Provisioning { StatusCode::ACCEPTED } else { done }
}

fn entity_tag(body: &str) -> String {
    let digest = Sha256::digest(body);
    let hex = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("\"{hex}\"")
}

/// RFC 9110 section 13.1.2: a list of tags, compared without regard to `W/`, or `*`.
fn has_tag(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// The id in the path, which the signature does not contradict.
struct InstanceId(String);

impl<S: Send + Sync> FromRequestParts<S> for InstanceId {
    type Rejection = ProviderError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProviderError> {
        let (id, proof): (String, Proof) = path_and_proof(parts, state).await?;
        match proof.id {
            Some(signed) if signed != id => Err(for_another_instance()),
            _ => Ok(InstanceId(id)),
        }
    }
}

/// The UUID in the path, which the signature does not contradict.
struct InstanceUuid(Uuid);

impl<S: Send + Sync> FromRequestParts<S> for InstanceUuid {
    type Rejection = ProviderError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProviderError> {
        let (uuid, proof): (Uuid, Proof) = path_and_proof(parts, state).await?;
        match proof.uuid {
            Some(signed) if signed != uuid => Err(for_another_instance()),
            _ => Ok(InstanceUuid(uuid)),
        }
    }
}

async fn path_and_proof<T, S>(parts: &mut Parts, state: &S) -> Result<(T, Proof), ProviderError>
where
    T: serde::de::DeserializeOwned + Send,
    S: Send + Sync,
{
    // A path that is no UUID, or not even text, names no instance.
    let Path(named) = Path::from_request_parts(parts, state).await.map_err(|_| ProviderError::NotFound)?;
    let Extension(proof) = Extension::from_request_parts(parts, state).await.map_err(ProviderError::internal)?;
    Ok((named, proof))
}

fn for_another_instance() -> ProviderError {
    ProviderError::unauthorized("it is signed for another instance")
}

/// A request's body; one that is too long is refused in the API's own form.
struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = Bytes::from_request(request, state).await;
        body.map(Body).map_err(|rejection| fault(rejection.status(), &rejection.body_text()))
    }
}
