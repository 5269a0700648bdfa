//! What the SDK's build leaves behind, read from its folder (contract integration-api, section 5).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use outrigger_integrations::IntegrationId;
use outrigger_integrations::surface::{SETTINGS, Surface, SurfaceDefinition};
use serde_json::json;

/// An integration that was built: the folder `.ntli/site` of its project, of which not a byte is changed.
#[derive(Clone, Debug)]
pub struct Artefact {
    folder: PathBuf,
    slug: IntegrationId,
    definition: Arc<SurfaceDefinition>,
    script: Arc<str>,
    build_plugin: Option<Bytes>,
}

/// Why a folder is no artefact that can be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// Nothing that the SDK has built is there.
    #[error(
        "{} holds nothing that Netlify's SDK has built: name the project, or its folder `.ntli/site`, after \
         `netlify-integration build -a`", .0.display()
    )]
    NotBuilt(PathBuf),
    /// A file of it cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The description of its surface is not one.
    #[error("{} describes no surface: {source}", path.display())]
    NoSurface {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Its slug cannot be one here.
    #[error("its slug `{0}` cannot be one here: it has to begin with a letter, and have 64 characters at most")]
    Slug(String),
}

const HANDLER: &str = "netlify/functions/handler.js";

impl Artefact {
    /// Reads one. `path` is the project that was built, or its folder `.ntli/site`.
    ///
    /// # Errors
    /// When it is none, or one that was built by half.
    pub fn open(path: &Path) -> Result<Self, ArtefactError> {
        let places = [path.to_owned(), path.join(".ntli/site"), path.join("site")];
        let folder = places.into_iter().find(|place| place.join(HANDLER).is_file());
        let folder = folder.ok_or_else(|| ArtefactError::NotBuilt(path.to_owned()))?;
        let folder = folder.canonicalize().map_err(|source| ArtefactError::Unreadable { path: folder, source })?;
        let handler = read(&folder.join(HANDLER))?;
        let slug = slug_in(&handler).ok_or_else(|| ArtefactError::NotBuilt(folder.clone()))?;
        let slug: IntegrationId = slug.parse().map_err(|_| ArtefactError::Slug(slug.to_owned()))?;
        let described = folder.join("static/ui/integration-ui.json");
        let (definition, script) = if described.is_file() {
            let definition = serde_json::from_str(&read(&described)?);
            let definition = definition.map_err(|source| ArtefactError::NoSurface { path: described, source })?;
            (definition, read(&folder.join("static/ui/integration-ui.js"))?)
        } else {
            (without_pages(&slug), String::new())
        };
        let plugin = folder.join("static/packages/buildhooks.tgz");
        let build_plugin = match fs::read(&plugin) {
            Ok(bytes) => Some(bytes.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(ArtefactError::Unreadable { path: plugin, source }),
        };
        Ok(Self { folder, slug, definition: Arc::new(definition), script: script.into(), build_plugin })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its slug.
    pub fn slug(&self) -> &IntegrationId {
        &self.slug
    }

    /// Its pages.
    pub fn definition(&self) -> &Arc<SurfaceDefinition> {
        &self.definition
    }

    /// What it adds to builds, if it adds something.
    pub fn build_plugin(&self) -> Option<&Bytes> {
        self.build_plugin.as_ref()
    }

    /// The module behind its pages; blank if it has none.
    pub(crate) fn script(&self) -> &Arc<str> {
        &self.script
    }

    /// The module with its handlers.
    pub(crate) fn handler(&self) -> PathBuf {
        self.folder.join(HANDLER)
    }
}

fn read(path: &Path) -> Result<String, ArtefactError> {
    fs::read_to_string(path).map_err(|source| ArtefactError::Unreadable { path: path.to_owned(), source })
}

/// The slug is written into the function by the build.
fn slug_in(handler: &str) -> Option<&str> {
    let rest = handler.split_once("integration._slug")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    rest[1..].split_once(quote).map(|(slug, _)| slug)
}

/// An integration without pages still can be enabled and disabled.
fn without_pages(slug: &IntegrationId) -> SurfaceDefinition {
    let disable = json!({ "type": "disable-integration", "integrationName": slug.as_str() });
    let elements = serde_json::from_value(disable).into_iter().collect();
    let mut surface = Surface::default();
    surface.surface_name = SETTINGS.to_owned();
    surface.routes.insert("/".to_owned(), elements);
    let mut definition = SurfaceDefinition::default();
    definition.friendly_name = slug.to_string();
    definition.integration_slug = slug.to_string();
    definition.surfaces = vec![surface];
    definition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slug_is_what_the_build_has_written_down() {
        assert_eq!(slug_in("import x;\nintegration._slug = 'cache';\nexport"), Some("cache"));
        assert_eq!(slug_in("integration._slug=\"a-b\""), Some("a-b"));
        for other in ["", "integration._slug = cache;", "integration._slug = 'cache", "_slug"] {
            assert_eq!(slug_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_folder_without_a_build_is_told_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = Artefact::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("netlify-integration build -a"), "{error}");
        fs::create_dir_all(folder.path().join("netlify/functions")).unwrap();
        fs::write(folder.path().join(HANDLER), "integration._slug = '3d';").unwrap();
        assert!(matches!(Artefact::open(folder.path()), Err(ArtefactError::Slug(slug)) if slug == "3d"));
        fs::write(folder.path().join(HANDLER), "integration._slug = 'cube';").unwrap();
        let artefact = Artefact::open(folder.path()).unwrap();
        assert_eq!(artefact.slug().as_str(), "cube");
        assert!(artefact.definition().route("/").is_some(), "it can be enabled without pages of its own");
        fs::create_dir_all(folder.path().join("static/ui")).unwrap();
        fs::write(folder.path().join("static/ui/integration-ui.json"), "[]").unwrap();
        assert!(matches!(Artefact::open(folder.path()), Err(ArtefactError::NoSurface { .. })));
    }
}
