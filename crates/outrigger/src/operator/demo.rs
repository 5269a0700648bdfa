//! A whole platform on this machine, to try: SQLite, one account, one site, one token, one add-on.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use outrigger_platform::app::SharedApp;
use outrigger_platform::config::{Config, GatewayConfig};
use outrigger_platform::gateway::Doors;
use outrigger_platform::server;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Sources, load_or_create_keys, open, sign_in_link, start_logging, stop_signal};
use crate::demo::addon;
use crate::exit::{CommandResult, Failure};
use crate::files::{base_folder, write_private};
use crate::output::{print_json, say};
use crate::{gateway, installed, upstash};

mod set_up;
mod welcome;

use set_up::set_up;
use welcome::welcome;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port of the API; 0 for any free one
    #[arg(long, default_value_t = 8090)]
    port: u16,
    /// Port of the gateway to the demo's site; default: one further than the API's
    #[arg(long, value_name = "PORT")]
    gateway_port: Option<u16>,
    /// Where the demo keeps its data; default: `outrigger/demo` under $XDG_STATE_HOME (~/.local/state)
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Keep the platform's own data in this database; default: an SQLite file in the data folder
    #[arg(long, value_name = "URL", conflicts_with = "ephemeral")]
    database_url: Option<String>,
    /// Keep nothing: use a temporary folder and remove it at the end
    #[arg(long, conflicts_with = "data_dir")]
    ephemeral: bool,
    /// Write addresses, ids and the token to this file as JSON once everything is ready
    #[arg(long, value_name = "FILE")]
    info_file: Option<PathBuf>,
}

/// What a second start has to know of the first.
#[derive(Serialize, Deserialize)]
struct State {
    account_id: String,
    account_slug: String,
    site_id: String,
    site_name: String,
    token: String,
    addon_port: u16,
}

