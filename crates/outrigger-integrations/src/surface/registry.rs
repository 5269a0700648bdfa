//! The integrations with a surface that a host has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use outrigger_db::Worker;

use super::SurfaceProgram;
use crate::handler::HandlerHost;
use crate::{About, IntegrationId, ScopeKind};

/// An integration with a surface and handlers.
#[derive(Clone)]
pub struct SurfaceIntegration {
    /// Its slug.
    pub id: IntegrationId,
    /// How it introduces itself.
    pub about: About,
    /// Where it can be enabled: at sites, at accounts, or both.
    pub places: Vec<ScopeKind>,
    /// What stands behind its surface.
    pub program: Arc<dyn SurfaceProgram>,
    /// Its handlers.
    pub handlers: Arc<dyn HandlerHost>,
    /// What it adds to builds: a package of the npm kind, packed; none if it adds nothing.
    pub build_plugin: Option<Bytes>,
    /// Lets a worker do what it has to do in the background; none if it has nothing.
    pub jobs: Option<AddJobs>,
}

/// Adds the jobs of an integration to a worker.
pub type AddJobs = Arc<dyn Fn(Worker) -> Worker + Send + Sync>;

impl fmt::Debug for SurfaceIntegration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SurfaceIntegration").field("id", &self.id).field("places", &self.places).finish_non_exhaustive()
    }
}

/// There is one of this slug already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is an integration `{0}` already")]
pub struct SlugTaken(pub IntegrationId);

/// All of them. Clones are cheap and share what is registered.
#[derive(Clone, Debug, Default)]
pub struct SurfaceRegistry(Arc<RwLock<BTreeMap<String, SurfaceIntegration>>>);

impl SurfaceRegistry {
    /// Adds one, for as long as the process lives.
    ///
    /// # Errors
    /// When there is one of its slug.
    pub fn register(&self, integration: SurfaceIntegration) -> Result<(), SlugTaken> {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.contains_key(integration.id.as_str()) {
            return Err(SlugTaken(integration.id));
        }
        all.insert(integration.id.as_str().to_owned(), integration);
        Ok(())
    }

    /// The one of this slug.
    pub fn find(&self, slug: &str) -> Option<SurfaceIntegration> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(slug).cloned()
    }

    /// A worker that does what they all have to do too.
    #[must_use]
    pub fn jobs(&self, worker: Worker) -> Worker {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.values().filter_map(|integration| integration.jobs.as_ref()).fold(worker, |worker, jobs| jobs(worker))
    }

    /// Those that can be enabled at such a place, by slug.
    pub fn at(&self, place: ScopeKind) -> Vec<SurfaceIntegration> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.values().filter(|integration| integration.places.contains(&place)).cloned().collect()
    }
}
