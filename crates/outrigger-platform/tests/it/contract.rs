//! What the netlify CLI and its client rely on, field by field (contract netlify-api, sections 4 to 9). The CLI itself is
//! driven by the binary's tests; here a difference is named.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, answer};

/// A field's name and what kind of value it has.
type Field<'a> = (&'a str, fn(&Value) -> bool);

#[track_caller]
fn check_fields(object: &Value, fields: &[Field<'_>]) {
    for (name, is_right) in fields {
        assert!(object.get(name).is_some_and(is_right), "{name} of {object:#}");
    }
}

fn list(value: &Value) -> bool {
    value.is_array()
}

#[tokio::test]
async fn objects_have_the_fields_that_clients_read() {
    let test = TestApp::start().await;
    let user = test.get("/user").await.expect(200);
    let text = Value::is_string as fn(&Value) -> bool;
    let texts = |names: &[&'static str]| names.iter().map(|name| (*name, text)).collect::<Vec<_>>();
    check_fields(&user, &texts(&["id", "uid", "full_name", "email", "avatar_url", "created_at"]));
    check_fields(&user, &[("site_count", Value::is_u64)]);

    let accounts = test.get("/accounts?minimal=true").await.expect(200);
    check_fields(&accounts[0], &texts(&["id", "name", "slug", "type", "created_at", "updated_at"]));
    check_fields(&accounts[0], &[("roles_allowed", list), ("owner_ids", list)]);
    let id = accounts[0]["id"].as_str().unwrap();
    assert_eq!(test.get(&format!("/accounts/{id}")).await.expect(200), test.get("/accounts/acme").await.expect(200));

    let site = test.get(&format!("{}?feature_flags=cli", test.site(""))).await.expect(200);
    let site_texts =
        ["id", "site_id", "name", "url", "ssl_url", "admin_url", "account_id", "account_slug", "account_name"];
    check_fields(&site, &texts(&site_texts));
    check_fields(&site, &[("build_settings", Value::is_object), ("feature_flags", Value::is_object)]);
    assert_eq!((&site["use_envelope"], &site["site_id"]), (&json!(true), &site["id"]));

    let service = test.get("/services/test").await.expect(200);
    check_fields(&service, &texts(&["id", "name", "slug", "service_path", "description", "icon", "manifest_url"]));
    check_fields(&service, &[("events", list), ("tags", list), ("environments", list)]);
    let manifest = test.get("/services/test/manifest").await.expect(200);
    check_fields(&manifest["config"]["plan"], &texts(&["displayName", "type"]));
    assert_eq!(manifest["config"]["plan"]["required"], true);

    let created = test.create(json!({ "plan": "small" })).await.expect(201);
    let instances = test.get(&test.site("/service-instances")).await.expect(200);
    for instance in [&created, &instances[0]] {
        check_fields(instance, &texts(&["id", "service_slug", "service_path", "service_name", "auth_url", "url"]));
        let objects = Value::is_object as fn(&Value) -> bool;
        check_fields(
            instance,
            &[("config", objects), ("env", objects), ("external_attributes", objects), ("snippets", list)],
        );
    }
}

fn env(test: &TestApp, rest: &str) -> String {
    format!("/accounts/acme/env{rest}?site_id={}", test.site_id)
}

#[tokio::test]
async fn specific_values_stand_before_all_however_they_were_set() {
    let test = TestApp::start().await;
    let values = json!([
        { "context": "all", "value": "a" },
        { "context": "branch", "context_parameter": "b", "value": "b" },
        { "context": "dev", "value": "d" }
    ]);
    test.post(&env(&test, ""), json!([{ "key": "K", "values": values }])).await.expect(201);
    let shown = test.get(&env(&test, "/K")).await.expect(200);
    let contexts: Vec<&Value> = shown["values"].as_array().unwrap().iter().map(|value| &value["context"]).collect();
    assert_eq!(contexts, ["branch", "dev", "all"]);
    check_fields(&shown, &[("scopes", list), ("is_secret", Value::is_boolean), ("updated_at", Value::is_string)]);
    check_fields(&shown["updated_by"], &[("id", Value::is_string), ("email", Value::is_string)]);
    // `env:clone` and `env:set K` send back what they have read, extra fields included.
    let again = test.put(&env(&test, "/K"), shown.clone()).await.expect(200);
    assert_eq!(again["values"].as_array().unwrap().len(), 3);
    test.delete(&env(&test, "/K")).await.expect(204);
    test.post(&env(&test, ""), json!([again])).await.expect(201);
}

#[tokio::test]
async fn a_create_of_variables_whose_answer_was_lost_may_come_again() {
    let test = TestApp::start().await;
    let body = json!([
        { "key": "A", "scopes": ["builds", "post_processing"], "values": [{ "context": "all", "value": "1" }] },
        { "key": "B", "values": [{ "context": "dev", "value": "2" }] }
    ]);
    let made = test.post(&env(&test, ""), body.clone()).await.expect(201);
    assert_eq!(test.post(&env(&test, ""), body).await.expect(201), made);
    let other = json!([{ "key": "A", "values": [{ "context": "all", "value": "2" }] }]);
    assert!(test.post(&env(&test, ""), other).await.refused(409).contains("`A`"));
}

#[tokio::test]
async fn a_route_with_a_variable_first_part_hides_no_other() {
    let test = TestApp::start().await;
    for slug in ["services", "sites", "accounts", "tokens", "user", "oauth", "callbacks", "logins", "api"] {
        let refused = outrigger_platform::ops::accounts::create_account(&test.app, slug, "X").await;
        assert!(refused.is_err(), "an account `{slug}` would have addresses of somebody else");
    }
    test.post("/acme/sites", json!({})).await.expect(201);
    test.post("/nobody/sites", json!({})).await.refused(404);
}

#[tokio::test]
async fn a_double_slash_of_a_bad_base_address_is_forgiven() {
    let test = TestApp::start().await;
    for path in ["/api/v1//user", "//api/v1/user", "/api//v1///sites"] {
        let asked = test.http().get(format!("{}{path}", test.origin())).bearer_auth(&test.token);
        answer(asked).await.expect(200);
    }
}

#[tokio::test]
async fn what_comes_without_a_token_is_401_with_the_standard_phrase() {
    let test = TestApp::start().await;
    for path in ["/user", "/accounts", "/sites", "/services/", "/services/test/manifest"] {
        let refused = test.send_to(test.origin(), Method::GET, path, None, "").await.refused(401);
        assert!(refused.contains("token"), "{refused}");
    }
}
