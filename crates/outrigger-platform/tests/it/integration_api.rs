//! The Integration API of Netlify's SDK (contract integration-api, sections 2, 3 and 10), with an integration in Rust.

use std::sync::Arc;

use outrigger_db::{SystemClock, SystemEntropy};
use outrigger_integrations::handler::{HandlerReply, Handlers};
use outrigger_integrations::surface::{NativeSurface, SurfaceIntegration};
use outrigger_integrations::{About, Context, IntegrationId, ScopeKind};
use outrigger_platform::app::SharedApp;
use outrigger_platform::ops::services::PlatformServices;
use outrigger_platform::store::ids::{AccountId, SiteId};
use outrigger_platform::store::integration_tokens::IntegrationToken;
use outrigger_platform::store::tokens::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, answer};
use crate::build_hooks::{receiver, wait_for_end};

const TALLY: IntegrationId = IntegrationId::new("tally");

fn register(app: &SharedApp) {
    let outbound = app.outbound.clone();
    let context = Context { outbound, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let handlers = Handlers::<Value>::new(TALLY, app.enablements.clone(), PlatformServices::of(app), context)
        .handler("who", async |_: Value, cx| Ok(json!({ "site": cx.caller.site, "account": cx.caller.account })))
        .webhook("orders", async |call, cx| {
            let seen = json!({ "rest": call.rest, "site": cx.caller.site, "user": cx.caller.user });
            Ok(HandlerReply::json(StatusCode::OK, &seen))
        });
    let integration = SurfaceIntegration {
        id: TALLY,
        about: About::new("Tally", "Counts visits."),
        places: vec![ScopeKind::Site, ScopeKind::Account],
        program: Arc::new(NativeSurface::new("tally", "Tally")),
        handlers: Arc::new(handlers),
        build_plugin: Some(b"packed".as_slice().into()),
        jobs: None,
    };
    app.surfaces.register(integration).unwrap();
}

/// A platform with the integration, and a token with which it may act at the site.
struct Tally {
    test: TestApp,
    account: AccountId,
    token: String,
}

impl Tally {
    async fn start() -> Self {
        let test = TestApp::start().await;
        register(&test.app);
        let account = test.app.store.find_account_anywhere("acme").await.unwrap().unwrap().id;
        let mut tally = Self { test, account, token: String::new() };
        tally.token = tally.token(|_| {}).await;
        tally
    }

    async fn token(&self, change: impl FnOnce(&mut IntegrationToken)) -> String {
        let user = self.test.app.store.owners_of_account(&self.account).await.unwrap().remove(0);
        let mut token = IntegrationToken {
            integration: TALLY,
            account: self.account.clone(),
            site: Some(self.site()),
            user,
            scope: Scope::Write,
            expires_at: self.test.app.store.integration_token_end(),
        };
        change(&mut token);
        self.test.app.store.integration_token(&token).unwrap()
    }

    fn site(&self) -> SiteId {
        self.test.site_id.parse().unwrap()
    }

    fn at_site(&self, rest: &str) -> String {
        format!("/site/{}/integrations/tally{rest}", self.test.site_id)
    }

    fn request(&self, method: Method, path: &str, token: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.test.origin());
        self.test.http().request(method, url).header("netlify-token", token)
    }

    /// As the SDK sends it: with the integration's token, and JSON that calls itself text.
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path, &self.token);
        if let Some(body) = body {
            request = request.header("content-type", "text/plain").body(body.to_string());
        }
        answer(request).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// What a handler answers, which may be anything.
    async fn call(&self, method: Method, path: &str, token: Option<&str>) -> (StatusCode, Value) {
        let url = format!("{}/surfaces/tally{path}", self.test.origin());
        let mut request = self.test.http().request(method, url);
        if let Some(token) = token {
            request = request.header("cookie", format!("other=1; _nf-auth={token}"));
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert_eq!(response.headers()["content-security-policy"], "sandbox", "it is on our origin");
        (response.status(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn what_an_integration_keeps_is_enabled_read_replaced_and_forgotten() {
    let tally = Tally::start().await;
    for place in [tally.at_site(""), format!("/team/{}/integrations/tally", tally.account)] {
        tally.get(&place).await.refused(404);
        let enabled = tally.send(Method::POST, &place, Some(json!({ "config": {} }))).await.expect(201);
        assert!(enabled["token"].as_str().unwrap().starts_with("ori_"));
        tally.send(Method::POST, &place, Some(json!({ "config": {} }))).await.refused(409);
        let kept = tally.get(&place).await;
        assert_eq!(kept.headers["etag"], "\"1\"");
        let off = json!({ "config": {}, "has_build_hook_enabled": false, "has_connectors_enabled": false });
        assert_eq!(kept.expect(200), off);

        tally.send(Method::PUT, &place, Some(json!({ "config": { "key": "k", "old": 1 } }))).await.expect(200);
        tally.send(Method::PUT, &place, Some(json!({ "config": { "key": "l" } }))).await.expect(200);
        tally.send(Method::PUT, &place, Some(json!({}))).await.expect(200);
        tally.send(Method::PUT, &place, Some(json!({ "has_build_hook_enabled": true }))).await.expect(200);
        let kept = tally.get(&place).await.expect(200);
        assert_eq!(kept["config"], json!({ "key": "l" }), "it is replaced as a whole, or not at all");
        assert_eq!((&kept["has_build_hook_enabled"], &kept["has_connectors_enabled"]), (&json!(true), &json!(false)));
        tally.send(Method::PUT, &place, Some(json!({ "config": "text" }))).await.refused(422);

        tally.send(Method::DELETE, &place, None).await.expect(204);
        tally.send(Method::DELETE, &place, None).await.refused(404);
        tally.send(Method::PUT, &place, Some(json!({}))).await.refused(404);
    }
    let unknown = format!("/site/{}/integrations/other", tally.test.site_id);
    let all = tally.token(|token| token.integration = IntegrationId::new("other")).await;
    let refused = answer(tally.request(Method::POST, &unknown, &all).body("{}")).await.expect(401);
    assert_eq!(refused["error"], "invalid_integration_slug");
}

#[tokio::test]
async fn a_change_of_a_version_that_is_gone_is_refused_and_one_of_none_is_made() {
    let tally = Tally::start().await;
    let place = tally.at_site("");
    tally.send(Method::POST, &place, Some(json!({}))).await.expect(201);
    let change = |version: &str, key: &str| {
        let body = json!({ "config": { "key": key } }).to_string();
        tally.request(Method::PUT, &place, &tally.token).header("if-match", version).body(body)
    };
    let changed = answer(change("\"1\"", "a")).await;
    assert_eq!(changed.headers["etag"], "\"2\"");
    let conflict = answer(change("\"1\"", "b")).await.refused(412);
    assert!(conflict.contains("version 2"), "{conflict}");
    answer(change("1", "b")).await.refused(400);
    answer(change("*", "c")).await.expect(200);

    // The SDK names no version; many at once are all made, one after the other.
    let all = (0..6).map(|n| tally.send(Method::PUT, &place, Some(json!({ "config": { "n": n } }))));
    for answer in futures_util::future::join_all(all).await {
        answer.expect(200);
    }
    assert_eq!(tally.get(&place).await.headers["etag"], "\"9\"");
}

#[tokio::test]
async fn a_token_of_an_integration_is_for_its_own_place_and_little_else() {
    let tally = Tally::start().await;
    tally.test.post("/acme/sites", json!({ "name": "other" })).await.expect(201);
    let site = &tally.test.site_id;
    let env = format!("/api/v1/accounts/{}/env", tally.account);
    let variable = json!([{ "key": "TALLY_KEY", "values": [{ "context": "all", "value": "v" }] }]);
    tally.send(Method::POST, &format!("{env}?site_id={site}"), Some(variable.clone())).await.expect(201);
    let undefined = json!([{ "key": "TALLY_NONE", "values": [] }]);
    tally.send(Method::POST, &format!("{env}?site_id={site}"), Some(undefined)).await.expect(201);
    let sites = tally.get("/api/v1/sites").await.expect(200);
    assert_eq!(sites.as_array().unwrap().len(), 1, "others of the account are none of its business");
    assert_eq!(tally.get(&format!("/api/v1/accounts/{}", tally.account)).await.expect(200)["slug"], "acme");

    tally.send(Method::POST, &env, Some(variable.clone())).await.refused(403);
    tally.send(Method::POST, &format!("{env}?site_id=other"), Some(variable)).await.refused(404);
    tally.get("/api/v1/sites/other").await.refused(404);
    tally.get("/site/other/integrations/tally").await.refused(404);
    let slug = format!("/site/{site}/integrations/upstash");
    tally.get(&slug).await.refused(403);
    for path in ["/api/v1/user", "/api/v1/tokens", "/api/v1/services", "/api/v1/acme/sites"] {
        let refused = tally.get(path).await.refused(403);
        assert!(refused.contains("not for this address"), "{path}: {refused}");
    }
    tally.send(Method::POST, "/api/v1/services", Some(json!({}))).await.refused(403);

    let reader = tally.token(|token| token.scope = Scope::Read).await;
    tally.send(Method::POST, &tally.at_site(""), Some(json!({}))).await.expect(201);
    answer(tally.request(Method::GET, &tally.at_site(""), &reader)).await.expect(200);
    answer(tally.request(Method::PUT, &tally.at_site(""), &reader).body("{}")).await.refused(403);
    let over =
        tally.token(|token| token.expires_at = "2026-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().into());
    answer(tally.request(Method::GET, &tally.at_site(""), &over.await)).await.refused(401);
    let forged = tally.token.replace("ori_v1.", "ori_v2.");
    answer(tally.request(Method::GET, &tally.at_site(""), &forged)).await.refused(401);
    // What is kept may be secret: somebody who may only look does not see it.
    let looking = json!({ "name": "looking", "scope": "read" });
    let looking = tally.test.post("/tokens", looking).await.expect(201)["token"].as_str().unwrap().to_owned();
    answer(tally.request(Method::GET, &tally.at_site(""), &looking)).await.refused(403);
    answer(tally.request(Method::GET, &tally.at_site(""), &tally.test.token)).await.expect(200);
}

#[tokio::test]
async fn a_build_token_is_exchanged_until_the_integration_is_disabled() {
    let tally = Tally::start().await;
    let (generate, exchange) = (tally.at_site("/generate-build-token"), tally.at_site("/exchange-build-token"));
    tally.send(Method::POST, &generate, Some(json!({}))).await.refused(404);
    tally.send(Method::POST, &tally.at_site(""), Some(json!({ "config": { "key": "k" } }))).await.expect(201);
    let with_account = json!({ "teamId": tally.account });
    let token = tally.send(Method::POST, &generate, Some(with_account)).await.expect(201)["token"].clone();
    let token = token.as_str().unwrap();
    let swap = |token: &str, path: &str| answer(tally.request(Method::POST, path, token).body("{}"));

    let got = swap(token, &exchange).await.expect(200);
    assert!(got.get("team_id").is_none(), "it is not enabled at the account");
    let at_account = format!("/team/{}/integrations/tally", tally.account);
    tally.send(Method::POST, &at_account, Some(json!({}))).await.expect(201);
    let got = swap(token, &exchange).await.expect(200);
    assert_eq!((&got["site_id"], &got["team_id"]), (&json!(tally.test.site_id), &json!(tally.account)));
    let reader = got["token"].as_str().unwrap();
    let kept = answer(tally.request(Method::GET, &tally.at_site(""), reader)).await.expect(200);
    assert_eq!(kept["config"], json!({ "key": "k" }));
    answer(tally.request(Method::PUT, &tally.at_site(""), reader).body("{}")).await.refused(403);

    swap(&tally.token, &exchange).await.refused(401);
    swap(token, "/site/other/integrations/tally/exchange-build-token").await.refused(401);
    answer(tally.request(Method::GET, &tally.at_site(""), token)).await.refused(401);
    let other = json!({ "teamId": "other" });
    tally.send(Method::POST, &generate, Some(other)).await.refused(404);

    tally.send(Method::DELETE, &tally.at_site(""), None).await.expect(204);
    swap(token, &exchange).await.refused(401);
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    tally.send(Method::POST, &tally.at_site(""), Some(json!({}))).await.expect(201);
    swap(token, &exchange).await.refused(401);
}

#[tokio::test]
async fn anybody_may_know_what_is_enabled_at_a_site_and_fetch_its_build_plugin() {
    let tally = Tally::start().await;
    let safe = format!("/site/{}/integrations/safe", tally.test.site_id);
    let list = async |path: &str| {
        let request = tally.test.http().get(format!("{}{path}", tally.test.origin()));
        answer(request).await.expect(200)
    };
    assert_eq!(list(&safe).await, json!([]));
    assert_eq!(list("/site/nowhere/integrations/safe").await, json!([]), "whether it is there is not told");
    tally.send(Method::POST, &tally.at_site(""), Some(json!({ "config": { "key": "k" } }))).await.expect(201);
    let version = format!("{}/surfaces/tally", tally.test.origin());
    let row =
        json!({ "slug": "tally", "version": version, "name": "Tally", "has_build": false, "has_connector": false });
    assert_eq!(list(&safe).await, json!([row]), "slugs and addresses only");
    let on = json!({ "has_build_hook_enabled": true });
    tally.send(Method::PUT, &tally.at_site(""), Some(on)).await.expect(200);
    assert_eq!(list(&safe).await[0]["has_build"], true);
    let plugin = tally.test.http().get(format!("{version}/packages/buildhooks.tgz")).send().await.unwrap();
    assert_eq!(plugin.bytes().await.unwrap(), "packed");

    let installed = format!("/team/{}/integrations/installations/meta/{}", tally.account, tally.test.site_id);
    let rows = list(&installed).await;
    assert_eq!((&rows[0]["slug"], &rows[0]["extension_token"]), (&json!("tally"), &Value::Null));
    let rows = tally.get(&installed).await.expect(200);
    let token = rows[0]["extension_token"].as_str().unwrap();
    answer(tally.request(Method::GET, &tally.at_site(""), token)).await.expect(200);
    assert_eq!(list("/integrations").await[0]["slug"], "tally");
}

#[tokio::test]
async fn only_names_that_the_integration_has_are_called_and_only_for_whoever_has_a_token() {
    let tally = Tally::start().await;
    let handler = |name: &str| format!("/.netlify/functions/handler/{name}?teamId=other&siteId=other");
    let (status, body) = tally.call(Method::GET, &handler("who"), None).await;
    assert_eq!((status.as_u16(), &body["error"]), (401, &json!("Unauthorized")));
    tally.call(Method::OPTIONS, &handler("who"), None).await.0.is_success().then_some(()).unwrap();
    let (status, body) = tally.call(Method::GET, &handler("who"), Some(&tally.token)).await;
    assert_eq!(status, 200);
    let here = json!({ "site": tally.test.site_id, "account": tally.account });
    assert_eq!(body, here, "who calls is what the token says, not the query");
    assert_eq!(tally.call(Method::GET, "/api/who", Some(&tally.token)).await.1, here);
    let of_another = tally.token(|token| token.integration = IntegrationId::new("other")).await;
    for token in [of_another.as_str(), tally.test.token.as_str(), "ori_", ""] {
        assert_eq!(tally.call(Method::GET, &handler("who"), Some(token)).await.0, 401);
    }
    for name in ["constructor", "toString", "nothing", "build-context"] {
        let (status, body) = tally.call(Method::GET, &handler(name), Some(&tally.token)).await;
        assert_eq!((status.as_u16(), &body["error"]), (404, &json!(format!("Handler {name} not found"))));
    }

    let hook = format!("/.netlify/functions/handler/webhook-orders/7?siteId={}", tally.test.site_id);
    let (status, body) = tally.call(Method::POST, &hook, None).await;
    assert_eq!(status, 200);
    assert_eq!(body, json!({ "rest": "/7", "site": tally.test.site_id, "user": null }));
}

#[tokio::test]
async fn hooks_hear_that_a_build_was_asked_for_beside_the_sites_own_webhook() {
    let tally = Tally::start().await;
    let (url, received) = receiver(Vec::new()).await;
    let hook =
        |event: &str| json!({ "type": "url", "event": event, "site_id": tally.test.site_id, "data": { "url": url } });
    let made = tally.send(Method::POST, "/api/v1/hooks", Some(hook("deploy_building"))).await.expect(201);
    tally.send(Method::POST, "/api/v1/hooks", Some(hook("deploy_created"))).await.expect(201);
    tally.send(Method::POST, "/api/v1/hooks", Some(hook("anything"))).await.refused(422);
    let mut wrong = hook("deploy_building");
    wrong["data"]["url"] = json!("ftp://example.com/");
    tally.send(Method::POST, "/api/v1/hooks", Some(wrong)).await.refused(422);
    let listed = tally.get(&format!("/api/v1/hooks?site_id={}", tally.test.site_id)).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 2);

    let build = tally.test.post(&tally.test.site("/build_hooks"), json!({ "title": "CMS" })).await.expect(201);
    let asked = tally.test.http().post(build["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(asked.status(), 200);
    wait_for_end(&tally.test).await;
    let (headers, body) = received.lock().unwrap().remove(0);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["state"], &body["name"], &body["title"]), (&json!("building"), &json!("demo"), &json!("CMS")));
    assert!(!headers.contains_key("webhook-signature"), "it has no secret to verify one with");

    let path = format!("/api/v1/hooks/{}", made["id"].as_str().unwrap());
    assert_eq!(tally.get(&path).await.expect(200), made);
    tally.send(Method::DELETE, &path, None).await.expect(204);
    tally.get(&path).await.refused(404);
}
