//! Add-ons in use on a site; `service instances` on the wire.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use outrigger_addon::signature;
use outrigger_addon::sso::{SsoClaims, auth_url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::addons::find as find_addon;
use super::env_vars::shown_value;
use super::{Json, Path, Query};
use crate::app::{App, SharedApp};
use crate::auth::{InstanceContext, InstanceReader, InstanceWriter, SiteContext, SiteReader, SiteWriter};
use crate::error::ApiResult;
use crate::ops::instances;
use crate::ops::plan::{Plan, mask_secrets, plan_instance};
use crate::store::Time;
use crate::store::addons::Addon;
use crate::store::env_vars::{EnvLevel, EnvVar};
use crate::store::ids::{InstanceId, SiteId};
use crate::store::instances::{Fault, Instance, InstanceState};
use crate::store::snippets::Snippet;
use crate::store::tokens::Scope;

/// How long a link into an add-on's own pages works.
const SSO_LIFETIME_SECONDS: i64 = 5 * 60;

/// An instance, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstanceBody {
    #[schema(value_type = String)]
    pub id: InstanceId,
    #[schema(value_type = String)]
    pub site_id: SiteId,
    pub service_slug: String,
    pub service_path: String,
    pub service_name: String,
    /// Secret options are masked; a mask that is sent back means "as it is".
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    pub env: BTreeMap<String, String>,
    /// A link into the add-on's own pages that signs the caller in there for five minutes; for callers who may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_url: Option<String>,
    /// Where the site's visitors reach the add-on.
    pub url: String,
    #[schema(value_type = Object)]
    pub external_attributes: Map<String, Value>,
    #[schema(value_type = Vec<Object>)]
    pub snippets: Vec<Value>,
    /// Extension.
    pub state: InstanceState,
    /// Extension: why it is in this state, or what went wrong last.
    pub reason: Option<String>,
    /// Extension: whose fault that was.
    pub fault: Option<Fault>,
    #[schema(value_type = String, format = DateTime)]
    pub state_since: Time,
    /// Extension: the add-on's own id of it.
    pub remote_id: Option<String>,
    /// Extension: what the add-on said to the user.
    pub message: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

/// What to make.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreateInstance {
    /// Options of the add-on's manifest.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Extension: take over variables that have another owner.
    #[serde(default)]
    pub replace: bool,
}

/// What to change.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpdateInstance {
    /// All options of the add-on's manifest.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
}

/// What to take over.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptInstance {
    /// The add-on's own id of the instance.
    pub remote_id: String,
}

/// Which instances to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub struct ListInstances {
    /// Extension: also those that failed and left nothing, and tombstones.
    #[serde(default)]
    pub all: bool,
}

/// What an instance yields, read for all instances of a site at once.
struct Yields {
    env: Vec<EnvVar>,
    snippets: Vec<Snippet>,
}

impl Yields {
    async fn of_site(app: &App, context: &SiteContext) -> ApiResult<Self> {
        let level = EnvLevel { account: context.account.id.clone(), site: Some(context.site.id.clone()) };
        Ok(Self {
            env: app.store.env_vars(&level).await?,
            snippets: app.store.snippets_of_site(&context.site.id).await?,
        })
    }

    fn env_of(&self, id: &InstanceId, scope: Scope) -> BTreeMap<String, String> {
        let owned = self.env.iter().filter(|var| var.owner_id() == Some(id));
        owned
            .filter_map(|var| Some((var.name.clone(), shown_value(var, var.values.first()?, scope).to_owned())))
            .collect()
    }

    fn snippets_of(&self, id: &InstanceId) -> Vec<Value> {
        let owned = self.snippets.iter().filter(|snippet| snippet.instance_id.as_ref() == Some(id));
        owned
            .map(|snippet| json!({ "title": snippet.title, "position": snippet.position, "html": snippet.html }))
            .collect()
    }
}

async fn instance_body(
    app: &App,
    context: &SiteContext,
    yields: &Yields,
    addon: &Addon,
    instance: Instance,
) -> ApiResult<InstanceBody> {
    let manifest = addon.manifest()?;
    let mut config = instance.config.clone();
    mask_secrets(&manifest, &mut config);
    if context.scope < Scope::Write {
        // What the add-on has put in by itself may be a secret; its manifest does not say.
        config.retain(|name, _| manifest.config.as_ref().is_some_and(|declared| declared.get(name).is_some()));
    }
    let auth_url = match (&manifest.admin_url, &instance.remote_id) {
        (Some(admin_url), Some(remote_id)) if context.scope >= Scope::Write => {
            Some(sign_in_link(app, context, addon, admin_url, remote_id).await?)
        }
        _ => None,
    };
    Ok(InstanceBody {
        env: yields.env_of(&instance.id, context.scope),
        snippets: yields.snippets_of(&instance.id),
        id: instance.id,
        site_id: instance.site_id,
        service_slug: addon.slug.clone(),
        service_path: addon.service_path(),
        service_name: addon.title.clone(),
        config,
        auth_url,
        url: format!("{}{}", app.urls.site(&context.site), addon.service_path()),
        external_attributes: Map::new(),
        state: instance.state,
        reason: instance.reason,
        fault: instance.fault,
        state_since: instance.state_since,
        remote_id: instance.remote_id,
        message: instance.message,
        created_at: instance.created_at,
        updated_at: instance.updated_at,
    })
}

