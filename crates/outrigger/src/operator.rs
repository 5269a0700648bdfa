//! Commands for whoever runs the platform: they work on the database itself and need no token.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use outrigger_db::{Clock, Db, Entropy, KeyRing, Keys, SystemClock, SystemEntropy};
use outrigger_integrations::Outbound;
use outrigger_platform::app::{App, SharedApp};
use outrigger_platform::config::Config;
use outrigger_platform::store::{self, Store};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::exit::{CommandResult, Failure};
use crate::integrations as own_integrations;

mod demo;
mod init;
mod integrations;
mod keys;
mod migrate;
mod serve;
mod sign_in_link;
mod upstash_emulator;
mod users;

/// What an operator may say.
#[derive(Subcommand)]
pub(crate) enum OperatorCommand {
    /// Run the platform: API, worker and jobs, until Ctrl-C
    Serve(Box<serve::Args>),
    /// Run a platform with an account, a site, a token and an add-on to try, on this machine only
    Demo(demo::Args),
    /// Set up a new platform: key file, database, first account, operator and token
    Init(init::Args),
    /// Users of the platform
    #[command(subcommand)]
    Users(users::Command),
    /// Keys of the secrets at rest
    #[command(subcommand)]
    Keys(keys::Command),
    /// Integrations that were built with version 1 of Netlify's SDK
    #[command(subcommand)]
    Integrations(integrations::Command),
    /// Bring the database's schema up to date (serve does so too)
    Migrate(migrate::Args),
    /// Run a local stand-in for Upstash, to try its integration and programs that use it
    UpstashEmulator(upstash_emulator::Args),
}

impl OperatorCommand {
    pub(crate) async fn run(self, json: bool) -> CommandResult {
        match self {
            Self::Serve(args) => serve::run(*args).await,
            Self::Demo(args) => demo::run(args, json).await,
            Self::Init(args) => init::run(args, json).await,
            Self::Users(command) => users::run(command, json).await,
            Self::Keys(command) => keys::run(command, json).await,
            Self::Integrations(command) => integrations::run(command, json).await,
            Self::Migrate(args) => migrate::run(args, json).await,
            Self::UpstashEmulator(args) => upstash_emulator::run(args, json).await,
        }
    }
}

/// Settings of the server: the config file, then the environment, then flags.
#[derive(Args, Clone, Default)]
pub(crate) struct ServerArgs {
    /// Config file (TOML); every setting has a default
    #[arg(long, env = "OUTRIGGER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// `sqlite:FILE` or `postgres://…`
    #[arg(long, env = "OUTRIGGER_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Keys of the secrets at rest; the environment variable OUTRIGGER_KEY may hold them instead
    #[arg(long, env = "OUTRIGGER_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Where it is noted which integrations are installed
    #[arg(long, env = "OUTRIGGER_INTEGRATIONS_DIR", value_name = "DIR")]
    integrations_dir: Option<PathBuf>,
}

/// Settings that only a serving process has.
#[derive(Args, Clone)]
pub(crate) struct ListenArgs {
    /// Where to listen
    #[arg(long, env = "OUTRIGGER_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// How clients and add-ons reach the platform
    #[arg(long, env = "OUTRIGGER_PUBLIC_URL", value_name = "URL")]
    public_url: Option<Url>,
    /// Sites are NAME.BASE_DOMAIN
    #[arg(long, env = "OUTRIGGER_BASE_DOMAIN", value_name = "DOMAIN")]
    base_domain: Option<String>,
    /// Where the gateway to the sites listens; default: one port further than the API
    #[arg(long, env = "OUTRIGGER_GATEWAY_LISTEN", value_name = "ADDRESS:PORT")]
    gateway_listen: Option<SocketAddr>,
    /// Where the gateway listens for HTTPS
    #[arg(long, env = "OUTRIGGER_GATEWAY_TLS_LISTEN", value_name = "ADDRESS:PORT", requires_all = ["certificate", "key"])]
    gateway_tls_listen: Option<SocketAddr>,
    /// The gateway's certificate chain, PEM; read again when it changes
    #[arg(long, env = "OUTRIGGER_CERTIFICATE", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, env = "OUTRIGGER_CERTIFICATE_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Scheme and port at which clients reach the sites, as a URL
    #[arg(long, env = "OUTRIGGER_SITES_URL", value_name = "URL")]
    sites_url: Option<Url>,
    /// Sites without an origin are the folders of their names in here
    #[arg(long, env = "OUTRIGGER_SITES_DIR", value_name = "DIR")]
    sites_dir: Option<PathBuf>,
    /// Answer for no sites: a node for the API only
    #[arg(long, env = "OUTRIGGER_NO_GATEWAY")]
    no_gateway: bool,
    /// Let add-ons and build webhooks be on loopback and private addresses (development only)
    #[arg(long, env = "OUTRIGGER_ALLOW_PRIVATE_ADDRESSES")]
    allow_private_addresses: bool,
    /// Where Upstash's developer API is, for the integration of that name
    #[arg(long, env = "OUTRIGGER_UPSTASH_API_URL", value_name = "URL", default_value = outrigger_upstash::UPSTASH_API)]
    upstash_api_url: Url,
    /// Jobs run at once; 0 for a node that only serves requests
    #[arg(long, env = "OUTRIGGER_WORKERS", value_name = "N")]
    workers: Option<usize>,
}

