//! The calm path: what the add-ons guide promises.

use outrigger_addon::proxied::RequestClaims;
use outrigger_addon::signature;
use outrigger_addon::sso::SsoClaims;
use serde_json::{Value, json};

use crate::app::TestApp;

#[tokio::test]
async fn an_instance_is_created_listed_updated_and_deleted() {
    let test = TestApp::start().await;
    let created = test.create(json!({ "plan": "small", "apiKey": "s3cret" })).await.expect(201);
    assert_eq!(created["state"], "active");
    assert_eq!(created["service_slug"], "test");
    assert_eq!(created["service_path"], "/.netlify/test");
    assert_eq!(created["env"]["TEST_URL"], "https://db.example/1");
    assert_eq!(created["message"], "Welcome aboard");
    assert_eq!(created["config"]["message"], "Welcome aboard", "the netlify CLI prints it from there");
    assert_eq!(created["config"]["size"], 1, "defaults are filled in");
    assert_eq!(created["config"]["apiKey"], "********", "secrets are masked");

    let id = created["id"].as_str().unwrap();
    let listed = test.get(&test.site("/service-instances")).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["id"], id);
    let snippets = test.get(&test.site("/snippets")).await.expect(200);
    assert_eq!(snippets[0]["owner"], "add-on `test`");
    assert_eq!(snippets[0]["general"], "<script>1</script>");

    test.provider.set_env(json!({ "TEST_URL": "https://db.example/2" }));
    let config = json!({ "plan": "big", "apiKey": "********" });
    let updated = test.put(&test.instances(&format!("/{id}")), json!({ "config": config })).await;
    assert!(updated.headers.get("content-type").is_none(), "204 must carry no content type");
    updated.expect(204);
    let sent = test.provider.seen("PUT /instances/:id").remove(0);
    assert_eq!(sent.body["config"]["apiKey"], "s3cret", "the mask means: as it is");
    let shown = test.get(&test.instances(&format!("/{id}"))).await.expect(200);
    assert_eq!(shown["env"]["TEST_URL"], "https://db.example/2");
    assert_eq!(shown["config"]["plan"], "big");

    let deleted = test.delete(&test.instances(&format!("/{id}"))).await;
    assert!(deleted.headers.get("content-type").is_none());
    deleted.expect(204);
    assert_eq!(test.provider.count(), 0);
    assert!(test.all_instances().await.is_empty());
    assert!(test.env_names().await.is_empty());
    assert_eq!(test.get(&test.site("/snippets")).await.expect(200), json!([]));
}

#[tokio::test]
async fn the_add_on_gets_what_the_guide_promises() {
    let test = TestApp::start().await;
    let created = test.create(json!({ "plan": "small" })).await.expect(201);
    let sent = test.provider.seen("POST /instances").remove(0);
    assert_eq!(sent.body["uuid"], created["id"]);
    assert_eq!(sent.headers["idempotency-key"], created["id"].as_str().unwrap());
    let config = &sent.body["config"];
    assert_eq!(config["config"], json!({ "plan": "small", "size": 1 }));
    assert_eq!(config["service_instance"]["config"], config["config"]);
    assert_eq!(config["site_id"], test.site_id);
    assert_eq!(config["service_id"], "test");
    assert!(config["site_url"].as_str().unwrap().starts_with("http://demo.localhost"));
    assert!(config["jwt"]["secret"].as_str().unwrap().len() >= 32);
    assert!(config["incoming_hook_url"].as_str().unwrap().contains("/build_hooks/"));
    assert!(config["callback_url"].as_str().unwrap().contains("/callbacks/"));

    let token = sent.headers["x-nf-sign"].to_str().unwrap();
    let now = test.app.store.clock().now();
    let claims: RequestClaims = signature::verify(token, &[&test.secret], now, signature::DEFAULT_LEEWAY).unwrap();
    assert_eq!(claims.netlify_id.as_deref(), created["id"].as_str());
    assert!(signature::verify::<RequestClaims>(token, &["another"], now, signature::DEFAULT_LEEWAY).is_err());
}

#[tokio::test]
async fn a_sign_in_link_names_site_account_and_remote_id_and_is_made_anew_each_time() {
    let test = TestApp::start().await;
    test.create(json!({ "plan": "small" })).await.expect(201);
    let link = || async { test.all_instances().await[0]["auth_url"].as_str().unwrap().to_owned() };
    let (first, second) = (link().await, link().await);
    assert_ne!(first, second);
    let (page, token) = first.split_once('#').unwrap();
    assert_eq!(page, "https://addon.example/login");
    let now = test.app.store.clock().now();
    let claims: SsoClaims = signature::verify(token, &[&test.secret], now, signature::DEFAULT_LEEWAY).unwrap();
    assert_eq!(claims.site_id, test.site_id);
    assert_eq!(claims.remote_id, "remote-1");
    assert_eq!(claims.aud.as_deref(), Some("test"));
    let lifetime = claims.exp - now.as_second();
    assert!((290..=300).contains(&lifetime), "{lifetime}");
    assert!(claims.jti.is_some() && claims.iat.is_some());
}

#[tokio::test]
async fn a_plan_tells_everything_and_calls_nobody() {
    let test = TestApp::start().await;
    let calls = test.provider.seen("POST /instances").len();
    let path = test.site("/services/test/plan");
    let plan = test.post(&path, json!({ "config": { "plan": "small", "apiKey": "s3cret" } })).await.expect(200);
    assert_eq!(plan["exists"], false);
    assert_eq!(plan["env"][0]["name"], "TEST_URL");
    assert_eq!(plan["snippets"][0]["title"], "Test");
    assert_eq!(plan["routes"], json!(["/.netlify/test/*"]));
    assert_eq!(plan["config"]["apiKey"], "********");
    assert_eq!(plan["conflicts"], json!([]));
    assert_eq!(test.provider.seen("POST /instances").len(), calls);
    let refused = test.post(&path, json!({ "config": { "plan": "BIG" } })).await.refused(422);
    assert!(refused.contains("plan"), "{refused}");
}

#[tokio::test]
async fn a_refresh_publishes_what_the_add_on_says_now() {
    let test = TestApp::start().await;
    let id = test.create(json!({ "plan": "small" })).await.expect(201)["id"].as_str().unwrap().to_owned();
    test.provider.set_env(json!({ "TEST_URL": "https://new.example", "TEST_MORE": 5 }));
    let path = test.instances(&format!("/{id}/refresh"));
    let refreshed = test.post(&path, Value::Null).await.expect(200);
    assert_eq!(refreshed["env"], json!({ "TEST_MORE": "5", "TEST_URL": "https://new.example" }));
}

#[tokio::test]
async fn an_update_that_changes_nothing_calls_nobody() {
    let test = TestApp::start().await;
    let id = test.create(json!({ "plan": "small" })).await.expect(201)["id"].as_str().unwrap().to_owned();
    let path = test.instances(&format!("/{id}"));
    test.put(&path, json!({ "config": { "plan": "small" } })).await.expect(204);
    assert!(test.provider.seen("PUT /instances/:id").is_empty());
}

#[tokio::test]
async fn a_deleted_site_takes_its_add_ons_along() {
    let test = TestApp::start().await;
    test.create(json!({ "plan": "small" })).await.expect(201);
    test.delete(&test.site("")).await.expect(204);
    assert_eq!(test.provider.count(), 0);
    test.get(&test.site("")).await.refused(404);
}
