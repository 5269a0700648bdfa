//! Listeners, threads and their end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};

use crate::forward::Worker;
use crate::head_wait::HeadWait;
use crate::headers::{Peer, ProofNames, Via};
use crate::identity::KeySets;
use crate::meters::{self, Meters};
use crate::settings::{HEADERS_OF_LIBRARY, Settings, Surroundings};
use crate::table::Table;
use crate::upstream::{Connector, Upstreams};

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting that cannot be.
    #[error("the setting `{0}` {1}")]
    Setting(&'static str, &'static str),
    /// The certificates that the system trusts cannot be read.
    #[error("the system's trusted certificates cannot be used: {0}")]
    Trust(#[from] rustls::Error),
    /// A listener or a thread.
    #[error("the gateway's threads cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) surroundings: Surroundings,
    pub(crate) proof_names: ProofNames,
    pub(crate) via: Via,
    pub(crate) table: Table,
    pub(crate) upstreams: Upstreams,
    pub(crate) connector: Connector,
    pub(crate) key_sets: KeySets,
    /// Of requests that are for no site.
    pub(crate) no_site: Arc<Meters>,
    /// As many as there may be connections of clients.
    connections: Arc<Semaphore>,
}

/// The gateway: a table, and how requests are answered by it. Clones share it.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("sites", &self.table().len()).finish_non_exhaustive()
    }
}

/// Where the gateway accepts connections. Both may be empty.
#[derive(Debug, Default)]
pub struct Listeners {
    /// For HTTP/1.1, and HTTP/2 with prior knowledge.
    pub plain: Vec<TcpListener>,
    /// For the same through TLS.
    pub tls: Vec<(TcpListener, Arc<ServerConfig>)>,
    /// How many threads answer; zero starts one for each processor.
    pub threads: usize,
}

impl Gateway {
    /// A gateway without sites.
    ///
    /// # Errors
    /// [`StartError::Setting`] names a setting that cannot be.
    pub fn new(settings: Settings, surroundings: Surroundings) -> Result<Self, StartError> {
        let prefix = &settings.path_prefix;
        if prefix.len() < 3 || !prefix.starts_with('/') || !prefix.ends_with('/') {
            return Err(StartError::Setting("path_prefix", "must be a path with a slash at both ends"));
        }
        let bad_prefix = StartError::Setting("header_prefix", "must be the lower-case begin of a header's name");
        let is_lower =
            settings.header_prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let proof_names = ProofNames::new(&settings.header_prefix).ok().filter(|_| is_lower);
        let connector = Connector::new(&surroundings)?;
        meters::describe(&*surroundings.recorder);
        Ok(Self(Arc::new(Shared {
            proof_names: proof_names.filter(|_| settings.header_prefix.len() > 1).ok_or(bad_prefix)?,
            via: Via::new(&settings.name),
            table: Table::default(),
            upstreams: Upstreams::default(),
            connector,
            key_sets: KeySets::default(),
            no_site: Meters::new(&*surroundings.recorder, "", "", ""),
            connections: Arc::new(Semaphore::new(settings.limits.connections.clamp(1, Semaphore::MAX_PERMITS))),
            settings,
            surroundings,
        })))
    }

    /// The table by which requests are answered.
    pub fn table(&self) -> &Table {
        &self.0.table
    }

    /// Starts to accept connections, on threads of its own.
    ///
    /// # Errors
    /// [`StartError::Thread`] where a listener or a thread cannot be used.
    pub fn serve(&self, listeners: Listeners) -> Result<Running, StartError> {
        let (stop, stopped) = watch::channel(false);
        let threads = match listeners.threads {
            0 => std::thread::available_parallelism()?.get(),
            threads => threads,
        };
        let mut running = Running { stop, threads: Vec::with_capacity(threads) };
        for number in 0..threads {
            let mut doors = Vec::new();
            for listener in &listeners.plain {
                doors.push((listener.try_clone()?, None));
            }
            for (listener, config) in &listeners.tls {
                doors.push((listener.try_clone()?, Some(config.clone())));
            }
            doors.iter().try_for_each(|(listener, _)| listener.set_nonblocking(true))?;
            let (shared, stopped) = (self.0.clone(), stopped.clone());
            let thread = std::thread::Builder::new().name(format!("gateway-{number}"));
            running.threads.push(thread.spawn(move || run_thread(shared, doors, stopped))?);
        }
        Ok(running)
    }
}

/// A gateway that accepts connections. Dropping it stops it at once.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Accepts no more connections, waits until those that are being answered are done, but not for longer than the
    /// settings say.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let joined = tokio::task::spawn_blocking(|| {
            for thread in self.threads {
                match thread.join() {
                    Ok(Ok(())) => {}
                    Ok(Err(fault)) => tracing::error!(%fault, "a thread of the gateway could not work"),
                    Err(_) => tracing::error!("a thread of the gateway panicked"),
                }
            }
        });
        // Cannot fail: nothing in it panics.
        let _ = joined.await;
    }
}

