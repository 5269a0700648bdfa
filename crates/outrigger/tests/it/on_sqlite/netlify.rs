//! The netlify CLI against one node, and what makes it come here.

use std::path::Path;
use std::process::Command;

use crate::demo::{Demo, check};
use crate::netlify::{netlify_cli, scenario};

#[test]
fn the_netlify_cli_does_its_work() {
    let Some(cli) = netlify_cli() else { return };
    scenario(&Demo::start(), &cli);
}

#[test]
fn the_preload_moves_one_host_and_nothing_else() {
    if netlify_cli().is_none() {
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/preload.mjs");
    check(&Command::new("node").arg("--test").arg(script).output().unwrap(), 0);
}
