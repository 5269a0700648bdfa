//! What tokens open, and for how long. All else of the REST interface is tried by the client from npm.

use std::sync::Arc;

use futures_util::StreamExt as _;
use http::{Method, header};
use outrigger_db::{SystemClock, SystemEntropy};
use outrigger_upstash::emulator::Emulator;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::account::{TestAccount, has_redis};

#[tokio::test]
async fn old_tokens_end_at_once() {
    if !has_redis() {
        return;
    }
    let test = TestAccount::new().await;
    let made = test.create_database("cache").await;
    let id = made["database_id"].as_str().unwrap();
    assert_eq!(test.command(&made, "rest_token", &json!(["SET", "k", "v"])).await.0, 200);
    assert_eq!(
        test.command(&made, "read_only_rest_token", &json!(["GET", "k"])).await,
        (200, json!({ "result": "v" }))
    );
    assert_eq!(test.command(&made, "read_only_rest_token", &json!(["DEL", "k"])).await.0, 400);
    let (_, reset) = test.ask(Method::POST, &format!("/redis/reset-password/{id}"), &Value::Null).await;
    for token in ["rest_token", "read_only_rest_token"] {
        let refused = test.command(&made, token, &json!(["GET", "k"])).await;
        assert_eq!(refused, (401, json!({ "error": "WRONGPASS invalid or missing auth token" })));
        assert_eq!(test.command(&reset, token, &json!(["GET", "k"])).await.1, json!({ "result": "v" }));
    }
    test.ask(Method::DELETE, &format!("/redis/database/{id}"), &Value::Null).await;
    assert_eq!(test.command(&reset, "rest_token", &json!(["GET", "k"])).await.0, 401);
}

#[tokio::test]
async fn databases_share_nothing() {
    if !has_redis() {
        return;
    }
    let test = TestAccount::new().await;
    let (one, two) = (test.create_database("one").await, test.create_database("two").await);
    for database in [&one, &two] {
        test.command(database, "rest_token", &json!(["SET", "name", database["database_name"]])).await;
    }
    test.command(&one, "rest_token", &json!(["FLUSHALL"])).await;
    assert_eq!(test.command(&two, "rest_token", &json!(["GET", "name"])).await.1, json!({ "result": "two" }));
    // The token alone says which is meant; with another's address it opens nothing.
    let token = two["rest_token"].as_str().unwrap();
    let anywhere = test.command_with(test.emulator.api_url().authority(), token, &json!(["DBSIZE"])).await;
    assert_eq!(anywhere.body.as_ref(), br#"{"result":1}"#);
    let elsewhere = test.command_with(one["endpoint"].as_str().unwrap(), token, &json!(["DBSIZE"])).await;
    assert_eq!(elsewhere.status.as_u16(), 401);
}

#[tokio::test]
async fn a_subscription_ends_with_its_token() {
    if !has_redis() {
        return;
    }
    let test = TestAccount::new().await;
    let made = test.create_database("cache").await;
    let url = format!("http://{}/subscribe/news", made["endpoint"].as_str().unwrap()).parse().unwrap();
    let token = made["rest_token"].as_str().unwrap();
    let request = test.outbound.request(Method::POST, url).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let mut events = request.send().await.unwrap().bytes_stream();
    assert_eq!(events.next().await.unwrap().unwrap(), "data: subscribe,news,1\n\n");
    test.command(&made, "rest_token", &json!(["PUBLISH", "news", "one\ntwo"])).await;
    assert_eq!(events.next().await.unwrap().unwrap(), "data: message,news,one\ndata: two\n\n");
    let path = format!("/redis/reset-password/{}", made["database_id"].as_str().unwrap());
    test.ask(Method::POST, &path, &Value::Null).await;
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn without_a_redis_server_the_error_says_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stop = CancellationToken::new();
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let (emulator, running) = Emulator::start(listener, None, clock, entropy, stop.clone()).unwrap();
    let mut test = TestAccount::new().await;
    test.account = emulator.add_account("ada@example.com");
    test.emulator = emulator;
    let made = test.create_database("cache").await;
    let (status, body) = test.command(&made, "rest_token", &json!(["PING"])).await;
    assert_eq!(status, 500);
    assert!(body["error"].as_str().unwrap().contains("install the Debian package redis-server"), "{body}");
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    assert!(Emulator::start(listener, None, clock, entropy, CancellationToken::new()).is_err());
}
