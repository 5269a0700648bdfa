//! Two `serve` processes on one database, requests alternating between them, with both CLIs. The database is SQLite, or
//! a fresh one on the PostgreSQL server that DATABASE_URL names.

use outrigger_db::Engine;
use outrigger_db::testing::TestDb;
use outrigger_platform::store;

use crate::alternator::Alternator;
use crate::cli::site_developer;
use crate::demo::{Demo, command};
use crate::netlify::{netlify_cli, scenario};
use crate::node::Node;

/// A node beside the demo, which brings the add-on.
fn start(demo: &Demo, database_url: &str, public_url: &str) -> Node {
    let mut node = command(demo.home.path());
    node.args(["serve", "--allow-private-addresses", "--listen", "127.0.0.1:0", "--public-url", public_url])
        .env("OUTRIGGER_DATABASE_URL", database_url)
        .env("OUTRIGGER_KEY_FILE", demo.data().join("outrigger.key"));
    Node::start(node)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_serve_processes_are_one_platform_to_both_clis() {
    let db = TestDb::new(store::migrations()).await;
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let mut demo = Demo::start_with(home, &data, &["--database-url", db.url()]);
    let alternator = Alternator::bind();
    let nodes = [(); 2].map(|()| start(&demo, db.url(), &alternator.origin()));
    alternator.forward_to([nodes[0].address("address"), nodes[1].address("address")]);
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
