//! Step 4: the manager, with the integrations that the board offers.

// [guide: manager]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use outrigger_db::{Db, Entropy, KeyRing, Keys, SystemClock, SystemEntropy};
use outrigger_integrations::{ConfigStore, Context, Manager, Outbound};

use crate::chat::Chat;
use crate::host::Board;

/// The one manager of the process. `keys` seal the secrets of configurations.
pub fn manager(db: Db, keys: Arc<Keys>) -> anyhow::Result<Manager<Board>> {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let store = ConfigStore::new(db, keys, clock.clone(), entropy.clone());
    // The chat service of this example is on this machine. `false` keeps integrations out of private networks.
    let outbound = Outbound::new(true, Duration::from_secs(10))?;
    let manager = Manager::builder().store(store).context(Context { outbound, clock, entropy }).build();
    manager.register(Chat)?.keep();
    Ok(manager)
}
// [end]

// [guide: keys]
/// The keys in this file, which is made if there is none. Keep a copy of it: without it the secrets are lost.
pub fn keys(file: &Path, entropy: &dyn Entropy) -> anyhow::Result<Arc<Keys>> {
    if !file.exists() {
        KeyRing::generate(entropy).save(file)?;
    }
    Ok(Arc::new(Keys::of_file(file.to_owned())?))
}
// [end]

// [guide: work]
use outrigger_db::{Jobs, Worker};
use outrigger_integrations::Running;
use tokio_util::sync::CancellationToken;

/// What goes on beside the requests: integrations start and stop, events are handed on, messages are sent.
pub struct Work {
    pub running: Running,
    pub worker: tokio::task::JoinHandle<()>,
}

impl Work {
    pub async fn start(manager: &Manager<Board>, stop: CancellationToken) -> anyhow::Result<Work> {
        manager.schedule().await?;
        let running = manager.run();
        let Context { clock, entropy, .. } = manager.context().clone();
        let jobs = Jobs::new(manager.store().db().clone(), clock, entropy);
        let worker = manager.jobs(Worker::new(jobs));
        let worker = tokio::spawn(async move { worker.run(stop).await });
        Ok(Work { running, worker })
    }

    /// Lets what is running end. `stop` was cancelled before.
    pub async fn end(self, manager: &Manager<Board>) {
        let _ = self.worker.await;
        manager.shutdown(Duration::from_secs(10)).await;
        self.running.end().await;
    }
}
// [end]
