//! A whole platform on this machine, to try: SQLite, one account, one site, one token, one add-on.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use outrigger_platform::app::SharedApp;
use outrigger_platform::config::Config;
use outrigger_platform::ops::accounts::create_first_account;
use outrigger_platform::ops::addons::{move_addon, register_addon};
use outrigger_platform::ops::sites::create_site;
use outrigger_platform::server;
use outrigger_platform::store::addons::{AddonAuth, NewAddon};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Sources, failed, load_or_create_keys, open, start_logging, stop_signal, write_private};
use crate::demo::addon;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port of the API; 0 for any free one
    #[arg(long, default_value_t = 8090)]
    port: u16,
    /// Where the demo keeps its data; default: `outrigger/demo` under $XDG_STATE_HOME (~/.local/state)
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Keep the platform's own data in this database; default: an SQLite file in the data folder
    #[arg(long, value_name = "URL")]
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

/// Removes an ephemeral demo's folder, however it ends.
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

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    start_logging("warn");
    let stop = stop_signal()?;
    let data = data_dir(&args)?;
    let _only_one = lock(&data.path)?;
    let listener = TcpListener::bind(("127.0.0.1", args.port))
        .await
        .with_context(|| format!("port {} is not free; choose another with --port", args.port))?;
    let app = open_platform(&data.path, args.database_url.as_deref(), &listener).await?;
    let (state, addon) = start_addon_and_setup(&app, &data.path, stop.clone()).await?;
    let server = tokio::spawn(server::serve(app.clone(), listener, stop.clone()));
    let info = info(&app, &state);
    if let Some(path) = &args.info_file {
        let written = write_private(path, format!("{info:#}\n").as_bytes());
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{}", welcome(&app, &state, &data));
    let served = server.await?;
    stop.cancel();
    addon.await?;
    served
}

fn data_dir(args: &Args) -> anyhow::Result<DataDir> {
    let entropy = Sources::system().entropy;
    let path = match (&args.data_dir, args.ephemeral) {
        (_, true) => std::env::temp_dir().join(format!("outrigger-demo-{}", outrigger_db::token(&*entropy))),
        (Some(path), _) => path.clone(),
        (None, _) => state_home()?.join("outrigger/demo"),
    };
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
    made.with_context(|| format!("cannot make the data folder {}", path.display()))?;
    let path = path.canonicalize()?;
    Ok(DataDir { path, ephemeral: args.ephemeral })
}

fn state_home() -> anyhow::Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .context("neither XDG_STATE_HOME nor HOME is set; name a folder with --data-dir")
}

/// Two demos on one folder would share a worker's jobs and an add-on's file.
fn lock(dir: &Path) -> anyhow::Result<fs::File> {
    let file = fs::File::create(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => anyhow::bail!("another demo is running on {}; use another --data-dir", dir.display()),
    }
}

async fn open_platform(dir: &Path, database_url: Option<&str>, listener: &TcpListener) -> anyhow::Result<SharedApp> {
    let address = listener.local_addr()?;
    let config = Config {
        listen: address,
        public_url: Some(format!("http://127.0.0.1:{}", address.port()).parse()?),
        database_url: database_url
            .map_or_else(|| format!("sqlite:{}", dir.join("outrigger.db").display()), str::to_owned),
        key_file: dir.join("outrigger.key"),
        allow_private_addresses: true,
        ..Config::default()
    };
    let keys = load_or_create_keys(&config, &*Sources::system().entropy)?;
    open(config, keys).await
}

type Running = tokio::task::JoinHandle<()>;