/// Made anew for each request and kept nowhere.
async fn sign_in_link(
    app: &App,
    context: &SiteContext,
    addon: &Addon,
    admin_url: &url::Url,
    remote_id: &str,
) -> ApiResult<String> {
    let now = app.store.clock().now().as_second();
    let claims = SsoClaims {
        site_id: context.site.id.to_string(),
        account_id: context.account.id.to_string(),
        remote_id: remote_id.to_owned(),
        aud: Some(addon.slug.clone()),
        jti: Some(outrigger_db::token(app.store.entropy())),
        iat: Some(now),
        exp: now + SSO_LIFETIME_SECONDS,
    };
    let endpoint = app.endpoint_of(addon).await?;
    Ok(auth_url(admin_url, &signature::sign(&claims, &endpoint.secret)))
}

async fn one_body(app: &App, context: &SiteContext, addon: &Addon, instance: Instance) -> ApiResult<InstanceBody> {
    let yields = Yields::of_site(app, context).await?;
    instance_body(app, context, &yields, addon, instance).await
}

type OneInstance = ApiResult<axum::Json<InstanceBody>>;

/// What became of an instance by a deed.
async fn shown_after(app: &App, context: &InstanceContext, done: ApiResult<Instance>) -> OneInstance {
    one_body(app, &context.site, &context.addon, done?).await.map(axum::Json)
}

/// The add-ons of a site.
#[utoipa::path(get, path = "/sites/{site_id}/service-instances", operation_id = "listServiceInstancesForSite", params(("site_id" = String, Path), ListInstances), responses((status = 200, body = [InstanceBody])), tag = "instances")]
pub async fn list_instances(
    State(app): State<SharedApp>,
    SiteReader(context): SiteReader,
    Query(query): Query<ListInstances>,
) -> ApiResult<axum::Json<Vec<InstanceBody>>> {
    let mut found = app.store.instances_of_site(&context.site.id).await?;
    // To clients that know no states, what never came to be is not there, so that they may try again.
    found.retain(|instance| query.all || instance.is_there());
    let addons = app.store.addons_by_id(found.iter().map(|instance| instance.addon_id.clone())).await?;
    let yields = Yields::of_site(&app, &context).await?;
    let mut bodies = Vec::with_capacity(found.len());
    for instance in found {
        let Some(addon) = addons.iter().find(|addon| addon.id == instance.addon_id) else { continue };
        bodies.push(instance_body(&app, &context, &yields, addon, instance).await?);
    }
    Ok(axum::Json(bodies))
}

/// Makes an instance. When the add-on takes longer than the wait, its state is `provisioning`.
#[utoipa::path(post, path = "/sites/{site_id}/services/{addon}/instances", operation_id = "createServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path)), request_body = CreateInstance, responses((status = 201, body = InstanceBody), (status = 404, body = crate::error::ErrorBody), (status = 409, body = crate::error::ErrorBody), (status = 422, body = crate::error::ErrorBody), (status = 502, body = crate::error::ErrorBody)), tag = "instances")]
pub async fn create_instance(
    State(app): State<SharedApp>,
    SiteWriter(context): SiteWriter,
    Path(path): Path<(String, String)>,
    Json(body): Json<CreateInstance>,
) -> ApiResult<(StatusCode, axum::Json<InstanceBody>)> {
    let (_, slug) = path;
    let addon = find_addon(&app, &slug).await?;
    let instance = instances::create_instance(&app, &context.site, &addon, &body.config, body.replace).await?;
    let mut body = one_body(&app, &context, &addon, instance).await?;
    // The netlify CLI prints this and knows no other place for it (contract netlify-api, section 4.1).
    if let Some(message) = &body.message {
        body.config.entry("message").or_insert_with(|| Value::from(message.clone()));
    }
    Ok((StatusCode::CREATED, axum::Json(body)))
}

/// What creating or updating would change, before anybody is called.
#[utoipa::path(post, path = "/sites/{site_id}/services/{addon}/plan", operation_id = "planServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path)), request_body = CreateInstance, responses((status = 200, body = Plan), (status = 422, body = crate::error::ErrorBody)), tag = "instances")]
pub async fn show_plan(
    State(app): State<SharedApp>,
    SiteReader(context): SiteReader,
    Path(path): Path<(String, String)>,
    Json(body): Json<CreateInstance>,
) -> ApiResult<axum::Json<Plan>> {
    let (_, slug) = path;
    let addon = find_addon(&app, &slug).await?;
    let there = app.store.instances_of_site(&context.site.id).await?;
    let existing = there.iter().find(|instance| instance.addon_id == addon.id && instance.is_there());
    plan_instance(&app, &context.site, &addon, existing.map(|i| &i.id), &body.config).await.map(axum::Json)
}

