//! The code that is shown for a database runs, with nothing but the variables.

use std::env;
use std::path::PathBuf;
use std::sync::Once;

use outrigger_upstash::{Language, VariableNames, full_url};
use tempfile::TempDir;
use tokio::process::Command;

use crate::account::{TestAccount, has_redis, skip};
use crate::client::packages;

/// The code in Rust as it is in the file, with the places of the variables' names as their names.
#[expect(clippy::disallowed_methods, reason = "whoever copies it has no client that was passed in")]
mod shown {
    include!("../../src/snippets/visits.rs");

    pub(super) fn run() -> anyhow::Result<()> {
        main()
    }
}

const NAME: &str = "my cache";
const URL: &str = "{URL}";
const TOKEN: &str = "{TOKEN}";

fn names() -> VariableNames {
    VariableNames::of(NAME)
}

/// What is shown in a language, as a file in a folder of its own.
fn written(language: Language, file: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    std::fs::write(&path, language.snippet(&names())).unwrap();
    (folder, path)
}

/// Runs a program twice and sees that it counts. `url` and `token` are what its variables are called.
async fn check(program: impl Fn() -> Command, url: &str, token: &str) {
    let test = TestAccount::new().await;
    let database = test.emulator.create_database(&test.account, NAME);
    let known = test.api().get_database(&test.credentials(), &database.id).await.unwrap();
    for visit in 1..=2 {
        let mut program = program();
        program.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        program.env(url, full_url(&known.endpoint, test.api().scheme()).unwrap()).env(token, &database.rest_token);
        let ran = program.output().await.unwrap();
        let printed = String::from_utf8_lossy(&ran.stdout);
        let counted = printed.lines().any(|line| line.ends_with(&format!("Visit number {visit}")));
        assert!(counted && ran.status.success(), "{printed}{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[tokio::test]
async fn in_node() {
    let Some(packages) = packages() else { return };
    let (folder, file) = written(Language::Node, "visits.mjs");
    std::os::unix::fs::symlink(packages, folder.path().join("node_modules")).unwrap();
    let program = || {
        let mut node = Command::new("node");
        node.arg(&file).env("UPSTASH_DISABLE_TELEMETRY", "1");
        node
    };
    check(program, &names().full_url(), &names().token()).await;
}

#[tokio::test]
async fn in_python() {
    if !has_redis() {
        return;
    }
    if Command::new("python3").arg("--version").output().await.is_err() {
        static TOLD: Once = Once::new();
        return skip(&TOLD, "python3");
    }
    let (_folder, file) = written(Language::Python, "visits.py");
    let program = || {
        let mut python = Command::new("python3");
        python.arg(&file);
        python
    };
    check(program, &names().full_url(), &names().token()).await;
}

#[tokio::test]
async fn in_rust() {
    if !has_redis() {
        return;
    }
    let program = || {
        let mut this = Command::new(env::current_exe().unwrap());
        this.args(["--exact", "--nocapture", "snippets::what_is_shown_in_rust"]);
        this
    };
    check(program, URL, TOKEN).await;
}

/// The process that is started above; it has nothing to do where nobody has set its variables.
#[test]
fn what_is_shown_in_rust() {
    if env::var_os(URL).is_some() {
        shown::run().unwrap();
    }
    let shown = include_str!("../../src/snippets/visits.rs");
    let named = shown.replace(URL, &names().full_url()).replace(TOKEN, &names().token());
    assert_eq!(Language::Rust.snippet(&names()), named, "nothing but the names is different");
}
