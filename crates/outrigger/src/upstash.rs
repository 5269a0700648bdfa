//! The Upstash integration, for the sites of this platform, and the stand-in that a demo has for Upstash.

use anyhow::Context as _;
use outrigger_integrations::Context;
use outrigger_platform::app::SharedApp;
use outrigger_platform::ops::services::PlatformServices;
use outrigger_upstash::Parts;
use outrigger_upstash::emulator::{EmulatedAccount, Emulator, find_redis_server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::exit::CommandResult;
use crate::operator::Sources;

/// Offers the integration. `api_url` is where Upstash's developer API is.
pub(crate) fn register(app: &SharedApp, api_url: Url) -> CommandResult {
    let Sources { clock, entropy } = Sources::system();
    let parts = Parts {
        db: app.manager.store().db().clone(),
        enablements: app.enablements.clone(),
        services: PlatformServices::of(app),
        context: Context { outbound: app.outbound.clone(), clock, entropy },
        api_url,
    };
    let registered = app.surfaces.register(outrigger_upstash::integration(parts));
    Ok(registered.context("the Upstash integration cannot be registered")?)
}

/// A stand-in for Upstash on this machine, with an account that has a database.
pub(crate) struct StandIn {
    pub(crate) account: EmulatedAccount,
    pub(crate) api_url: Url,
}

/// Starts one. Its databases work where there is a `redis-server`.
pub(crate) async fn start_stand_in(stop: CancellationToken) -> CommandResult<StandIn> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("there is no free port for the emulator")?;
    let Sources { clock, entropy } = Sources::system();
    let started = Emulator::start(listener, find_redis_server(), clock, entropy, stop);
    let (emulator, _) = started.context("the emulator of Upstash does not start")?;
    let account = emulator.add_account("you@example.com");
    emulator.create_database(&account, "orders");
    Ok(StandIn { account, api_url: emulator.api_url() })
}
