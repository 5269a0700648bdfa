//! The Upstash integration at a site, against the emulator of Upstash's developer API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use outrigger_db::{Act, Probe, SystemClock, SystemEntropy};
use outrigger_integrations::Context;
use outrigger_platform::ops::services::PlatformServices;
use outrigger_platform::store::env_vars::EnvLevel;
use outrigger_upstash::emulator::{EmulatedAccount, Emulator, Fault, FaultKind, Half};
use outrigger_upstash::{Parts, integration};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::dashboard::{Dashboard, Tab};
use crate::surfaces::press_at;

const SURFACE: &str = "/sites/demo/surfaces/upstash";

/// A platform with the integration, and an account at the emulator.
pub(crate) struct Bed {
    pub(crate) test: Dashboard,
    emulator: Emulator,
    pub(crate) account: EmulatedAccount,
    http: reqwest::Client,
    /// Whether a job that waits has not long to wait.
    time_passes: Arc<AtomicBool>,
    _stop: DropGuard,
}

impl Bed {
    pub(crate) async fn start() -> Self {
        struct Calm;
        impl Probe for Calm {
            fn at(&self, _: &str, _: &str, _: bool, _: u32) -> Act {
                Act::Run
            }
        }
        Self::with_probe(Arc::new(Calm)).await
    }

