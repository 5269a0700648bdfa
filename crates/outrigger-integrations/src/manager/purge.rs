//! Removing for good what was deleted a while ago.

use std::time::Duration;

use outrigger_db::{Attempt, Job, NewJob, Next, StepError, Tx, Worker};

use super::Manager;
use crate::delivery::prune::PruneDeliveries;
use crate::delivery::send::SendDelivery;
use crate::dispatch::{DispatchEvent, HandleEvent};
use crate::run::{AskAgain, TimeOutRun};
use crate::{Actor, Host, Scope, StoreError};

/// How long a deleted configuration can be had back.
const UNDO: Duration = Duration::from_secs(30 * 24 * 3600);
const EVERY: Duration = Duration::from_secs(24 * 3600);
const BATCH: u64 = 100;

/// The job that does it, once a day.
pub(crate) struct PurgeDeleted<H: Host>(pub(crate) Manager<H>);

impl<H: Host> Job for PurgeDeleted<H> {
    const KIND: &'static str = "integrations_purge_deleted";
    const STEPS: &'static [&'static str] = &["purge"];
    type Payload = ();

    async fn step(&self, _: &'static str, _: &(), _: &Attempt) -> Result<Next, StepError> {
        match self.0.purge_deleted().await {
            Ok(_) => Ok(Next::Again { after: EVERY }),
            Err(error) => Err(StepError::retry(error.to_string())),
        }
    }
}

impl<H: Host> Manager<H> {
    /// Lets a worker do what the framework has to do. Any number of processes may have one.
    #[must_use]
    pub fn jobs(&self, worker: Worker) -> Worker {
        worker
            .register(PurgeDeleted(self.clone()))
            .register(DispatchEvent(self.clone()))
            .register(HandleEvent(self.clone()))
            .register(SendDelivery(self.clone()))
            .register(TimeOutRun(self.clone()))
            .register(AskAgain(self.clone()))
            .register(PruneDeliveries(self.clone()))
    }

    /// Sees to it that the framework's recurring jobs exist. Call it when the program starts.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn schedule(&self) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let jobs = outrigger_db::Jobs::new(store.db().clone(), store.clock().clone(), store.entropy().clone());
        let tx = store.db().begin().await?;
        jobs.enqueue(&tx, NewJob::of::<PurgeDeleted<H>>(&()).key("purge")).await?;
        jobs.enqueue(&tx, NewJob::of::<PruneDeliveries<H>>(&()).key("prune")).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes for good all configurations of a scope, in the transaction in which the host removes what the scope
    /// stands for. Their histories stay; what they had still to send is not sent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_scope(&self, tx: &Tx, scope: &Scope) -> Result<usize, StoreError> {
        let store = &self.shared.store;
        store.lock(tx).await?;
        let gone = store.purge_scope(tx, scope).await?;
        for row in &gone {
            store.note_purged(tx, row, &Actor::system()).await?;
        }
        Ok(gone.len())
    }

    /// Removes for good what was deleted more than 30 days ago, and says how many that were. Their histories stay. The
    /// framework's worker does it once a day.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn purge_deleted(&self) -> Result<usize, StoreError> {
        let store = &self.shared.store;
        let before = store.now().checked_sub(UNDO).unwrap_or(jiff::Timestamp::MIN).as_millisecond();
        let mut purged = 0;
        loop {
            let tx = store.db().begin().await?;
            store.lock(&tx).await?;
            let gone = store.purge_anywhere(&tx, before, BATCH).await?;
            for row in &gone {
                store.note_purged(&tx, row, &Actor::system()).await?;
            }
            tx.commit().await?;
            purged += gone.len();
            if gone.is_empty() {
                return Ok(purged);
            }
        }
    }
}
