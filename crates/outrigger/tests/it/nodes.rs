//! Two `serve` processes on one database, requests alternating between them, with both CLIs. The database is SQLite, or
//! a fresh one on the PostgreSQL server that DATABASE_URL names.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use outrigger_db::testing::TestDb;
use outrigger_platform::store;
use serde_json::Value;

use crate::demo::{Demo, check, command};
use crate::netlify::netlify_cli;

/// A node beside the demo, which brings the add-on.
struct Node {
    url: String,
    process: Child,
}

impl Node {
    fn start(demo: &Demo, database_url: &str) -> Self {
        // Free a moment ago; nobody else on this machine asks for a port by its number.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = command(demo.home.path())
            .args(["serve", "--allow-private-addresses", "--listen", &format!("127.0.0.1:{port}")])
            .env("OUTRIGGER_DATABASE_URL", database_url)
            .env("OUTRIGGER_KEY_FILE", demo.data().join("outrigger.key"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let node = Self { url: format!("http://127.0.0.1:{port}"), process };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !node.command(demo).arg("status").stderr(Stdio::null()).output().unwrap().status.success() {
            assert!(Instant::now() < deadline, "the node is not ready in time");
            std::thread::sleep(Duration::from_millis(50));
        }
        node
    }

    fn command(&self, demo: &Demo) -> Command {
        let mut command = demo.outrigger();
        command.env("OUTRIGGER_URL", &self.url);
        command
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
    let demo = Demo::start_with(home, &data, &["--database-url", db.url()]);
    let nodes = [Node::start(&demo, db.url()), Node::start(&demo, db.url())];
    let mut turn = nodes.iter().cycle();
    let mut run = |arguments: &[&str]| {
        let ran = turn.next().unwrap().command(&demo).args(arguments).output().unwrap();
        check(&ran, 0);
        String::from_utf8(ran.stdout).unwrap()
    };
    for round in 0..3 {
        run(&["addons", "create", "tally", "--label", "Visitors"]);
        assert!(run(&["addons", "list"]).contains("active"), "{round}");
        run(&["env", "set", "ROUND", &round.to_string()]);
        assert_eq!(run(&["env", "get", "ROUND"]).trim(), round.to_string());
        run(&["addons", "config", "tally", "--color", "coral"]);
        let listed: Value = serde_json::from_str(&run(&["addons", "list", "--json"])).unwrap();
        assert_eq!(listed[0]["config"]["color"], "coral");
        run(&["addons", "delete", "tally", "--force"]);
        assert!(run(&["addons", "list"]).contains("no add-ons yet"));
    }
    let Some(cli) = netlify_cli() else { return };
    let mut turn = nodes.iter().cycle();
    let mut netlify = |arguments: &[&str]| {
        let mut command = turn.next().unwrap().command(&demo);
        let ran = command.env("OUTRIGGER_NETLIFY_CLI", &cli).args(["netlify", "--"]).args(arguments).output().unwrap();
        check(&ran, 0);
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(netlify(&["addons:create", "tally", "--label", "Visitors"]).contains("created for harbor"));
    assert!(netlify(&["addons:list"]).contains("tally"));
    assert!(netlify(&["addons:config", "tally", "--label", "Guests"]).contains("successfully updated"));
    assert!(netlify(&["env:list", "--plain"]).contains("TALLY_URL="));
    assert!(netlify(&["addons:delete", "tally", "--force"]).contains("deleted"));
    assert!(netlify(&["addons:list"]).contains("No addons"));
}
