//! Input that somebody made to break things: it is refused or taken literally, never a 500, and nothing stays behind.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, answer};
use crate::provider::Fault;

/// Sends a body that need not be JSON.
async fn send(test: &TestApp, method: Method, path: &str, body: Option<String>) -> Answer {
    let mut request = test.http().request(method, format!("{}/api/v1{path}", test.origin())).bearer_auth(&test.token);
    if let Some(body) = body {
        request = request.body(body);
    }
    answer(request).await
}

#[track_caller]
fn check_shape(answer: Answer, what: &str) {
    assert!(answer.status.is_client_error(), "{what}: {} {:#}", answer.status, answer.body);
    assert_eq!(answer.body["message"], answer.body["msg"], "{what}: {:#}", answer.body);
    assert!(answer.body["message"].is_string(), "{what}: our error shape");
}

#[tokio::test]
async fn odd_addresses_are_refused_in_our_error_shape() {
    let test = TestApp::start().await;
    let site = &test.site_id;
    for (method, path) in [
        (Method::GET, "/sites/%00".to_owned()),
        (Method::GET, "/sites/%FF%FE".to_owned()),
        (Method::GET, format!("/sites/{}", "a".repeat(5000))),
        (Method::GET, "/sites/a%2Fb".to_owned()),
        (Method::GET, "/sites/1'%20or%20'1'='1".to_owned()),
        (Method::GET, "/accounts/%00".to_owned()),
        (Method::GET, "/accounts/acme/env/%00".to_owned()),
        (Method::GET, format!("/accounts/acme/env/{}", "K".repeat(5000))),
        (Method::GET, "/accounts/acme/env?site_id=%00".to_owned()),
        (Method::GET, format!("/accounts/acme/env?site_id={}", "x".repeat(5000))),
        (Method::DELETE, "/accounts/acme/env/K/value/snip_1".to_owned()),
        (Method::GET, "/services/%FF".to_owned()),
        (Method::GET, "/services/%00/manifest".to_owned()),
        (Method::GET, "/services?search=%00".to_owned()),
        (Method::GET, "/services?retired=perhaps".to_owned()),
        (Method::GET, "/sites?page=-1".to_owned()),
        (Method::GET, "/sites?page=1e3".to_owned()),
        (Method::GET, "/sites?per_page=99999999999999999999999".to_owned()),
        (Method::GET, "/sites?page=1&page=2".to_owned()),
        (Method::GET, format!("/sites/{site}/deliveries?before=nothing")),
        (Method::GET, format!("/sites/{site}/deliveries?before={site}")),
        (Method::GET, format!("/sites/{site}/snippets/{site}")),
        (Method::GET, format!("/sites/{site}/build_hooks/%00")),
        (Method::GET, format!("/sites/{site}/services/test/instances/{site}")),
        (Method::GET, format!("/sites/{site}/services/test/instances/acct_00000000000000000000000000000000")),
        (Method::GET, format!("/sites/{site}/service-instances?all=x")),
        (Method::DELETE, "/tokens/acct_00000000000000000000000000000000".to_owned()),
        (Method::POST, "/callbacks/not-an-id/x".to_owned()),
        (Method::POST, format!("/callbacks/{site}/x")),
    ] {
        check_shape(send(&test, method, &path, None).await, &path);
    }
}

