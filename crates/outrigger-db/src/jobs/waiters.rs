//! Those who wait for jobs, in one place: a change is one question to the database, however many wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::DbErr;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::time::Instant;

use super::JobStatus;
use super::table::{self, JobId, TOPIC};
use crate::Db;
use crate::changes::Signal;

/// How often to look without having been told to.
const BACKSTOP: Duration = Duration::from_secs(1);

type Settled = Option<JobStatus>;

pub(super) struct Waiters {
    db: Db,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Whose receivers are all gone waits no longer.
    by_job: HashMap<i64, watch::Sender<Settled>>,
    /// Whether a task serves them. It ends with the last of them.
    served: bool,
}

/// Which jobs to look at.
enum Look {
    All,
    At(Vec<i64>),
}

impl Waiters {
    pub(super) fn new(db: Db) -> Arc<Waiters> {
        Arc::new(Waiters { db, waiting: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits from now on; drop the receiver to stop.
    pub(super) fn join(self: &Arc<Self>, id: JobId) -> watch::Receiver<Settled> {
        let mut waiting = self.lock();
        let receiver = waiting.by_job.entry(id.0).or_insert_with(|| watch::Sender::new(None)).subscribe();
        if !std::mem::replace(&mut waiting.served, true) {
            // Subscribed here, not in the task: what is announced until the task runs must not be missed.
            tokio::spawn(self.clone().serve(self.db.changes().signals()));
        }
        receiver
    }

    async fn serve(self: Arc<Self>, mut signals: broadcast::Receiver<Signal>) {
        let mut all_at = Instant::now() + BACKSTOP;
        while self.anyone() {
            let look = match next_look(&mut signals, all_at).await {
                Look::At(ids) if Instant::now() < all_at => Look::At(ids),
                _ => Look::All,
            };
            if matches!(look, Look::All) {
                all_at = Instant::now() + BACKSTOP;
            }
            if let Err(error) = self.look(self.wanted(look)).await {
                tracing::warn!(%error, "cannot see whether awaited jobs have finished; looking again");
                tokio::time::sleep(BACKSTOP).await;
                all_at = Instant::now();
            }
        }
    }

    fn wanted(&self, look: Look) -> Vec<i64> {
        let waiting = self.lock();
        match look {
            Look::All => waiting.by_job.keys().copied().collect(),
            Look::At(ids) => ids.into_iter().filter(|id| waiting.by_job.contains_key(id)).collect(),
        }
    }

    /// Forgets those who left. When none is left, the serving task ends, and the next to join starts another.
    fn anyone(&self) -> bool {
        let mut waiting = self.lock();
        waiting.by_job.retain(|_, sender| sender.receiver_count() > 0);
        waiting.served = !waiting.by_job.is_empty();
        waiting.served
    }

    async fn look(&self, ids: Vec<i64>) -> Result<(), DbErr> {
        for status in table::find(&self.db, &ids).await?.into_iter().map(JobStatus::from) {
            if status.is_settled()
                && let Some(sender) = self.lock().by_job.remove(&status.id.0)
            {
                sender.send_replace(Some(status));
            }
        }
        Ok(())
    }
}

/// Waits for something to look at, no longer than until `deadline`, and takes along what else has come.
async fn next_look(signals: &mut broadcast::Receiver<Signal>, deadline: Instant) -> Look {
    let mut ids = Vec::new();
    while ids.is_empty() || !signals.is_empty() {
        match tokio::time::timeout_at(deadline, signals.recv()).await {
            Ok(Ok(Signal::Detail(topic, detail))) if *topic == *TOPIC => ids.extend(detail.parse::<i64>().ok()),
            Ok(Ok(Signal::Detail(..) | Signal::Topic(_))) => {}
            Ok(Ok(Signal::Everything) | Err(RecvError::Lagged(_) | RecvError::Closed)) | Err(_) => return Look::All,
        }
    }
    Look::At(ids)
}
