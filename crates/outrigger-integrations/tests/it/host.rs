//! A small shop that embeds the framework, with two integrations that do as they are told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outrigger_db::testing::TestDb;
use outrigger_db::{Backoff, Db, KeyRing, Keys, ManualClock, SystemClock, SystemEntropy};
use outrigger_integrations::*;
use sea_orm::ConnectionTrait;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};
use serde::{Deserialize, Serialize};

pub(crate) struct Shop;

impl Host for Shop {
    type Facts = OrderFacts;
    type Extra = Owned;
}

#[derive(Facts)]
pub(crate) struct OrderFacts {
    /// The total, in cents.
    pub(crate) total: i64,
    pub(crate) country: String,
}

#[derive(Clone, Default, Settings, ExtraColumns)]
pub(crate) struct Owned {
    /// Who answers for it.
    #[column(references = "person(id) ON DELETE CASCADE")]
    pub(crate) owner: Option<i64>,
    pub(crate) team: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrderPaid {
    pub(crate) site: String,
    pub(crate) total: i64,
    pub(crate) country: String,
}

impl Event<Shop> for OrderPaid {
    const NAME: &'static str = "order.paid";

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Site(self.site.as_str().into()), Scope::System]
    }

    fn facts(&self) -> OrderFacts {
        OrderFacts { total: self.total, country: self.country.clone() }
    }
}

/// Posts to a channel; `Behaviour` says how badly.
#[derive(Clone, Default)]
pub(crate) struct Chat {
    pub(crate) behaviour: Arc<Mutex<Behaviour>>,
    pub(crate) counts: Arc<Counted>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Behaviour {
    #[default]
    Well,
    Fails,
    Panics,
    Hangs,
}

#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) starts: AtomicUsize,
    pub(crate) stops: AtomicUsize,
    pub(crate) guards: AtomicUsize,
}

/// Counts itself for as long as it lives.
struct Guard(Arc<Counted>);

impl Guard {
    fn new(counted: &Arc<Counted>) -> Guard {
        counted.guards.fetch_add(1, Ordering::SeqCst);
        Guard(counted.clone())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.guards.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Clone, Settings)]
#[settings(version = 2, migrate = migrate_chat)]
pub(crate) struct ChatSettings {
    pub(crate) webhook: Secret<String>,
    #[field(default = "#general")]
    pub(crate) channel: String,
    pub(crate) rules: Rules<OrderFacts>,
}

/// Version 1 called the channel a room.
fn migrate_chat(from: u32, mut values: Values) -> Result<Values, String> {
    assert_eq!(from, 1);
    let room = values.remove("room").ok_or("it has no room")?;
    values.insert("channel".into(), room);
    Ok(values)
}

impl Chat {
    pub(crate) const ID: IntegrationId = IntegrationId::new("shop.chat");

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn guards(&self) -> usize {
        self.counts.guards.load(Ordering::SeqCst)
    }

    pub(crate) fn starts(&self) -> usize {
        self.counts.starts.load(Ordering::SeqCst)
    }

    pub(crate) fn stops(&self) -> usize {
        self.counts.stops.load(Ordering::SeqCst)
    }

    async fn act(&self) -> Result<(), Fault> {
        let behaviour = *self.behaviour.lock().unwrap();
        match behaviour {
            Behaviour::Well => Ok(()),
            Behaviour::Fails => Err(Fault::new("the chat is closed")),
            Behaviour::Panics => panic!("chat went mad"),
            Behaviour::Hangs => std::future::pending().await,
        }
    }
}

impl Integration<Shop> for Chat {
    const ID: IntegrationId = Chat::ID;
    type Settings = ChatSettings;
    type Message = String;

    fn about(&self) -> About {
        About::new("Plaudertasche", "Posts to a channel.")
    }

    async fn start(&self, start: &mut Start<Shop, Self>) -> Result<(), Fault> {
        self.counts.starts.fetch_add(1, Ordering::SeqCst);
        start.keep(Guard::new(&self.counts));
        start.on(|_: Heard<Shop, Self, OrderPaid>| async { Ok(()) });
        self.act().await
    }

    async fn stop(&self) -> Result<(), Fault> {
        self.counts.stops.fetch_add(1, Ordering::SeqCst);
        self.act().await
    }

    async fn check(&self, draft: &ConfigOf<Shop, Self>, _: &Context) -> CheckReport {
        match self.act().await {
            Ok(()) if draft.settings.webhook.expose().is_empty() => {
                CheckReport::new().refused_field("webhook", "Empty.")
            }
            Ok(()) => CheckReport::new().passed("It works."),
            Err(fault) => CheckReport::new().unavailable(fault.to_string()),
        }
    }

    async fn options(&self, _: &str, _: &Values, _: &Context) -> Result<Vec<form::Choice>, Fault> {
        self.act().await?;
        Ok(vec![form::Choice::new("#general", "General")])
    }
}

/// Has hardly anything to say.
pub(crate) struct Counter;

#[derive(Clone, Settings)]
pub(crate) struct CounterSettings {
    pub(crate) step: i64,
}

impl Counter {
    pub(crate) const ID: IntegrationId = IntegrationId::new("shop.counter-2");
}

