//! The framework of integrations, as the platform uses it: who may see and change what, and what is told.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use outrigger_platform::app::App;
use outrigger_platform::events::{
    BuildRequested, InstanceCreated, InstanceFailed, InstanceRemoved, InstanceUpdated, KeyRotated, SiteCreated,
};
use outrigger_platform::ops::accounts::{NewUser, create_account, create_token, create_user};
use outrigger_platform::store::accounts::Role;
use outrigger_platform::store::tokens::{NewToken, Scope};
use outrigger_webhook::Webhook;
use reqwest::{Method, StatusCode};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::app::TestApp;
use crate::provider::Fault;

pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// A server that gets the events.
pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) origin: String,
    posts: UnboundedReceiver<(HeaderMap, Bytes)>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let (sender, posts) = unbounded_channel();
        let take = post(async move |headers: HeaderMap, body: Bytes| {
            let _ = sender.send((headers, body));
        });
        // A busy server, and a build webhook.
        let router = Router::new()
            .route("/events", take)
            .route("/busy", post(async || StatusCode::SERVICE_UNAVAILABLE))
            .route("/build", post(async || ()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("{origin}/events"), origin, posts }
    }

    /// The next event, whose signature is that of the configuration.
    pub(crate) async fn next(&mut self) -> Value {
        let next = tokio::time::timeout(Duration::from_secs(20), self.posts.recv()).await;
        let (headers, body) = next.expect("an event in time").unwrap();
        let said = |name: &str| headers[name].to_str().unwrap();
        let reference = standardwebhooks::Webhook::new(SECRET).unwrap();
        // Not `verify`: the clock of some tests stands still.
        let signed = reference.sign(said("webhook-id"), said("webhook-timestamp").parse().unwrap(), &body);
        assert_eq!(signed.unwrap(), said("webhook-signature"));
        serde_json::from_slice(&body).unwrap()
    }

    async fn expect(&mut self, kind: &str) -> Value {
        let event = self.next().await;
        assert_eq!(event["type"], kind, "{event:#}");
        event["data"].clone()
    }

    fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }
}

/// A platform with the webhook integration, for every event.
async fn start() -> TestApp {
    let test = TestApp::start().await;
    register(&test.app);
    test
}

/// Makes the platform send to this address whatever happens there.
pub(crate) async fn add_webhook(test: &TestApp, place: &str, url: &str) {
    register(&test.app);
    add(test, place, webhook("Everything", url, &[])).await;
}

pub(crate) fn register(app: &App) {
    let webhook = Webhook::new()
        .sending::<InstanceCreated>()
        .sending::<InstanceFailed>()
        .sending::<InstanceUpdated>()
        .sending::<InstanceRemoved>()
        .sending::<SiteCreated>()
        .sending::<BuildRequested>()
        .sending::<KeyRotated>();
    app.manager.register(webhook).unwrap().keep();
}

