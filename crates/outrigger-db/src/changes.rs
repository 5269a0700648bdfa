//! Announce and watch: every process on a database learns of what changed in it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::dialect::CHANNEL;

/// How often the file of a SQLite database is asked whether another process wrote to it.
const SQLITE_TICK: Duration = Duration::from_millis(20);
/// How long to wait before another try when the listener's connection cannot be had.
const RECONNECT: Duration = Duration::from_secs(1);
/// Signals kept for a watch that is slow to look; one that falls further behind wakes, and rereads, all the same.
const BACKLOG: usize = 1024;

/// One announcement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Signal {
    Topic(Arc<str>),
    Detail(Arc<str>, Arc<str>),
    /// Anything may have changed: there was a gap, or the engine cannot say what did.
    Everything,
}

impl Signal {
    /// `topic` or `topic:detail`. "Everything" is a finding, never sent.
    pub(crate) fn payload(&self) -> Option<String> {
        match self {
            Signal::Topic(topic) => Some(topic.to_string()),
            Signal::Detail(topic, detail) => Some(format!("{topic}:{detail}")),
            Signal::Everything => None,
        }
    }

    fn parse(payload: &str) -> Signal {
        match payload.split_once(':') {
            Some((topic, detail)) => Signal::Detail(topic.into(), detail.into()),
            None => Signal::Topic(payload.into()),
        }
    }

    fn wakes(&self, watched: &str) -> bool {
        match self {
            Signal::Topic(topic) => **topic == *watched,
            Signal::Detail(..) => false,
            Signal::Everything => true,
        }
    }
}

/// What changed, in this process and in others.
///
/// A transaction says what it changes with [`Tx::announce`](crate::Tx::announce). Within the process watches wake
/// directly after the commit. Other processes hear of it by NOTIFY on PostgreSQL; on SQLite each process looks 50
/// times a second whether the file was written to, which wakes the watches of all topics.
#[derive(Clone)]
pub struct Changes {
    signals: broadcast::Sender<Signal>,
    listener: Arc<Listener>,
}

struct Listener {
    task: Mutex<Option<JoinHandle<Option<()>>>>,
    stop: CancellationToken,
    /// The task ends with the last clone even when nobody closed the database.
    _stop_on_drop: DropGuard,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

impl Changes {
    pub(crate) async fn of_sqlite(options: &SqliteConnectOptions) -> Result<Changes, sqlx::Error> {
        let mut conn = options.connect().await?;
        let version = data_version(&mut conn).await?;
        Ok(Changes::start(|signals| watch_file(conn, version, signals)))
    }

    pub(crate) async fn of_postgres(options: PgConnectOptions) -> Result<Changes, sqlx::Error> {
        // A pool of its own: the listener keeps its connection for ever, and reconnects by it.
        let pool =
            PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None).connect_with(options).await?;
        let listener = subscribe(&pool).await?;
        Ok(Changes::start(|signals| listen(pool, listener, signals)))
    }

    fn start<F>(listen: impl FnOnce(broadcast::Sender<Signal>) -> F) -> Changes
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (signals, _) = broadcast::channel(BACKLOG);
        let stop = CancellationToken::new();
        let task = tokio::spawn(stop.clone().run_until_cancelled_owned(listen(signals.clone())));
        let listener = Listener { task: Mutex::new(Some(task)), _stop_on_drop: stop.clone().drop_guard(), stop };
        Changes { signals, listener: Arc::new(listener) }
    }

    /// Watches a topic from now on.
    pub fn watch(&self, topic: &'static str) -> Watch {
        Watch { topic, signals: self.signals.subscribe() }
    }

    pub(crate) fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    pub(crate) fn publish(&self, signal: Signal) {
        // An error only says that nobody watches.
        let _ = self.signals.send(signal);
    }

    pub(crate) async fn close(&self) {
        self.listener.stop.cancel();
        let task = self.listener.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

/// Waits for changes of one topic.
#[derive(Debug)]
pub struct Watch {
    topic: &'static str,
    signals: broadcast::Receiver<Signal>,
}

impl Watch {
    /// Resolves when the topic changed since the watch began or since this last resolved, at once if it already has.
    ///
    /// Several changes may be told as one, and there may have been none: read what you need again. None is missed,
    /// not even while the connection to PostgreSQL is lost: that, and its return, wake every watch. Once the
    /// database is closed this waits for ever. Dropping the future loses nothing.
    pub async fn changed(&mut self) {
        loop {
            match self.signals.recv().await {
                Ok(signal) if !signal.wakes(self.topic) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
        // What came meanwhile is covered by the reading that follows.
        self.signals = self.signals.resubscribe();
    }
}

async fn data_version(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA data_version").fetch_one(conn).await
}

/// Tells of every commit by another connection to the file, ours or not: SQLite cannot say which.
async fn watch_file(mut conn: SqliteConnection, mut seen: i64, signals: broadcast::Sender<Signal>) {
    let mut tick = tokio::time::interval(SQLITE_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match data_version(&mut conn).await {
            Ok(version) if version == seen => {}
            Ok(version) => {
                seen = version;
                let _ = signals.send(Signal::Everything);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot see whether the database file changed; trying again");
                let _ = signals.send(Signal::Everything);
                tokio::time::sleep(RECONNECT).await;
            }
        }
    }
}

async fn subscribe(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

async fn listen(pool: PgPool, mut listener: PgListener, signals: broadcast::Sender<Signal>) {
    loop {
        let signal = match listener.try_recv().await {
            Ok(Some(notification)) => Signal::parse(notification.payload()),
            // The connection was lost and is back: what was announced in between is gone.
            Ok(None) => Signal::Everything,
            Err(error) => {
                tracing::warn!(%error, "the listener for database changes lost its connection; trying again");
                let _ = signals.send(Signal::Everything);
                drop(listener);
                listener = resubscribe(&pool).await;
                Signal::Everything
            }
        };
        let _ = signals.send(signal);
    }
}

async fn resubscribe(pool: &PgPool) -> PgListener {
    loop {
        match subscribe(pool).await {
            Ok(listener) => return listener,
            Err(error) => tracing::debug!(%error, "the listener for database changes cannot connect yet"),
        }
        tokio::time::sleep(RECONNECT).await;
    }
}