type Door = (TcpListener, Option<Arc<ServerConfig>>);

/// How often a thread closes connections that nobody uses any more.
const SWEEP: Duration = Duration::from_secs(5);

fn run_thread(shared: Arc<Shared>, doors: Vec<Door>, mut stopped: watch::Receiver<bool>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let drain = shared.settings.timeouts.drain;
        let worker = Rc::new(Worker::new(shared.clone()));
        let graceful = Rc::new(GracefulShutdown::new());
        let mut accepting = Vec::new();
        for (listener, tls) in doors {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let door = Entrance { shared: shared.clone(), worker: worker.clone(), graceful: graceful.clone() };
            accepting.push(spawn_local(door.accept(listener, tls.map(TlsAcceptor::from))));
        }
        let sweeping = spawn_local(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                worker.sweep();
            }
        });
        // An error means that whoever could stop us is gone.
        let _ = stopped.wait_for(|stopped| *stopped).await;
        for task in accepting {
            task.abort();
            let _ = task.await;
        }
        let Ok(graceful) = Rc::try_unwrap(graceful).map_err(|_| tracing::error!("an entrance stayed open")) else {
            return Ok(());
        };
        if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still running when the gateway stopped");
        }
        sweeping.abort();
        Ok(())
    })
}

/// Where one listener's connections come in, on one thread.
struct Entrance {
    shared: Arc<Shared>,
    worker: Rc<Worker>,
    graceful: Rc<GracefulShutdown>,
}

impl Entrance {
    async fn accept(self, listener: tokio::net::TcpListener, tls: Option<TlsAcceptor>) {
        loop {
            // Never closed.
            let Ok(permit) = self.shared.connections.clone().acquire_owned().await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(fault) => {
                    tracing::warn!(%fault, "a connection could not be accepted");
                    // Mostly too many open files: that takes some time to get better.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let serving = self.greet(stream, peer, tls.clone());
            spawn_local(async move {
                serving.await;
                drop(permit);
            });
        }
    }

    fn greet(&self, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) -> impl Future<Output = ()> + use<> {
        let address = peer.ip().to_canonical();
        let trusted = (self.shared.surroundings.trusted_proxy)(address);
        let peer = Rc::new(Peer::new(address, tls.is_some(), trusted));
        let (worker, watcher) = (self.worker.clone(), self.graceful.watcher());
        let shared = self.shared.clone();
        async move {
            // Answers go out as soon as they are there.
            let _ = stream.set_nodelay(true);
            let Some(tls) = tls else { return serve(&shared, stream, peer, worker, watcher).await };
            match tokio::time::timeout(shared.settings.timeouts.request_head, tls.accept(stream)).await {
                // Boxed, as it is larger: plain connections need no room for it.
                Ok(Ok(stream)) => Box::pin(serve(&shared, stream, peer, worker, watcher)).await,
                Ok(Err(fault)) => tracing::debug!(%fault, "no TLS with a client"),
                Err(_) => tracing::debug!("a client did not finish its TLS handshake in time"),
            }
        }
    }
}

async fn serve<S>(
    shared: &Shared,
    stream: S,
    peer: Rc<Peer>,
    worker: Rc<Worker>,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Settings { limits, timeouts, .. } = &shared.settings;
    let mut builder = auto::Builder::new(LocalExecutor);
    builder
        .http1()
        // Its own would be made anew for each request.
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes.max(MIN_BUFFER))
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(timeouts.request_head);
    if limits.headers != HEADERS_OF_LIBRARY {
        builder.http1().max_headers(limits.headers);
    }
    let head_wait = Rc::new(HeadWait::begin());
    let of_service = head_wait.clone();
    let service = service_fn(move |request| {
        let (worker, peer, head_wait) = (worker.clone(), peer.clone(), of_service.clone());
        async move { Ok::<_, std::convert::Infallible>(worker.handle(&peer, request, head_wait).await) }
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        ended = watcher.watch(connection) => {
            let _ = ended.inspect_err(|fault| tracing::debug!(%fault, "a client's connection ended"));
        }
        () = head_wait.exceeds(timeouts.request_head) => tracing::debug!("a client did not send its request in time"),
    }
}

/// The HTTP library does not work with less.
const MIN_BUFFER: usize = 8 * 1024;

/// Runs the streams of an HTTP/2 connection on the thread of the connection.
#[derive(Debug, Clone, Copy)]
struct LocalExecutor;

impl<F: Future + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        spawn_local(future);
    }
}
