//! What hosts and pages do with runs.

use std::time::Duration;

use outrigger_db::{NewJob, Tx};

use super::jobs::{AskAgain, AskPayload, RunPayload, TimeOutRun, token_context};
use super::{NewRun, Run, RunStatus, RunUpdate, StartedRun};
use crate::store::{StoreError, runs};
use crate::{Actor, ConfigId, Fault, Host, IntegrationId, Manager, RunId, Scope};

/// Why a run was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no such run, or configuration, in the scope.
    #[error("there is no such run here")]
    NotFound,
    /// It has ended.
    #[error("the run has ended")]
    Ended,
    /// It has not ended.
    #[error("the run has not ended yet")]
    Unfinished,
    /// What was asked for makes no sense.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sea_orm::DbErr> for RunError {
    fn from(error: sea_orm::DbErr) -> Self {
        StoreError::from(error).into()
    }
}

impl<H: Host> Manager<H> {
    /// Starts a run in the host's transaction: it exists if and when that commits. Handlers have
    /// [`Heard::start_run`](crate::Heard::start_run).
    ///
    /// # Errors
    /// [`RunError::NotFound`] when the scope has no such configuration.
    pub async fn start_run(
        &self,
        scope: &Scope,
        tx: &Tx,
        config: ConfigId,
        subject: impl Into<String>,
        timeout: Duration,
    ) -> Result<StartedRun, RunError> {
        let integration = self.integration_of(scope, config).ok_or(RunError::NotFound)?;
        let context = self.context();
        let new = NewRun::new(config, subject, timeout, &*context.clock, &*context.entropy);
        let started = new.started();
        self.insert_run(tx, new, scope, &integration, None).await?;
        Ok(started)
    }

    pub(crate) async fn insert_run(
        &self,
        tx: &Tx,
        new: NewRun,
        scope: &Scope,
        integration: &IntegrationId,
        rerun_of: Option<RunId>,
    ) -> Result<(), StoreError> {
        let post = self.post();
        let hash = new.token.hash();
        let run = new.into_run(scope.clone(), integration.clone(), rerun_of, post.now());
        if runs::insert(tx, &run, &hash).await? {
            let timer = NewJob::of::<TimeOutRun<H>>(&RunPayload { run_id: run.id });
            post.jobs().enqueue(tx, timer.key(run.id.to_string()).at(run.deadline_at)).await?;
        }
        Ok(())
    }

    /// The runs of a configuration, newest first, from the one that follows `after`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn runs(
        &self,
        scope: &Scope,
        config: ConfigId,
        after: Option<RunId>,
        limit: u64,
    ) -> Result<Vec<Run>, StoreError> {
        Ok(runs::list(scope, self.post().db().conn(), config, after, limit).await?)
    }

    /// A run.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn run_of(&self, scope: &Scope, id: RunId) -> Result<Option<Run>, StoreError> {
        let found = runs::find_anywhere(self.post().db().conn(), id).await?;
        Ok(found.filter(|run| run.scope == *scope))
    }

    /// Changes a run that has not ended.
    ///
    /// # Errors
    /// [`RunError`] says why not.
    pub async fn update_run(&self, scope: &Scope, id: RunId, update: &RunUpdate) -> Result<Run, RunError> {
        let run = self.run_of(scope, id).await?.ok_or(RunError::NotFound)?;
        let tx = self.post().db().begin().await?;
        let now = self.post().now();
        let updated = update.apply(&run, now)?;
        if !runs::update(&tx, &updated, now).await? {
            return Err(RunError::Ended);
        }
        tx.commit().await?;
        Ok(updated)
    }

    /// Calls a run off. The service is not told.
    ///
    /// # Errors
    /// [`RunError`] says why not.
    pub async fn cancel_run(&self, scope: &Scope, id: RunId, actor: &Actor) -> Result<Run, RunError> {
        let text = format!("Called off by {}.", actor.name);
        self.update_run(scope, id, &RunUpdate::new().status(RunStatus::Cancelled).progress(text)).await
    }

    /// Starts a run that has ended again, as a new one: the integration is asked for the work
    /// ([`Integration::rerun`](crate::Integration::rerun)) by a job.
    ///
    /// # Errors
    /// [`RunError`] says why not.
    pub async fn rerun(&self, scope: &Scope, id: RunId) -> Result<RunId, RunError> {
        let old = self.run_of(scope, id).await?.ok_or(RunError::NotFound)?;
        if !old.status.is_finished() {
            return Err(RunError::Unfinished);
        }
        let (post, context) = (self.post(), self.context());
        let timeout = Duration::try_from(old.deadline_at.duration_since(old.created_at)).unwrap_or_default();
        let new = NewRun::new(old.config, old.subject.clone(), timeout, &*context.clock, &*context.entropy);
        let sealed_token = post.seal(new.token.expose(), &token_context(new.id));
        let payload = AskPayload { old: old.id, new: new.id, sealed_token };
        let tx = post.db().begin().await?;
        self.insert_run(&tx, new, scope, &old.integration, Some(old.id)).await?;
        let job = NewJob::of::<AskAgain<H>>(&payload).key(payload.new.to_string());
        post.jobs().enqueue(&tx, job).await?;
        tx.commit().await?;
        Ok(payload.new)
    }
}
