//! The sample, built with the SDK once for all tests.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use outrigger_netlify_sdk::Artefact;
use tokio::process::Command;
use tokio::sync::OnceCell;

// Tests of other crates build it too.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../outrigger-netlify-sdk/tests/integration");

fn packages() -> Option<OsString> {
    let packages = std::env::var_os("OUTRIGGER_NODE_MODULES");
    if packages.is_none() {
        assert!(std::env::var_os("CI").is_none(), "OUTRIGGER_NODE_MODULES is not set: run `cargo xtask test`");
        static TOLD: Once = Once::new();
        // Not `eprintln!`: what a passing test prints with it is not shown.
        TOLD.call_once(|| {
            let why = "skipped: npm's @netlify/sdk is not here (cargo xtask test runs it)\n";
            std::io::stderr().write_all(why.as_bytes()).unwrap();
        });
    }
    packages
}

/// The integration as the SDK has built it; none where the SDK is not.
pub(crate) async fn artefact() -> Option<Artefact> {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let packages = packages()?;
    let built = BUILT.get_or_init(|| build(packages)).await;
    Some(Artefact::open(built).unwrap())
}

async fn build(packages: OsString) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sample-{}", std::process::id()));
    fs::create_dir_all(folder.join("src/ui")).unwrap();
    for file in ["package.json", "integration.yaml", "src/index.js", "src/ui/index.js"] {
        fs::copy(Path::new(SOURCES).join(file), folder.join(file)).unwrap();
    }
    std::os::unix::fs::symlink(&packages, folder.join("node_modules")).unwrap();
    let built = Command::new("node")
        .arg("node_modules/.bin/netlify-integration")
        .args(["build", "-a"])
        .env_remove("SITE_ID")
        .current_dir(&folder)
        .output()
        .await
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder
}