impl ServerArgs {
    fn config(&self) -> CommandResult<Config> {
        let mut config = match &self.config {
            Some(path) => Config::load(path).map_err(|fault| Failure::usage(fault.to_string()))?,
            None => Config::default(),
        };
        config.database_url = self.database_url.clone().unwrap_or(config.database_url);
        config.key_file = self.key_file.clone().unwrap_or(config.key_file);
        config.integrations_dir = self.integrations_dir.clone().unwrap_or(config.integrations_dir);
        Ok(config)
    }
}

impl ListenArgs {
    fn apply(&self, config: &mut Config) {
        config.listen = self.listen.unwrap_or(config.listen);
        config.public_url = self.public_url.clone().or(config.public_url.take());
        config.workers = self.workers.unwrap_or(config.workers);
        config.allow_private_addresses |= self.allow_private_addresses;
        if let Some(domain) = &self.base_domain {
            config.base_domain.clone_from(domain);
        }
        config.sites_url = self.sites_url.clone().or(config.sites_url.take());
        let gateway = &mut config.gateway;
        gateway.listen = self.gateway_listen.or(gateway.listen);
        gateway.tls_listen = self.gateway_tls_listen.or(gateway.tls_listen);
        gateway.certificate = self.certificate.clone().or(gateway.certificate.take());
        gateway.key = self.key.clone().or(gateway.key.take());
        gateway.sites_dir = self.sites_dir.clone().or(gateway.sites_dir.take());
        gateway.enabled &= !self.no_gateway;
    }
}

/// Time, randomness and the way out, made here and passed to all else.
pub(crate) struct Sources {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Sources {
    pub(crate) fn system() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }
}

/// The environment variable that may hold the keys, for machines without a disk of their own.
const KEY_VARIABLE: &str = "OUTRIGGER_KEY";

fn load_keys(config: &Config) -> CommandResult<Keys> {
    if let Ok(text) = std::env::var(KEY_VARIABLE) {
        let ring = KeyRing::parse(&text);
        let ring = ring.map_err(|fault| Failure::usage(format!("{KEY_VARIABLE} holds no valid keys: {fault}")))?;
        return Ok(Keys::fixed(ring));
    }
    let path = &config.key_file;
    Keys::of_file(path.clone()).map_err(|fault| {
        Failure::usage(format!("the key file {} cannot be used: {fault}", path.display())).hint(
            "say where it is with --key-file or OUTRIGGER_KEY_FILE; `outrigger init` makes a new platform with one",
        )
    })
}

/// Makes the key file when there is none.
fn load_or_create_keys(config: &Config, entropy: &dyn Entropy) -> CommandResult<Keys> {
    let path = &config.key_file;
    if std::env::var_os(KEY_VARIABLE).is_none() && !path.exists() {
        let saved = KeyRing::generate(entropy).save(path);
        saved.map_err(|fault| Failure::usage(format!("cannot make the key file {}: {fault}", path.display())))?;
    }
    load_keys(config)
}

/// Opens the platform that the settings describe.
async fn open_existing(args: &ServerArgs) -> CommandResult<SharedApp> {
    let config = args.config()?;
    let keys = load_keys(&config)?;
    open(config, keys).await
}

async fn connect(config: &Config) -> CommandResult<Db> {
    let db = Db::connect(&config.database_url).await.map_err(|fault| {
        Failure::new(1, format!("cannot open the database: {:#}", anyhow::Error::from(fault)))
            .hint("--database-url or OUTRIGGER_DATABASE_URL says where it is: `sqlite:FILE` or `postgres://…`")
    })?;
    db.migrate(store::migrations()).await.context("bringing the database's schema up to date failed")?;
    Ok(db)
}

/// Connects, migrates, and puts the platform together.
async fn open(config: Config, keys: Keys) -> CommandResult<SharedApp> {
    let sources = Sources::system();
    let db = connect(&config).await?;
    let outbound = Outbound::new(config.allow_private_addresses, config.provider_timeout)
        .context("the HTTP client cannot be set up")?;
    let store = Store::new(db, Arc::new(keys), sources.clock, sources.entropy);
    let app = App::new(config, store, outbound);
    own_integrations::register(&app.manager).context("the integrations cannot be registered")?;
    Ok(app)
}

/// Ends with Ctrl-C, SIGTERM, or when the terminal is closed.
fn stop_signal() -> CommandResult<CancellationToken> {
    let token = CancellationToken::new();
    let stopping = token.clone();
    let listen = |kind| signal(kind).context("cannot listen to signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        stopping.cancel();
    });
    Ok(token)
}

/// Logs go to standard error: lines for people on a terminal, JSON elsewhere.
fn start_logging(default_level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("OUTRIGGER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default_level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        builder.init();
    } else {
        builder.json().init();
    }
}

/// The first line of standard input.
fn read_password() -> CommandResult<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("standard input cannot be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
