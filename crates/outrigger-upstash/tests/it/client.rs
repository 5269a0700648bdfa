//! The unmodified client of Upstash from npm, version 1.39.0, through the emulator to a real Redis. `cargo xtask test`
//! installs both.

use std::sync::Once;

use tokio::process::Command;

use crate::account::{TestAccount, has_redis, skip};

#[tokio::test]
async fn the_client_from_npm_finds_upstash() {
    let Some(packages) = std::env::var_os("OUTRIGGER_NODE_MODULES") else {
        static TOLD: Once = Once::new();
        return skip(&TOLD, "@upstash/redis");
    };
    if !has_redis() {
        return;
    }
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
