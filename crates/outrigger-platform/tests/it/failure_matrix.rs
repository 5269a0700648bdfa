//! What an add-on may do wrong, row by row. "Row" is the failure matrix of the design, which has 34. A row is in the name
//! of a test, or stands here with the reason why it has none:
//!
//! * Row 15 (the partner insists on working asynchronously): does not apply. Every create accepts a 202 or
//!   `state: "provisioning"`, so there is nothing to insist on; a partner that refuses all the same is row 11.
//! * Row 22 (an update fails and the partner says that the instance is unusable now): does not apply. The protocol has no
//!   word for it; a failed update leaves the instance active with the reason shown, which is row 20.

use std::time::Duration;

use outrigger_platform::config::Config;
use serde_json::{Value, json};

use crate::app::{TestApp, config};
use crate::provider::Fault;

fn small() -> Value {
    json!({ "plan": "small" })
}

#[track_caller]
fn state_of(instances: &[Value]) -> &str {
    assert_eq!(instances.len(), 1, "{instances:#?}");
    instances[0]["state"].as_str().unwrap()
}

/// The create fails with this status and text; the instance ends in this state, and the add-on holds nothing.
async fn check_create(test: &TestApp, faults: Vec<Fault>, status: u16, text: &str, state: &str) {
    test.provider.fail("POST /instances", faults);
    let refused = test.create(small()).await.refused(status);
    assert!(refused.contains(text), "`{text}` is not in: {refused}");
    let instances = test.all_instances().await;
    assert_eq!(state_of(&instances), state, "{instances:#?}");
    assert_eq!(test.provider.count(), 0, "nothing is left at the add-on");
    assert!(test.env_names().await.is_empty());
}

/// What came to nothing does not stand in the way of the next try.
async fn check_next_create_works(test: &TestApp) {
    assert_eq!(test.get(&test.site("/service-instances")).await.expect(200), json!([]));
    assert_eq!(test.create(small()).await.expect(201)["state"], "active");
    assert_eq!(test.provider.count(), 1);
}

const ROWS: u32 = 34;

#[test]
fn every_row_has_a_test_or_a_reason() {
    let text = include_str!("failure_matrix.rs");
    let (notes, tests) = text.split_once("use std::time").unwrap();
    let names = tests.split("async fn ").skip(1).map(|rest| rest.split('(').next().unwrap());
    let mut told: Vec<u32> = Vec::new();
    for name in names.filter(|name| name.starts_with("row")) {
        let words: Vec<&str> = name.split('_').skip(1).collect();
        let numbers: Vec<u32> =
            words.iter().map_while(|word| word.parse().ok().or((*word == "and").then_some(0))).collect();
        let through = words.get(1) == Some(&"to");
        match (through, numbers.first(), words.get(2).and_then(|word| word.parse().ok())) {
            (true, Some(first), Some(last)) => told.extend(*first..=last),
            _ => told.extend(numbers),
        }
    }
    for row in 1..=ROWS {
        let reason = notes.contains(&format!("* Row {row} ("));
        assert!(told.contains(&row) != reason, "row {row} has no test and no reason, or both");
    }
}

#[tokio::test]
async fn row_1_a_well_formed_answer_makes_it_active() {
    for status in [200, 201] {
        let test = TestApp::start().await;
        let body = r#"{"id":"theirs","env":{"TEST_URL":"u"},"unknown":{"field":1}}"#;
        test.provider.fail("POST /instances", [Fault::Answer(status, body.to_owned())]);
        let created = test.create(small()).await.expect(201);
        assert_eq!((&created["state"], &created["remote_id"]), (&json!("active"), &json!("theirs")));
        assert_eq!(created["env"], json!({ "TEST_URL": "u" }));
    }
}

