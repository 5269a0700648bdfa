#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod api;
mod context;
#[cfg(feature = "emulator")]
pub mod emulator;
mod handlers;
mod jobs;
mod names;
mod snippets;
mod surface;

use std::sync::Arc;

use outrigger_db::{Db, Jobs, Worker};
use outrigger_integrations::handler::{Handlers, HostServices};
use outrigger_integrations::surface::SurfaceIntegration;
use outrigger_integrations::{About, Enablements, IntegrationId, ScopeKind};
use url::Url;

pub use api::{ApiError, Credentials, Database, InvalidCredentials, UPSTASH_API, UpstashApi};
pub use names::{InvalidEndpoint, VariableNames, full_url};
pub use snippets::Language;

/// The integration's slug.
pub const UPSTASH: IntegrationId = IntegrationId::new("upstash");

/// What the integration is given by whoever runs it.
pub struct Parts {
    /// The database in which its jobs are.
    pub db: Db,
    /// Where it is enabled, and what it keeps there.
    pub enablements: Enablements,
    /// What the host does for it.
    pub services: Arc<dyn HostServices>,
    /// The way out, the time, randomness.
    pub context: outrigger_integrations::Context,
    /// Where Upstash's developer API is: [`UPSTASH_API`], or an emulator.
    pub api_url: Url,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("api_url", &self.api_url.as_str()).finish_non_exhaustive()
    }
}

/// The integration, for the sites of a host.
pub fn integration(parts: Parts) -> SurfaceIntegration {
    let Parts { db, enablements, services, context, api_url } = parts;
    let api = UpstashApi::new(context.outbound.clone(), api_url);
    let queue = handlers::Queue { jobs: Jobs::new(db.clone(), context.clock.clone(), context.entropy.clone()), db };
    let tools = jobs::Tools { api: api.clone(), enablements: enablements.clone(), services: services.clone() };
    let handlers = handlers::register(Handlers::new(UPSTASH, enablements, services, context), &api, &queue);
    let add_jobs =
        move |worker: Worker| worker.register(jobs::Integrate(tools.clone())).register(jobs::Rotate(tools.clone()));
    SurfaceIntegration {
        id: UPSTASH,
        about: About::new("Upstash", "Redis databases of your Upstash account, with their variables on this site."),
        places: vec![ScopeKind::Site],
        program: Arc::new(surface::surface()),
        handlers: Arc::new(handlers),
        build_plugin: None,
        jobs: Some(Arc::new(add_jobs)),
    }
}