/// Starts the add-on where it was before, if that port is free, and sets up the platform at the first start.
async fn start_addon_and_setup(
    app: &SharedApp,
    dir: &Path,
    stop: CancellationToken,
) -> anyhow::Result<(State, Running)> {
    let file = dir.join("demo.json");
    let known: Option<State> = match fs::read(&file) {
        Ok(text) => Some(serde_json::from_slice(&text).with_context(|| {
            format!("{} is damaged; remove the folder {} to start anew", file.display(), dir.display())
        })?),
        Err(_) => None,
    };
    let listener = addon_listener(known.as_ref().map(|state| state.addon_port)).await?;
    let addon_port = listener.local_addr()?.port();
    let addon_url = format!("http://127.0.0.1:{addon_port}");
    let secret = addon_secret(app, known.is_some()).await?;
    let running = addon::start(listener, &secret, dir.to_owned(), stop).await?;
    let state = match known {
        Some(mut state) => {
            if state.addon_port != addon_port {
                let registered =
                    app.store.find_addon(addon::SLUG).await?.context("the demo add-on is not registered")?;
                move_addon(app, &registered, &addon_url).await.map_err(failed)?;
                state.addon_port = addon_port;
            }
            state
        }
        None => set_up(app, addon_port, &addon_url, &secret).await?,
    };
    write_private(&file, &serde_json::to_vec_pretty(&state)?)?;
    Ok((state, running))
}

async fn addon_listener(port: Option<u16>) -> anyhow::Result<TcpListener> {
    if let Some(port) = port
        && let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await
    {
        return Ok(listener);
    }
    Ok(TcpListener::bind(("127.0.0.1", 0)).await?)
}

async fn addon_secret(app: &SharedApp, again: bool) -> anyhow::Result<String> {
    if again && let Some(registered) = app.store.find_addon(addon::SLUG).await? {
        let secret = app.store.signing_secret(&registered.id).await?;
        return secret.context("the demo add-on has no secret");
    }
    Ok(outrigger_db::token(app.store.entropy()))
}

async fn set_up(app: &SharedApp, addon_port: u16, addon_url: &str, secret: &str) -> anyhow::Result<State> {
    let first = create_first_account(app, "demo", "Demo", "demo@example.com", None).await.map_err(failed)?;
    let site = create_site(app, &first.account, "harbor").await.map_err(failed)?;
    let new = NewAddon {
        slug: addon::SLUG.to_owned(),
        title: "Tally".to_owned(),
        description: "Counts the visits of a site's pages.".to_owned(),
        icon: String::new(),
        url: addon_url.to_owned(),
        manifest_path: "/manifest".to_owned(),
        auth: AddonAuth::Jws,
        staging: false,
    };
    register_addon(app, new, Some(secret.to_owned())).await.map_err(failed)?;
    Ok(State {
        account_id: first.account.id.to_string(),
        account_slug: first.account.slug,
        site_id: site.id.to_string(),
        site_name: site.name,
        token: first.token,
        addon_port,
    })
}

fn info(app: &SharedApp, state: &State) -> serde_json::Value {
    let origin = app.urls.origin();
    json!({
        "api_url": app.urls.api(),
        "gateway_url": origin,
        "dashboard_url": origin,
        "token": state.token,
        "account_id": state.account_id,
        "account_slug": state.account_slug,
        "site_id": state.site_id,
        "site_name": state.site_name,
        "addon_slug": addon::SLUG,
    })
}

fn welcome(app: &SharedApp, state: &State, data: &DataDir) -> String {
    let origin = app.urls.origin();
    let api = app.urls.api();
    let kept = if data.ephemeral { "nothing is kept" } else { "kept for the next start" };
    let State { token, site_id, site_name, account_slug, .. } = state;
    let slug = addon::SLUG;
    format!(
        "Outrigger is ready.

  API       {api}   (OpenAPI: {origin}/api/openapi.json)
  Account   {account_slug}
  Site      {site_name} ({site_id})
  Add-on    {slug}
  Data      {} ({kept})

In another terminal:

  export OUTRIGGER_URL={origin} OUTRIGGER_SITE={site_id} OUTRIGGER_TOKEN={token}

  outrigger addons plan {slug} --label Visitors
  outrigger addons create {slug} --label Visitors
  outrigger env list
  outrigger run -- env

With the Netlify CLI (npm install -g netlify-cli@17.38.1):

  outrigger netlify -- addons:list
  outrigger netlify -- env:list
  NETLIFY_API_URL={api} NETLIFY_AUTH_TOKEN={token} NETLIFY_SITE_ID={site_id} netlify addons:list

With curl:

  curl -H \"Authorization: Bearer {token}\" {api}/sites/{site_id}/service-instances

Stop with Ctrl-C.",
        data.path.display()
    )
}
