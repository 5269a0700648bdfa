//! Things that happen at once, again, or while something else is under way.

use std::time::Duration;

use outrigger_db::Engine;
use outrigger_platform::config::Config;
use serde_json::{Value, json};

use crate::app::{TestApp, config};
use crate::provider::Fault;

fn small() -> Value {
    json!({ "plan": "small" })
}

#[tokio::test]
async fn a_second_create_that_asks_for_something_else_is_not_answered_with_the_first() {
    let test = TestApp::start().await;
    let first = json!({ "plan": "small", "apiKey": "k" });
    let created = test.create(first.clone()).await.expect(201);
    assert_eq!(test.create(first.clone()).await.expect(201)["id"], created["id"]);
    assert!(test.create(small()).await.refused(409).contains("already"), "it leaves an option out");
    test.create(json!({ "plan": "small", "apiKey": "other" })).await.refused(409);
    let replacing = json!({ "config": first, "replace": true });
    test.post(&test.instances(""), replacing).await.refused(409);
    // Defaults and what the add-on adds make no difference.
    assert_eq!(
        test.create(json!({ "plan": "small", "apiKey": "k", "size": 1 })).await.expect(201)["id"],
        created["id"]
    );
    let path = test.instances(&format!("/{}", created["id"].as_str().unwrap()));
    test.put(&path, json!({ "config": { "plan": "big", "apiKey": "k" } })).await.expect(204);
    test.create(first).await.refused(409);
    assert_eq!(test.provider.made(), 1);
}

#[tokio::test]
async fn many_creates_updates_and_deletes_at_once_leave_one_state() {
    let test = TestApp::start().await;
    let created: Vec<_> = futures_util::future::join_all((0..8).map(|_| test.create(small()))).await;
    let ids: std::collections::BTreeSet<String> =
        created.into_iter().map(|answer| answer.expect(201)["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((ids.len(), test.provider.made()), (1, 1));
    let path = test.instances(&format!("/{}", ids.first().unwrap()));

    let plans = ["a", "b", "c", "d"];
    let updates = plans.map(|plan| test.put(&path, json!({ "config": { "plan": plan } })).status());
    let statuses: Vec<u16> = futures_util::future::join_all(updates).await;
    assert!(statuses.iter().all(|status| [204, 409].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&204), "{statuses:?}");
    let shown = test.get(&path).await.expect(200);
    assert_eq!(shown["config"]["plan"], test.provider.config_of("remote-1")["plan"], "both agree which came last");

    let deleted = futures_util::future::join_all((0..4).map(|_| test.delete(&path).status())).await;
    assert!(deleted.iter().all(|status| [202, 204, 404].contains(status)), "{deleted:?}");
    test.eventually(|instances| instances.is_empty()).await;
    assert_eq!(test.provider.count(), 0);
}

/// The status alone.
trait Status: Future<Output = crate::app::Answer> + Sized {
    async fn status(self) -> u16 {
        self.await.status.as_u16()
    }
}

impl<F: Future<Output = crate::app::Answer>> Status for F {}

#[tokio::test]
async fn a_delete_while_the_add_on_is_still_making_it_waits_and_deletes() {
    let test = TestApp::start().await;
    test.provider.fail("POST /instances", [Fault::ExecuteSlowly(Duration::from_millis(500))]);
    let delete = async {
        let instances = test.eventually(|instances| instances.len() == 1).await;
        test.delete(&test.instances(&format!("/{}", instances[0]["id"].as_str().unwrap()))).await
    };
    let (created, deleted) = tokio::join!(test.create(small()), delete);
    assert!([201, 404].contains(&created.status.as_u16()), "{created:?}");
    deleted.expect(204);
    assert_eq!((test.provider.made(), test.provider.count()), (1, 0));
    assert!(test.all_instances().await.is_empty());
}

#[tokio::test]
async fn a_failure_after_the_wait_is_shown_with_its_reason() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    let created = test.create(small()).await.expect(201);
    assert_eq!(created["state"], "provisioning");
    test.provider.set_state(Some("failed"));
    let failed = test.eventually(|instances| instances[0]["state"] == "failed").await;
    let path = test.instances(&format!("/{}", created["id"].as_str().unwrap()));
    let shown = test.get(&path).await.expect(200);
    for seen in [&failed[0], &shown] {
        assert_eq!((&seen["state"], &seen["fault"]), (&json!("failed"), &json!("partner")));
        assert!(seen["reason"].as_str().unwrap().contains("failed"), "{seen:#}");
    }
}

#[tokio::test]
async fn an_update_or_refresh_that_fails_after_the_wait_is_shown_with_its_reason() {
    let test = TestApp::start().await;
    let id = test.create(small()).await.expect(201)["id"].as_str().unwrap().to_owned();
    let path = test.instances(&format!("/{id}"));
    test.provider.set_state(Some("provisioning"));
    test.put(&path, json!({ "config": { "plan": "big" } })).await.expect(204);
    assert_eq!(test.get(&path).await.expect(200)["state"], "updating");
    test.provider.set_state(Some("failed"));
    let shown = test.eventually(|instances| instances[0]["state"] == "active").await;
    assert!(shown[0]["reason"].as_str().unwrap().contains("the last update failed"), "{shown:#?}");
    assert_eq!(shown[0]["config"]["plan"], "small");
    assert_eq!(test.provider.config_of("remote-1")["plan"], "small", "it was taken back at the add-on");
}

#[tokio::test]
async fn an_add_on_that_retires_meanwhile_keeps_its_instances_and_takes_no_new_ones() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    test.create(small()).await.expect(201);
    test.delete("/services/test").await.expect(204);
    test.provider.set_state(Some("active"));
    let active = test.eventually(|instances| instances[0]["state"] == "active").await;
    let path = test.instances(&format!("/{}", active[0]["id"].as_str().unwrap()));
    test.put(&path, json!({ "config": { "plan": "big" } })).await.expect(204);
    test.delete(&path).await.expect(204);
    assert!(test.create(small()).await.refused(422).contains("retired"));
}

