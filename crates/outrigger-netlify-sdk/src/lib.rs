#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod artefact;
mod runner;
mod script;

use std::sync::Arc;

use outrigger_integrations::surface::SurfaceIntegration;
use outrigger_integrations::{About, ScopeKind};

pub use artefact::{Artefact, ArtefactError};
pub use runner::{FunctionRunner, RunnerError, RunnerOptions};
pub use script::{ScriptLimits, ScriptSurface};

/// The integration that an artefact is: its script draws the surface, its function does the rest. The function is
/// started once, to see that it loads and which handlers it has.
///
/// # Errors
/// When the function does not start.
pub async fn integration(
    artefact: &Artefact,
    options: RunnerOptions,
    limits: ScriptLimits,
) -> Result<SurfaceIntegration, RunnerError> {
    let handlers = FunctionRunner::start(artefact, options).await?;
    let definition = artefact.definition();
    let summary = match &definition.sdk_version {
        Some(version) => format!("An integration built with Netlify's SDK {version}."),
        None => "An integration built with Netlify's SDK.".to_owned(),
    };
    Ok(SurfaceIntegration {
        id: artefact.slug().clone(),
        about: About::new(definition.friendly_name.clone(), summary),
        places: vec![ScopeKind::Site, ScopeKind::Account],
        program: Arc::new(ScriptSurface::new(artefact, limits)),
        handlers: Arc::new(handlers),
        build_plugin: artefact.build_plugin().cloned(),
        jobs: None,
    })
}
