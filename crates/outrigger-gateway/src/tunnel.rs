//! Connections that stopped being HTTP, such as WebSockets: bytes both ways until either side ends.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use metrics::Counter;
use tokio::io::copy_bidirectional;
use tokio::time::{Instant, sleep_until};
use tokio_util::io::InspectReader;

use crate::meters::Meters;

/// Passes bytes on in both directions, until one side closes, or nothing came from either for too long.
pub(crate) async fn run(client: OnUpgrade, upstream: OnUpgrade, meters: Arc<Meters>, idle: Duration) {
    let (client, upstream) = match tokio::try_join!(client, upstream) {
        Ok(both) => both,
        Err(fault) => {
            tracing::debug!(%fault, "a connection that should change its protocol ended before it did");
            return;
        }
    };
    let last = Cell::new(Instant::now());
    let seen = |side: Upgraded, counter: &Counter| {
        let (last, counter) = (&last, counter.clone());
        InspectReader::new(TokioIo::new(side), move |bytes: &[u8]| {
            last.set(Instant::now());
            counter.increment(bytes.len() as u64);
        })
    };
    let (mut client, mut upstream) = (seen(client, &meters.received), seen(upstream, &meters.sent));
    tokio::select! {
        // How it ended is known to both sides.
        _ = copy_bidirectional(&mut client, &mut upstream) => {}
        () = nothing_for(idle, &last) => tracing::debug!("a connection with another protocol was idle for too long"),
    }
}

async fn nothing_for(idle: Duration, last: &Cell<Instant>) {
    while last.get().elapsed() < idle {
        sleep_until(last.get() + idle).await;
    }
}