impl Integration<Shop> for Counter {
    const ID: IntegrationId = Counter::ID;
    type Settings = CounterSettings;
    type Message = ();

    fn about(&self) -> About {
        About::new("Counter", "Counts.").scopes([ScopeKind::Site, ScopeKind::System])
    }
}

/// The host's own table, to which its columns point.
struct CreatePerson;

impl MigrationName for CreatePerson {
    fn name(&self) -> &str {
        "shop_0001_person"
    }
}

#[async_trait]
impl MigrationTrait for CreatePerson {
    async fn up(&self, manager: &SchemaManager) -> Result<(), sea_orm::DbErr> {
        manager.get_connection().execute_unprepared("CREATE TABLE person (id BIGINT PRIMARY KEY)").await?;
        manager.get_connection().execute_unprepared("INSERT INTO person (id) VALUES (1), (2)").await?;
        Ok(())
    }
}

pub(crate) fn all_migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut migrations = outrigger_db::migrations();
    migrations.push(Box::new(CreatePerson));
    migrations.extend(outrigger_integrations::migrations());
    migrations.extend(extra_migrations::<Owned>());
    migrations
}

pub(crate) const KEYS: &str = "k1 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n";

/// A database and one process on it.
pub(crate) struct Bed {
    pub(crate) test: TestDb,
    pub(crate) clock: ManualClock,
    pub(crate) manager: Manager<Shop>,
}

impl Bed {
    pub(crate) async fn new() -> Bed {
        let test = TestDb::new(all_migrations()).await;
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let manager = manager(test.db().clone(), Arc::new(clock.clone()));
        Bed { test, clock, manager }
    }

    /// With both integrations, for good.
    pub(crate) async fn stocked() -> Bed {
        let bed = Bed::new().await;
        bed.manager.register(Chat::default()).unwrap().keep();
        bed.manager.register(Counter).unwrap().keep();
        bed.manager.refresh().await.unwrap();
        bed
    }

    /// Another process on the same database.
    pub(crate) async fn other(&self) -> Manager<Shop> {
        let db = Db::connect(self.test.url()).await.unwrap();
        let manager = manager(db, Arc::new(self.clock.clone()));
        manager.register(Chat::default()).unwrap().keep();
        manager.register(Counter).unwrap().keep();
        manager
    }

    /// A program that has never heard of us.
    pub(crate) async fn foreign(&self, sql: &str) {
        let foreign = sea_orm::Database::connect(self.test.url()).await.unwrap();
        foreign.execute_unprepared(sql).await.unwrap();
        foreign.close().await.unwrap();
    }
}

pub(crate) fn manager(db: Db, clock: Arc<dyn outrigger_db::Clock>) -> Manager<Shop> {
    let entropy = Arc::new(SystemEntropy);
    let keys = Arc::new(Keys::fixed(KeyRing::parse(KEYS).unwrap()));
    let outbound = Outbound::new(true, Duration::from_secs(5)).unwrap();
    let context = Context { outbound, clock: clock.clone(), entropy: entropy.clone() };
    Manager::builder().store(ConfigStore::new(db, keys, clock, entropy)).context(context).limits(limits()).build()
}

pub(crate) fn real_manager(db: Db) -> Manager<Shop> {
    manager(db, Arc::new(SystemClock))
}

/// Short, so that what takes too long does so soon.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.retry = Backoff { first: Duration::from_millis(20), cap: Duration::from_millis(40), ..limits.retry };
    (limits.start, limits.stop) = (Duration::from_millis(300), Duration::from_millis(300));
    (limits.check, limits.options) = (Duration::from_millis(300), Duration::from_millis(300));
    (limits.poll, limits.answer) = (Duration::from_millis(500), Duration::from_secs(2));
    limits
}

pub(crate) fn ada() -> Actor {
    Actor::new("1", "Ada")
}

pub(crate) fn site(id: &str) -> Scope {
    Scope::Site(id.into())
}

pub(crate) fn chat(name: &str) -> Draft<Shop> {
    let settings = ChatSettings {
        webhook: Secret::new("https://chat.example/hook/s3cret".to_owned()),
        channel: "#orders".into(),
        rules: Rules::default(),
    };
    Draft { enabled: true, ..Draft::new::<Chat>(name, &settings, Owned::default()) }
}

pub(crate) fn counter(name: &str, step: i64) -> Draft<Shop> {
    Draft { enabled: true, ..Draft::new::<Counter>(name, &CounterSettings { step }, Owned::default()) }
}

impl Bed {
    pub(crate) async fn save(&self, scope: &Scope, draft: Draft<Shop>) -> StoredConfig<Shop> {
        // What is made in one millisecond has no order.
        self.clock.advance(Duration::from_millis(1));
        self.manager.save(scope, draft, None, &ada()).await.unwrap().config
    }
}

pub(crate) fn names(manager: &Manager<Shop>, scope: &Scope) -> Vec<String> {
    manager.configs::<Chat>(scope).map(|config| config.name.clone()).collect()
}

/// What should happen soon does, or the test fails.
#[track_caller]
pub(crate) fn within<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        let done = tokio::time::timeout(Duration::from_secs(20), future).await;
        done.unwrap_or_else(|_| panic!("nothing happened for 20 s at {place}"))
    }
}
