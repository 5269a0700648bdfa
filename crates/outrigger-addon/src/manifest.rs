//! What an add-on says about itself, and the check of a configuration against it.
//!
//! `name`, `description`, `admin_url` and `config` are the add-ons guide's. The other fields are extensions: optional on
//! the wire, ignored by those who do not know them, and of no effect when absent.

mod check;
mod parse;

use std::time::Duration;

use serde_json::{Map, Value, json};
use thiserror::Error;
use url::Url;

use crate::body::BodyFault;
use crate::env_name::EnvName;
use crate::instances::SnippetPosition;

pub use crate::body::FieldFault;
pub use check::ConfigErrors;

/// The answer of `GET /manifest`.
///
/// ```
/// use outrigger_addon::manifest::{ConfigField, Manifest};
///
/// let manifest = Manifest {
///     config: Some([("region".to_owned(), ConfigField { required: true, ..ConfigField::default() })].into()),
///     ..Manifest::new("Notes", "Keeps notes for a site.")
/// };
/// let wire = manifest.to_json().to_string();
/// assert_eq!(Manifest::parse(wire.as_bytes())?, manifest.clone());
/// # Ok::<(), outrigger_addon::manifest::ManifestError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The add-on's name for people. Not blank.
    pub name: String,
    /// What it does, in a sentence or two. Not blank.
    pub description: String,
    /// Where a login link leads (see [`crate::sso`]); http or https. Without it there is no login.
    pub admin_url: Option<Url>,
    /// The options a user sets. `None`: the add-on declares none and takes whatever it is given.
    pub config: Option<ConfigFields>,
    /// Extension: what every variable of this add-on begins with, such as `NOTES_`.
    pub env_prefix: Option<String>,
    /// Extension: what an instance will yield, so that it can be shown before anything is created.
    pub provides: Option<Provides>,
    /// Extension: the provider answers `GET` and `DELETE /instances/by-uuid/:uuid`, so that an instance whose creation
    /// was never answered can be found again.
    pub instances_by_uuid: bool,
    /// Extension: how long provisioning may take before it counts as failed. On the wire in whole seconds, 1 to
    /// [`Manifest::MAX_PROVISIONING_WINDOW`].
    pub provisioning_window: Option<Duration>,
}

/// Extension: what an instance will yield.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provides {
    /// The variables.
    pub env: Vec<EnvDeclaration>,
    /// The snippets.
    pub snippets: Vec<SnippetDeclaration>,
    /// Whether there is an endpoint behind the gateway.
    pub endpoint: bool,
}

/// A variable that an instance will set. On the wire an object, or just the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvDeclaration {
    /// Its name.
    pub name: EnvName,
    /// What it is for.
    pub description: Option<String>,
    /// Whether its value must not be shown.
    pub secret: bool,
}

/// A snippet that an instance will put into the site's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnippetDeclaration {
    /// Its title.
    pub title: String,
    /// Where it goes.
    pub position: SnippetPosition,
}

/// The options of an add-on, in the order of the manifest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConfigFields(Vec<(String, ConfigField)>);

/// One option. Without `type` on the wire it is a string; a bare string or `{}` in its place is the shortest form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConfigField {
    /// Name for people; the key when absent.
    pub display_name: Option<String>,
    /// Help for people.
    pub description: Option<String>,
    /// Kind of value.
    pub kind: FieldKind,
    /// Whether a value must be given when there is no default.
    pub required: bool,
    /// The value when none is given.
    pub default: Option<Value>,
    /// A regular expression that must match somewhere in the value's text, as JavaScript's `RegExp.test` does: write
    /// `^…$` for the whole of it. The syntax is that of the `regex` crate, which has no look-around and no
    /// back-references, and whose `\d` and `\w` know all of Unicode.
    pub pattern: Option<String>,
    /// Extension: whether the value must not be shown or logged.
    pub secret: bool,
    /// Extension, `enum` on the wire: the values that are possible. Empty: all.
    pub options: Vec<Value>,
}

/// Kind of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldKind {
    /// Text.
    #[default]
    String,
    /// A number, whole or not.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// A manifest that cannot be used; the fault is the provider's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the add-on's manifest cannot be used: {0}")]
