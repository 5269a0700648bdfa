//! A `redis-server` for each database: so FLUSHALL, KEYS and channels are its own. It listens on a socket file in a
//! private folder, keeps nothing on disk, and lets in two users: one may do all that is no administration, one may read.

use std::ffi::OsStr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs, io};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use outrigger_db::Entropy;
use redis_protocol::codec::Resp2;
use redis_protocol::resp2::types::BytesFrame;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio_util::codec::Framed;

use super::state::Rights;

const START_LIMIT: Duration = Duration::from_secs(15);
/// Scripts may take long; a request that waits longer than this will not be answered at all.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RedisFault {
    /// There is no program to run.
    #[error("there is no redis-server on this machine: install the Debian package redis-server, or put one on PATH")]
    NotInstalled,
    /// The program does not start.
    #[error("redis-server does not start: {0}")]
    NotStarted(String),
    /// It was there, and is not any more.
    #[error("redis-server does not answer: {0}")]
    Gone(String),
}

/// The program on `PATH`, if there is one.
pub fn find_redis_server() -> Option<PathBuf> {
    on_path("redis-server")
}

fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|file| file.is_file())
}

pub(super) struct RedisServer {
    folder: PathBuf,
    full_password: String,
    read_password: String,
    /// Killed when this is dropped.
    _process: Child,
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // What cannot be removed is an empty folder among the system's temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl RedisServer {
    pub(super) async fn start(program: Option<&Path>, entropy: &dyn Entropy) -> Result<RedisServer, RedisFault> {
        let program = program.ok_or(RedisFault::NotInstalled)?;
        let name: String = outrigger_db::token(entropy).chars().take(16).collect();
        // A path to a socket may have no more than 107 bytes, so the folder is not below the data's.
        let folder = env::temp_dir().join(format!("outrigger-redis-{name}"));
        let [full_password, read_password] = [(); 2].map(|()| outrigger_db::token(entropy));
        let config = config(&folder, &full_password, &read_password);
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(not_started)?;
        let process = match run(program.as_os_str(), &config).await {
            Ok(process) => process,
            Err(fault) => {
                let _ = fs::remove_dir_all(&folder);
                return Err(fault);
            }
        };
        Ok(RedisServer { folder, full_password, read_password, _process: process })
    }

    /// A connection of its own: what it does ends with it.
    pub(super) async fn connect(&self, rights: Rights) -> Result<Connection, RedisFault> {
        let (user, password) = match rights {
            Rights::Full => ("full", &self.full_password),
            Rights::ReadOnly => ("reader", &self.read_password),
        };
        let stream = UnixStream::connect(socket(&self.folder)).await.map_err(gone)?;
        let mut connection = Connection(Framed::new(stream, Resp2::default()));
        let parts = ["AUTH", user, password].map(|part| Bytes::copy_from_slice(part.as_bytes()));
        match connection.ask(&parts).await? {
            BytesFrame::Error(text) => Err(RedisFault::Gone(text.to_string())),
            _ => Ok(connection),
        }
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("socket")
}

fn config(folder: &Path, full_password: &str, read_password: &str) -> String {
    let (folder, socket) = (folder.display(), socket(folder));
    format!(
        "port 0
unixsocket \"{socket}\"
unixsocketperm 700
dir \"{folder}\"
save \"\"
appendonly no
daemonize no
loglevel notice
logfile \"\"
user default off
user full on >{full_password} ~* &* +@all -@admin -@blocking -client +xread +xreadgroup
user reader on >{read_password} ~* +@read -scan -keys +ping +echo +multi +exec
",
        socket = socket.display(),
    )
}

/// The configuration goes in by standard input, so that no password is in a file or in the list of processes.
async fn run(program: &OsStr, config: &str) -> Result<Child, RedisFault> {
    let mut command = ending_with_us(program);
    command.arg("-").kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn().map_err(not_started)?;
    let pipes = || RedisFault::NotStarted("it has no standard streams".to_owned());
    let mut input = process.stdin.take().ok_or_else(pipes)?;
    let mut lines = BufReader::new(process.stdout.take().ok_or_else(pipes)?).lines();
    input.write_all(config.as_bytes()).await.map_err(not_started)?;
    drop(input);
    let ready = async {
        let mut last = String::new();
        while let Some(line) = lines.next_line().await.map_err(not_started)? {
            if line.to_ascii_lowercase().contains("ready to accept connections") {
                return Ok(());
            }
            last = line;
        }
        Err(RedisFault::NotStarted(last))
    };
    tokio::time::timeout(START_LIMIT, ready)
        .await
        .map_err(|_| RedisFault::NotStarted("it takes too long".to_owned()))??;
    // A full pipe would stop it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(process)
}

/// Ends also when we are killed and can end nothing ourselves, where the system has a program for that.
fn ending_with_us(program: &OsStr) -> Command {
    match on_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn not_started(fault: io::Error) -> RedisFault {
    RedisFault::NotStarted(fault.to_string())
}

fn gone(fault: impl std::fmt::Display) -> RedisFault {
    RedisFault::Gone(fault.to_string())
}

pub(super) struct Connection(Framed<UnixStream, Resp2>);

impl Connection {
    pub(super) async fn ask(&mut self, command: &[Bytes]) -> Result<BytesFrame, RedisFault> {
        let frame = BytesFrame::Array(command.iter().cloned().map(BytesFrame::BulkString).collect());
        let exchange = async {
            self.0.send(frame).await.map_err(gone)?;
            self.next().await
        };
        tokio::time::timeout(ANSWER_LIMIT, exchange).await.map_err(|_| gone("it takes too long"))?
    }

    /// What comes next, however long that takes.
    pub(super) async fn next(&mut self) -> Result<BytesFrame, RedisFault> {
        match self.0.next().await {
            Some(frame) => frame.map_err(gone),
            None => Err(gone("the connection was closed")),
        }
    }
}
