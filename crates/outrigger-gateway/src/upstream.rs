//! Servers behind the gateway. What is known of one is shared by all threads; connections belong to the thread that
//! opened them.

mod breaker;
mod connect;
mod download;
mod exchange;
mod pool;
mod upload;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub(crate) use breaker::Breaker;
pub(crate) use connect::{ConnectError, Connector};
pub(crate) use download::{Download, DownloadFault};
pub(crate) use exchange::{Exchange, ExchangeError};
pub(crate) use pool::Pool;
pub(crate) use upload::{Upload, UploadFault, UploadState};

use crate::mounted::Endpoint;
use crate::settings::Destination;

/// One server, by what it is for, scheme, host and port: whatever leads to it shares what is known of it.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Never the same for two servers.
    id: u64,
    pub(crate) breaker: Breaker,
}

type Server = (Destination, bool, Box<str>, u16);

/// All servers that something in the table leads to.
#[derive(Debug, Default)]
pub(crate) struct Upstreams {
    known: Mutex<HashMap<Server, Weak<Upstream>>>,
    last_id: AtomicU64,
}

impl Upstreams {
    pub(crate) fn of(&self, endpoint: &Endpoint) -> Arc<Upstream> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (endpoint.destination, endpoint.https, endpoint.host.clone(), endpoint.port);
        known.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            // Those to which nothing leads any more are forgotten when there are twice as many as before.
            if known.len() == known.capacity() {
                known.retain(|_, upstream| upstream.strong_count() > 0);
            }
            let id = self.last_id.fetch_add(1, Ordering::Relaxed);
            let upstream = Arc::new(Upstream { id, breaker: Breaker::default() });
            known.insert(key, Arc::downgrade(&upstream));
            upstream
        })
    }
}
