//! The registry.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::provider::Fault;

#[tokio::test]
async fn an_add_on_is_listed_searched_shown_and_retired() {
    let test = TestApp::start().await;
    test.register("other", json!({ "description": "Something else" })).await.expect(201);
    let slugs = |listed: Value| -> Vec<String> {
        listed.as_array().unwrap().iter().map(|addon| addon["slug"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(slugs(test.get("/services/").await.expect(200)), ["other", "test"]);
    assert_eq!(slugs(test.get("/services?search=else").await.expect(200)), ["other"]);
    let shown = test.get("/services/other").await.expect(200);
    assert_eq!(shown["service_path"], "/.netlify/other");
    assert!(shown.get("secret").is_none(), "the secret is shown once");
    let manifest = test.get("/services/test/manifest").await.expect(200);
    assert_eq!(manifest["config"]["plan"]["displayName"], "Plan");

    test.delete("/services/other").await.expect(204);
    assert_eq!(slugs(test.get("/services").await.expect(200)), ["test"]);
    let path = test.site("/services/other/instances");
    let refused = test.post(&path, json!({ "config": { "plan": "a" } })).await.refused(422);
    assert!(refused.contains("retired"), "{refused}");
}

#[tokio::test]
async fn an_add_on_with_an_unusable_manifest_is_not_registered() {
    for (fault, status, text) in [
        (Fault::Answer(200, "<html>".to_owned()), 422, "manifest"),
        (Fault::Answer(200, r#"{"name":"x"}"#.to_owned()), 422, "description"),
        (Fault::Answer(200, r#"{"name":"x","description":"y","config":{"a":{"type":"list"}}}"#.to_owned()), 422, "a"),
        (Fault::Answer(404, String::new()), 422, "404"),
        (Fault::Answer(500, String::new()), 502, "500"),
        (Fault::HangUp, 502, "no answer"),
        (
            Fault::Headers(302, vec![("location", "http://elsewhere.example/m".to_owned())], String::new()),
            422,
            "elsewhere",
        ),
        (Fault::Headers(302, vec![("location", "/manifest".to_owned())], String::new()), 201, ""),
    ] {
        let test = TestApp::start().await;
        test.provider.fail("GET /manifest", [fault.clone()]);
        let answer = test.register("broken", json!({})).await;
        if status == 201 {
            answer.expect(201);
            continue;
        }
        let refused = answer.refused(status);
        assert!(refused.contains(text), "`{text}` is not in: {refused} ({fault:?})");
        test.get("/services/broken").await.refused(404);
    }
}

#[tokio::test]
async fn bad_registrations_name_the_field() {
    let test = TestApp::start().await;
    for (body, field) in [
        (json!({ "slug": "Bad Slug", "title": "T", "url": test.provider.url() }), "slug"),
        (json!({ "slug": "x-staging", "title": "T", "url": test.provider.url() }), "slug"),
        (json!({ "slug": "x", "title": " ", "url": test.provider.url() }), "title"),
        (json!({ "slug": "x", "title": "T", "url": "nowhere" }), "url"),
        (json!({ "slug": "x", "title": "T", "url": "ftp://addon.example" }), "url"),
        (json!({ "slug": "x", "title": "T", "url": "https://user:pass@addon.example" }), "url"),
        (json!({ "slug": "x", "title": "T", "url": test.provider.url(), "auth": "basic" }), "auth"),
        (json!({ "slug": "x", "url": test.provider.url() }), "title"),
    ] {
        let refused = test.post("/services", body.clone()).await.refused(422);
        assert!(refused.contains(field), "`{field}` is not in: {refused}");
    }
    let staging = json!({ "staging": true });
    test.register("test-staging", staging).await.expect(201);
    assert!(test.register("test", json!({})).await.refused(422).contains("taken"));
}

#[tokio::test]
async fn the_last_good_manifest_serves_while_the_add_on_is_down() {
    let test = TestApp::start().await;
    test.provider.fail("GET /manifest", [Fault::HangUp, Fault::Answer(200, "garbage".to_owned())]);
    for _ in 0..2 {
        let refreshed = test.post("/services/test/refresh", Value::Null).await.expect(200);
        assert!(refreshed["manifest_error"].is_string(), "{refreshed:#}");
    }
    assert_eq!(test.get("/services/test/manifest").await.expect(200)["name"], "Test");
    test.provider.set_manifest(|manifest| manifest["name"] = json!("Test 2"));
    let refreshed = test.post("/services/test/refresh", Value::Null).await.expect(200);
    assert_eq!(refreshed["manifest_error"], Value::Null);
    assert_eq!(test.get("/services/test/manifest").await.expect(200)["name"], "Test 2");
}

#[tokio::test]
async fn an_unchanged_manifest_is_not_sent_again() {
    let test = TestApp::start().await;
    test.provider.set_etag("\"v1\"");
    test.post("/services/test/refresh", Value::Null).await.expect(200);
    test.post("/services/test/refresh", Value::Null).await.expect(200);
    let asked = test.provider.seen("GET /manifest");
    assert_eq!(asked.last().unwrap().headers["if-none-match"], "\"v1\"");
    assert_eq!(test.get("/services/test/manifest").await.expect(200)["name"], "Test");
}

#[tokio::test]
async fn rotating_a_secret_signs_with_the_old_one_until_the_overlap_ends() {
    let test = TestApp::start().await;
    let create = async || test.create(json!({ "plan": "small" })).await;
    let rotated = test.post("/services/test/rotate-secret", json!({ "overlap_seconds": 3600 })).await.expect(200);
    let new_secret = rotated["secret"].as_str().unwrap().to_owned();
    assert!(rotated["secret_active_from"].is_string());
    // The add-on knows only the old secret so far.
    let id = create().await.expect(201)["id"].as_str().unwrap().to_owned();
    test.delete(&test.instances(&format!("/{id}"))).await.expect(204);
    test.provider.forget_secrets();
    test.provider.accept_secret(&new_secret);
    create().await.refused(502);
    test.post("/services/test/rotate-secret", json!({ "finish": true })).await.expect(200);
    assert_eq!(create().await.expect(201)["state"], "active");
}

#[tokio::test]
async fn an_identity_service_gets_a_bearer_token() {
    let test = TestApp::start().await;
    let unknown = json!({ "auth": "both", "secret": "not-what-the-add-on-has" });
    test.register("identity", unknown).await.refused(502);
    test.register("identity", json!({ "auth": "both" })).await.expect(201);
    let path = test.site("/services/identity/instances");
    test.provider.set_env(json!({}));
    test.post(&path, json!({ "config": { "plan": "small" } })).await.expect(201);
    let sent = test.provider.seen("POST /instances").remove(0);
    assert_eq!(sent.headers["authorization"], format!("Bearer {}", test.secret).as_str());
    assert!(sent.headers.contains_key("x-nf-sign"));
}