pub struct ManifestError(#[from] pub BodyFault);

impl From<FieldFault> for ManifestError {
    fn from(fault: FieldFault) -> Self {
        ManifestError(fault.into())
    }
}

impl Manifest {
    /// The longest `provisioning_window`: thirty days.
    pub const MAX_PROVISIONING_WINDOW: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// A manifest that says only what it must.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Manifest {
        Manifest {
            name: name.into(),
            description: description.into(),
            admin_url: None,
            config: None,
            env_prefix: None,
            provides: None,
            instances_by_uuid: false,
            provisioning_window: None,
        }
    }

    /// Names of the options whose values must not be shown.
    pub fn secret_fields(&self) -> impl Iterator<Item = &str> {
        self.config.iter().flat_map(ConfigFields::iter).filter(|(_, field)| field.secret).map(|(name, _)| name)
    }

    /// The manifest as it goes over the wire. Each option carries `displayName`, `type` and `required` even where they
    /// are the defaults, because clients look at all three.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("name".to_owned(), json!(self.name));
        map.insert("description".to_owned(), json!(self.description));
        insert(&mut map, "admin_url", self.admin_url.as_ref().map(Url::as_str));
        insert(&mut map, "config", self.config.as_ref().map(ConfigFields::to_json));
        insert(&mut map, "env_prefix", self.env_prefix.as_deref());
        insert(&mut map, "provides", self.provides.as_ref().map(Provides::to_json));
        insert(&mut map, "instances_by_uuid", self.instances_by_uuid.then_some(true));
        insert(&mut map, "provisioning_window", self.provisioning_window.map(|window| window.as_secs()));
        Value::Object(map)
    }
}

impl Provides {
    fn to_json(&self) -> Value {
        let env: Vec<Value> = self.env.iter().map(EnvDeclaration::to_json).collect();
        let snippets: Vec<Value> =
            self.snippets.iter().map(|s| json!({ "title": s.title, "position": s.position })).collect();
        json!({ "env": env, "snippets": snippets, "endpoint": self.endpoint })
    }
}

impl EnvDeclaration {
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("name".to_owned(), json!(self.name));
        insert(&mut map, "description", self.description.as_deref());
        map.insert("secret".to_owned(), json!(self.secret));
        Value::Object(map)
    }
}

impl ConfigFields {
    /// The options with their names, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ConfigField)> {
        self.0.iter().map(|(name, field)| (name.as_str(), field))
    }

    /// The option of that name.
    pub fn get(&self, name: &str) -> Option<&ConfigField> {
        self.iter().find(|(known, _)| *known == name).map(|(_, field)| field)
    }

    /// How many options there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no option.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn to_json(&self) -> Value {
        Value::Object(self.iter().map(|(name, field)| (name.to_owned(), field.to_json(name))).collect())
    }
}

/// A name given twice keeps its first place and its last field.
impl FromIterator<(String, ConfigField)> for ConfigFields {
    fn from_iter<I: IntoIterator<Item = (String, ConfigField)>>(fields: I) -> Self {
        let mut kept: Vec<(String, ConfigField)> = Vec::new();
        for (name, field) in fields {
            match kept.iter_mut().find(|(known, _)| *known == name) {
                Some(slot) => slot.1 = field,
                None => kept.push((name, field)),
            }
        }
        ConfigFields(kept)
    }
}

impl<const N: usize> From<[(String, ConfigField); N]> for ConfigFields {
    fn from(fields: [(String, ConfigField); N]) -> Self {
        fields.into_iter().collect()
    }
}

impl ConfigField {
    fn to_json(&self, name: &str) -> Value {
        let mut map = Map::new();
        map.insert("displayName".to_owned(), json!(self.display_name.as_deref().unwrap_or(name)));
        insert(&mut map, "description", self.description.as_deref());
        map.insert("type".to_owned(), json!(self.kind.as_str()));
        map.insert("required".to_owned(), json!(self.required));
        insert(&mut map, "default", self.default.clone());
        insert(&mut map, "pattern", self.pattern.as_deref());
        insert(&mut map, "secret", self.secret.then_some(true));
        insert(&mut map, "enum", (!self.options.is_empty()).then(|| self.options.clone()));
        Value::Object(map)
    }
}

impl FieldKind {
    /// The word on the wire: `string`, `number` or `boolean`.
    pub fn as_str(self) -> &'static str {
        match self {
            FieldKind::String => "string",
            FieldKind::Number => "number",
            FieldKind::Boolean => "boolean",
        }
    }
}

fn insert(map: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests;
