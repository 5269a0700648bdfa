//! Two `serve` processes on one database, requests alternating between them, with both CLIs. The database is SQLite, or
//! a fresh one on the PostgreSQL server that DATABASE_URL names.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use outrigger_db::Engine;
use outrigger_db::testing::TestDb;
use outrigger_platform::store;
use serde_json::Value;

use crate::alternator::Alternator;
use crate::cli::site_developer;
use crate::demo::{Demo, command};
use crate::netlify::{netlify_cli, scenario};

/// A node beside the demo, which brings the add-on.
struct Node {
    address: SocketAddr,
    process: Child,
}

impl Node {
    fn start(demo: &Demo, database_url: &str, public_url: &str) -> Self {
        let mut process = command(demo.home.path())
            .args(["serve", "--allow-private-addresses", "--listen", "127.0.0.1:0", "--public-url", public_url])
            .env("OUTRIGGER_DATABASE_URL", database_url)
            .env("OUTRIGGER_KEY_FILE", demo.data().join("outrigger.key"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Off a terminal, logs are lines of JSON.
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let ready = log.by_ref().find_map(|line| {
            let line: Value = serde_json::from_str(&line).unwrap();
            let fields = &line["fields"];
            (fields["message"] == "ready").then(|| fields["address"].as_str().unwrap().parse().unwrap())
        });
        // A full pipe would stop the node.
        std::thread::spawn(move || log.for_each(drop));
        Self { address: ready.expect("the node says where it listens"), process }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_serve_processes_are_one_platform_to_both_clis() {
    let db = TestDb::new(store::migrations()).await;
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let mut demo = Demo::start_with(home, &data, &["--database-url", db.url()]);
    let alternator = Alternator::bind();
    let nodes = [(); 2].map(|()| Node::start(&demo, db.url(), &alternator.origin()));
    alternator.forward_to([nodes[0].address, nodes[1].address]);
    demo.origin = alternator.origin();

    site_developer(&demo);
    assert!(alternator.requests() > 20, "both nodes were asked");
    // On SQLite the netlify CLI has done the same with one node.
    if db.db().engine() == Engine::Postgres
        && let Some(cli) = netlify_cli()
    {
        scenario(&demo, &cli);
    }
}