    /// A probe decides what happens at each step of the integration's jobs.
    async fn with_probe(probe: Arc<dyn Probe>) -> Self {
        let test = Dashboard::start().await;
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let (emulator, _) = Emulator::start(listener, None, clock.clone(), entropy.clone(), stop.clone()).unwrap();
        let account = emulator.add_account("ada@example.com");
        let context = Context { outbound: test.app.outbound.clone(), clock: Arc::new(test.clock.clone()), entropy };
        let parts = Parts {
            db: test.db.db().clone(),
            enablements: test.app.enablements.clone(),
            services: PlatformServices::of(&test.app),
            context,
            api_url: emulator.api_url(),
        };
        let integration = integration(parts);
        test.app.surfaces.register(integration.clone()).unwrap();
        // The dashboard has no worker of its own.
        let worker = outrigger_db::Worker::new(test.app.store.jobs().clone());
        let worker = integration.jobs.unwrap()(worker).with_probe(probe);
        let time_passes = Arc::new(AtomicBool::new(false));
        let (stopping, clock, passes) = (stop.clone(), test.clock.clone(), time_passes.clone());
        tokio::spawn(async move {
            while !stopping.is_cancelled() {
                // While something runs the clock stands still, so that no job is late because this machine is busy.
                if worker.run_due().await == 0 && passes.load(Ordering::Relaxed) {
                    clock.advance(Duration::from_secs(1));
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let http = reqwest::Client::builder().build().unwrap();
        Self { test, emulator, account, http, time_passes, _stop: stop.drop_guard() }
    }

    /// Makes a database at the emulator, and says its id.
    pub(crate) async fn database(&self, name: &str) -> String {
        let body = json!({ "database_name": name, "region": "global", "primary_region": "eu-west-1" });
        let request = self.http.post(format!("{}/redis/database", self.emulator.api_url()));
        let request = request.basic_auth(&self.account.email, Some(&self.account.api_key)).json(&body);
        let made: Value = request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        made["database_id"].as_str().unwrap().to_owned()
    }

    /// What a database's token is, as Upstash has it.
    async fn token(&self, id: &str) -> String {
        let request = self.http.get(format!("{}/redis/database/{id}", self.emulator.api_url()));
        let request = request.basic_auth(&self.account.email, Some(&self.account.api_key));
        let database: Value = request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        database["rest_token"].as_str().unwrap().to_owned()
    }

    async fn delete(&self, id: &str) {
        let request = self.http.delete(format!("{}/redis/database/{id}", self.emulator.api_url()));
        let request = request.basic_auth(&self.account.email, Some(&self.account.api_key));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// The site's variables.
    async fn env(&self) -> Vec<(String, String)> {
        let site = self.test.app.store.find_site_anywhere("demo").await.unwrap().unwrap();
        let level = EnvLevel { account: site.account_id, site: Some(site.id) };
        let vars = self.test.app.store.env_vars(&level).await.unwrap();
        vars.into_iter().map(|var| (var.name, var.values[0].value.clone())).collect()
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        self.env().await.into_iter().map(|(name, _)| name).collect()
    }

    fn fail(&self, kind: FaultKind) {
        self.emulator.fail(Fault { half: Half::Developer, path: String::new(), kind, times: None });
    }

    /// Signed in, with the integration enabled and connected.
    async fn connected(&self) -> (Tab<'_>, String) {
        let mut tab = self.test.signed_in(&self.test.ada).await;
        let page = tab.get(SURFACE).await.text;
        let page = press(&mut tab, &page, "enable", &[]).await;
        let page = connect(&mut tab, &page, &self.account.api_key).await;
        (tab, page)
    }
}

async fn press(tab: &mut Tab<'_>, page: &str, event: &str, inputs: &[(&str, &str)]) -> String {
    press_at(SURFACE, tab, page, event, inputs).await
}

async fn connect(tab: &mut Tab<'_>, page: &str, key: &str) -> String {
    let inputs = [("i.connect_email", "ada@example.com"), ("i.connect_api-key", key)];
    press(tab, page, "submit:connect", &inputs).await
}

/// Adds a database on the page for it, and gives the page that follows.
async fn add(tab: &mut Tab<'_>, id: &str) -> String {
    let page = tab.get(&format!("{SURFACE}/integrate-database")).await.text;
    press(tab, &page, "submit:integrate", &[("i.integrate_database", id)]).await
}

#[tokio::test]
async fn from_a_wrong_key_to_code_that_is_copied_and_back() {
    let bed = Bed::start().await;
    let id = bed.database("my cache").await;
    let mut tab = bed.test.signed_in(&bed.test.ada).await;
    let page = tab.get(SURFACE).await.text;
    let page = press(&mut tab, &page, "enable", &[]).await;
    let page = connect(&mut tab, &page, "wrong").await;
    assert!(page.contains("does not accept this e-mail address with this API key"), "{page}");
    let page = connect(&mut tab, &page, &bed.account.api_key).await;
    assert!(page.contains("No database yet.") && page.contains("Add database"), "{page}");

    let choices = press(&mut tab, &page, "click:add", &[]).await;
    assert!(choices.contains("my cache (eu-west-1)"), "{choices}");
    let page = add(&mut tab, &id).await;
    assert!(page.contains("MY_CACHE_REDIS_REST_TOKEN"), "{page}");
    let names = ["MY_CACHE_REDIS_REST_FULL_URL", "MY_CACHE_REDIS_REST_TOKEN", "MY_CACHE_REDIS_REST_URL"];
    assert_eq!(bed.names().await, names);
    let env = bed.env().await;
    assert_eq!(env[0].1, format!("http://{}", env[2].1), "whole, and as Upstash gives it");

    let page = press(&mut tab, &page, "change:database", &[("i.database", &id)]).await;
    assert!(page.contains("Deno.env.get"), "{page}");
    let page = press(&mut tab, &page, "change:language", &[("i.database", &id), ("i.language", "python")]).await;
    assert!(page.contains("urlopen") && !page.contains(&env[1].1), "{page}");

    let page = press(&mut tab, &page, "disable", &[]).await;
    let page = press(&mut tab, &page, "disable!", &[]).await;
    assert!(page.contains("not enabled here yet"), "{page}");
    assert!(bed.names().await.is_empty(), "its variables are gone");
}

#[tokio::test]
async fn a_token_is_changed_at_upstash_and_at_the_site() {
    let bed = Bed::start().await;
    let id = bed.database("orders").await;
    let (mut tab, _) = bed.connected().await;
    let page = add(&mut tab, &id).await;
    let before = bed.env().await;
    let page = press(&mut tab, &page, "change:database", &[("i.database", &id)]).await;
    let asked = press(&mut tab, &page, "click:rotate", &[]).await;
    assert!(asked.contains("stops working at once"), "{asked}");
    let page = press(&mut tab, &asked, "confirm:rotate", &[("i.database", &id)]).await;
    let after = bed.env().await;
    assert_eq!((&before[0], &before[2]), (&after[0], &after[2]));
    assert_ne!(before[1].1, after[1].1, "{page}");

    let page = press(&mut tab, &page, "change:database", &[("i.database", &id)]).await;
    let page = press(&mut tab, &page, "click:remove", &[]).await;
    let page = press(&mut tab, &page, "confirm:remove", &[]).await;
    assert!(page.contains("No database yet."), "{page}");
    assert!(bed.names().await.is_empty());
}

#[tokio::test]
async fn an_outage_is_not_a_lost_connection_and_reconnecting_keeps_what_is_used() {
    let bed = Bed::start().await;
    let id = bed.database("orders").await;
    let (mut tab, _) = bed.connected().await;
    add(&mut tab, &id).await;
    for (kind, said) in [
        (FaultKind::Failed, "fault of its own"),
        (FaultKind::RateLimited(7), "in 7 seconds"),
        (FaultKind::Html, "is no JSON"),
        (FaultKind::Unauthorized, "does not accept"),
        (FaultKind::Dropped, "did not answer"),
    ] {
        bed.fail(kind);
        let page = tab.get(SURFACE).await.text;
        assert!(page.contains(said) && page.contains("ORDERS_REDIS_REST_TOKEN"), "{kind:?}: {page}");
        assert!(!page.contains("name=\"i.connect_email\""), "{kind:?}: it is still connected");
        let page = tab.get(&format!("{SURFACE}/integrate-database")).await.text;
        assert!(page.contains(said), "{kind:?}: {page}");
        bed.emulator.heal();
    }
    let key = bed.emulator.add_account("ada@example.com").api_key;
    let page = tab.get(SURFACE).await.text;
    let page = press(&mut tab, &page, "click:again", &[]).await;
    let page = connect(&mut tab, &page, &key).await;
    assert!(page.contains("ORDERS_REDIS_REST_TOKEN"), "{page}");
    // Deleted behind our back: it says so, and leaves the variables to people.
    let bed = Bed { account: EmulatedAccount { api_key: key, ..bed.account.clone() }, ..bed };
    bed.delete(&id).await;
    let mut tab = bed.test.signed_in(&bed.test.ada).await;
    let page = tab.get(SURFACE).await.text;
    assert!(page.contains("no longer in this account"), "{page}");
    assert_eq!(bed.names().await.len(), 3);
}

#[tokio::test]
async fn names_that_would_be_taken_twice_are_refused_and_nothing_is_half_done() {
    let bed = Bed::start().await;
    let (first, second) = (bed.database("a-b").await, bed.database("a_b").await);
    let third = bed.database("mine").await;
    let (mut tab, _) = bed.connected().await;
    add(&mut tab, &first).await;
    let page = tab.get(&format!("{SURFACE}/integrate-database")).await.text;
    assert!(page.contains("would be those of the database “a-b”"), "{page}");
    // Whoever sends it anyhow is refused, as is what was deleted meanwhile.
    let site = bed.test.app.store.find_site_anywhere("demo").await.unwrap().unwrap();
    let level = EnvLevel { account: site.account_id.clone(), site: Some(site.id) };
    let value = outrigger_platform::store::env_vars::EnvValue {
        id: None,
        context: "all".to_owned(),
        context_parameter: String::new(),
        value: "by hand".to_owned(),
    };
    let input = outrigger_platform::ops::env_vars::EnvInput {
        name: "MINE_REDIS_REST_URL".to_owned(),
        scopes: Vec::new(),
        is_secret: false,
        values: vec![value],
    };
    let app = &bed.test.app;
    outrigger_platform::ops::env_vars::put_env_var(app, &level, &bed.test.ada.id, input).await.unwrap();
    let page = tab.get(&format!("{SURFACE}/integrate-database")).await.text;
    assert!(page.contains("has a variable MINE_REDIS_REST_URL already"), "{page}");
    let before = bed.env().await;
    let caller = outrigger_integrations::handler::Caller {
        account: site.account_id.to_string(),
        site: level.site.as_ref().map(ToString::to_string),
        user: Some(bed.test.ada.id.to_string()),
        token: None,
        provider_token: None,
    };
    let handlers = app.surfaces.find("upstash").unwrap().handlers;
    let gone = bed.database("gone").await;
    bed.delete(&gone).await;
    for (id, status) in [(&second, 409), (&third, 409), (&gone, 404)] {
        let call = outrigger_integrations::handler::HandlerCall::post("integrate", &json!({ "databaseId": id }));
        let reply = handlers.call(call, caller.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "{:?}", reply.body);
    }
    assert_eq!(bed.env().await, before);
    // The same click twice is one.
    let twice = || {
        let call = outrigger_integrations::handler::HandlerCall::post("integrate", &json!({ "databaseId": first }));
        handlers.call(call, caller.clone())
    };
    let (one, two) = tokio::join!(twice(), twice());
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(bed.env().await, before);
    // No page and no answer has a password or a token.
    let answers = ["status", "get-databases"].map(outrigger_integrations::handler::HandlerCall::get);
    for call in answers {
        let reply = handlers.call(call, caller.clone()).await;
        let body = String::from_utf8(reply.body.to_vec()).unwrap();
        let secret = &before.iter().find(|(name, _)| name.ends_with("_TOKEN")).unwrap().1;
        assert!(!body.contains(secret.as_str()) && !body.contains(&bed.account.api_key), "{body}");
    }
}

/// Asks for another token, and gives the page that follows.
async fn rotate(bed: &Bed, tab: &mut Tab<'_>, id: &str) -> String {
    let page = tab.get(SURFACE).await.text;
    let page = press(tab, &page, "change:database", &[("i.database", id)]).await;
    let page = press(tab, &page, "click:rotate", &[]).await;
    bed.time_passes.store(true, Ordering::Relaxed);
    let page = press(tab, &page, "confirm:rotate", &[("i.database", id)]).await;
    bed.time_passes.store(false, Ordering::Relaxed);
    page
}

#[tokio::test]
async fn whatever_becomes_of_a_request_for_another_token_the_site_has_the_one_that_works() {
    let bed = Bed::start().await;
    let id = bed.database("orders").await;
    let (mut tab, _) = bed.connected().await;
    add(&mut tab, &id).await;
    let fail = |path: &str, kind, times| {
        bed.emulator.fail(Fault { half: Half::Developer, path: path.to_owned(), kind, times: Some(times) });
    };
    for kind in [FaultKind::Dropped, FaultKind::Unheard, FaultKind::Failed, FaultKind::Html, FaultKind::RateLimited(3)]
    {
        let before = bed.token(&id).await;
        fail("/reset-password/", kind, 1);
        let page = rotate(&bed, &mut tab, &id).await;
        let after = bed.token(&id).await;
        assert_ne!(before, after, "{kind:?}: {page}");
        assert_eq!(bed.env().await[1].1, after, "{kind:?}: {page}");
        assert!(!page.contains("og-notice-bad"), "{kind:?}: {page}");
    }
    // It may be done, and nobody can say for a while. The question before it is answered.
    for kind in [FaultKind::Failed, FaultKind::Unauthorized, FaultKind::Dropped] {
        let before = bed.token(&id).await;
        fail("/reset-password/", FaultKind::Dropped, 1);
        fail("/database/", FaultKind::Slow(0), 1);
        fail("/database/", kind, 7);
        let page = rotate(&bed, &mut tab, &id).await;
        bed.emulator.heal();
        let after = bed.token(&id).await;
        assert_ne!(before, after, "{kind:?}: {page}");
        assert_eq!(bed.env().await[1].1, after, "{kind:?}: {page}");
    }
    // What is never done is given up, and nothing has changed.
    let before = bed.token(&id).await;
    fail("/reset-password/", FaultKind::Unheard, 1_000_000);
    let page = rotate(&bed, &mut tab, &id).await;
    bed.emulator.heal();
    assert!(page.contains("does not change the token at the moment"), "{page}");
    assert_eq!((&bed.token(&id).await, &bed.env().await[1].1), (&before, &before));
}

#[tokio::test]
async fn another_token_survives_a_process_that_dies_at_any_step() {
    for (step, act) in
        ["reset", "look", "set"].into_iter().flat_map(|step| [Act::RunTwice, Act::CrashAfter].map(|act| (step, act)))
    {
        let bed = Bed::with_probe(Arc::new(At { kind: "upstash_rotate", step, act })).await;
        let id = bed.database("orders").await;
        let (mut tab, _) = bed.connected().await;
        add(&mut tab, &id).await;
        let before = bed.token(&id).await;
        let page = rotate(&bed, &mut tab, &id).await;
        let after = bed.token(&id).await;
        assert_ne!(before, after, "{step} {act:?}: {page}");
        assert_eq!(bed.env().await[1].1, after, "{step} {act:?}: {page}");
    }
}

/// Fails at each step and runs each step twice, as every job of the platform has to stand it.
#[tokio::test]
async fn a_job_that_fails_anywhere_leaves_nothing_and_twice_is_harmless() {
    for (step, act) in ["claim", "set", "confirm"]
        .into_iter()
        .flat_map(|step| [Act::FailBefore, Act::FailAfter, Act::RunTwice].map(|act| (step, act)))
    {
        let bed = Bed::with_probe(Arc::new(At { kind: "upstash_integrate", step, act })).await;
        let id = bed.database("orders").await;
        let (mut tab, _) = bed.connected().await;
        let page = add(&mut tab, &id).await;
        if act == Act::RunTwice {
            assert_eq!(bed.names().await.len(), 3, "{step}: {page}");
            continue;
        }
        assert!(page.contains("og-notice-bad"), "{step} {act:?}: {page}");
        assert!(bed.names().await.is_empty(), "{step} {act:?}");
        let page = tab.get(SURFACE).await.text;
        assert!(page.contains("No database yet."), "{step} {act:?}: {page}");
    }
}

struct At {
    kind: &'static str,
    step: &'static str,
    act: Act,
}

impl Probe for At {
    fn at(&self, kind: &str, step: &str, undoing: bool, attempt: u32) -> Act {
        let is_here = kind == self.kind && step == self.step && !undoing && attempt == 1;
        if is_here { self.act } else { Act::Run }
    }
}
