//! A store with many configurations: half of them in one scope, the others in a scope each.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::testing::TestDb;
use outrigger_db::{KeyRing, Keys, SystemClock, SystemEntropy};
use outrigger_integrations::*;
use sea_orm::ConnectionTrait;

pub(crate) struct App;

#[derive(Facts)]
pub(crate) struct AppFacts {
    branch: String,
}

impl Host for App {
    type Facts = AppFacts;
    type Extra = ();
}

#[derive(Clone, Settings)]
pub(crate) struct ChatSettings {
    pub(crate) address: String,
    pub(crate) channel: String,
    #[field(default = "")]
    pub(crate) note: String,
}

pub(crate) struct Chat;

impl Integration<App> for Chat {
    const ID: IntegrationId = IntegrationId::new("bench.chat");
    type Settings = ChatSettings;
    type Message = ();

    fn about(&self) -> About {
        About::new("Chat", "Posts.")
    }
}

pub(crate) struct Bed {
    test: TestDb,
    pub(crate) manager: Manager<App>,
}

/// The scope of the configuration with this number.
pub(crate) fn small_scope(n: usize) -> Scope {
    Scope::Site(format!("{}", n | 1).into())
}

fn manager(test: &TestDb) -> Manager<App> {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let keys = Arc::new(Keys::fixed(KeyRing::generate(&SystemEntropy)));
    let outbound = Outbound::new(true, Duration::from_secs(5)).unwrap();
    let context = Context { outbound, clock: clock.clone(), entropy: entropy.clone() };
    let store = ConfigStore::new(test.db().clone(), keys, clock, entropy);
    let manager = Manager::builder().store(store).context(context).build();
    manager.register(Chat).unwrap().keep();
    manager
}

fn row(n: usize) -> String {
    let random = random(n as u64);
    let id = id_of(n as u64);
    let scope = if n.is_multiple_of(2) { Scope::System } else { small_scope(n) };
    let settings = serde_json::json!({
        "address": format!("https://chat.example/services/T{n:08}/B{random:016x}/{random:020}"),
        "channel": format!("#channel-{n}"),
        "note": "x".repeat(120),
    });
    let enabled = !n.is_multiple_of(10);
    format!("('{id}', 'bench.chat', '{scope}', 'Name {n}', 'name {n}', {enabled}, '{settings}', '', 1, 1, 0, 0)")
}

fn random(n: u64) -> u64 {
    (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn id_of(n: u64) -> ConfigId {
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&random(n).to_be_bytes());
    ConfigId::from_uuid(uuid::Builder::from_unix_timestamp_millis(1_700_000_000_000 + n, &bytes).into_uuid())
}

impl Bed {
    /// `n` configurations, written as a foreign program would: a save each would take its time.
    pub(crate) async fn of(n: usize) -> Bed {
        let mut migrations = outrigger_db::migrations();
        migrations.extend(outrigger_integrations::migrations());
        let test = TestDb::new(migrations).await;
        let rows: Vec<usize> = (0..n).collect();
        let tx = test.db().begin().await.unwrap();
        for rows in rows.chunks(500) {
            let values: Vec<String> = rows.iter().map(|n| row(*n)).collect();
            let sql = format!(
                "INSERT INTO integration_config (id, integration, scope, name, folded, enabled, settings, secrets, \
                 settings_version, version, created_at, updated_at) VALUES {}",
                values.join(", ")
            );
            tx.execute_unprepared(&sql).await.unwrap();
        }
        tx.commit().await.unwrap();
        let manager = manager(&test);
        manager.refresh().await.unwrap();
        Bed { test, manager }
    }

    /// Another process, which has read nothing yet.
    pub(crate) fn another(&self) -> Manager<App> {
        manager(&self.test)
    }

    pub(crate) async fn change_one(&self) {
        let id = id_of(1);
        let sql = format!("UPDATE integration_config SET version = version + 1 WHERE id = '{id}'");
        self.test.db().conn().execute_unprepared(&sql).await.unwrap();
    }
}
