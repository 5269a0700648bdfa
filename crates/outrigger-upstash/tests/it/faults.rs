//! Bad days of Upstash, as the client of the developer API tells them apart.

use std::time::Duration;

use http::Method;
use outrigger_upstash::ApiError;
use outrigger_upstash::emulator::{Fault, FaultKind, Half};
use serde_json::{Value, json};

use crate::account::{TestAccount, has_redis};

#[tokio::test]
async fn each_fault_has_an_error_of_its_own() {
    let test = TestAccount::new().await;
    let after = Some(Duration::from_secs(7));
    for (kind, expected, may_pass) in [
        (FaultKind::Unauthorized, ApiError::WrongKey, false),
        (FaultKind::NotFound, ApiError::Missing, false),
        (FaultKind::RateLimited(7), ApiError::RateLimited { after }, true),
        (FaultKind::Failed, ApiError::Outage { status: 500, after: None }, true),
        (FaultKind::Html, ApiError::NotJson { status: 200 }, true),
    ] {
        test.emulator.fail(Fault::once(Half::Developer, "/redis/databases", kind));
        let failed = test.api().list_databases(&test.credentials()).await.unwrap_err();
        assert_eq!((&failed, failed.may_pass()), (&expected, may_pass));
        assert!(!failed.to_string().contains(&test.account.api_key));
    }
    test.api().list_databases(&test.credentials()).await.unwrap();
}

#[tokio::test]
async fn a_slow_answer_is_given_up() {
    let test = TestAccount::with_time_limit(Duration::from_millis(300)).await;
    test.emulator.fail(Fault::all(Half::Developer, FaultKind::Slow(60_000)));
    let failed = test.api().list_databases(&test.credentials()).await.unwrap_err();
    assert!(matches!(failed, ApiError::Lost(_)) && failed.may_pass(), "{failed:?}");
}

#[tokio::test]
async fn a_dropped_connection_has_done_its_work() {
    let test = TestAccount::new().await;
    let made = test.create_database("cache").await;
    let id = made["database_id"].as_str().unwrap();
    test.emulator.fail(Fault::once(Half::Developer, "/reset-password/", FaultKind::Dropped));
    let failed = test.api().reset_password(&test.credentials(), id).await.unwrap_err();
    assert!(matches!(failed, ApiError::Lost(_)), "{failed:?}");
    let (_, now) = test.ask(Method::GET, &format!("/redis/database/{id}"), &Value::Null).await;
    assert_ne!(now["rest_token"], made["rest_token"], "it was executed");

    test.emulator.fail(Fault::once(Half::Developer, "/reset-password/", FaultKind::Unheard));
    let failed = test.api().reset_password(&test.credentials(), id).await.unwrap_err();
    assert!(matches!(failed, ApiError::Lost(_)) && failed.may_be_done(), "{failed:?}");
    let (_, then) = test.ask(Method::GET, &format!("/redis/database/{id}"), &Value::Null).await;
    assert_eq!(then["rest_token"], now["rest_token"], "nobody can tell from the outside");
}

#[tokio::test]
async fn nobody_there_is_told_from_somebody_who_hangs_up() {
    let test = TestAccount::new().await;
    let (api, account) = (test.api(), test.credentials());
    drop(test);
    let failed = loop {
        // Until the listener is gone: stopping takes the emulator a moment.
        match api.list_databases(&account).await {
            Err(ApiError::NotReached(reason)) => break reason,
            Err(ApiError::Lost(_)) | Ok(_) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(!failed.is_empty());
}

#[tokio::test]
async fn faults_can_be_asked_for_over_http() {
    let test = TestAccount::new().await;
    let origin = test.emulator.api_url();
    let send = async |method, path: &str, body: Option<Value>| {
        let request = test.outbound.request(method, origin.join(path).unwrap());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let reply = test.outbound.send(request).await.unwrap();
        (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    };
    let fault = json!({ "half": "developer", "kind": { "rate_limited": 3 } });
    assert_eq!(send(Method::POST, "/emulator/faults", Some(fault)).await.0, 204);
    let failed = test.api().list_databases(&test.credentials()).await.unwrap_err();
    assert_eq!(failed.retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(send(Method::GET, "/emulator/faults", None).await.1.as_array().unwrap().len(), 1);
    assert_eq!(send(Method::DELETE, "/emulator/faults", None).await.0, 204);
    test.api().list_databases(&test.credentials()).await.unwrap();

    let typo = json!({ "half": "developer", "kind": "html", "tims": 1 });
    assert_eq!(send(Method::POST, "/emulator/faults", Some(typo)).await.0, 422);
    let (status, made) = send(Method::POST, "/emulator/accounts", Some(json!({ "email": "bob@example.com" }))).await;
    assert!(status == 200 && made["api_key"].as_str().unwrap().len() > 30);
    assert_eq!(send(Method::GET, "/emulator", None).await.1["api_url"], origin.as_str());
}

#[tokio::test]
async fn databases_fail_on_demand_too() {
    if !has_redis() {
        return;
    }
    let test = TestAccount::new().await;
    let made = test.create_database("cache").await;
    test.emulator.fail(Fault::once(Half::Rest, "", FaultKind::Failed));
    let failed = test.command(&made, "rest_token", &json!(["PING"])).await;
    assert_eq!(failed, (500, json!({ "error": "internal server error" })));
    assert_eq!(test.command(&made, "rest_token", &json!(["PING"])).await, (200, json!({ "result": "PONG" })));
}
