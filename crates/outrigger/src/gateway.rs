//! The gateway beside the API, as `serve` and `demo` run it.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;
use outrigger_gateway::{CertificateError, CertificateFiles, Listeners};
use outrigger_platform::app::SharedApp;
use outrigger_platform::config::Config;
use outrigger_platform::gateway::{self, Doors};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::exit::{CommandResult, Failure};

/// Opens its listeners, before anything else is done: a port that is taken is told at once. The settings then say
/// where they are. `setting` is how whoever starts it names another port.
pub(crate) fn bind(config: &mut Config, setting: &str) -> CommandResult<Option<Doors>> {
    if !config.gateway.enabled {
        return Ok(None);
    }
    let plain = listen(config.gateway_listen(), setting)?;
    config.gateway.listen = Some(plain.local_addr().context("the listener has no address")?);
    let mut doors = Doors { listeners: Listeners { plain: vec![plain], ..Listeners::default() }, certificate: None };
    if let Some(address) = config.gateway.tls_listen {
        open_tls(&mut doors, config, address)?;
    }
    Ok(Some(doors))
}

fn open_tls(doors: &mut Doors, config: &mut Config, address: SocketAddr) -> CommandResult {
    let (Some(certificate), Some(key)) = (&config.gateway.certificate, &config.gateway.key) else {
        return Err(Failure::usage("the gateway listens for HTTPS, and has no certificate and key")
            .hint("name their files with --certificate and --key"));
    };
    let unusable = |fault: CertificateError| Failure::usage(fault.to_string());
    let certificate = CertificateFiles::read(certificate.clone(), key.clone()).map_err(unusable)?;
    let listener = listen(address, "--gateway-tls-listen or OUTRIGGER_GATEWAY_TLS_LISTEN")?;
    config.gateway.tls_listen = Some(listener.local_addr().context("the listener has no address")?);
    doors.listeners.tls.push((listener, certificate.server_config().map_err(unusable)?));
    doors.certificate = Some(certificate);
    Ok(())
}

fn listen(address: SocketAddr, setting: &str) -> CommandResult<TcpListener> {
    TcpListener::bind(address).map_err(|fault| {
        Failure::new(1, format!("the gateway cannot listen on {address}: {fault}"))
            .hint(format!("choose another address with {setting}; port 0 takes any free one"))
    })
}

/// Runs it until `stop`. When it cannot, `stop` is cancelled: who waits for that learns of it.
pub(crate) fn start(app: &SharedApp, doors: Option<Doors>, stop: CancellationToken) -> JoinHandle<anyhow::Result<()>> {
    let app = app.clone();
    tokio::spawn(async move {
        let Some(doors) = doors else { return Ok(()) };
        let served = gateway::serve(app, doors, stop.clone()).await;
        stop.cancel();
        served
    })
}
