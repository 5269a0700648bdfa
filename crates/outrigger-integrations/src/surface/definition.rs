//! A surface as it is written down: the pages of an integration, each with its elements.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::Element;

/// All that an integration says of its surfaces (contract integration-api, section 6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SurfaceDefinition {
    /// Which SDK made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk_version: Option<String>,
    /// What people call the integration.
    pub friendly_name: String,
    /// Its slug.
    pub integration_slug: String,
    /// Whether it connects with accounts by OAuth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_identity: Option<bool>,
    /// The surfaces.
    pub surfaces: Vec<Surface>,
    /// What we do not know of it.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A set of pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Surface {
    /// Where the host shows it; there is one such place, [`SETTINGS`].
    pub surface_name: String,
    /// Addresses of scripts. The script beside the definition is used, whatever they say.
    pub surface_scripts: Vec<String>,
    /// The pages by their paths.
    pub routes: BTreeMap<String, Vec<Element>>,
    /// What we do not know of it.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The name of the surface on which people set an integration up.
pub const SETTINGS: &str = "integrations-settings";

impl SurfaceDefinition {
    /// The route that shows a path, and its elements: the longest that the path begins with, segment by segment, and
    /// `/` for what no other shows.
    ///
    /// ```
    /// use outrigger_integrations::surface::{SurfaceDefinition, SETTINGS};
    ///
    /// let definition: SurfaceDefinition = serde_json::from_value(serde_json::json!({
    ///     "friendlyName": "Cache", "integrationSlug": "cache",
    ///     "surfaces": [{ "surfaceName": SETTINGS, "routes": { "/": [], "/add": [] } }],
    /// }))?;
    /// let route = |path| definition.route(path).map(|(route, _)| route);
    /// assert_eq!(route("/add/7"), Some("/add"));
    /// assert_eq!(route("/adder"), Some("/"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn route(&self, path: &str) -> Option<(&str, &[Element])> {
        let routes = &self.surfaces.iter().find(|surface| surface.surface_name == SETTINGS)?.routes;
        let shows = |route: &str| {
            let rest = path.strip_prefix(route.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = routes.iter().filter(|(route, _)| shows(route)).max_by_key(|(route, _)| route.len());
        found.map(|(route, elements)| (route.as_str(), elements.as_slice()))
    }
}
