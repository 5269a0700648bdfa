//! Variables: contexts, scopes, owners.

use serde_json::{Value, json};

use crate::app::TestApp;

fn env(test: &TestApp, rest: &str) -> String {
    format!("/accounts/acme/env{rest}?site_id={}", test.site_id)
}

async fn set(test: &TestApp, name: &str, values: Value) -> Value {
    test.post(&env(test, ""), json!([{ "key": name, "values": values }])).await.expect(201)
}

#[tokio::test]
async fn variables_are_set_read_changed_and_deleted_as_the_cli_does() {
    let test = TestApp::start().await;
    let made = set(&test, "KEY", json!([{ "context": "all", "value": "a" }])).await;
    assert_eq!(made[0]["scopes"].as_array().unwrap().len(), 4);
    assert_eq!(made[0]["updated_by"]["email"], "ada@example.com");
    let again = json!([{ "key": "KEY", "values": [] }]);
    assert!(test.post(&env(&test, ""), again).await.refused(409).contains("KEY"));

    // One context is set: `all` is split, and specific values stand before it.
    let patched = test.patch(&env(&test, "/KEY"), json!({ "context": "dev", "value": "d" })).await.expect(201);
    let values = patched["values"].as_array().unwrap();
    assert_eq!(values.len(), 4);
    let dev = values.iter().find(|value| value["context"] == "dev").unwrap();
    assert_eq!(dev["value"], "d");
    let branch = json!({ "context": "branch", "context_parameter": "feat", "value": "b" });
    test.patch(&env(&test, "/KEY"), branch).await.expect(201);

    let only = |context: &str| format!("{}&context_name={context}", env(&test, ""));
    assert_eq!(test.get(&only("production")).await.expect(200)[0]["values"][0]["value"], "a");
    assert_eq!(test.get(&only("feat")).await.expect(200)[0]["values"][0]["value"], "b");

    let shown = test.get(&env(&test, "/KEY")).await.expect(200);
    for value in shown["values"].as_array().unwrap() {
        let id = value["id"].as_str().unwrap();
        test.delete(&env(&test, &format!("/KEY/value/{id}"))).await.expect(204);
    }
    assert_eq!(test.get(&env(&test, "/KEY")).await.expect(200)["values"], json!([]), "it survives its last value");
    test.delete(&env(&test, "/KEY")).await.expect(204);
    test.get(&env(&test, "/KEY")).await.refused(404);
    test.delete(&env(&test, "/KEY")).await.refused(404);
}