#[tokio::test]
async fn rows_2_and_3_malformed_success_is_a_failure_and_cleaned_up() {
    for (status, body) in [(200, "garbage"), (200, ""), (202, "garbage"), (202, "{}")] {
        let test = TestApp::start().await;
        test.provider.set_manifest(|manifest| manifest["instances_by_uuid"] = json!(true));
        test.post("/services/test/refresh", Value::Null).await.expect(200);
        check_create(&test, vec![Fault::Answer(status, body.to_owned())], 502, "add-on `test`", "failed").await;
        assert_eq!(test.provider.seen("DELETE /instances/by-uuid/:uuid").len(), 1);
    }
    for body in ["<html>Hello</html>", "garbage", "", "[]", r#"{"id":""}"#, r#"{"env":{"A":"b"}}"#] {
        let test = TestApp::start().await;
        test.provider.set_manifest(|manifest| manifest["instances_by_uuid"] = json!(true));
        test.post("/services/test/refresh", Value::Null).await.expect(200);
        let faults = vec![Fault::Answer(201, body.to_owned())];
        check_create(&test, faults, 502, "add-on `test`", "failed").await;
        check_next_create_works(&test).await;
    }
}

#[tokio::test]
async fn row_3_without_a_lookup_by_uuid_a_person_decides() {
    let test = TestApp::start().await;
    check_create(&test, vec![Fault::Answer(201, "garbage".to_owned())], 502, "add-on `test`", "unconfirmed").await;
    let id = test.all_instances().await[0]["id"].as_str().unwrap().to_owned();
    test.create(small()).await.refused(409);
    // Tried again with the same uuid, the add-on gives the same instance or makes the one that is missing.
    let retried = test.post(&test.instances(&format!("/{id}/retry")), Value::Null).await.expect(200);
    assert_eq!(retried["state"], "active");
    assert_eq!(retried["id"], id);
}

#[tokio::test]
async fn row_4_other_success_codes_are_no_success() {
    let test = TestApp::start().await;
    let elsewhere = vec![("location", "http://elsewhere.example/".to_owned())];
    check_create(&test, vec![Fault::Headers(302, elsewhere, String::new())], 502, "302", "unconfirmed").await;
    for status in [203, 204, 206, 226] {
        let test = TestApp::start().await;
        test.provider.set_manifest(|manifest| manifest["instances_by_uuid"] = json!(true));
        test.post("/services/test/refresh", Value::Null).await.expect(200);
        let answer = Fault::Answer(status, r#"{"id":"x"}"#.to_owned());
        check_create(&test, vec![answer], 502, &status.to_string(), "failed").await;
        assert_eq!(test.provider.seen("DELETE /instances/by-uuid/:uuid").len(), 1, "cleaned up");
    }
}

#[tokio::test]
async fn a_10_mb_answer_is_cut_off() {
    let test = TestApp::start().await;
    let big = Fault::Answer(201, "x".repeat(10 << 20));
    check_create(&test, vec![big], 502, "larger than 1024 KiB", "unconfirmed").await;
}

#[tokio::test]
async fn row_5_an_async_create_becomes_active_when_the_add_on_says_so() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    let created = test.create(small()).await.expect(201);
    assert_eq!(created["state"], "provisioning");
    assert!(test.env_names().await.is_empty(), "variables appear only when it is ready");
    test.provider.set_state(Some("active"));
    let instances = test.eventually(|instances| instances[0]["state"] == "active").await;
    assert_eq!(instances[0]["env"]["TEST_URL"], "https://db.example/1");
}

