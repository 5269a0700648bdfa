//! Every job of an instance: failing at each step leaves nothing behind, and each step twice is harmless.

use std::sync::Arc;

use outrigger_db::{Act, Probe};
use serde_json::{Value, json};

use crate::app::TestApp;

struct At {
    kind: &'static str,
    step: &'static str,
    act: Act,
}

impl Probe for At {
    fn at(&self, kind: &str, step: &str, undoing: bool, _attempt: u32) -> Act {
        if !undoing && kind == self.kind && step == self.step { self.act } else { Act::Run }
    }
}

struct Twice;

impl Probe for Twice {
    fn at(&self, _: &str, _: &str, _: bool, _: u32) -> Act {
        Act::RunTwice
    }
}

/// Dies after the first run of each step, as kill -9 would; the next attempt goes on.
struct DieOnce;

impl Probe for DieOnce {
    fn at(&self, _: &str, _: &str, _: bool, attempt: u32) -> Act {
        if attempt == 1 { Act::CrashAfter } else { Act::Run }
    }
}

#[tokio::test]
async fn provisioning_that_fails_at_any_step_leaves_nothing() {
    for step in ["call", "settle", "publish"] {
        for act in [Act::FailBefore, Act::FailAfter] {
            if step == "publish" && act == Act::FailAfter {
                // The last step commits its own outcome: after it there is nothing left to fail.
                continue;
            }
            let test = TestApp::with_probe(Arc::new(At { kind: "provision_instance", step, act })).await;
            test.create(json!({ "plan": "small" })).await.refused(502);
            assert_eq!(test.provider.count(), 0, "{step} {act:?}");
            assert!(test.env_names().await.is_empty(), "{step} {act:?}");
            assert_eq!(test.get(&test.site("/service-instances")).await.expect(200), json!([]), "{step} {act:?}");
        }
    }
}

#[tokio::test]
async fn an_update_that_fails_at_any_step_changes_nothing_here() {
    for step in ["call", "settle", "publish"] {
        let probe = At { kind: "update_instance", step, act: Act::FailBefore };
        let test = TestApp::with_probe(Arc::new(probe)).await;
        let id = test.create(json!({ "plan": "small" })).await.expect(201)["id"].as_str().unwrap().to_owned();
        test.provider.set_env(json!({ "TEST_URL": "new" }));
        let path = test.instances(&format!("/{id}"));
        test.put(&path, json!({ "config": { "plan": "big" } })).await.refused(502);
        let shown = test.get(&path).await.expect(200);
        assert_eq!((&shown["state"], &shown["config"]["plan"]), (&json!("active"), &json!("small")), "{step}");
        assert_eq!(shown["env"]["TEST_URL"], "https://db.example/1", "{step}");
    }
}

async fn whole_life(test: &TestApp) {
    let created = test.create(json!({ "plan": "small" })).await.expect(201);
    assert_eq!(created["state"], "active", "{created:#}");
    let id = created["id"].as_str().unwrap();
    let path = test.instances(&format!("/{id}"));
    test.provider.set_env(json!({ "TEST_URL": "new" }));
    test.put(&path, json!({ "config": { "plan": "big" } })).await.expect(204);
    assert_eq!(test.get(&path).await.expect(200)["env"]["TEST_URL"], "new");
    test.post(&format!("{path}/refresh"), Value::Null).await.expect(200);
    assert_eq!((test.provider.made(), test.provider.count()), (1, 1));
    test.delete(&path).await.expect(204);
    assert_eq!(test.provider.count(), 0);
    assert!(test.all_instances().await.is_empty());
    assert!(test.env_names().await.is_empty());
}

#[tokio::test]
async fn each_step_of_each_job_twice_is_harmless() {
    whole_life(&TestApp::with_probe(Arc::new(Twice)).await).await;
}

#[tokio::test]
async fn a_process_that_dies_after_each_step_is_followed_by_one_that_goes_on() {
    whole_life(&TestApp::with_probe(Arc::new(DieOnce)).await).await;
}
