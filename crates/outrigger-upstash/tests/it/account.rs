//! An emulator of a test's own, and an account there.

use std::sync::Arc;
use std::sync::Once;
use std::time::Duration;

use http::{Method, header};
use outrigger_db::{SystemClock, SystemEntropy};
use outrigger_integrations::{Outbound, Reply};
use outrigger_upstash::emulator::{EmulatedAccount, Emulator, find_redis_server};
use outrigger_upstash::{Credentials, UpstashApi};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) struct TestAccount {
    pub(crate) emulator: Emulator,
    pub(crate) account: EmulatedAccount,
    pub(crate) outbound: Outbound,
    stop: CancellationToken,
}

impl Drop for TestAccount {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl TestAccount {
    pub(crate) async fn new() -> Self {
        Self::with_time_limit(Duration::from_secs(30)).await
    }

    pub(crate) async fn with_time_limit(limit: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let (emulator, _) = Emulator::start(listener, find_redis_server(), clock, entropy, stop.clone()).unwrap();
        let account = emulator.add_account("ada@example.com");
        Self { account, emulator, outbound: Outbound::new(true, limit).unwrap(), stop }
    }

    pub(crate) fn api(&self) -> UpstashApi {
        UpstashApi::new(self.outbound.clone(), self.emulator.api_url())
    }

    pub(crate) fn credentials(&self) -> Credentials {
        credentials(&self.account)
    }

    /// Of the developer API, as the account.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        self.ask_as(&self.account, method, path, body).await
    }

    pub(crate) async fn ask_as(
        &self,
        account: &EmulatedAccount,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.emulator.api_url()).parse().unwrap();
        let request = self.outbound.request(method, url).basic_auth(&account.email, Some(&account.api_key));
        let reply = self.outbound.send(request.body(body.to_string())).await.unwrap();
        (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap())
    }

    pub(crate) async fn create_database(&self, name: &str) -> Value {
        let new = serde_json::json!({ "database_name": name, "region": "global", "primary_region": "eu-west-1" });
        let (status, database) = self.ask(Method::POST, "/redis/database", &new).await;
        assert_eq!(status, 200, "{database}");
        database
    }

    /// A command to a database.
    pub(crate) async fn command(&self, database: &Value, token: &str, command: &Value) -> (u16, Value) {
        let token = database[token].as_str().unwrap();
        let reply = self.command_with(database["endpoint"].as_str().unwrap(), token, command).await;
        (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap())
    }

    pub(crate) async fn command_with(&self, endpoint: &str, token: &str, command: &Value) -> Reply {
        let url = format!("http://{endpoint}").parse().unwrap();
        let request = self.outbound.request(Method::POST, url).header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.outbound.send(request.body(command.to_string())).await.unwrap()
    }
}

pub(crate) fn credentials(account: &EmulatedAccount) -> Credentials {
    Credentials::new(&account.email, &account.api_key).unwrap()
}

/// Whether there is a redis-server to test with.
pub(crate) fn has_redis() -> bool {
    let found = find_redis_server().is_some();
    if !found {
        static TOLD: Once = Once::new();
        skip(&TOLD, "redis-server");
    }
    found
}

/// Says so on the terminal: the test runner shows the output of failed tests only.
pub(crate) fn skip(told: &'static Once, what: &str) {
    use std::io::Write as _;
    assert!(std::env::var_os("CI").is_none(), "CI must not skip what needs {what}: cargo xtask test installs it");
    told.call_once(|| drop(writeln!(std::io::stderr().lock(), "skipped: {what} (cargo xtask test runs it)")));
}
