//! The gateway as `bench/gateway` measures it: one thread, one site for each thing that is measured, all in front of
//! the same server.
//!
//! ```sh
//! cargo run --release --example bench_gateway -- 127.0.0.1:8080 http://127.0.0.1:9000 reused
//! ```
//!
//! The last word says whether signatures are `reused` or made for `each` request. Requests to the host `plain` go to
//! the server as it is, those to `addon` below `/.netlify/bench/` with the headers that prove them, those to `head` and
//! `footer` get a snippet into the page.

use std::env;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusBuilder;
use outrigger_gateway::{
    Gateway, Limits, Listeners, Mount, Origin, PageSnippet, Settings, Site, SnippetPosition, Surroundings,
};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SNIPPET: &str = "<script defer src=\"https://analytics.example.com/snippet-0001.js\"></script>";

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [listen, server, signatures] = &arguments[..] else { return Err("give: ADDRESS SERVER reused|each".into()) };
    let signature_reuse = match signatures.as_str() {
        "reused" => Duration::from_secs(30),
        "each" => Duration::ZERO,
        other => return Err(format!("`{other}` is neither `reused` nor `each`").into()),
    };
    // As many as nginx and HAProxy keep there.
    let limits = Limits { kept_connections: 1024, ..Limits::default() };
    let gateway = Gateway::new(Settings { signature_reuse, limits, ..Settings::default() }, surroundings())?;
    let refused = gateway.table().change(&[], sites(server)?);
    assert!(refused.is_empty(), "{refused:?}");
    let listeners = Listeners { plain: vec![TcpListener::bind(listen)?], threads: 1, ..Listeners::default() };
    let _running = gateway.serve(listeners)?;
    // Whoever started this ends it.
    loop {
        std::thread::park();
    }
}

/// The same recorder as the platform has, so that counting costs here what it costs there.
#[expect(clippy::disallowed_methods, reason = "a program of its own: nobody gives it a clock")]
fn surroundings() -> Surroundings {
    Surroundings {
        clock: Arc::new(Timestamp::now),
        entropy: Arc::new(|bytes| fastrand::Rng::new().fill(bytes)),
        may_connect: Arc::new(|_, address| address.is_loopback()),
        trusted_proxy: Arc::new(|_| false),
        recorder: Arc::new(PrometheusBuilder::new().build_recorder()),
        tls: None,
    }
}

fn sites(server: &str) -> Fallible<Vec<Site>> {
    let site = |host: &str, snippets: Vec<PageSnippet>, mounts: Vec<Mount>| -> Fallible<Site> {
        Ok(Site {
            id: host.into(),
            url: format!("https://{host}.example"),
            hosts: vec![host.into()],
            origin: Some(Origin::Upstream(server.parse()?)),
            identity: None,
            function_hooks: None,
            mounts,
            snippets,
        })
    };
    let snippet = |position| vec![PageSnippet { id: "1".into(), position, html: SNIPPET.into(), share: 100 }];
    let mount = Mount {
        slug: "bench".into(),
        endpoint: Some(server.parse()?),
        secret: "a secret of thirty-two characters".into(),
        instance_id: "0190a6b0-0000-7000-8000-000000000001".into(),
        netlify_id: "0190a6b0-0000-7000-8000-000000000002".into(),
    };
    Ok(vec![
        site("plain", vec![], vec![])?,
        site("addon", vec![], vec![mount])?,
        site("head", snippet(SnippetPosition::Head), vec![])?,
        site("footer", snippet(SnippetPosition::Footer), vec![])?,
    ])
}
