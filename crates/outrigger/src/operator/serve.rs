use anyhow::Context as _;
use outrigger_platform::server;
use tokio::net::TcpListener;

use super::{ListenArgs, ServerArgs, load_keys, open, start_logging, stop_signal};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    listen: ListenArgs,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    start_logging("info,sqlx=warn,sea_orm_migration=warn");
    let mut config = args.server.config()?;
    args.listen.apply(&mut config);
    let stop = stop_signal()?;
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    config.listen = listener.local_addr()?;
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    tracing::info!(address = %app.config.listen, api = app.urls.api(), "ready");
    server::serve(app, listener, stop).await
}
