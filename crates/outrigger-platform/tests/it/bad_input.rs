//! Bad input gets a clear error, and nothing changes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, answer};

#[tokio::test]
async fn configs_that_break_the_manifest_name_the_option_and_call_nobody() {
    let test = TestApp::start().await;
    for (config, field) in [
        (json!({}), "plan"),
        (json!({ "plan": "BIG" }), "plan"),
        (json!({ "plan": "a", "size": "many" }), "size"),
        (json!({ "plan": "a", "colour": "red" }), "colour"),
        (json!({ "plan": { "deep": 1 } }), "plan"),
    ] {
        let answer = test.create(config).await;
        let fields = answer.body["fields"].clone();
        let refused = answer.refused(422);
        assert!(refused.contains(field), "`{field}` is not in: {refused}");
        assert_eq!(fields[0]["field"], field);
    }
    assert!(test.provider.seen("POST /instances").is_empty());
    assert!(test.all_instances().await.is_empty());
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_large_are_refused() {
    let test = TestApp::start().await;
    let post = async |body: String| {
        let url = format!("{}/api/v1{}", test.origin(), test.instances(""));
        answer(test.http().post(url).bearer_auth(&test.token).body(body)).await
    };
    post("{".to_owned()).await.refused(400);
    post(String::new()).await.refused(400);
    post("[1]".to_owned()).await.refused(422);
    post(r#"{"config":5}"#.to_owned()).await.refused(422);
    post(format!(r#"{{"config":{{"plan":"{}"}}}}"#, "a".repeat(2 << 20))).await.refused(413);
    assert!(test.all_instances().await.is_empty());
}

#[tokio::test]
async fn unknown_addresses_methods_and_ids_are_clear() {
    let test = TestApp::start().await;
    test.get("/nowhere/at/all").await.refused(404);
    test.send(Method::PATCH, "/user", None).await.refused(405);
    test.get("/sites/00000000-0000-7000-8000-000000000000").await.refused(404);
    test.get(&test.instances("/not-an-id")).await.refused(404);
    test.get("/services/unknown/manifest").await.refused(404);
    test.post(&test.site("/services/unknown/instances"), json!({})).await.refused(404);
    test.delete("/tokens/tok_1").await.refused(404);
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_errors_carry_their_text_as_reason_phrase() {
    let test = TestApp::start().await;
    let refused = test.create(json!({})).await;
    assert!(refused.headers.contains_key("x-request-id"));
    // reqwest does not show the phrase, so the status line is read from the socket.
    let line = status_line(&test, &test.instances(""), "{\"config\":{}}").await;
    assert!(line.starts_with("HTTP/1.1 422 ") && line.contains("plan"), "{line}");
    let line = status_line(&test, &test.site("/services/unknown/instances"), "{}").await;
    assert_eq!(line, "HTTP/1.1 404 Not Found");
}

async fn status_line(test: &TestApp, path: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = test.origin().strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /api/v1{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        test.token,
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn site_names_are_checked_and_taken_names_refused() {
    let test = TestApp::start().await;
    for name in ["Upper", "-dash", "dash-", "under_score", "dot.ted", "0190a6b0-0000-7000-8000-000000000000"] {
        test.post("/acme/sites", json!({ "name": name })).await.refused(422);
    }
    let taken = test.post("/acme/sites", json!({ "name": "demo" })).await.refused(422);
    assert!(taken.contains("taken"), "{taken}");
    let made_up = test.post("/acme/sites", json!({ "name": "" })).await.expect(201);
    assert!(!made_up["name"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let config = outrigger_platform::config::Config { allow_private_addresses: false, ..crate::app::config() };
    let db = outrigger_db::testing::TestDb::new(outrigger_platform::store::migrations()).await;
    let keys = outrigger_db::Keys::fixed(outrigger_db::KeyRing::generate(&outrigger_db::SystemEntropy));
    let app = crate::app::build_app(config, db.db().clone(), keys);
    let new = outrigger_platform::store::addons::NewAddon {
        slug: "inside".to_owned(),
        title: "Inside".to_owned(),
        description: String::new(),
        icon: String::new(),
        url: "https://169.254.169.254/latest".to_owned(),
        manifest_path: "/manifest".to_owned(),
        auth: outrigger_platform::store::addons::AddonAuth::Jws,
        staging: false,
    };
    let refused = outrigger_platform::ops::addons::register_addon(&app, new, None).await.unwrap_err();
    assert!(refused.message().contains("private address"), "{}", refused.message());
}

#[tokio::test]
async fn too_many_requests_are_refused_with_a_time() {
    let config = outrigger_platform::config::Config { requests_per_minute: 10, ..crate::app::config() };
    let test = TestApp::with_config(config).await;
    let limited = loop {
        let answer = test.get("/user").await;
        if answer.status != 200 {
            break answer;
        }
    };
    let number = |name: &str| limited.headers[name].to_str().unwrap().parse::<i64>().unwrap();
    assert!((1..=60).contains(&number("retry-after")));
    assert_eq!((number("x-ratelimit-limit"), number("x-ratelimit-remaining")), (10, 0));
    let wait = number("x-ratelimit-reset") - test.app.store.clock().now().as_second();
    assert!((1..=60).contains(&wait), "Unix seconds, soon: {wait}");
    limited.refused(429);
}

/// How many of twelve requests without a good token are let through.
async fn let_through(test: &TestApp, path: &str, token: Option<&str>, forwarded_for: Option<&str>) -> usize {
    let mut through = 0;
    for _ in 0..12 {
        let mut request = test.http().post(format!("{}{path}", test.origin()));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(client) = forwarded_for {
            request = request.header("x-forwarded-for", client);
        }
        through += usize::from(answer(request).await.status != 429);
    }
    through
}

#[tokio::test]
async fn without_a_token_the_address_counts_whatever_is_asked_for() {
    for path in ["/api/v1/tokens", "/build_hooks/x", "/api/v1/callbacks/x/y", "/api/v1/logins"] {
        for token in [None, Some("wrong")] {
            let config = outrigger_platform::config::Config { requests_per_minute: 10, ..crate::app::config() };
            let test = TestApp::with_config(config).await;
            assert_eq!(let_through(&test, path, token, Some("9.9.9.9")).await, 10, "{path} {token:?}");
            assert_eq!(let_through(&test, path, token, Some("8.8.8.8")).await, 0, "the header is not believed");
            test.get("/user").await.expect(200);
        }
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_counts_for_itself() {
    let config = outrigger_platform::config::Config {
        requests_per_minute: 10,
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..crate::app::config()
    };
    let test = TestApp::with_config(config).await;
    assert_eq!(let_through(&test, "/build_hooks/x", None, Some("9.9.9.9")).await, 10);
    assert_eq!(let_through(&test, "/build_hooks/x", None, Some("8.8.8.8")).await, 10);
    assert_eq!(let_through(&test, "/build_hooks/x", None, Some("7.7.7.7, 9.9.9.9")).await, 0, "what 9.9.9.9 says");
}

#[tokio::test]
async fn a_repeated_create_gives_the_same_instance_and_a_different_one_a_conflict() {
    let test = TestApp::start().await;
    let create = |plan: &str| {
        let body = json!({ "plan": plan });
        let test = &test;
        async move { test.create(body).await }
    };
    let (first, second) = tokio::join!(create("small"), create("small"));
    let (first, second) = (first.expect(201), second.expect(201));
    assert_eq!(first["id"], second["id"]);
    assert_eq!(test.provider.made(), 1);
    let refused = create("big").await.refused(409);
    assert!(refused.contains("already"), "{refused}");
    assert_eq!(test.all_instances().await.len(), 1);
    assert_ne!(first, Value::Null);
}