/// One instance.
#[utoipa::path(get, path = "/sites/{site_id}/services/{addon}/instances/{instance_id}", operation_id = "showServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path), ("instance_id" = String, Path)), responses((status = 200, body = InstanceBody), (status = 404, body = crate::error::ErrorBody)), tag = "instances")]
pub async fn show_instance(State(app): State<SharedApp>, InstanceReader(context): InstanceReader) -> OneInstance {
    shown_after(&app, &context, Ok(context.instance.clone())).await
}

/// Changes the configuration of an instance.
#[utoipa::path(put, path = "/sites/{site_id}/services/{addon}/instances/{instance_id}", operation_id = "updateServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path), ("instance_id" = String, Path)), request_body = UpdateInstance, responses((status = 204), (status = 409, body = crate::error::ErrorBody), (status = 422, body = crate::error::ErrorBody), (status = 502, body = crate::error::ErrorBody)), tag = "instances")]
pub async fn update_instance(
    State(app): State<SharedApp>,
    InstanceWriter(context): InstanceWriter,
    Json(body): Json<UpdateInstance>,
) -> ApiResult<StatusCode> {
    instances::update_instance(&app, &context.site.site, &context.addon, &context.instance.id, body.config).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes an instance: 204 when the add-on has confirmed, 202 while that goes on.
#[utoipa::path(delete, path = "/sites/{site_id}/services/{addon}/instances/{instance_id}", operation_id = "deleteServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path), ("instance_id" = String, Path)), responses((status = 204), (status = 202, body = InstanceBody)), tag = "instances")]
pub async fn delete_instance(
    State(app): State<SharedApp>,
    InstanceWriter(context): InstanceWriter,
) -> ApiResult<Response> {
    let limit = app.config.instance_wait;
    match instances::delete_instance(&app, &context.site.site, &context.instance.id, limit).await? {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(leaving) => Ok((StatusCode::ACCEPTED, shown_after(&app, &context, Ok(leaving)).await?).into_response()),
    }
}

/// Asks the add-on how the instance is now.
#[utoipa::path(post, path = "/sites/{site_id}/services/{addon}/instances/{instance_id}/refresh", operation_id = "refreshServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path), ("instance_id" = String, Path)), responses((status = 200, body = InstanceBody)), tag = "instances")]
pub async fn refresh_instance(State(app): State<SharedApp>, InstanceWriter(context): InstanceWriter) -> OneInstance {
    let done = instances::refresh_instance(&app, &context.site.site, &context.addon, &context.instance.id).await;
    shown_after(&app, &context, done).await
}

/// Tries again what failed or could not be confirmed.
#[utoipa::path(post, path = "/sites/{site_id}/services/{addon}/instances/{instance_id}/retry", operation_id = "retryServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path), ("instance_id" = String, Path)), responses((status = 200, body = InstanceBody)), tag = "instances")]
pub async fn retry_instance(State(app): State<SharedApp>, InstanceWriter(context): InstanceWriter) -> OneInstance {
    let done = instances::retry_instance(&app, &context.site.site, &context.addon, &context.instance.id).await;
    shown_after(&app, &context, done).await
}

/// Takes over what the add-on holds for an instance whose creation was never confirmed.
#[utoipa::path(post, path = "/sites/{site_id}/services/{addon}/instances/{instance_id}/adopt", operation_id = "adoptServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path), ("instance_id" = String, Path)), request_body = AdoptInstance, responses((status = 200, body = InstanceBody)), tag = "instances")]
pub async fn adopt_instance(
    State(app): State<SharedApp>,
    InstanceWriter(context): InstanceWriter,
    Json(body): Json<AdoptInstance>,
) -> OneInstance {
    let done =
        instances::adopt_instance(&app, &context.site.site, &context.addon, &context.instance.id, &body.remote_id)
            .await;
    shown_after(&app, &context, done).await
}

/// Lets go of an instance without the add-on's word; a tombstone stays.
#[utoipa::path(post, path = "/sites/{site_id}/services/{addon}/instances/{instance_id}/detach", operation_id = "detachServiceInstance", params(("site_id" = String, Path), ("addon" = String, Path), ("instance_id" = String, Path)), responses((status = 200, body = InstanceBody)), tag = "instances")]
pub async fn detach_instance(State(app): State<SharedApp>, InstanceWriter(context): InstanceWriter) -> OneInstance {
    let done = instances::detach_instance(&app, &context.site.site, &context.instance.id).await;
    shown_after(&app, &context, done).await
}
