//! The unmodified client of Upstash from npm, version 1.39.0, through the emulator to a real Redis. `cargo xtask test`
//! installs both.

use std::ffi::OsString;
use std::sync::Once;

use tokio::process::Command;

use crate::account::{TestAccount, has_redis, skip};

/// The folder of npm packages, where all is there that these tests need.
pub(crate) fn packages() -> Option<OsString> {
    let packages = std::env::var_os("OUTRIGGER_NODE_MODULES");
    if packages.is_none() {
        static TOLD: Once = Once::new();
        skip(&TOLD, "@upstash/redis");
    }
    packages.filter(|_| has_redis())
}

#[tokio::test]
async fn the_client_from_npm_finds_upstash() {
    let Some(packages) = packages() else { return };
    let test = TestAccount::new().await;
    let database = test.create_database("cache").await;
    let text = |name: &str| database[name].as_str().unwrap().to_owned();
    let ran = Command::new("node")
        .args(["--test", "--test-timeout=60000"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/redis.mjs"))
        .env("OUTRIGGER_NODE_MODULES", packages)
        .env("UPSTASH_DISABLE_TELEMETRY", "1")
        .env("UPSTASH_REDIS_REST_URL", format!("http://{}", text("endpoint")))
        .env("UPSTASH_REDIS_REST_TOKEN", text("rest_token"))
        .env("READ_ONLY_TOKEN", text("read_only_rest_token"))
        .output()
        .await
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}
