use anyhow::Context as _;
use outrigger_platform::server;
use tokio::net::TcpListener;

use super::{ListenArgs, ServerArgs, load_keys, open, start_logging, stop_signal};
use crate::exit::{CommandResult, Failure};
use crate::upstash;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    listen: ListenArgs,
}

pub(super) async fn run(args: Args) -> CommandResult {
    start_logging("info,sqlx=warn,sea_orm_migration=warn");
    let mut config = args.server.config()?;
    args.listen.apply(&mut config);
    let stop = stop_signal()?;
    let listener = TcpListener::bind(config.listen).await.map_err(|fault| {
        Failure::new(1, format!("cannot listen on {}: {fault}", config.listen))
            .hint("choose another address with --listen or OUTRIGGER_LISTEN; port 0 takes any free one")
    })?;
    config.listen = listener.local_addr().context("the listener has no address")?;
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    upstash::register(&app, args.listen.upstash_api_url.clone())?;
    tracing::info!(address = %app.config.listen, api = app.urls.api(), "ready");
    Ok(server::serve(app, listener, stop).await?)
}
