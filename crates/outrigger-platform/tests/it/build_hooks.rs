//! Build hooks and the site's build webhook, checked with the Standard Webhooks reference library.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

use crate::app::TestApp;

pub(crate) type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A build webhook that answers the first requests with these statuses, then 200.
pub(crate) async fn receiver(mut statuses: Vec<u16>) -> (String, Received) {
    let received = Received::default();
    statuses.reverse();
    let statuses = Arc::new(Mutex::new(statuses));
    let log = received.clone();
    let router = Router::new().route(
        "/build",
        post(async move |headers: HeaderMap, body: String| {
            log.lock().unwrap().push((headers, body));
            let status = statuses.lock().unwrap().pop().unwrap_or(200);
            StatusCode::from_u16(status).unwrap()
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/build", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

pub(crate) async fn wait_for_end(test: &TestApp) -> Value {
    loop {
        let log = test.get(&test.site("/deliveries")).await.expect(200);
        if log[0]["finished_at"].is_string() {
            return log;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_add_ons_hook_asks_for_a_build_at_least_once_and_signed() {
    let test = TestApp::start().await;
    let (url, received) = receiver(vec![500, 503]).await;
    let site = test.patch(&test.site(""), json!({ "build_webhook_url": url })).await.expect(200);
    let secret = site["build_webhook_secret"].as_str().unwrap();
    assert!(test.get(&test.site("")).await.expect(200).get("build_webhook_secret").is_none());

    test.create(json!({ "plan": "small" })).await.expect(201);
    let sent = test.provider.seen("POST /instances").remove(0);
    let hook = sent.body["config"]["incoming_hook_url"].as_str().unwrap();
    assert_eq!(test.http().post(hook).send().await.unwrap().status(), 200);

    let log = wait_for_end(&test).await;
    assert_eq!(log[0]["state"], "delivered");
    let statuses: Vec<&Value> = log[0]["attempts"].as_array().unwrap().iter().map(|a| &a["status"]).collect();
    assert_eq!(statuses, [500, 503, 200]);
    let verifier = Webhook::new(secret).unwrap();
    let received = received.lock().unwrap();
    for (headers, body) in received.iter() {
        verifier.verify(body.as_bytes(), headers).unwrap();
    }
    let ids: std::collections::BTreeSet<_> =
        received.iter().map(|(headers, _)| headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 1, "a repeated delivery keeps its id");
    let body: Value = serde_json::from_str(&received[0].1).unwrap();
    assert_eq!((&body["type"], &body["data"]["site_id"]), (&json!("build.requested"), &json!(test.site_id)));
}

#[tokio::test]
async fn a_webhook_that_is_gone_ends_the_delivery() {
    let test = TestApp::start().await;
    let (url, _) = receiver(vec![410]).await;
    test.patch(&test.site(""), json!({ "build_webhook_url": url })).await.expect(200);
    test.post(&test.site("/builds"), Value::Null).await.expect(200);
    assert_eq!(wait_for_end(&test).await[0]["state"], "failed");
}

#[tokio::test]
async fn hooks_are_managed_and_unknown_ones_refused() {
    let test = TestApp::start().await;
    let hooks = test.site("/build_hooks");
    let made = test.post(&hooks, json!({ "title": "Nightly", "branch": "main" })).await.expect(201);
    let (id, url) = (made["id"].as_str().unwrap(), made["url"].as_str().unwrap());
    assert_eq!(test.http().post(url).send().await.unwrap().status(), 200);
    assert_eq!(test.get(&test.site("/deliveries")).await.expect(200)[0]["state"], "skipped", "no webhook is set");
    test.put(&format!("{hooks}/{id}"), json!({ "title": "Daily" })).await.expect(204);
    assert_eq!(test.get(&format!("{hooks}/{id}")).await.expect(200)["title"], "Daily");
    test.delete(&format!("{hooks}/{id}")).await.expect(204);
    assert_eq!(test.http().post(url).send().await.unwrap().status(), 404);
}