#[tokio::test]
async fn retrying_at_an_add_on_that_has_retired_says_so_and_keeps_the_evidence() {
    let test = TestApp::start().await;
    test.provider.fail("POST /instances", [Fault::Answer(422, r#"{"message":"sold out"}"#.to_owned())]);
    test.create(small()).await.refused(422);
    let failed = test.all_instances().await;
    test.delete("/services/test").await.expect(204);
    let path = test.instances(&format!("/{}/retry", failed[0]["id"].as_str().unwrap()));
    assert!(test.post(&path, Value::Null).await.refused(422).contains("retired"));
    assert_eq!(test.all_instances().await[0]["reason"], failed[0]["reason"]);
}

#[tokio::test]
async fn a_site_is_changed_as_a_whole_or_not_at_all() {
    let test = TestApp::start().await;
    test.patch(&test.site(""), json!({ "name": "renamed", "build_webhook_url": "nowhere" })).await.refused(422);
    assert_eq!(test.get(&test.site("")).await.expect(200)["name"], "demo");
    test.post("/acme/sites", json!({ "name": "taken" })).await.expect(201);
    let both = json!({ "name": "taken", "build_webhook_url": "http://127.0.0.1:9/" });
    test.patch(&test.site(""), both).await.refused(422);
    assert_eq!(test.get(&test.site("")).await.expect(200)["build_webhook_url"], Value::Null);
}

/// Each write in flight holds a connection; one that asked for a second would wait for all the others.
#[tokio::test]
async fn a_pool_of_one_connection_is_enough() {
    let test = TestApp::with_config(Config { workers: 0, ..config() }).await;
    if test.db.db().engine() == Engine::Sqlite {
        // There the pool has no such setting; debug assertions in outrigger-db see to it on both engines.
        return;
    }
    let node = test.node_on(&format!("{}?max_connections=1", test.db.url()), config()).await;
    let (path, body) = (test.instances(""), json!({ "config": small() }));
    let create = test.send_to(&node.origin, reqwest::Method::POST, &path, Some(body), &test.token);
    let created = tokio::time::timeout(Duration::from_secs(20), create).await.unwrap().expect(201);
    assert_eq!(created["state"], "active");
    let path = test.instances(&format!("/{}", created["id"].as_str().unwrap()));
    test.send_to(&node.origin, reqwest::Method::DELETE, &path, None, &test.token).await.expect(204);
}