#[tokio::test]
async fn account_and_site_are_separate_lists_and_the_site_wins() {
    let test = TestApp::start().await;
    let shared = json!([
        { "key": "SHARED", "values": [{ "value": "account" }] },
        { "key": "BOTH", "values": [{ "value": "account" }] }
    ]);
    test.post("/accounts/acme/env", shared).await.expect(201);
    set(&test, "BOTH", json!([{ "value": "site" }])).await;
    let listed = test.get(&env(&test, "")).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let merged = test.get(&test.site("/env")).await.expect(200);
    let shown: Vec<String> =
        merged.as_array().unwrap().iter().map(|var| format!("{} {}", var["key"], var["owner"])).collect();
    assert_eq!(shown, [r#""BOTH" "the site""#, r#""SHARED" "the account""#]);
    let same = test.send(reqwest::Method::GET, &format!("/api/v1{}", test.site("/env")), None).await.expect(200);
    assert_eq!(same, merged, "the address that the specification repeats its base in");
}

#[tokio::test]
async fn scopes_in_both_spellings_filter() {
    let test = TestApp::start().await;
    let body = json!([{ "key": "K", "scopes": ["post_processing"], "values": [{ "value": "v" }] }]);
    assert_eq!(test.post(&env(&test, ""), body).await.expect(201)[0]["scopes"], json!(["post-processing"]));
    let scoped = |scope: &str| format!("{}&scope={scope}", env(&test, ""));
    assert_eq!(test.get(&scoped("post_processing")).await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(test.get(&scoped("builds")).await.expect(200), json!([]));
}

#[tokio::test]
async fn bad_variables_are_refused_all_together() {
    let test = TestApp::start().await;
    for (bad, field) in [
        (json!({ "key": "1BAD", "values": [] }), "key"),
        (json!({ "key": "A B", "values": [] }), "key"),
        (json!({ "key": "OK", "scopes": ["everywhere"], "values": [] }), "scopes"),
        (json!({ "key": "OK", "values": [{ "context": "moon", "value": "" }] }), "context"),
        (json!({ "key": "OK", "values": [{ "context": "branch", "value": "" }] }), "branch"),
    ] {
        let refused = test.post(&env(&test, ""), json!([{ "key": "GOOD", "values": [] }, bad])).await.refused(422);
        assert!(refused.contains(field), "`{field}` is not in: {refused}");
    }
    assert_eq!(test.get(&env(&test, "")).await.expect(200), json!([]), "all or none");
}

#[tokio::test]
async fn a_name_that_the_site_sets_is_refused_before_the_add_on_is_called_unless_replaced() {
    let test = TestApp::start().await;
    set(&test, "TEST_URL", json!([{ "value": "mine" }])).await;
    let refused = test.create(json!({ "plan": "small" })).await.refused(409);
    assert!(refused.contains("TEST_URL") && refused.contains("the site") && refused.contains("`test`"), "{refused}");
    assert!(test.provider.seen("POST /instances").is_empty());
    let body = json!({ "config": { "plan": "small" }, "replace": true });
    let created = test.post(&test.instances(""), body).await.expect(201);
    assert_eq!(created["env"]["TEST_URL"], "https://db.example/1");
}

#[tokio::test]
async fn two_add_ons_that_want_the_same_name_are_both_named() {
    let test = TestApp::start().await;
    test.register("twin", json!({})).await.expect(201);
    test.create(json!({ "plan": "small" })).await.expect(201);
    let path = test.site("/services/twin/instances");
    let refused = test.post(&path, json!({ "config": { "plan": "small" } })).await.refused(409);
    assert!(refused.contains("add-on `test`") && refused.contains("add-on `twin`"), "{refused}");
    assert_eq!(test.provider.made(), 1);
}

#[tokio::test]
async fn a_name_that_was_not_declared_is_found_out_afterwards_and_undone() {
    let test = TestApp::start().await;
    set(&test, "SURPRISE", json!([{ "value": "mine" }])).await;
    test.provider.set_env(json!({ "SURPRISE": "theirs" }));
    let refused = test.create(json!({ "plan": "small" })).await.refused(409);
    assert!(refused.contains("SURPRISE"), "{refused}");
    assert_eq!((test.provider.made(), test.provider.count()), (1, 0), "made, then cleaned up");
    assert_eq!(test.get(&env(&test, "/SURPRISE")).await.expect(200)["values"][0]["value"], "mine");
}

#[tokio::test]
async fn what_an_add_on_yields_cannot_be_edited_by_hand() {
    let test = TestApp::start().await;
    test.create(json!({ "plan": "small" })).await.expect(201);
    let body = json!({ "key": "TEST_URL", "values": [{ "value": "x" }] });
    for answer in [
        test.put(&env(&test, "/TEST_URL"), body.clone()).await,
        test.post(&env(&test, ""), json!([body])).await,
        test.delete(&env(&test, "/TEST_URL")).await,
    ] {
        assert!(answer.refused(409).contains("add-on `test`"));
    }
    let snippets = test.get(&test.site("/snippets")).await.expect(200);
    let path = test.site(&format!("/snippets/{}", snippets[0]["id"].as_str().unwrap()));
    assert!(test.delete(&path).await.refused(409).contains("add-on `test`"));
    let own = test.post(&test.site("/snippets"), json!({ "title": "Mine", "general": "<i>" })).await.expect(201);
    let path = test.site(&format!("/snippets/{}", own["id"].as_str().unwrap()));
    test.put(&path, json!({ "title": "Mine", "general": "<b>", "general_position": "footer" })).await.expect(204);
    assert_eq!(test.get(&path).await.expect(200)["general_position"], "footer");
    test.delete(&path).await.expect(204);
}

#[tokio::test]
async fn an_add_on_that_breaks_its_own_prefix_is_refused() {
    let test = TestApp::start().await;
    test.provider.set_manifest(|manifest| {
        manifest["env_prefix"] = json!("TEST_");
    });
    test.post("/services/test/refresh", Value::Null).await.expect(200);
    test.provider.set_env(json!({ "OTHER": "x" }));
    let refused = test.create(json!({ "plan": "small" })).await.refused(502);
    assert!(refused.contains("OTHER") && refused.contains("TEST_"), "{refused}");
    assert_eq!(test.provider.count(), 0);
}