#[tokio::test]
async fn row_5_a_202_is_polled_after_retry_after() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    let later = vec![("retry-after", "1".to_owned())];
    test.provider.fail("GET /instances/:id", [Fault::Headers(200, later, r#"{"state":"provisioning"}"#.to_owned())]);
    test.create(small()).await.expect(201);
    test.eventually(|_| test.provider.seen("GET /instances/:id").len() == 1).await;
    test.provider.set_state(Some("active"));
    let asked = std::time::Instant::now();
    test.eventually(|instances| instances[0]["state"] == "active").await;
    assert!(asked.elapsed() > Duration::from_millis(700), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn row_6_an_async_create_that_fails_is_cleaned_up() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    test.create(small()).await.expect(201);
    test.provider.set_state(Some("failed"));
    let instances = test.eventually(|instances| instances[0]["state"] == "failed").await;
    assert!(instances[0]["reason"].as_str().unwrap().contains("failed"), "{instances:#?}");
    assert_eq!(test.provider.count(), 0);
}

#[tokio::test]
async fn rows_7_and_8_bad_poll_answers_only_mean_keep_asking() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    let bad = [
        Fault::Answer(410, String::new()),
        Fault::Answer(404, String::new()),
        Fault::Answer(500, String::new()),
        Fault::Answer(200, "garbage".to_owned()),
        Fault::HangUp,
    ];
    test.provider.fail("GET /instances/:id", bad);
    test.create(small()).await.expect(201);
    test.provider.set_state(Some("active"));
    test.eventually(|instances| instances[0]["state"] == "active").await;
    assert!(test.provider.seen("GET /instances/:id").len() >= 6);
}

#[tokio::test]
async fn row_9_the_window_for_provisioning_ends() {
    let test = TestApp::with_config(Config { provisioning_window: Duration::from_millis(300), ..config() }).await;
    test.provider.set_state(Some("provisioning"));
    test.create(small()).await.expect(201);
    let instances = test.eventually(|instances| instances[0]["state"] == "failed").await;
    assert!(instances[0]["reason"].as_str().unwrap().contains("not ready"), "{instances:#?}");
    assert_eq!(test.provider.count(), 0);
}

#[tokio::test]
async fn rows_10_12_13_a_lost_answer_is_asked_for_again_with_the_same_uuid() {
    for fault in [
        Fault::ExecuteAndHangUp,
        Fault::HangUp,
        Fault::ExecuteSlowly(Duration::from_millis(1500)),
        Fault::Answer(500, "boom".to_owned()),
        Fault::Answer(503, String::new()),
        Fault::Answer(408, String::new()),
    ] {
        let test = TestApp::start().await;
        test.provider.fail("POST /instances", [fault.clone()]);
        assert_eq!(test.create(small()).await.expect(201)["state"], "active", "{fault:?}");
        let sent = test.provider.seen("POST /instances");
        assert_eq!(sent.len(), 2, "{fault:?}");
        assert_eq!(sent[0].body["uuid"], sent[1].body["uuid"]);
        assert_eq!((test.provider.made(), test.provider.count()), (1, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn row_12_when_every_answer_is_lost_it_is_cleaned_up_by_uuid() {
    let test = TestApp::start().await;
    test.provider.set_manifest(|manifest| manifest["instances_by_uuid"] = json!(true));
    test.post("/services/test/refresh", Value::Null).await.expect(200);
    check_create(&test, vec![Fault::ExecuteAndHangUp; 3], 502, "no answer", "failed").await;
    assert_eq!(test.provider.seen("DELETE /instances/by-uuid/:uuid").len(), 1);
    check_next_create_works(&test).await;
}

#[tokio::test]
async fn row_12_without_a_lookup_it_is_unconfirmed_and_can_be_adopted() {
    let test = TestApp::start().await;
    test.provider.fail("POST /instances", vec![Fault::ExecuteAndHangUp; 3]);
    test.create(small()).await.refused(502);
    let instances = test.all_instances().await;
    assert_eq!(state_of(&instances), "unconfirmed");
    let id = instances[0]["id"].as_str().unwrap();
    let path = test.instances(&format!("/{id}/adopt"));
    let refused = test.post(&path, json!({ "remote_id": "../manifest" })).await.refused(422);
    assert!(refused.contains("404"), "an id that the add-on does not know: {refused}");
    test.post(&path, json!({ "remote_id": ".." })).await.refused(422);
    assert_eq!(test.provider.count(), 1, "nothing was deleted meanwhile");
    let adopted = test.post(&path, json!({ "remote_id": "remote-1" })).await.expect(200);
    assert_eq!(adopted["state"], "active");
    assert_eq!(adopted["env"]["TEST_URL"], "https://db.example/1");
}

#[tokio::test]
async fn rows_11_and_16_a_refusal_is_shown_and_leaves_nothing() {
    for (status, body, text) in [
        (422, r#"{"message":"plan is sold out"}"#, "plan is sold out"),
        (400, "not like this", "not like this"),
        (409, r#"{"error":"other parameters"}"#, "other parameters"),
        (404, "<html>where?</html>", "404"),
        (410, "", "410"),
    ] {
        let test = TestApp::start().await;
        check_create(&test, vec![Fault::Answer(status, body.to_owned())], 422, text, "failed").await;
        assert_eq!(test.provider.seen("POST /instances").len(), 1, "a refusal is final");
        check_next_create_works(&test).await;
    }
}

#[tokio::test]
async fn row_14_busy_means_wait() {
    let test = TestApp::start().await;
    let busy = Fault::Answer(422, r#"{"error":"ConcurrencyError"}"#.to_owned());
    let later = Fault::Headers(429, vec![("retry-after", "0".to_owned())], String::new());
    test.provider.fail("POST /instances", [busy, later]);
    assert_eq!(test.create(small()).await.expect(201)["state"], "active");
    assert_eq!(test.provider.made(), 1);
}

#[tokio::test]
async fn row_17_a_create_that_is_sent_again_gives_the_same_instance_also_while_it_is_being_made() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    test.provider.fail("POST /instances", [Fault::ExecuteAndHangUp]);
    let created = test.create(small()).await.expect(201);
    assert_eq!((&created["state"], &created["remote_id"]), (&json!("provisioning"), &json!("remote-1")));
    assert_eq!(test.create(small()).await.expect(201)["id"], created["id"]);
    test.provider.set_state(Some("active"));
    test.eventually(|instances| instances[0]["state"] == "active").await;
    assert_eq!((test.provider.seen("POST /instances").len(), test.provider.made()), (2, 1));
}

#[tokio::test]
async fn row_18_after_a_delete_or_a_failure_the_uuid_is_a_new_one() {
    let test = TestApp::start().await;
    let id = test.create(small()).await.expect(201)["id"].as_str().unwrap().to_owned();
    test.delete(&test.instances(&format!("/{id}"))).await.expect(204);
    test.provider.fail("POST /instances", [Fault::Answer(422, String::new())]);
    test.create(small()).await.refused(422);
    let failed = test.all_instances().await[0]["id"].as_str().unwrap().to_owned();
    test.post(&test.instances(&format!("/{failed}/retry")), Value::Null).await.expect(200);
    let sent = test.provider.seen("POST /instances");
    let uuids: std::collections::BTreeSet<String> = sent.iter().map(|sent| sent.body["uuid"].to_string()).collect();
    assert_eq!((sent.len(), uuids.len()), (3, 3), "{uuids:?}");
}

/// Loses what the first attempt at the call would have recorded, as a database that fails after the add-on's 201 does.
struct LoseFirstAnswer;

impl outrigger_db::Probe for LoseFirstAnswer {
    fn at(&self, _: &str, step: &str, _: bool, attempt: u32) -> outrigger_db::Act {
        if step == "call" && attempt == 1 { outrigger_db::Act::CrashAfter } else { outrigger_db::Act::Run }
    }
}

#[tokio::test]
async fn row_19_our_own_failure_after_the_answer_is_made_good() {
    let test = TestApp::with_probe(std::sync::Arc::new(LoseFirstAnswer)).await;
    assert_eq!(test.create(small()).await.expect(201)["state"], "active");
    assert_eq!((test.provider.made(), test.provider.count()), (1, 1));
}

#[tokio::test]
async fn row_20_a_refused_update_leaves_everything_as_it_was() {
    let test = TestApp::start().await;
    let id = test.create(small()).await.expect(201)["id"].as_str().unwrap().to_owned();
    test.provider.set_env(json!({ "TEST_URL": "never" }));
    test.provider.fail("PUT /instances/:id", [Fault::Answer(422, r#"{"message":"no such plan"}"#.to_owned())]);
    let path = test.instances(&format!("/{id}"));
    let refused = test.put(&path, json!({ "config": { "plan": "huge" } })).await.refused(422);
    assert!(refused.contains("no such plan"), "{refused}");
    let shown = test.get(&path).await.expect(200);
    assert_eq!((&shown["state"], &shown["config"]["plan"]), (&json!("active"), &json!("small")));
    assert_eq!(shown["env"]["TEST_URL"], "https://db.example/1");
}

#[tokio::test]
async fn row_21_an_update_whose_answer_was_lost_is_compared_and_not_sent_twice() {
    let test = TestApp::start().await;
    let id = test.create(small()).await.expect(201)["id"].as_str().unwrap().to_owned();
    test.provider.fail("PUT /instances/:id", [Fault::ExecuteAndHangUp]);
    let path = test.instances(&format!("/{id}"));
    test.put(&path, json!({ "config": { "plan": "huge" } })).await.expect(204);
    assert_eq!(test.provider.seen("PUT /instances/:id").len(), 1);
    assert_eq!(test.get(&path).await.expect(200)["config"]["plan"], "huge");
}

#[tokio::test]
async fn row_23_an_update_to_what_is_there_calls_nobody() {
    let test = TestApp::start().await;
    let id = test.create(small()).await.expect(201)["id"].as_str().unwrap().to_owned();
    test.put(&test.instances(&format!("/{id}")), json!({ "config": small() })).await.expect(204);
    assert!(test.provider.seen("PUT /instances/:id").is_empty());
}

#[tokio::test]
async fn rows_24_and_25_gone_is_gone() {
    for status in [200, 204, 404, 410] {
        let test = TestApp::start().await;
        let id = test.create(small()).await.expect(201)["id"].as_str().unwrap().to_owned();
        test.provider.fail("DELETE /instances/:id", [Fault::Answer(status, String::new())]);
        test.delete(&test.instances(&format!("/{id}"))).await.expect(204);
        assert!(test.all_instances().await.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn rows_26_to_28_a_delete_that_fails_is_kept_and_repeated() {
    let test = TestApp::with_config(Config { instance_wait: Duration::from_millis(100), ..config() }).await;
    let created = test.create(small()).await.expect(201);
    let id = created["id"].as_str().unwrap();
    test.eventually(|instances| instances[0]["state"] == "active").await;
    let faults = [
        Fault::Answer(500, String::new()),
        Fault::Answer(202, String::new()),
        Fault::HangUp,
        Fault::Answer(422, r#"{"message":"still in use"}"#.to_owned()),
        Fault::ExecuteAndHangUp,
    ];
    test.provider.fail("DELETE /instances/:id", faults);
    let leaving = test.delete(&test.instances(&format!("/{id}"))).await.expect(202);
    assert_eq!(leaving["state"], "deprovisioning");
    assert!(test.env_names().await.is_empty(), "what it yields leaves the site at once");
    test.eventually(|instances| instances.is_empty()).await;
    assert_eq!(test.provider.count(), 0);
}

#[tokio::test]
async fn row_29_a_delete_during_an_async_create_deletes_what_was_made() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    let created = test.create(small()).await.expect(201);
    let id = created["id"].as_str().unwrap();
    test.delete(&test.instances(&format!("/{id}"))).await.expect(204);
    assert_eq!((test.provider.made(), test.provider.count()), (1, 0));
    assert!(test.all_instances().await.is_empty());
}

#[tokio::test]
async fn row_30_an_add_on_that_is_gone_for_good_can_be_let_go_of() {
    let test = TestApp::with_config(Config { instance_wait: Duration::from_millis(200), ..config() }).await;
    let created = test.create(small()).await.expect(201);
    let id = created["id"].as_str().unwrap();
    test.provider.fail("DELETE /instances/:id", vec![Fault::HangUp; 500]);
    test.delete(&test.instances(&format!("/{id}"))).await.expect(202);
    let detached = test.post(&test.instances(&format!("/{id}/detach")), Value::Null).await.expect(200);
    assert_eq!((&detached["state"], &detached["remote_id"]), (&json!("detached"), &json!("remote-1")));
    assert_eq!(test.get(&test.site("/service-instances")).await.expect(200), json!([]));
    assert_eq!(test.create(small()).await.expect(201)["state"], "active", "the site may use the add-on again");
}

#[tokio::test]
async fn row_31_a_refused_signature_is_told_apart_and_not_repeated() {
    let test = TestApp::start().await;
    test.provider.forget_secrets();
    test.provider.accept_secret("another secret");
    check_create(&test, vec![], 502, "refuses our signature", "failed").await;
    assert_eq!(test.provider.seen("POST /instances").len(), 1);
}

#[tokio::test]
async fn row_32_a_secret_that_is_rotated_while_an_instance_is_being_made() {
    let test = TestApp::start().await;
    test.provider.set_state(Some("provisioning"));
    test.create(small()).await.expect(201);
    let rotated = test.post("/services/test/rotate-secret", json!({ "overlap_seconds": 3600 })).await.expect(200);
    let new = rotated["secret"].as_str().unwrap();
    test.provider.accept_secret(new);
    test.post("/services/test/rotate-secret", json!({ "finish": true })).await.expect(200);
    test.provider.forget_secrets();
    test.provider.accept_secret(new);
    test.provider.set_state(Some("active"));
    test.eventually(|instances| instances[0]["state"] == "active").await;
}

#[tokio::test]
async fn row_34_variables_are_published_all_or_none_and_the_instance_stays() {
    let test = TestApp::start().await;
    let id = test.create(small()).await.expect(201)["id"].as_str().unwrap().to_owned();
    let own = json!([{ "key": "TAKEN", "values": [{ "value": "mine" }] }]);
    test.post(&format!("/accounts/acme/env?site_id={}", test.site_id), own).await.expect(201);
    test.provider.set_env(json!({ "TEST_URL": "new", "MORE": "new", "TAKEN": "theirs" }));
    let refused = test.post(&test.instances(&format!("/{id}/refresh")), Value::Null).await.refused(409);
    assert!(refused.contains("TAKEN"), "{refused}");
    let shown = test.all_instances().await;
    assert_eq!(
        (&shown[0]["state"], &shown[0]["env"]),
        (&json!("active"), &json!({ "TEST_URL": "https://db.example/1" }))
    );
    assert_eq!(test.env_names().await, ["TAKEN", "TEST_URL"]);
}

#[tokio::test]
async fn row_33_a_callback_ends_the_wait_and_repeats_are_ignored() {
    let test = TestApp::with_config(Config { retry_pause: Duration::from_secs(30), ..config() }).await;
    test.provider.set_state(Some("provisioning"));
    test.create(small()).await.expect(201);
    let sent = test.provider.seen("POST /instances").remove(0);
    let url = sent.body["config"]["callback_url"].as_str().unwrap().to_owned();
    let report = |body: Value| test.http().post(&url).json(&body).send();
    let wrong = test.http().post(format!("{url}x")).json(&json!({})).send().await.unwrap();
    assert_eq!(wrong.status(), 404);
    let ready = json!({ "state": "active", "env": { "TEST_URL": "https://called.back" } });
    assert_eq!(report(ready).await.unwrap().status(), 204);
    let instances = test.eventually(|instances| instances[0]["state"] == "active").await;
    assert_eq!(instances[0]["env"]["TEST_URL"], "https://called.back");
    assert_eq!(report(json!({ "state": "failed" })).await.unwrap().status(), 204);
    assert_eq!(test.all_instances().await[0]["state"], "active");
}

#[tokio::test]
async fn a_partner_that_is_down_is_retried_and_then_nothing_is_left() {
    let test = TestApp::start().await;
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let addon = test.app.store.find_addon("test").await.unwrap().unwrap();
    outrigger_platform::ops::addons::move_addon(&test.app, &addon, &dead).await.unwrap();
    let refused = test.create(small()).await.refused(502);
    assert!(refused.contains("cannot be reached"), "{refused}");
    assert_eq!(state_of(&test.all_instances().await), "failed");
}