#[tokio::test]
async fn pages_beyond_the_last_are_empty_and_sizes_are_bounded() {
    let test = TestApp::start().await;
    for (query, count) in [
        ("page=0", 1),
        ("page=1&per_page=0", 1),
        ("page=2", 0),
        ("page=18446744073709551615&per_page=100", 0),
        ("per_page=18446744073709551615", 1),
        ("name=%25", 0),
        ("name=_", 0),
        ("name=%5C", 0),
        ("name=DEM", 1),
    ] {
        let listed = test.get(&format!("/sites?{query}")).await.expect(200);
        assert_eq!(listed.as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn odd_bodies_are_refused_in_our_error_shape_and_leave_nothing() {
    let test = TestApp::start().await;
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let config = |value: &str| format!(r#"{{"config":{{"plan":{value}}}}}"#);
    let (instances, env) = (test.instances(""), "/accounts/acme/env".to_owned());
    let many: Vec<Value> = (0..40_000).map(|n| json!({ "key": format!("K{n}"), "values": [] })).collect();
    for (path, body) in [
        (&instances, config(r#""a\u0000b""#)),
        (&instances, config(r#""\ud800""#)),
        (&instances, config("1e400")),
        (&instances, config(&deep(40))),
        (&instances, config(&deep(10_000))),
        (&instances, r#"{"config":{},"config":{}}"#.to_owned()),
        (&instances, "\u{feff}{}".to_owned()),
        (&env, r#"[{"key":"A\u0000","values":[]}]"#.to_owned()),
        (&env, r#"[{"key":"A","values":[{"value":"a\u0000b"}]}]"#.to_owned()),
        (&env, r#"[{"key":"A","values":[{"value":"a"},{"value":"b"}]}]"#.to_owned()),
        (&env, r#"[{"key":"A","values":[]},{"key":"A","values":[]}]"#.to_owned()),
        (&env, format!(r#"[{{"key":"{}","values":[]}}]"#, "K".repeat(5000))),
        (&env, json!([{ "key": "A", "values": [{ "context": "branch", "context_parameter": "b".repeat(10_000), "value": "" }] }]).to_string()),
        (&env, json!(many[..20_000]).to_string()),
        (&env, r#"{"key":"A"}"#.to_owned()),
        (&env, "null".to_owned()),
        (&"/acme/sites".to_owned(), r#"{"name":"a\u0000"}"#.to_owned()),
        (&"/acme/sites".to_owned(), r#"{"name":["a"]}"#.to_owned()),
        (&"/tokens".to_owned(), r#"{"name":"a\u0000","scope":"read"}"#.to_owned()),
        (&"/tokens".to_owned(), r#"{"name":"a","scope":"read","expires_in":4294967296}"#.to_owned()),
        (&"/tokens".to_owned(), r#"{"name":"a","scope":"read","expires_in":-1}"#.to_owned()),
        (&"/tokens".to_owned(), r#"{"name":"a","scope":"read","account":"a\u0000"}"#.to_owned()),
        (&"/logins".to_owned(), r#"{"email":"a\u0000","password":"x","token_name":"t"}"#.to_owned()),
        (&"/logins".to_owned(), json!({ "email": "a".repeat(900_000), "password": "x", "token_name": "t" }).to_string()),
        (&test.site("/snippets"), r#"{"general":"a\u0000"}"#.to_owned()),
        (&test.site("/snippets"), json!({ "title": "t".repeat(201), "general": "" }).to_string()),
        (&test.site("/build_hooks"), r#"{"title":"a\u0000"}"#.to_owned()),
        (&"/services".to_owned(), json!({ "slug": "x", "title": "a\0", "url": test.provider.url() }).to_string()),
        (&"/services".to_owned(), json!({ "slug": "x", "title": "X", "url": test.provider.url(), "secret": "" }).to_string()),
        (&"/services".to_owned(), json!({ "slug": "x", "title": "X", "url": test.provider.url(), "secret": "line\nbreak" }).to_string()),
        (&"/services/test/rotate-secret".to_owned(), r#"{"overlap_seconds":4294967295}"#.to_owned()),
    ] {
        let shown: String = body.chars().take(80).collect();
        check_shape(send(&test, Method::POST, path, Some(body)).await, &format!("{path} {shown}"));
    }
    assert!(test.all_instances().await.is_empty());
    assert_eq!(test.get(&env).await.expect(200), json!([]));
    assert_eq!(test.get("/sites").await.expect(200).as_array().unwrap().len(), 1);
    test.get("/services/x").await.refused(404);
}

#[tokio::test]
async fn odd_but_good_text_comes_back_as_it_was() {
    let test = TestApp::start().await;
    let odd = "ünï\u{202e}\u{1f600}\u{fffd}'\";--\\%_\n\t";
    let body = json!([{ "key": "K", "values": [{ "value": odd }] }]);
    test.post("/accounts/acme/env", body).await.expect(201);
    assert_eq!(test.get("/accounts/acme/env/K").await.expect(200)["values"][0]["value"], odd);
    let made = test.post(&test.site("/snippets"), json!({ "title": odd, "general": odd })).await.expect(201);
    assert_eq!((&made["title"], &made["general"]), (&json!(odd), &json!(odd)));
}

#[tokio::test]
async fn a_value_in_the_wrong_place_is_not_repeated_to_anybody() {
    let test = TestApp::start().await;
    let refused = test.post(&test.instances(""), json!({ "config": "hunter2-secret" })).await.refused(422);
    assert!(refused.contains("config") && !refused.contains("hunter2"), "{refused}");
}

#[tokio::test]
async fn searching_ignores_case_in_every_script_and_takes_signs_literally() {
    let test = TestApp::start().await;
    let register = async |slug: &str, title: &str| {
        let body = json!({ "slug": slug, "title": title, "url": test.provider.url(), "secret": test.secret });
        test.post("/services", body).await.expect(201);
    };
    register("umlaut", "Größe ÄNDERN").await;
    register("percent", "100%_sure").await;
    for (search, found) in [
        ("grÖSSE", vec![]),
        ("GRÖßE", vec!["umlaut"]),
        ("ändern", vec!["umlaut"]),
        ("UMLAUT", vec!["umlaut"]),
        ("%25_", vec!["percent"]),
        ("%25S", vec![]),
        ("add-ON", vec!["test"]),
        ("umlautgr", vec![]),
    ] {
        let listed = test.get(&format!("/services?search={search}")).await.expect(200);
        let slugs: Vec<&str> = listed.as_array().unwrap().iter().map(|addon| addon["slug"].as_str().unwrap()).collect();
        assert_eq!(slugs, found, "{search}");
    }
}

#[tokio::test]
async fn what_an_add_on_cannot_mean_is_a_failure_of_the_add_on() {
    let deep = format!(r#"{{"id":"x","config":{{"a":{}1{}}}}}"#, "[".repeat(120), "]".repeat(120));
    let many: serde_json::Map<String, Value> = (0..20_000).map(|n| (format!("K{n}"), json!("v"))).collect();
    for (body, text) in [
        (r#"{"id":"a\u0000b"}"#.to_owned(), "NUL"),
        (r#"{"id":"a","message":"\u0000"}"#.to_owned(), "NUL"),
        (r#"{"id":"a","snippets":[{"title":"t","position":"head","html":"\u0000"}]}"#.to_owned(), "NUL"),
        (deep, "nested"),
        (json!({ "id": "a", "env": many }).to_string(), "20000 variables"),
    ] {
        let test = TestApp::start().await;
        test.provider.fail("POST /instances", [Fault::Answer(201, body)]);
        let refused = test.create(json!({ "plan": "small" })).await.refused(502);
        assert!(refused.contains(text), "{refused}");
        assert_eq!(test.all_instances().await.len(), 1, "the site's list is as readable as before");
        assert!(test.env_names().await.is_empty());
    }
}

#[tokio::test]
async fn a_refusal_with_a_nul_or_with_our_secrets_in_it_is_told_without_them() {
    let test = TestApp::start().await;
    let body = json!({ "message": format!("bad\0 option hunter2-secret, signed {}", test.secret) }).to_string();
    test.provider.fail("POST /instances", [Fault::Answer(422, body)]);
    let refused = test.create(json!({ "plan": "small", "apiKey": "hunter2-secret" })).await.refused(422);
    assert!(refused.contains("bad option"), "{refused}");
    let shown = json!(test.all_instances().await).to_string();
    for secret in ["hunter2", test.secret.as_str()] {
        assert!(!refused.contains(secret) && !shown.contains(secret), "{refused} {shown}");
    }
}
