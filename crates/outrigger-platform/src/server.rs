//! Runs the platform: listener and worker together, until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;
use tower::util::MapRequestLayer;

use crate::app::SharedApp;
use crate::{jobs, router};

/// How long running requests and job steps may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Serves until `shutdown`, then lets what is running end.
pub async fn serve(app: SharedApp, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    if app.urls.is_exposed() {
        tracing::warn!("`public_url` is plain HTTP: sessions and tokens can be read on their way; put TLS before it");
    }
    // Pages and handlers find all configurations from the first request on.
    app.manager.refresh().await?;
    let integrations = app.manager.run();
    let worker = start_worker(&app, shutdown.clone()).await?;
    let manager = app.manager.clone();
    let router = router::router(app);
    let stop = shutdown.clone();
    let forgiving = MapRequestLayer::new(merge_slashes).layer(router);
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(forgiving);
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await });
    let mut serving = std::pin::pin!(std::future::IntoFuture::into_future(serving));
    let served = tokio::select! {
        served = &mut serving => served,
        () = drain_over(&shutdown) => Ok(()),
    };
    shutdown.cancel();
    if let Some(worker) = worker {
        worker.await?;
    }
    manager.shutdown(DRAIN).await;
    integrations.end().await;
    Ok(served?)
}

/// A base address with a slash at its end gives `/api/v1//user` (contract netlify-api, section 1).
fn merge_slashes(mut request: Request) -> Request {
    let path = request.uri().path();
    if !path.contains("//") {
        return request;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let end = if path.ends_with('/') { "/" } else { "" };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(merged) = format!("/{}{end}{query}", parts.join("/")).parse() {
        *request.uri_mut() = merged;
    }
    request
}

async fn start_worker(
    app: &SharedApp,
    shutdown: CancellationToken,
) -> anyhow::Result<Option<tokio::task::JoinHandle<()>>> {
    if app.config.workers == 0 {
        return Ok(None);
    }
    jobs::schedule_prune(app).await?;
    app.manager.schedule().await?;
    let worker = Arc::new(jobs::worker(app).drain(DRAIN));
    Ok(Some(tokio::spawn(async move { worker.run(shutdown).await })))
}

async fn drain_over(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(DRAIN).await;
}
