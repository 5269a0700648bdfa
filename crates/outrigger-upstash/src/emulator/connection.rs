//! Accepts connections; drops one in the middle when a fault asks for that, which a router cannot do.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// In the extensions of a response: the connection ends instead.
#[derive(Clone, Copy)]
pub(super) struct Drop;

#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on demand")]
struct Dropped;

pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    // Ends with this function, and all connections with it: those of subscribers would never end by themselves.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, router.clone()))),
                Err(fault) => tracing::warn!(%fault, "a connection cannot be accepted"),
            },
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let response: Response = match router.oneshot(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            match response.extensions().get::<Drop>() {
                Some(Drop) => Err(Dropped),
                None => Ok(response),
            }
        }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    if let Err(fault) = served {
        // A client that goes away is its own affair.
        tracing::debug!(%fault, "a connection ended");
    }
}
