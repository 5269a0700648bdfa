//! A shop that tells services what happened, with a clock that stands still.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use outrigger_db::testing::TestDb;
use outrigger_db::{Act, Clock as _, Entropy as _, Jobs, KeyRing, Keys, ManualClock, Probe, SystemEntropy, Worker};
use outrigger_integrations::webhook_signature::WebhookSecret;
use outrigger_integrations::*;
use serde::{Deserialize, Serialize};

use super::service::Service;

#[derive(Debug)]
pub(super) struct Shop;

impl Host for Shop {
    type Facts = OrderFacts;
    type Extra = ();
}

#[derive(Facts)]
pub(super) struct OrderFacts {
    total: i64,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct OrderPaid {
    pub(super) site: String,
    pub(super) number: u32,
    pub(super) total: i64,
}

impl Event<Shop> for OrderPaid {
    const NAME: &'static str = "order.paid";

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Site(self.site.as_str().into())]
    }

    fn facts(&self) -> OrderFacts {
        OrderFacts { total: self.total }
    }
}

/// What an integration does instead of its work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Mood {
    #[default]
    Well,
    Fails,
    Panics,
    Hangs,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Moods {
    pub(super) start: Mood,
    pub(super) handler: Mood,
    pub(super) send: Mood,
    pub(super) receive: Mood,
    pub(super) rerun: Mood,
}

/// The integration under test, and another of the same kind beside it.
#[derive(Clone)]
pub(super) struct Hook<const N: u8> {
    pub(super) moods: Arc<Mutex<Moods>>,
    pub(super) handled: Arc<Mutex<Vec<u32>>>,
    pub(super) runs: Arc<Mutex<Vec<StartedRun>>>,
    pub(super) limit: Option<RateLimit>,
    pub(super) messages: u32,
}

impl<const N: u8> Default for Hook<N> {
    fn default() -> Self {
        let (moods, handled, runs) = Default::default();
        Self { moods, handled, runs, limit: None, messages: 1 }
    }
}

#[derive(Clone, Settings)]
pub(super) struct HookSettings {
    pub(super) url: Secret<String>,
    pub(super) token: Secret<String>,
    /// How requests from outside are verified.
    #[field(default = "none")]
    pub(super) inbound: String,
    pub(super) rules: Rules<OrderFacts>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Post {
    pub(super) text: String,
}

impl<const N: u8> Hook<N> {
    pub(super) const ID: IntegrationId = IntegrationId::new(if N == 0 { "shop.hook" } else { "shop.other-hook" });

    pub(super) fn be(&self, moods: Moods) {
        *self.moods.lock().unwrap() = moods;
    }

    async fn act(mood: Mood, secret: &str) -> Result<(), Fault> {
        match mood {
            Mood::Well => Ok(()),
            Mood::Fails => Err(Fault::new(format!("no luck with {secret}"))),
            Mood::Panics => panic!("mad about {secret}"),
            Mood::Hangs => std::future::pending().await,
        }
    }

    fn moods(&self) -> Moods {
        *self.moods.lock().unwrap()
    }
}

impl<const N: u8> Integration<Shop> for Hook<N> {
    const ID: IntegrationId = Self::ID;
    type Settings = HookSettings;
    type Message = Post;

    fn about(&self) -> About {
        About::new("Hook", "Posts.")
    }

    async fn start(&self, start: &mut Start<Shop, Self>) -> Result<(), Fault> {
        Self::act(self.moods().start, "starting").await?;
        let this = start.integration();
        start.on(move |heard: Heard<Shop, Self, OrderPaid>| {
            let this = this.clone();
            async move {
                let (number, first) = (heard.event().number, heard.configs()[0].clone());
                this.handled.lock().unwrap().push(number);
                for config in heard.configs() {
                    for part in 0..this.messages {
                        let text =
                            if part == 0 { format!("order {number}") } else { format!("order {number}, {part}") };
                        heard.deliver(config, &Post { text })?;
                    }
                    if config.settings.inbound == "run" {
                        let run = heard.start_run(config, format!("order {number}"), Duration::from_secs(600));
                        this.runs.lock().unwrap().push(run);
                    }
                }
                Self::act(this.moods().handler, first.settings.token.expose()).await
            }
        });
        Ok(())
    }

    async fn check(&self, _: &ConfigOf<Shop, Self>, _: &Context) -> CheckReport {
        CheckReport::new()
    }

