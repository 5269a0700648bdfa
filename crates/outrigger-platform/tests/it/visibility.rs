//! Who may only look, by role or by token, sees that there is a secret and not which.

use outrigger_platform::ops::accounts::{NewUser, create_token, create_user};
use outrigger_platform::store::accounts::Role;
use outrigger_platform::store::tokens::{NewToken, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::TestApp;

async fn token(test: &TestApp, email: &str, role: Role, scope: Scope) -> String {
    let account = test.app.store.find_account_anywhere("acme").await.unwrap().unwrap();
    let member_of = Some((&account, role));
    let new = NewUser { email, full_name: "Sam", password: None, operator: false, member_of };
    let user = create_user(&test.app, new).await.unwrap();
    let new = NewToken { account: None, name: "t".to_owned(), scope, expires_at: None };
    create_token(&test.app, &user.id, new).await.unwrap().1
}

/// Everything a token can read of the site, as one text.
async fn all_that_is_readable(test: &TestApp, token: &str, instance: &str) -> String {
    let site = &test.site_id;
    let mut read = String::new();
    for path in [
        "/user".to_owned(),
        "/accounts".to_owned(),
        "/sites".to_owned(),
        "/acme/sites".to_owned(),
        format!("/sites/{site}"),
        format!("/sites/{site}/env"),
        format!("/api/v1/sites/{site}/env"),
        format!("/accounts/acme/env?site_id={site}"),
        format!("/accounts/acme/env/SECRET?site_id={site}"),
        "/accounts/acme/env".to_owned(),
        format!("/sites/{site}/service-instances?all=true"),
        format!("/sites/{site}/services/test/instances/{instance}"),
        format!("/sites/{site}/snippets"),
        format!("/sites/{site}/deliveries"),
        "/services".to_owned(),
        "/services/test".to_owned(),
        "/services/test/manifest".to_owned(),
    ] {
        let answer = test.send_to(test.origin(), Method::GET, &path, None, token).await;
        read.push_str(&answer.expect(200).to_string());
    }
    read
}

#[tokio::test]
async fn viewers_and_read_tokens_see_no_secret_anywhere() {
    let test = TestApp::start().await;
    test.provider.set_manifest(|manifest| {
        manifest["provides"]["env"] = json!([{ "name": "TEST_URL", "secret": true }]);
    });
    test.post("/services/test/refresh", Value::Null).await.expect(200);
    let yields = json!({ "id": "x", "env": { "TEST_URL": "secret-yielded" }, "config": { "added": "secret-added" } });
    test.provider.fail("POST /instances", [crate::provider::Fault::Answer(201, yields.to_string())]);
    let created = test.create(json!({ "plan": "small", "apiKey": "secret-option" })).await.expect(201);
    assert_eq!(created["env"]["TEST_URL"], "secret-yielded", "who made it sees it");
    let instance = created["id"].as_str().unwrap();
    for (path, value) in [("/accounts/acme/env", "secret-shared"), ("", "secret-own")] {
        let path =
            if path.is_empty() { format!("/accounts/acme/env?site_id={}", test.site_id) } else { path.to_owned() };
        let body = json!([{ "key": "SECRET", "is_secret": true, "values": [{ "value": value }] }]);
        test.post(&path, body).await.expect(201);
    }
    let url = "http://127.0.0.1:9/build?key=secret-address";
    let webhook = test.patch(&test.site(""), json!({ "build_webhook_url": url })).await.expect(200);
    test.post(&test.site("/builds"), Value::Null).await.expect(200);
    let sent = test.provider.seen("POST /instances").remove(0);
    let hook = sent.body["config"]["incoming_hook_url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();

    let viewer = token(&test, "v@example.com", Role::Viewer, Scope::Admin).await;
    let reader = token(&test, "r@example.com", Role::Owner, Scope::Read).await;
    for token in [&viewer, &reader] {
        let read = all_that_is_readable(&test, token, instance).await;
        for secret in ["secret-", webhook["build_webhook_secret"].as_str().unwrap(), &hook, "#ey", &test.secret] {
            assert!(!read.contains(secret), "`{secret}` is in {read}");
        }
        assert!(read.contains("http://127.0.0.1:9/…"), "where it is they may know");
        let hooks = test.send_to(test.origin(), Method::GET, &test.site("/build_hooks"), None, token).await;
        hooks.refused(403);
    }
    let writer = token(&test, "w@example.com", Role::Developer, Scope::Write).await;
    let read = all_that_is_readable(&test, &writer, instance).await;
    for shown in ["secret-yielded", "secret-added", "secret-shared", "secret-own", "secret-address", "#ey"] {
        assert!(read.contains(shown), "{shown}");
    }
    assert!(!read.contains("secret-option"), "options stay masked for everybody");
}

#[tokio::test]
async fn a_limited_token_makes_and_sees_only_tokens_that_are_as_limited() {
    let test = TestApp::start().await;
    let limited = json!({ "name": "limited", "scope": "admin", "account": "acme", "expires_in": 60 });
    let made = test.post("/tokens", limited).await.expect(201);
    let secret = made["token"].as_str().unwrap();
    let ask = async |method, path: &str, body| test.send_to(test.origin(), method, path, body, secret).await;
    let child = ask(Method::POST, "/tokens", Some(json!({ "name": "child", "scope": "admin" }))).await.expect(201);
    assert_eq!((&child["account_id"], &child["expires_at"]), (&made["account_id"], &made["expires_at"]));
    let listed = ask(Method::GET, "/tokens", None).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 2, "the first token, which reaches all accounts, is not shown");
    let all = test.get("/tokens").await.expect(200);
    let first = all.as_array().unwrap().iter().find(|token| token["name"] == "first token").unwrap();
    ask(Method::DELETE, &format!("/tokens/{}", first["id"].as_str().unwrap()), None).await.refused(404);
    test.get("/user").await.expect(200);
}
