//! A local stand-in for Upstash: its developer API, and the Redis REST interface of each database in front of a real
//! `redis-server`. It listens on loopback only, keeps nothing, and every key in it is drawn anew.

mod admin;
mod connection;
mod developer;
mod fault;
mod redis;
mod rest;
mod state;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::middleware;
use outrigger_db::{Clock, Entropy};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use fault::{Fault, FaultKind, Half};
pub use redis::{RedisFault, find_redis_server};
use state::State;

/// An account that was made: all it takes to use the developer API.
#[derive(Clone)]
pub struct EmulatedAccount {
    /// Its e-mail, the user of the API.
    pub email: String,
    /// Its key.
    pub api_key: String,
}

/// A database that was made: all it takes to send it commands.
#[derive(Clone)]
pub struct EmulatedDatabase {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its whole address.
    pub url: String,
    /// The token that may do everything.
    pub rest_token: String,
}

/// A running stand-in. Clones are the same one.
#[derive(Clone)]
pub struct Emulator {
    shared: Arc<Shared>,
}

struct Shared {
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    redis_server: Option<PathBuf>,
    state: Mutex<State>,
    faults: Mutex<Vec<Fault>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Emulator {
    /// Serves on `listener` until `stop`. `redis_server` is the program behind the databases; without one the developer
    /// API works, and every database says what is missing.
    ///
    /// # Errors
    /// When the listener can be reached from other machines.
    pub fn start(
        listener: TcpListener,
        redis_server: Option<PathBuf>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        stop: CancellationToken,
    ) -> io::Result<(Emulator, tokio::task::JoinHandle<()>)> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(io::Error::other(format!("the emulator listens on loopback only, not on {address}")));
        }
        let (state, faults) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { address, clock, entropy, redis_server, state, faults });
        let router = router(shared.clone());
        let running = tokio::spawn(connection::serve(listener, router, stop));
        Ok((Emulator { shared }, running))
    }

    /// The base of the developer API, in place of `https://api.upstash.com/v2`.
    pub fn api_url(&self) -> Url {
        let url = format!("http://{}/v2", self.shared.address);
        url.parse().expect("an address and a path are a URL")
    }

    /// Makes an account with a key of its own, or a new key for the account that has this e-mail.
    pub fn add_account(&self, email: &str) -> EmulatedAccount {
        let api_key = outrigger_db::token(&*self.shared.entropy);
        self.shared.state().set_account(email, &api_key);
        EmulatedAccount { email: email.to_owned(), api_key }
    }

    /// Makes a database of an account, as a request to the developer API would.
    pub fn create_database(&self, account: &EmulatedAccount, name: &str) -> EmulatedDatabase {
        let Shared { clock, entropy, address, .. } = &*self.shared;
        let mut state = self.shared.state();
        let made = state.create(&account.email, name, &**clock, &**entropy);
        EmulatedDatabase {
            url: format!("http://{}", made.endpoint(&address.to_string())),
            rest_token: made.rest_token().to_owned(),
            id: made.id.clone(),
            name: made.name.clone(),
        }
    }

    /// Has the next requests fail.
    pub fn fail(&self, fault: Fault) {
        self.shared.faults().push(fault);
    }

    /// Lets everything work again.
    pub fn heal(&self) {
        self.shared.faults().clear();
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let faulty = |half| middleware::from_fn_with_state((shared.clone(), half), fault::inject);
    Router::new()
        .nest("/v2", developer::router().layer(faulty(Half::Developer)))
        .nest("/emulator", admin::router())
        .fallback_service(Router::new().fallback(rest::handle).layer(faulty(Half::Rest)).with_state(shared.clone()))
        .with_state(shared)
}