    async fn send(
        &self,
        config: &ConfigOf<Shop, Self>,
        message: &Post,
        delivery: &DeliveryId,
        context: &Context,
    ) -> Result<Sent, SendError> {
        Self::act(self.moods().send, config.settings.token.expose())
            .await
            .map_err(|fault| SendError::retry(fault.to_string()))?;
        let url: url::Url = config.settings.url.expose().parse().map_err(|_| SendError::broken("no address"))?;
        let request = context.outbound.request(Method::POST, url.clone());
        let request = request.header("idempotency-key", delivery.to_string()).body(message.text.clone());
        let reply = context.outbound.send(request).await?;
        let said = String::from_utf8_lossy(&reply.body).into_owned();
        let after = reply.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        match reply.status.as_u16() {
            status @ 200..=299 => Ok(Sent { status: Some(status), summary: said }),
            410 => Err(SendError::broken(format!("{url} is gone: {said}"))),
            status @ 400..=499 if status != 429 => Err(SendError::refused(format!("{status}: {said}"))),
            status => {
                Err(SendError::Retry { reason: format!("{status}: {said}"), after: after.map(Duration::from_secs) })
            }
        }
    }

    fn sample(&self) -> Option<Post> {
        Some(Post { text: "sample".into() })
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.limit
    }

    fn inbound(&self, config: &ConfigOf<Shop, Self>) -> Option<Verifier> {
        let secret = config.settings.token.expose().clone();
        match config.settings.inbound.as_str() {
            "hmac" => Some(Verifier::Hmac {
                secret: secret.into(),
                header: "x-signature",
                digest: Digest::Sha256,
                prefix: "sha256=",
            }),
            "standard" => Some(Verifier::StandardWebhooks {
                secrets: vec![WebhookSecret::from_bytes(secret.as_bytes())],
                tolerance: webhook_signature::TOLERANCE,
            }),
            "shared" => Some(Verifier::SharedSecret { secret: secret.into(), header: "x-secret" }),
            "run" => Some(Verifier::RunToken { header: "authorization" }),
            "open" => Some(Verifier::Unverified),
            "panics" => panic!("cannot say"),
            key if key.starts_with("http") => Some(Verifier::PublicKey {
                key: KeySource::Published { url: key.parse().unwrap(), pointer: None },
                algorithm: PublicKeyAlgorithm::Ed25519,
                header: "x-signature",
                encoding: Encoding::Hex,
                content: SignedContent::TimestampAndBody { header: "x-time", tolerance: Duration::from_secs(60) },
            }),
            _ => None,
        }
    }

    async fn receive(&self, request: InboundRequest, received: &Received<Shop, Self>) -> Result<InboundReply, Fault> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        received.deliver(&Post { text: format!("heard {body}") })?;
        if let Some(run) = received.run() {
            let status = if body == "green" { RunStatus::Succeeded } else { RunStatus::Pending };
            let update = RunUpdate::new().status(status).progress(body).link("https://ci.example/1");
            received.update_run(run.id, update);
        }
        Self::act(self.moods().receive, received.config().settings.token.expose()).await?;
        Ok(InboundReply::json(&serde_json::json!({ "ok": true })))
    }

    async fn rerun(&self, again: &Rerun<Shop, Self>) -> Result<(), Fault> {
        self.runs.lock().unwrap().push(again.new_run().clone());
        again.deliver(&Post { text: format!("again: {}", again.old().subject) })?;
        Self::act(self.moods().rerun, again.config().settings.token.expose()).await
    }
}

pub(super) const TOKEN: &str = "s3cret-t0ken-0123456789";
pub(super) const PATH: &str = "T000-B000-verysecretpath";

pub(super) struct Bench {
    pub(super) test: TestDb,
    pub(super) clock: ManualClock,
    pub(super) service: Service,
    pub(super) manager: Manager<Shop>,
    pub(super) worker: Worker,
    pub(super) hook: Hook<0>,
    _running: Running,
    _registrations: Vec<Registration<Shop>>,
}

pub(super) struct Setup {
    pub(super) hook: Hook<0>,
    pub(super) probe: Option<Arc<dyn Probe>>,
    pub(super) policy: DeliveryPolicy,
    pub(super) install: bool,
}

impl Default for Setup {
    fn default() -> Self {
        let policy = DeliveryPolicy { jitter: 0.0, timeout: Duration::from_secs(20), ..DeliveryPolicy::default() };
        Self { hook: Hook::default(), probe: None, policy, install: true }
    }
}

pub(super) fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
    let mut migrations = outrigger_db::migrations();
    migrations.extend(outrigger_integrations::migrations());
    migrations
}

impl Bench {
    pub(super) async fn new() -> Bench {
        Bench::with(Setup::default()).await
    }

    pub(super) async fn probed(probe: impl Probe + 'static) -> Bench {
        Bench::with(Setup { probe: Some(Arc::new(probe)), ..Setup::default() }).await
    }

