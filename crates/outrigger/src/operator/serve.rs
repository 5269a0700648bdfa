use anyhow::Context as _;
use outrigger_platform::server;
use tokio::net::TcpListener;

use super::{ListenArgs, ServerArgs, load_keys, open, start_logging, stop_signal};
use crate::exit::{CommandResult, Failure};
use crate::{gateway, installed, upstash};

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
    // Beside the port that was asked for: beside one that was free there may be anything.
    config.gateway.listen = Some(config.gateway_listen());
    let stop = stop_signal()?;
    let listener = TcpListener::bind(config.listen).await.map_err(|fault| {
        Failure::new(1, format!("cannot listen on {}: {fault}", config.listen))
            .hint("choose another address with --listen or OUTRIGGER_LISTEN; port 0 takes any free one")
    })?;
    config.listen = listener.local_addr().context("the listener has no address")?;
    let doors = gateway::bind(&mut config, "--gateway-listen or OUTRIGGER_GATEWAY_LISTEN")?;
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    upstash::register(&app, args.listen.upstash_api_url.clone())?;
    installed::register_all(&app).await?;
    app.missing_oauth().iter().for_each(|missing| tracing::warn!("{missing}"));
    let gateway = gateway::start(&app, doors, stop.clone());
    tracing::info!(
        address = %app.config.listen,
        api = app.urls.api(),
        gateway = app.config.gateway.listen.filter(|_| app.config.gateway.enabled).map(tracing::field::display),
        gateway_tls = app.config.gateway.tls_listen.map(tracing::field::display),
        "ready"
    );
    let served = server::serve(app, listener, stop.clone()).await;
    stop.cancel();
    gateway.await.context("the gateway stopped")??;
    Ok(served?)
}
