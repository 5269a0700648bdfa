//! What an add-on would change on a site, told before anybody is called.

use outrigger_addon::manifest::Manifest;
use outrigger_gateway::blocked;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::env_owners::{EnvConflict, conflicts_among};
use crate::error::{ApiError, ApiResult, FieldError, unprocessable};
use crate::store::addons::Addon;
use crate::store::env_vars::EnvLevel;
use crate::store::ids::InstanceId;
use crate::store::sites::Site;
use crate::store::snippets::Snippet;

/// What creating or updating an instance would do.
#[derive(Debug, Clone, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// Whether an instance is there already, so that this would be an update.
    pub exists: bool,
    /// The configuration that the partner would get: defaults filled in, secrets masked.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    /// Variables that the site would get. `None`: the add-on does not declare them, so they are known only afterwards.
    pub env: Option<Vec<PlannedEnv>>,
    /// Snippets that the site's pages would get; `None` when the add-on does not declare them.
    pub snippets: Option<Vec<PlannedSnippet>>,
    /// Paths of the site that would lead to the add-on.
    pub routes: Vec<String>,
    /// What will not work, though nothing stands in the way.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Variables that have another owner. Creating is refused while there are any, unless they are to be replaced.
    pub conflicts: Vec<EnvConflict>,
}

/// A variable to come.
#[derive(Debug, Clone, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PlannedEnv {
    pub name: String,
    pub description: Option<String>,
    pub secret: bool,
}

/// A snippet to come.
#[derive(Debug, Clone, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PlannedSnippet {
    pub title: String,
    /// `head` or `footer`.
    pub position: String,
}

/// Checks the configuration and tells what would change.
pub async fn plan_instance(
    app: &App,
    site: &Site,
    addon: &Addon,
    existing: Option<&InstanceId>,
    given: &Map<String, Value>,
) -> ApiResult<Plan> {
    let manifest = addon.manifest()?;
    let mut config = check_config(&manifest, given)?;
    mask_secrets(&manifest, &mut config);
    let provides = manifest.provides.as_ref();
    let names = declared_names(&manifest);
    let level = EnvLevel { account: site.account_id.clone(), site: Some(site.id.clone()) };
    let mut there = app.store.env_vars(&level).await?;
    there.retain(|var| names.contains(&var.name));
    let has_snippets = provides.is_some_and(|provides| !provides.snippets.is_empty());
    let warnings = if has_snippets { warnings(app, site, existing).await? } else { Vec::new() };
    Ok(Plan {
        warnings,
        exists: existing.is_some(),
        config,
        env: provides.map(|provides| provides.env.iter().map(planned_env).collect()),
        snippets: provides.map(|provides| provides.snippets.iter().map(planned_snippet).collect()),
        routes: match provides {
            Some(provides) if !provides.endpoint => Vec::new(),
            _ => vec![format!("{}/*", addon.service_path())],
        },
        conflicts: conflicts_among(addon, existing, there),
    })
}

/// What the policy of the site's pages would block. Of an add-on that is not there yet only this much is known of its
/// snippets, that nearly all are scripts in the page.
async fn warnings(app: &App, site: &Site, existing: Option<&InstanceId>) -> ApiResult<Vec<String>> {
    let policies = policies_of_front_page(app, site).await;
    let of_instance = |snippet: &Snippet| snippet.instance_id.is_some() && snippet.instance_id.as_ref() == existing;
    let known: Vec<String> = match policies.is_empty() {
        true => Vec::new(),
        false => {
            let all = app.store.snippets_of_site(&site.id).await?;
            all.into_iter().filter(of_instance).map(|snippet| snippet.html).collect()
        }
    };
    let html = if known.is_empty() { "<script></script>".to_owned() } else { known.concat() };
    let blocked = policies.iter().flat_map(|policy| blocked(policy, &html));
    Ok(blocked.map(|blocked| format!("the policy of the site's pages works against its snippets: {blocked}")).collect())
}

/// None where the site's server cannot be asked: a plan is no less true for that.
async fn policies_of_front_page(app: &App, site: &Site) -> Vec<String> {
    let Some(url) = site.origin_url.as_deref().and_then(|url| url.parse().ok()) else { return Vec::new() };
    // Origins may be where nothing else may: in the operator's own networks.
    let networks = app.config.gateway.origin_networks.clone();
    let Ok(outbound) = app.outbound.and_to(move |address| networks.iter().any(|net| net.contains(address))) else {
        return Vec::new();
    };
    let request = outbound.request(http::Method::GET, url).header(http::header::ACCEPT, "text/html");
    let Ok(reply) = outbound.send(request).await else { return Vec::new() };
    let policies = reply.headers.get_all(http::header::CONTENT_SECURITY_POLICY).iter();
    policies.filter_map(|policy| policy.to_str().ok().map(str::to_owned)).collect()
}

fn planned_env(declared: &outrigger_addon::manifest::EnvDeclaration) -> PlannedEnv {
    PlannedEnv { name: declared.name.to_string(), description: declared.description.clone(), secret: declared.secret }
}

fn planned_snippet(declared: &outrigger_addon::manifest::SnippetDeclaration) -> PlannedSnippet {
    let position = match declared.position {
        outrigger_addon::instances::SnippetPosition::Head => "head",
        outrigger_addon::instances::SnippetPosition::Footer => "footer",
    };
    PlannedSnippet { title: declared.title.clone(), position: position.to_owned() }
}

/// The configuration as the manifest wants it, or every fault in it.
pub(crate) fn check_config(manifest: &Manifest, given: &Map<String, Value>) -> ApiResult<Map<String, Value>> {
    manifest.check_config(given).map_err(|faults| {
        let fields =
            faults.0.iter().map(|fault| FieldError { field: fault.field.clone(), message: fault.message.clone() });
        let error: ApiError = unprocessable(faults.to_string());
        error.with_fields(fields.collect())
    })
}

/// Stands for a secret value that is there; sent back, it means "as it is".
pub const MASK: &str = "********";

/// Hides the values of secret options.
pub(crate) fn mask_secrets(manifest: &Manifest, config: &mut Map<String, Value>) {
    for field in manifest.secret_fields() {
        if let Some(value) = config.get_mut(field) {
            *value = Value::from(MASK);
        }
    }
}

/// Names of the variables that the manifest says the add-on will set.
pub(crate) fn declared_names(manifest: &Manifest) -> Vec<String> {
    let declared = manifest.provides.iter().flat_map(|provides| &provides.env);
    declared.map(|declared| declared.name.to_string()).collect()
}
