//! The developer API as clients see it.

use http::Method;
use outrigger_upstash::{ApiError, Credentials};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::account::{TestAccount, credentials};

#[tokio::test]
async fn a_wrong_key_and_a_wrong_email_are_refused() {
    let test = TestAccount::new().await;
    let api = test.api();
    assert!(api.list_databases(&test.credentials()).await.unwrap().is_empty());
    for (email, key) in [("ada@example.com", "wrong"), ("bob@example.com", test.account.api_key.as_str())] {
        let refused = api.list_databases(&Credentials::new(email, key).unwrap()).await.unwrap_err();
        assert_eq!(refused, ApiError::WrongKey);
    }
    let renewed = test.emulator.add_account("ada@example.com");
    assert_eq!(api.list_databases(&test.credentials()).await.unwrap_err(), ApiError::WrongKey, "the old key is gone");
    api.list_databases(&credentials(&renewed)).await.unwrap();
}

#[tokio::test]
async fn databases_come_and_go() {
    let test = TestAccount::new().await;
    let (api, account) = (test.api(), test.credentials());
    let made = test.create_database("my cache").await;
    let id = made["database_id"].as_str().unwrap();
    assert_eq!((&made["user_email"], &made["primary_region"]), (&json!("ada@example.com"), &json!("eu-west-1")));
    let listed = api.list_databases(&account).await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str(), listed[0].is_usable()), (1, "my cache", true));
    let got = api.get_database(&account, id).await.unwrap();
    assert_eq!(got.rest_token.as_ref().unwrap().expose_secret(), made["rest_token"].as_str().unwrap());
    assert_eq!(got.endpoint, made["endpoint"]);

    let (_, hidden) = test.ask(Method::GET, &format!("/redis/database/{id}?credentials=hide"), &Value::Null).await;
    for secret in ["password", "rest_token", "read_only_rest_token"] {
        assert!(made[secret].is_string() && hidden.get(secret).is_none(), "{secret}");
    }
    let (status, renamed) = test.ask(Method::POST, &format!("/redis/rename/{id}"), &json!({ "name": "other" })).await;
    assert_eq!((status, &renamed["database_name"]), (200, &json!("other")));
    let reset = api.reset_password(&account, id).await.unwrap();
    assert_ne!(reset.rest_token.unwrap().expose_secret(), made["rest_token"].as_str().unwrap());

    let removed = test.ask(Method::DELETE, &format!("/redis/database/{id}"), &Value::Null).await;
    assert_eq!(removed, (200, json!("OK")));
    assert_eq!(api.get_database(&account, id).await.unwrap_err(), ApiError::Missing);
    assert_eq!(api.get_database(&account, "a/../b").await.unwrap_err(), ApiError::Missing);
    assert!(api.list_databases(&account).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_databases_of_others_are_not_there() {
    let test = TestAccount::new().await;
    let made = test.create_database("mine").await;
    let id = made["database_id"].as_str().unwrap();
    let other = test.emulator.add_account("bob@example.com");
    for (method, path) in [
        (Method::GET, format!("/redis/database/{id}")),
        (Method::DELETE, format!("/redis/database/{id}")),
        (Method::POST, format!("/redis/reset-password/{id}")),
        (Method::POST, format!("/redis/enable-eviction/{id}")),
        (Method::GET, format!("/redis/stats/{id}")),
    ] {
        let (status, body) = test.ask_as(&other, method, &path, &Value::Null).await;
        assert_eq!((status, &body["error"]), (404, &json!("database not found")), "{path}");
    }
    assert_eq!(test.api().list_databases(&credentials(&other)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_json() {
    let test = TestAccount::new().await;
    test.create_database("taken").await;
    for bad in [
        json!(null),
        json!({}),
        json!({ "database_name": " " }),
        json!({ "name": "taken" }),
        json!({ "name": "x", "primary_region": "mars-1" }),
        json!({ "name": "x", "read_regions": ["af-south-1"] }),
    ] {
        let (status, body) = test.ask(Method::POST, "/redis/database", &bad).await;
        assert!(status == 400 && body["error"].is_string(), "{bad}: {status} {body}");
    }
    assert_eq!(test.ask(Method::PUT, "/redis/databases", &Value::Null).await.0, 405);
    assert_eq!(test.ask(Method::GET, "/nothing", &Value::Null).await.0, 404);
}

#[tokio::test]
async fn the_other_operations_answer_as_their_clients_expect() {
    let test = TestAccount::new().await;
    let made = test.create_database("cache").await;
    let id = made["database_id"].as_str().unwrap();
    let ok = (200, json!("OK"));
    for (method, path, body) in [
        (Method::POST, format!("/redis/enable-eviction/{id}"), json!(null)),
        (Method::POST, format!("/redis/enable-autoupgrade/{id}"), json!(null)),
        (Method::POST, format!("/redis/disable-prodpack/{id}"), json!(null)),
        (Method::POST, format!("/redis/update-allowlist/{id}"), json!({ "allowed_ips": [] })),
        (Method::POST, format!("/redis/{id}/change-plan"), json!({ "plan_name": "payg" })),
        (Method::PATCH, format!("/redis/update-budget/{id}"), json!({ "budget": 7 })),
        (Method::POST, format!("/redis/update-regions/{id}"), json!({ "read_regions": ["us-west-1"] })),
        (Method::PATCH, format!("/redis/enable-dailybackup/{id}"), json!(null)),
        (Method::POST, format!("/redis/create-backup/{id}"), json!({ "name": "b" })),
    ] {
        assert_eq!(test.ask(method, &path, &body).await, ok, "{path}");
    }
    let (_, now) = test.ask(Method::GET, &format!("/redis/database/{id}"), &json!(null)).await;
    let got = (&now["eviction"], &now["type"], &now["budget"], &now["read_regions"][0], &now["daily_backup_enabled"]);
    assert_eq!(got, (&json!(true), &json!("payg"), &json!(7), &json!("us-west-1"), &json!(true)));
    assert!(test.ask(Method::GET, &format!("/redis/stats/{id}"), &json!(null)).await.1["throughput"].is_array());

    let (_, backups) = test.ask(Method::GET, &format!("/redis/list-backup/{id}"), &json!(null)).await;
    let backup = backups[0]["backup_id"].as_str().unwrap();
    let restore = json!({ "backup_id": backup });
    assert_eq!(test.ask(Method::POST, &format!("/redis/restore-backup/{id}"), &restore).await.0, 400);
    assert_eq!(test.ask(Method::DELETE, &format!("/redis/delete-backup/{id}/{backup}"), &json!(null)).await, ok);
    assert_eq!(test.ask(Method::DELETE, &format!("/redis/delete-backup/{id}/{backup}"), &json!(null)).await.0, 404);
    let team = json!({ "team_id": "t", "database_id": id });
    assert_eq!(test.ask(Method::POST, "/redis/move-to-team", &team).await.0, 404);
}
