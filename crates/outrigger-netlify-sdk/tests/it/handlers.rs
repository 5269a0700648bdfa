//! The function's handlers, called through the platform, and calling it.

use std::time::Duration;

use outrigger_integrations::Scope;
use outrigger_netlify_sdk::{FunctionRunner, RunnerError, RunnerOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::platform::Platform;
use crate::sample;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_the_sdks_client_has_works() {
    let Some(artefact) = sample::artefact().await else { return };
    let platform = Platform::start(&artefact, |_| {}).await;
    let enable = json!({ "siteId": platform.site, "teamId": platform.account }).to_string();
    for message in ["enabled", "enabled"] {
        let (status, body) = platform.call(Method::POST, "on-enable", &enable).await;
        assert_eq!((status.as_u16(), &body), (200, &json!({ "message": message })), "also when it was already");
    }
    let seen = platform.get("everything").await;
    assert_eq!(seen["site"], json!(platform.site));
    assert_eq!(seen["sites"], json!([platform.site]));
    assert_eq!((&seen["account"], &seen["renamed"]), (&json!(platform.account), &json!("renamed")));
    let variables = seen["variables"].as_array().unwrap();
    let values = &variables.iter().find(|variable| variable["key"] == "CACHE_A").unwrap()["values"];
    let value = |context: &str| values.as_array().unwrap().iter().find(|value| value["context"] == context);
    // A value of its own for one context takes the others out of `all`.
    assert_eq!(value("dev").unwrap()["value"], "2", "{values}");
    assert_eq!(value("production").unwrap()["value"], "3", "{values}");
    assert_eq!((&seen["missing"], &seen["again"]), (&json!(404), &json!(409)));
    assert!(seen["hook"].as_str().unwrap().starts_with(&format!("{}/build_hooks/", platform.origin)));
    assert!(seen["notice"].is_string());
    let team = json!({ "config": { "shared": 2 }, "has_build_hook_enabled": false, "has_connectors_enabled": true });
    assert_eq!(seen["team"], team);
    assert_eq!((&seen["buildToken"], &seen["off"]), (&json!(true), &json!(false)));

    let (status, body) = platform.call(Method::DELETE, "on-disable", "").await;
    assert_eq!((status.as_u16(), &body), (200, &json!("Integration disabled")));
    let place = Scope::Site(platform.site.as_str().into());
    assert!(platform.app.enablements.find(&place, artefact.slug()).await.unwrap().is_none());
    assert_eq!(platform.call(Method::POST, "on-disconnect", "").await.1, "Disconnected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_come_without_a_token_and_a_build_asks_with_its_own() {
    let Some(artefact) = sample::artefact().await else { return };
    let platform = Platform::start(&artefact, |_| {}).await;
    let handlers = format!("{}/surfaces/cache/.netlify/functions/handler", platform.origin);
    let call = async |request: reqwest::RequestBuilder| -> (u16, Value) {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    };
    let post = |name: &str| platform.http.post(format!("{handlers}/{name}"));
    let (status, body) = call(post("webhook?siteId=x").body("ping")).await;
    assert_eq!((status, body), (200, json!({ "webhook": "ping", "query": { "siteId": "x" } })));
    let (_, body) = call(post("webhook-orders/7")).await;
    assert_eq!(body, json!({ "orders": "POST", "path": "/webhook-orders/7" }));
    assert_eq!(call(post("webhook-nothing")).await.0, 404);
    assert_eq!(call(post("status")).await.0, 401);

    let enable = json!({ "siteId": platform.site }).to_string();
    platform.call(Method::POST, "on-enable", &enable).await;
    let (status, _) = platform.call(Method::POST, "connect", r#"{"name":"n","key":"right"}"#).await;
    assert_eq!(status, 200);
    let token = platform.get("build-token").await["token"].as_str().unwrap().to_owned();
    let build = json!({ "site_id": platform.site, "token": token }).to_string();
    let asked = post("build-context").header("netlify-token", &token).body(build.clone());
    assert_eq!(call(asked).await, (200, json!({ "key": "right" })));
    assert_eq!(call(post("build-context").body(build)).await.0, 401);
    let safe = platform.http.get(format!("{}/site/{}/integrations/safe", platform.origin, platform.site));
    let row = call(safe).await.1[0].clone();
    assert_eq!((&row["slug"], &row["has_build"]), (&json!("cache"), &json!(true)));
    let plugin = format!("{}/packages/buildhooks.tgz", row["version"].as_str().unwrap());
    let plugin = platform.http.get(plugin).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(plugin.as_ref(), std::fs::read(artefact.folder().join("static/packages/buildhooks.tgz")).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_crashes_is_started_again_and_one_that_rests_is_stopped() {
    let Some(artefact) = sample::artefact().await else { return };
    let mut options = RunnerOptions::new("http://127.0.0.1:9".parse().unwrap());
    options.idle = Duration::from_millis(400);
    let runner = FunctionRunner::start(&artefact, options.clone()).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while runner.is_running() {
        assert!(tokio::time::Instant::now() < deadline, "it rests, and is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let platform = Platform::start(&artefact, |_| {}).await;
    let pid = platform.get("pid").await["pid"].clone();
    assert_eq!(platform.get("pid").await["pid"], pid, "there is one process");
    let waiting = platform.call(Method::GET, "hang", "");
    let (crash, hanging) = tokio::join!(platform.call(Method::GET, "crash", ""), waiting);
    assert_eq!((crash.0.as_u16(), &crash.1["code"]), (502, &json!("unavailable")));
    assert_eq!(hanging.0, 404, "only names that it has");
    let started = loop {
        let (status, body) = platform.call(Method::GET, "pid", "").await;
        if status == 200 {
            break body["pid"].clone();
        }
        assert_eq!(status, 502);
        assert!(tokio::time::Instant::now() < deadline + Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_ne!(started, pid);
    let (status, body) = platform.call(Method::GET, "throws", "").await;
    assert_eq!((status.as_u16(), &body), (500, &json!("An unhandled error occurred")), "its secret stays inside");
    assert_eq!(platform.get("pid").await["pid"], started, "an error is no crash");

    options.node = "no-such-node".into();
    let error = FunctionRunner::start(&artefact, options).await.unwrap_err();
    assert!(matches!(error, RunnerError::NoNode { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_enable_connect_and_disable_it_on_its_pages() {
    let Some(artefact) = sample::artefact().await else { return };
    let platform = Platform::start(&artefact, |_| {}).await;
    let list = platform.page("/sites/demo/surfaces").await;
    assert!(list.contains("An integration built with Netlify&#39;s SDK 1.21.0."), "{list}");
    let page = platform.page("/sites/demo/surfaces/cache").await;
    let page = platform.press(&page, "enable", &[]).await;
    assert!(page.contains("Connect it") && page.contains("Both callbacks of the page have run."), "{page}");
    assert!(page.contains(&platform.site), "the handler was asked through the platform: {page}");
    assert!(page.contains("Only while it is enabled."));
    let fields = |key| [("i.connect_name", "orders"), ("i.connect_key", key), ("i.connect_region", "eu")];
    let page = platform.press(&page, "submit:connect", &fields("wrong")).await;
    assert!(page.contains("The service does not know this key."), "{page}");
    let page = platform.press(&page, "submit:connect", &fields("right")).await;
    assert!(!page.contains("Nothing is set up yet."), "{page}");
    let env = platform.page("/sites/demo/env").await;
    assert!(env.contains("CACHE_KEY") && env.contains("CACHE_NAME"), "{env}");

    let page = platform.press(&page, "change:pick", &[("i.pick", "b")]).await;
    assert!(page.contains("open(") && page.contains("Copy"), "{page}");
    let page = platform.press(&page, "disable", &[]).await;
    let page = platform.press(&page, "disable!", &[]).await;
    assert!(page.contains("Enable"), "{page}");
    let env = platform.page("/sites/demo/env").await;
    assert!(!env.contains("CACHE_KEY"), "{env}");
}