async fn send(test: &TestApp, token: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let mut request = test.http().request(method, format!("{}{path}", test.origin()));
    request = request.bearer_auth(token).header("accept", "application/json");
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

fn webhook(name: &str, url: &str, only: &[&str]) -> Value {
    let conditions = match only {
        [] => json!({ "mode": "always" }),
        only => {
            json!({ "mode": "all", "conditions": [{ "fact": "event", "operator": "one_of", "value": only }] })
        }
    };
    json!({ "name": name, "enabled": true, "settings": { "url": url, "secret": SECRET, "rules": conditions } })
}

/// Makes a configuration below this path and says which.
async fn add(test: &TestApp, place: &str, body: Value) -> String {
    let path = format!("{place}/integrations/new/outrigger.webhook");
    let (status, made) = send(test, &test.token, Method::POST, &path, Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{made:#}");
    made["id"].as_str().unwrap().to_owned()
}

/// A member of an account, with a token.
async fn member(test: &TestApp, email: &str, account: &str, role: Role) -> String {
    let account = match test.app.store.find_account_anywhere(account).await.unwrap() {
        Some(account) => account,
        None => create_account(&test.app, account, account).await.unwrap(),
    };
    let new = NewUser { email, full_name: email, password: None, operator: false, member_of: Some((&account, role)) };
    let user = create_user(&test.app, new).await.unwrap();
    let new = NewToken { account: None, name: "t".to_owned(), scope: Scope::Admin, expires_at: None };
    create_token(&test.app, &user.id, new).await.unwrap().1
}

/// Asks for a build of a site.
async fn build(test: &TestApp, site: &str, receiver: &Receiver) {
    let webhook = json!({ "build_webhook_url": format!("{}/build", receiver.origin) });
    test.patch(&format!("/sites/{site}"), webhook).await.expect(200);
    test.post(&format!("/sites/{site}/builds"), json!({})).await.expect(200);
}

/// What a query counts.
async fn number(test: &TestApp, sql: &str) -> i64 {
    let conn = test.db.db().conn();
    let row = conn.query_one_raw(Statement::from_string(conn.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}

#[tokio::test]
async fn an_account_hears_of_everything_that_happens_at_its_sites() {
    let test = start().await;
    let mut receiver = Receiver::start().await;
    add(&test, "/accounts/acme", webhook("Everything", &receiver.url, &[])).await;

    test.post("/acme/sites", json!({ "name": "shop" })).await.expect(201);
    let told = receiver.expect("site.created").await;
    assert_eq!((&told["site"]["name"], &told["account"]["slug"]), (&json!("shop"), &json!("acme")));
    assert!(told["url"].as_str().unwrap().ends_with("/sites/shop"));

    let created = test.create(json!({ "plan": "small", "apiKey": "s3cret" })).await.expect(201);
    let id = created["id"].as_str().unwrap();
    let told = receiver.expect("instance.created").await;
    assert_eq!((&told["instance_id"], &told["addon"]["slug"]), (&created["id"], &json!("test")));
    assert!(!told.to_string().contains("s3cret"), "{told:#}");

    let change = |plan: &str| json!({ "config": { "plan": plan, "apiKey": "********" } });
    test.put(&test.instances(&format!("/{id}")), change("big")).await.expect(204);
    receiver.expect("instance.updated").await;

    test.provider.fail("PUT /instances/:id", [Fault::Answer(422, json!({ "message": "no s3cret here" }).to_string())]);
    test.put(&test.instances(&format!("/{id}")), change("small")).await.refused(422);
    let told = receiver.expect("instance.failed").await;
    assert_eq!(told["undertaking"], "update");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("no (secret) here"), "{reason}");

    build(&test, "demo", &receiver).await;
    assert_eq!(receiver.expect("build.requested").await["site"]["name"], "demo");

    test.delete(&test.instances(&format!("/{id}"))).await.expect(204);
    receiver.expect("instance.removed").await;

    test.provider.fail("POST /instances", [Fault::Answer(422, json!({ "message": "too small" }).to_string())]);
    test.create(json!({ "plan": "small" })).await.refused(422);
    let told = receiver.expect("instance.failed").await;
    assert_eq!(
        (&told["undertaking"], told["reason"].as_str().unwrap().contains("too small")),
        (&json!("create"), true)
    );
    assert!(receiver.is_empty());
}

#[tokio::test]
async fn rules_choose_and_a_site_hears_only_of_itself() {
    let test = start().await;
    test.post("/acme/sites", json!({ "name": "shop" })).await.expect(201);
    let mut receiver = Receiver::start().await;
    add(&test, "/sites/demo", webhook("Builds", &receiver.url, &["build.requested"])).await;
    build(&test, "shop", &receiver).await;
    test.create(json!({ "plan": "small" })).await.expect(201);
    build(&test, "demo", &receiver).await;
    assert_eq!(receiver.expect("build.requested").await["site"]["name"], "demo");
    // The others were decided about before this one.
    assert!(receiver.is_empty());
}

#[tokio::test]
async fn operators_hear_of_keys_and_nobody_else_does() {
    let test = start().await;
    let (mut ours, theirs) = (Receiver::start().await, Receiver::start().await);
    add(&test, "/accounts/acme", webhook("Account", &theirs.url, &[])).await;
    add(&test, "/system", webhook("Keys", &ours.url, &[])).await;
    test.post("/services/test/rotate-secret", json!({ "overlap_seconds": 3600 })).await.expect(200);
    let told = ours.expect("key.rotated").await;
    assert_eq!(told, json!({ "addon": { "slug": "test", "title": "Add-on test" } }));
    outrigger_platform::events::tell_key_rotated(&test.app).await.unwrap();
    assert_eq!(ours.expect("key.rotated").await, json!({ "addon": null }));
    assert!(theirs.is_empty());
}

#[tokio::test]
async fn viewers_look_developers_change_and_strangers_find_nothing() {
    let test = start().await;
    let receiver = Receiver::start().await;
    let account = add(&test, "/accounts/acme", webhook("One", &receiver.url, &[])).await;
    let site = add(&test, "/sites/demo", webhook("Two", &receiver.url, &[])).await;
    let viewer = member(&test, "vera@example.com", "acme", Role::Viewer).await;
    let developer = member(&test, "dan@example.com", "acme", Role::Developer).await;
    let stranger = member(&test, "eve@example.com", "evil", Role::Owner).await;
    let places = [("/accounts/acme", &account), ("/sites/demo", &site)];
    for (place, id) in places {
        let list = format!("{place}/integrations");
        let one = format!("{list}/{id}");
        let new = format!("{list}/new/outrigger.webhook");
        let body = || Some(webhook("Another", &receiver.url, &[]));
        let (status, listed) = send(&test, &viewer, Method::GET, &list, None).await;
        assert_eq!((status, &listed["configs"][0]["id"]), (StatusCode::OK, &json!(id)), "{listed:#}");
        assert!(!listed.to_string().contains("whsec_"));
        assert_eq!(send(&test, &viewer, Method::GET, &one, None).await.0, StatusCode::OK);
        assert_eq!(send(&test, &viewer, Method::POST, &new, body()).await.0, StatusCode::FORBIDDEN);
        assert_eq!(send(&test, &viewer, Method::DELETE, &one, None).await.0, StatusCode::FORBIDDEN);
        assert_eq!(send(&test, &developer, Method::POST, &new, body()).await.0, StatusCode::CREATED);
        for (method, path) in [(Method::GET, &list), (Method::GET, &one), (Method::POST, &new), (Method::DELETE, &one)]
        {
            let (status, _) = send(&test, &stranger, method.clone(), path, body()).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
        }
        // With the right id in the wrong place there is nothing either.
        let elsewhere = format!("/accounts/evil/integrations/{id}");
        assert_eq!(send(&test, &stranger, Method::GET, &elsewhere, None).await.0, StatusCode::NOT_FOUND);
        assert_eq!(send(&test, &developer, Method::DELETE, &one, None).await.0, StatusCode::NO_CONTENT);
    }
    for token in [&viewer, &developer, &stranger] {
        let (status, _) = send(&test, token, Method::GET, "/system/integrations", None).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
    let (status, _) = send(&test, "ort_wrong", Method::GET, "/accounts/acme/integrations", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_belongs_to_a_site_goes_with_it() {
    let test = start().await;
    let receiver = Receiver::start().await;
    test.post("/acme/sites", json!({ "name": "shop" })).await.expect(201);
    add(&test, "/sites/shop", webhook("Gone soon", &receiver.url, &[])).await;
    let kept = add(&test, "/sites/demo", webhook("Stays", &receiver.url, &[])).await;
    test.delete("/sites/shop").await.expect(204);
    let count = "SELECT count(*) AS n FROM integration_config";
    assert_eq!(number(&test, count).await, 1);
    let (_, listed) = send(&test, &test.token, Method::GET, "/sites/demo/integrations", None).await;
    assert_eq!(listed["configs"][0]["id"], kept.as_str());
}

#[tokio::test]
async fn a_configuration_made_at_one_node_is_known_at_the_next_and_secrets_are_sealed() {
    let test = start().await;
    let receiver = Receiver::start().await;
    let id = add(&test, "/accounts/acme", webhook("Sealed", &receiver.url, &[])).await;
    let node = test.second_node().await;
    let url = format!("{}/accounts/acme/integrations/{id}", node.origin);
    let request = test.http().get(url).bearer_auth(&test.token).header("accept", "application/json");
    let shown: Value = request.send().await.unwrap().json().await.unwrap();
    // The other node has no such integration: it is listed, and shown as far as it can be.
    assert!(!shown.to_string().contains(&SECRET[6..]), "{shown:#}");
    let stored = "SELECT count(*) AS n FROM integration_config WHERE secrets LIKE '%MDEyMzQ1%' \
                  OR settings LIKE '%MDEyMzQ1%' OR settings LIKE '%127.0.0.1%'";
    assert_eq!(number(&test, stored).await, 0);
}
