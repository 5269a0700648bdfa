//! What is written to the store happens at the gateway: in the same process, and in another one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use outrigger_addon::proxied::RequestClaims;
use outrigger_addon::signature::verify;
use outrigger_db::{Clock as _, Db, SystemClock, SystemEntropy};
use outrigger_gateway::Listeners;
use outrigger_integrations::Outbound;
use outrigger_platform::app::{App, SharedApp};
use outrigger_platform::gateway::{self, Doors};
use outrigger_platform::store::Store;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{TestApp, config};

struct TestGateway {
    address: SocketAddr,
    _stop: tokio_util::sync::DropGuard,
}

/// An answer of the gateway, or of what is behind it.
#[derive(Debug, PartialEq)]
struct Got {
    status: u16,
    body: Value,
}

impl TestGateway {
    fn start(app: &SharedApp) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let listeners = Listeners { plain: vec![listener], ..Listeners::default() };
        let doors = Doors { listeners, certificate: None };
        tokio::spawn(gateway::serve(app.clone(), doors, stop.clone()));
        Self { address, _stop: stop.drop_guard() }
    }

    async fn get(&self, host: &str, path: &str) -> Got {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("http://{}{path}", self.address)).header("host", host);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        Got { status, body: serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default() }
    }

    /// Asks until the answer is as wanted: the gateway learns of a change a moment after it was committed.
    async fn eventually(&self, host: &str, path: &str, wanted: impl Fn(&Got) -> bool) -> Got {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let got = self.get(host, path).await;
            if wanted(&got) {
                return got;
            }
            assert!(tokio::time::Instant::now() < deadline, "not in time: {got:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Tells who asked for what.
async fn echo() -> SocketAddr {
    let app = axum::Router::new().fallback(async |request: Request| {
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        axum::Json(json!({
            "target": request.uri().to_string(),
            "sign": header("x-nf-sign"),
            "site_url": header("x-nf-site-url"),
            "id": header("x-nf-id"),
            "uuid": header("x-nf-uuid"),
        }))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

const HOST: &str = "demo.localhost";
const PROXIED: &str = "/.netlify/test/x";

fn is_echo(got: &Got) -> bool {
    got.status == 200 && got.body["target"].is_string()
}

fn says(code: &'static str) -> impl Fn(&Got) -> bool {
    move |got| got.body["error"] == code
}

#[tokio::test]
async fn an_instance_is_reached_through_its_site_for_as_long_as_it_is_there() {
    let test = TestApp::start().await;
    test.provider.set_endpoint(&format!("http://{}/tenant", echo().await));
    let gateway = TestGateway::start(&test.app);
    gateway.eventually(HOST, PROXIED, says("no_such_page")).await;
    let instance = test.create(json!({ "plan": "small" })).await.expect(201);
    let got = gateway.eventually(HOST, PROXIED, is_echo).await.body;
    assert_eq!(got["target"], "/tenant/x");
    let claims: RequestClaims =
        verify(got["sign"].as_str().unwrap(), &[&test.secret], SystemClock.now(), Duration::ZERO).unwrap();
    let site = test.get(&test.site("")).await.expect(200);
    assert_eq!(claims.site_url.as_deref(), site["url"].as_str());
    assert_eq!(got["site_url"], site["url"]);
    assert_eq!(claims.netlify_id.as_deref(), instance["id"].as_str());
    assert_eq!((got["uuid"].as_str(), got["id"].as_str()), (claims.netlify_id.as_deref(), claims.id.as_deref()));
    test.delete(&test.instances(&format!("/{}", instance["id"].as_str().unwrap()))).await.expect(204);
    gateway.eventually(HOST, PROXIED, says("no_such_page")).await;
}

#[tokio::test]
async fn a_site_moves_with_its_names_and_its_origin() {
    let test = TestApp::start().await;
    let gateway = TestGateway::start(&test.app);
    let origin = format!("http://{}/app", echo().await);
    let set = async |body: Value| test.patch(&test.site(""), body).await.expect(200);
    let body = set(json!({ "origin_url": origin })).await;
    assert_eq!(body["origin_url"], origin);
    assert_eq!(gateway.eventually(HOST, "/a", is_echo).await.body["target"], "/app/a");
    let body = set(json!({ "custom_domain": "Shop.Example", "domain_aliases": ["www.shop.example"] })).await;
    assert_eq!(
        (&body["custom_domain"], &body["domain_aliases"]),
        (&json!("shop.example"), &json!(["www.shop.example"]))
    );
    gateway.eventually("shop.example", "/a", is_echo).await;
    gateway.eventually("www.shop.example:8080", "/a", is_echo).await;
    let body = set(json!({ "custom_domain": "" })).await;
    assert_eq!((&body["custom_domain"], &body["domain_aliases"]), (&json!("www.shop.example"), &json!([])));
    gateway.eventually("shop.example", "/a", says("unknown_site")).await;
    set(json!({ "name": "renamed" })).await;
    gateway.eventually("renamed.localhost", "/a", is_echo).await;
    assert_eq!(gateway.get(HOST, "/a").await.body["error"], "unknown_site");
    set(json!({ "origin_url": "" })).await;
    gateway.eventually("renamed.localhost", "/a", says("no_such_page")).await;
    test.delete(&test.site("")).await.expect(204);
    gateway.eventually("renamed.localhost", "/a", says("unknown_site")).await;
}

#[tokio::test]
async fn a_new_secret_signs_as_soon_as_the_operator_says_so() {
    let test = TestApp::start().await;
    test.provider.set_endpoint(&format!("http://{}", echo().await));
    test.create(json!({ "plan": "small" })).await.expect(201);
    let gateway = TestGateway::start(&test.app);
    let signed_with = |secret: String| {
        move |got: &Got| {
            let sign = got.body["sign"].as_str().unwrap_or_default();
            verify::<RequestClaims>(sign, &[&secret], SystemClock.now(), Duration::ZERO).is_ok()
        }
    };
    gateway.eventually(HOST, PROXIED, signed_with(test.secret.clone())).await;
    let rotated = test.post("/services/test/rotate-secret", json!({ "overlap_seconds": 3600 })).await.expect(200);
    let new = rotated["secret"].as_str().unwrap().to_owned();
    assert!(signed_with(test.secret.clone())(&gateway.get(HOST, PROXIED).await), "the overlap has begun");
    test.post("/services/test/rotate-secret", json!({ "finish": true })).await.expect(200);
    gateway.eventually(HOST, PROXIED, signed_with(new)).await;
}

/// Its own connections and its own watch, as another process has them.
#[tokio::test]
async fn another_node_hears_of_changes_without_being_asked() {
    let test = TestApp::start().await;
    let db = Db::connect(test.db.url()).await.unwrap();
    let store = Store::new(db, test.app.store.keys(), Arc::new(SystemClock), Arc::new(SystemEntropy));
    let other = App::new(config(), store, Outbound::new(true, Duration::from_secs(1)).unwrap());
    let gateway = TestGateway::start(&other);
    let origin = format!("http://{}", echo().await);
    for round in 0..5 {
        let url = format!("{origin}/{round}");
        test.patch(&test.site(""), json!({ "origin_url": url })).await.expect(200);
        let wanted = format!("/{round}/a");
        gateway.eventually(HOST, "/a", |got| got.body["target"] == wanted).await;
    }
}

#[tokio::test]
async fn what_a_site_cannot_be_is_refused_and_nothing_of_it_is_kept() {
    let test = TestApp::start().await;
    let many: Vec<String> = (0..101).map(|number| format!("h{number}.example")).collect();
    for (body, field) in [
        (json!({ "origin_url": "ftp://up.example" }), "origin_url"),
        (json!({ "origin_url": "http://user:pass@up.example" }), "origin_url"),
        (json!({ "origin_url": "up" }), "origin_url"),
        (json!({ "custom_domain": "not a host" }), "domain_aliases"),
        (json!({ "custom_domain": "localhost" }), "domain_aliases"),
        (json!({ "custom_domain": "other.localhost" }), "domain_aliases"),
        (json!({ "custom_domain": "127.0.0.1" }), "domain_aliases"),
        (json!({ "domain_aliases": ["-a.example"] }), "domain_aliases"),
        (json!({ "domain_aliases": many }), "domain_aliases"),
        (json!({ "identity": { "secret": "short" } }), "identity"),
        (json!({ "identity": { "secret": "long enough to be one", "jwks_url": "https://id.example" } }), "identity"),
        (json!({ "identity": { "jwks_url": "ftp://id.example" } }), "identity"),
        (json!({ "identity": { "secret": "long enough to be one", "audience": "shop" } }), "identity"),
        (json!({ "identity": { "issuer": "https://id.example" } }), "identity"),
    ] {
        let mut whole = body.clone();
        whole["name"] = json!("renamed");
        let message = test.patch(&test.site(""), whole).await.refused(422);
        assert!(message.contains(field), "{body}: {message}");
    }
    let site = test.get(&test.site("")).await.expect(200);
    assert_eq!(
        (&site["name"], &site["custom_domain"], &site["identity"]),
        (&json!("demo"), &Value::Null, &Value::Null)
    );
    test.patch(&test.site(""), json!({ "custom_domain": "shop.example" })).await.expect(200);
    let other = test.post("/acme/sites", json!({ "name": "other" })).await.expect(201);
    let taken = format!("/sites/{}", other["id"].as_str().unwrap());
    let message = test.patch(&taken, json!({ "custom_domain": "shop.example" })).await.refused(422);
    assert!(message.contains("taken"), "{message}");
}

#[tokio::test]
async fn the_secret_of_a_sites_users_is_told_to_nobody() {
    let test = TestApp::start().await;
    let secret = "a secret of the site's identity service";
    let body = test.patch(&test.site(""), json!({ "identity": { "secret": secret } })).await.expect(200);
    assert_eq!(body["identity"], "secret");
    assert!(!body.to_string().contains(secret));
    let hooks = json!({ "login": ["https://demo.localhost/.netlify/functions/on-login"] });
    let body = test.patch(&test.site(""), json!({ "function_hooks": hooks })).await.expect(200);
    assert_eq!((&body["function_hooks"], &body["identity"]), (&hooks, &json!("secret")));
    let body = test.patch(&test.site(""), json!({ "identity": {}, "function_hooks": {} })).await.expect(200);
    assert_eq!((&body["function_hooks"], &body["identity"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_snippet_is_switched_and_shared_out_also_an_add_ons() {
    let test = TestApp::start().await;
    test.create(json!({ "plan": "small" })).await.expect(201);
    let listed = test.get(&test.site("/snippets")).await.expect(200);
    let snippet = &listed[0];
    assert_eq!((&snippet["enabled"], &snippet["share"]), (&json!(true), &json!(100)));
    let path = test.site(&format!("/snippets/{}", snippet["id"].as_str().unwrap()));
    let body = test.patch(&path, json!({ "share": 10 })).await.expect(200);
    assert_eq!((&body["enabled"], &body["share"]), (&json!(true), &json!(10)));
    test.patch(&path, json!({ "enabled": false })).await.expect(200);
    for share in [-1, 101] {
        test.patch(&path, json!({ "share": share })).await.refused(422);
    }
    // The add-on sends its snippets again with every answer.
    let id = listed[0]["id"].clone();
    let instance = test.all_instances().await[0]["id"].as_str().unwrap().to_owned();
    test.post(&test.instances(&format!("/{instance}/refresh")), json!({})).await.expect(200);
    let again = test.get(&test.site("/snippets")).await.expect(200);
    assert_ne!(again[0]["id"], id, "it is another row");
    assert_eq!((&again[0]["enabled"], &again[0]["share"]), (&json!(false), &json!(10)));
    let switched = test.put("/services/test/snippets", json!({ "enabled": false })).await.expect(200);
    assert_eq!(switched["snippets_enabled"], false);
}

#[tokio::test]
async fn an_operator_reads_what_was_counted() {
    let test = TestApp::start().await;
    test.provider.set_endpoint(&format!("http://{}/tenant", echo().await));
    let gateway = TestGateway::start(&test.app);
    test.create(json!({ "plan": "small" })).await.expect(201);
    gateway.eventually(HOST, PROXIED, is_echo).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let metrics = |token: String| client.get(format!("{}/metrics", test.origin())).bearer_auth(token).send();
    let answer = metrics(test.token.clone()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    let label = r#"host="demo.localhost",addon="test",status="2xx""#;
    assert!(text.lines().any(|line| line.contains(label) && line.ends_with(" 1")), "{text}");
    assert!(text.contains("# TYPE outrigger_gateway_first_byte_seconds histogram"), "{text}");
    assert_eq!(metrics("wrong".to_owned()).await.unwrap().status(), 401);
}

/// A site's server whose pages have this policy.
async fn origin_with_policy(policy: &'static str) -> String {
    let page = async move |_: Request| {
        let headers = [("content-security-policy", policy), ("content-type", "text/html")];
        (headers, "<!doctype html><title>Shop</title>")
    };
    let app = axum::Router::new().fallback(page);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    origin
}

#[tokio::test]
async fn a_plan_warns_of_a_policy_that_blocks_snippets() {
    let test = TestApp::start().await;
    let plan = async || test.post(&test.site("/services/test/plan"), json!({ "config": { "plan": "small" } })).await;
    let warnings = async || plan().await.expect(200)["warnings"].clone();
    let set_origin = async |origin: String| {
        test.patch(&test.site(""), json!({ "origin_url": origin })).await.expect(200);
    };
    assert_eq!(warnings().await, json!([]), "the site has no server");
    set_origin(origin_with_policy("script-src 'self'; report-uri /r").await).await;
    let expected = "the policy of the site's pages works against its snippets: an inline <script> is blocked by \
        `script-src 'self'`";
    assert_eq!(warnings().await, json!([expected]));
    test.create(json!({ "plan": "small" })).await.expect(201);
    assert_eq!(warnings().await, json!([expected]), "now it is known what the snippets are");
    set_origin(origin_with_policy("script-src 'nonce-abc'").await).await;
    assert_eq!(warnings().await, json!([]), "the gateway adds the nonce");
    set_origin("http://127.0.0.1:1".to_owned()).await;
    assert_eq!(warnings().await, json!([]), "a plan is made without the site's server, too");
}

#[tokio::test]
async fn a_plan_asks_a_server_in_the_operators_own_network_and_in_no_other() {
    let test = TestApp::start().await;
    let origin = origin_with_policy("script-src 'self'").await;
    test.patch(&test.site(""), json!({ "origin_url": origin })).await.expect(200);
    let warnings = async |networks: &[&str]| {
        let mut config =
            outrigger_platform::config::Config { allow_private_addresses: false, ..test.app.config.clone() };
        config.gateway.origin_networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        let node = test.node_on(test.db.url(), config).await;
        let (path, body) = (test.site("/services/test/plan"), json!({ "config": { "plan": "small" } }));
        let plan = test.send_to(&node.origin, reqwest::Method::POST, &path, Some(body), &test.token).await.expect(200);
        plan["warnings"].as_array().unwrap().len()
    };
    assert_eq!(warnings(&["10.0.0.0/8"]).await, 0, "the server is not asked");
    assert_eq!(warnings(&["10.0.0.0/8", "127.0.0.0/8"]).await, 1);
}