/// Where everything is kept. Of an ephemeral demo nothing is left, however it ends.
struct DataDir {
    path: PathBuf,
    ephemeral: bool,
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.ephemeral {
            // Nothing can be done about a failure here; what is left is in the system's temporary folder.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

pub(super) async fn run(args: Args, json: bool) -> CommandResult {
    start_logging("warn");
    let stop = stop_signal()?;
    if let Some(file) = &args.info_file {
        // Who waits for the file must not read the one of an earlier demo.
        let _ = fs::remove_file(file);
    }
    let data = data_dir(&args)?;
    let _only_one = lock(&data.path)?;
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await.map_err(|fault| {
        Failure::new(1, format!("cannot listen on port {}: {fault}", args.port))
            .hint("choose another with --port; 0 takes any free one")
    })?;
    let (app, doors) = open_platform(&data.path, &args, &listener).await?;
    let stand_in = upstash::start_stand_in(stop.clone()).await?;
    upstash::register(&app, stand_in.api_url.clone())?;
    installed::register_all(&app).await?;
    let (state, addon) = start_addon_and_set_up(&app, &data.path, stop.clone()).await?;
    set_up::write_site(&app, &state.site_name)?;
    let gateway = gateway::start(&app, doors, stop.clone());
    let server = tokio::spawn(server::serve(app.clone(), listener, stop.clone()));
    set_up::refresh_moved_addon(&app, state.addon_port).await?;
    let sign_in_url = sign_in_link::of(&app, set_up::EMAIL).await?;
    let mut info = info(&app, &state);
    info["sign_in_url"] = json!(sign_in_url);
    info["upstash"] = json!({ "email": stand_in.account.email, "api_key": stand_in.account.api_key });
    if let Some(path) = &args.info_file {
        let written = write_private(path, format!("{info:#}\n").as_bytes());
        written.map_err(|fault| Failure::usage(format!("cannot write {}: {fault}", path.display())))?;
    }
    if json {
        print_json(&info)?;
    } else {
        say!("{}", welcome(&app, &state, &data, &sign_in_url, &stand_in));
    }
    let served = server.await.context("the platform stopped")?;
    stop.cancel();
    gateway.await.context("the gateway stopped")??;
    addon.await.context("the demo add-on stopped")?;
    Ok(served?)
}

fn data_dir(args: &Args) -> CommandResult<DataDir> {
    let entropy = Sources::system().entropy;
    let path = match (&args.data_dir, args.ephemeral) {
        (_, true) => std::env::temp_dir().join(format!("outrigger-demo-{}", outrigger_db::token(&*entropy))),
        (Some(path), _) => path.clone(),
        (None, _) => base_folder("XDG_STATE_HOME", ".local/state")?.join("outrigger/demo"),
    };
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).and_then(|()| path.canonicalize());
    let path = made.map_err(|fault| {
        Failure::usage(format!("cannot make the data folder {}: {fault}", path.display()))
            .hint("name another with --data-dir")
    })?;
    Ok(DataDir { path, ephemeral: args.ephemeral })
}

/// Two demos on one folder would share a worker's jobs and an add-on's file.
fn lock(dir: &Path) -> CommandResult<fs::File> {
    let file = fs::File::create(dir.join("lock"))
        .map_err(|fault| Failure::usage(format!("cannot write into {}: {fault}", dir.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(Failure::new(5, format!("another demo is running on {}", dir.display()))
            .hint("stop it, or use another --data-dir")),
    }
}

async fn open_platform(dir: &Path, args: &Args, listener: &TcpListener) -> CommandResult<(SharedApp, Option<Doors>)> {
    let address = listener.local_addr().context("the listener has no address")?;
    let url = format!("http://127.0.0.1:{}", address.port());
    let mut gateway = GatewayConfig { sites_dir: Some(dir.join("sites")), ..GatewayConfig::default() };
    gateway.listen = match (args.gateway_port, args.port) {
        (Some(port), _) => Some(SocketAddr::new(address.ip(), port)),
        // Another port would be taken some day.
        (None, 0) => Some(SocketAddr::new(address.ip(), 0)),
        (None, _) => None,
    };
    let mut config = Config {
        listen: address,
        gateway,
        public_url: Some(url.parse().context("the address is no URL")?),
        database_url: args
            .database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", dir.join("outrigger.db").display())),
        key_file: dir.join("outrigger.key"),
        integrations_dir: dir.join("integrations"),
        allow_private_addresses: true,
        ..Config::default()
    };
    let doors = gateway::bind(&mut config, "--gateway-port")?;
    let sites_url = format!("http://{}", config.gateway_listen());
    config.sites_url = Some(sites_url.parse().context("the gateway's address is no URL")?);
    let keys = load_or_create_keys(&config, &*Sources::system().entropy)?;
    Ok((open(config, keys).await?, doors))
}

type Running = tokio::task::JoinHandle<()>;

/// Starts the add-on where it was before, if that port is free, and sets up the platform at the first start.
async fn start_addon_and_set_up(
    app: &SharedApp,
    dir: &Path,
    stop: CancellationToken,
) -> CommandResult<(State, Running)> {
    let file = dir.join("demo.json");
    let known = read_state(&file)?;
    let listener = addon_listener(known.as_ref().map(|state| state.addon_port)).await?;
    let addon_port = listener.local_addr().context("the listener has no address")?.port();
    let secret = set_up::addon_secret(app).await?;
    let running = addon::start(listener, &secret, dir.to_owned(), Sources::system(), stop).await?;
    let state = set_up(app, known, addon_port, &secret).await?;
    let text = serde_json::to_vec_pretty(&state).context("the demo's state has no form")?;
    write_private(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok((state, running))
}

fn read_state(file: &Path) -> CommandResult<Option<State>> {
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|fault| {
            Failure::usage(format!("{} is damaged: {fault}", file.display()))
                .hint("remove that file to make a new token, or its folder to start anew")
        }),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(Failure::usage(format!("cannot read {}: {fault}", file.display()))),
    }
}

async fn addon_listener(port: Option<u16>) -> CommandResult<TcpListener> {
    if let Some(port) = port
        && let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await
    {
        return Ok(listener);
    }
    Ok(TcpListener::bind(("127.0.0.1", 0)).await.context("there is no free port for the add-on")?)
}

fn info(app: &SharedApp, state: &State) -> serde_json::Value {
    let origin = app.urls.origin();
    json!({
        "api_url": app.urls.api(),
        "gateway_url": format!("http://{}", app.config.gateway_listen()),
        "site_url": format!("http://{}.localhost:{}", state.site_name, app.config.gateway_listen().port()),
        "dashboard_url": origin,
        "token": state.token,
        "account_id": state.account_id,
        "account_slug": state.account_slug,
        "site_id": state.site_id,
        "site_name": state.site_name,
        "addon_slug": addon::SLUG,
    })
}
