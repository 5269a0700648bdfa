//! The gateway in front of sites. A request to a site's host goes to the site's origin; one to `/.netlify/<slug>/…`
//! goes to the add-on with this slug, with headers that prove where it comes from (`X-NF-UUID`, `X-NF-ID`,
//! `X-NF-SITE-URL` and the signature `X-NF-SIGN`).
//!
//! The path of a request: [`server`](self) accepts it, `route` and `table` tell where it goes without asking anybody,
//! `headers` makes the request that is sent on, `identity` vouches for its user to an add-on, `forward` sends it and
//! passes the answer back. Whoever knows the sites keeps the gateway's [`Table`] of them; requests that are running are
//! not touched by what changes in it.
//!
//! ```no_run
//! use outrigger_gateway::{Gateway, Listeners, Origin, Settings, Site, Surroundings};
//!
//! # async fn example(surroundings: Surroundings) -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::new(Settings::default(), surroundings)?;
//! let shop = Site {
//!     id: "site-1".into(),
//!     url: "http://shop.localhost:8080".into(),
//!     hosts: vec!["shop.localhost".into()],
//!     origin: Some(Origin::Upstream("http://127.0.0.1:3000".parse()?)),
//!     identity: None,
//!     function_hooks: None,
//!     mounts: vec![],
//!     snippets: vec![],
//! };
//! gateway.table().put(shop)?;
//! let plain = std::net::TcpListener::bind("127.0.0.1:8080")?;
//! let running = gateway.serve(Listeners { plain: vec![plain], ..Listeners::default() })?;
//! running.stop().await;
//! # Ok(())
//! # }
//! ```

mod body;
mod certificate;
mod deadline;
mod fault;
mod files;
mod forward;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod head_wait;
mod headers;
mod identity;
mod inject;
mod meters;
mod mounted;
mod path;
mod record;
mod rewrite;
mod route;
mod server;
mod settings;
mod site;
mod table;
mod trace;
mod tunnel;
mod upstream;

pub use certificate::{CertificateError, CertificateFiles};
pub use inject::{Blocked, Insertion, Preview, blocked, preview};
pub use server::{Gateway, Listeners, Running, StartError};
pub use settings::{Destination, Entropy, Limits, Settings, Surroundings, Timeouts};
pub use site::{Identity, Mount, Origin, PageSnippet, Site, SnippetPosition};
pub use table::{Table, TableError};