    pub(super) async fn with(setup: Setup) -> Bench {
        let test = TestDb::new(migrations()).await;
        let clock = ManualClock::new("2026-01-01T12:00:00Z".parse().unwrap());
        Bench::on(test, clock, setup).await
    }

    pub(super) async fn on(test: TestDb, clock: ManualClock, setup: Setup) -> Bench {
        let ring = KeyRing::parse("k1 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n").unwrap();
        let keys = Arc::new(Keys::fixed(ring));
        let (time, entropy) = (Arc::new(clock.clone()), Arc::new(SystemEntropy));
        let outbound = Outbound::new(true, Duration::from_secs(10)).unwrap();
        let context = Context { outbound, clock: time.clone(), entropy: entropy.clone() };
        let store = ConfigStore::new(test.db().clone(), keys, time.clone(), entropy.clone());
        let manager = Manager::builder().store(store).context(context).delivery(setup.policy).build();
        let mut registrations = Vec::new();
        if setup.install {
            registrations.push(manager.register(setup.hook.clone()).unwrap());
            registrations.push(manager.register(Hook::<1>::default()).unwrap());
        }
        let mut worker = manager.jobs(Worker::new(Jobs::new(test.db().clone(), time, entropy)));
        if let Some(probe) = setup.probe {
            worker = worker.with_probe(probe);
        }
        let running = manager.run();
        let service = Service::start().await;
        let hook = setup.hook;
        Bench { test, clock, service, manager, worker, hook, _running: running, _registrations: registrations }
    }

    pub(super) fn settings(&self, inbound: &str) -> HookSettings {
        HookSettings {
            url: Secret::new(self.service.url(PATH)),
            token: Secret::new(TOKEN.to_owned()),
            inbound: inbound.to_owned(),
            rules: Rules::default(),
        }
    }

    /// A configuration of the integration, enabled, in the site `a`, once it runs.
    pub(super) async fn config(&self, name: &str) -> ConfigId {
        self.config_of::<0>(name, "a", self.settings("none")).await
    }

    pub(super) async fn config_of<const N: u8>(&self, name: &str, site: &str, settings: HookSettings) -> ConfigId {
        let draft = Draft { enabled: true, ..Draft::new::<Hook<N>>(name, &settings, ()) };
        let saved = self.manager.save(&scope(site), draft, None, &Actor::new("1", "Ada")).await.unwrap();
        saved.config.id
    }

    pub(super) async fn started(&self) {
        self.manager.wait_until(|manager| manager.state(&Hook::<0>::ID) == RunState::Running).await;
    }

    pub(super) async fn pay(&self, number: u32) -> EventId {
        // Ids sort by the millisecond.
        self.clock.advance(Duration::from_millis(1));
        self.manager.dispatch(&OrderPaid { site: "a".into(), number, total: 100 }).await.unwrap()
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) async fn work(&self) -> usize {
        self.worker.run_due().await
    }

    pub(super) async fn list(&self, config: ConfigId) -> Vec<Delivery> {
        let filter = DeliveryFilter::default();
        let mut found = self.manager.deliveries(&scope("a"), config, &filter, None, 500).await.unwrap();
        found.reverse();
        found
    }

    /// The states of a configuration's deliveries, oldest first.
    pub(super) async fn states(&self, config: ConfigId) -> Vec<DeliveryState> {
        self.list(config).await.iter().map(|delivery| delivery.state).collect()
    }

    pub(super) async fn detail(&self, id: DeliveryId) -> DeliveryDetail {
        self.manager.delivery(&scope("a"), id).await.unwrap().unwrap()
    }

    pub(super) async fn set_enabled(&self, config: ConfigId, enabled: bool) {
        self.manager.set_enabled(&scope("a"), config, enabled, &Actor::new("1", "Ada")).await.unwrap();
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}

pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

pub(super) fn scope(site: &str) -> Scope {
    Scope::Site(site.into())
}

/// Does this at the step of one job, each time or the first time only.
pub(super) struct At {
    kind: &'static str,
    act: Act,
    left: AtomicUsize,
}

impl At {
    pub(super) fn each(kind: &'static str, act: Act) -> Self {
        Self { kind, act, left: AtomicUsize::new(usize::MAX) }
    }

    pub(super) fn once(kind: &'static str, act: Act) -> Self {
        Self { kind, act, left: AtomicUsize::new(1) }
    }
}

impl Probe for At {
    fn at(&self, kind: &str, _: &str, undoing: bool, _: u32) -> Act {
        let less = |left: usize| left.checked_sub(1);
        let here = !undoing && kind == self.kind;
        let acts = here && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        if acts { self.act } else { Act::Run }
    }
}
