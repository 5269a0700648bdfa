//! Keys that come from a server: when it is asked, and what counts when it does not answer.

use std::time::Duration;

use axum::http::StatusCode;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use outrigger_gateway::Identity;
use serde_json::{Value, json};

use super::harness::{Answer, KeyServer, NOW, World};

struct Signer {
    key: EncodingKey,
    jwk: Value,
    kid: String,
}

impl Signer {
    fn new(kid: &str) -> Signer {
        let key = EncodingKey::from_ec_der(&rcgen::KeyPair::generate().unwrap().serialize_der());
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
        jwk["kid"] = json!(kid);
        Signer { key, jwk, kid: kid.to_owned() }
    }

    fn token_with_kid(&self, kid: &str) -> String {
        let head = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&head, &json!({ "exp": NOW + 1_000_000, "sub": self.kid }), &self.key).unwrap()
    }

    fn token(&self) -> String {
        self.token_with_kid(&self.kid)
    }
}

#[tokio::test]
async fn all_threads_share_the_keys_that_were_fetched_once() {
    let one = Signer::new("one");
    let server = KeyServer::new(Answer::Keys(json!([one.jwk]))).await;
    let world = std::sync::Arc::new(World::new(Some(server.identity())).await);
    let requests = (0..40).map(|_| {
        let (world, token) = (world.clone(), one.token());
        tokio::spawn(async move { world.word(&token).await })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), "valid");
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn another_thread_asks_when_the_one_that_did_is_gone() {
    let one = Signer::new("one");
    let server = KeyServer::new(Answer::Never).await;
    let first = World::of(Some(server.identity()), |_| true, Duration::from_secs(60)).await;
    let second = first.elsewhere();
    let (bearer, url) = (format!("Bearer {}", one.token()), first.url("/.netlify/tally/x"));
    let waiting = reqwest::Client::builder().no_proxy().build().unwrap().get(url);
    let waiting = tokio::spawn(waiting.header("host", "shop.localhost").header("authorization", bearer).send());
    while server.asked() == 0 {
        tokio::task::yield_now().await;
    }
    first.stop().await;
    assert!(waiting.await.unwrap().is_err());
    server.answers(Answer::Keys(json!([one.jwk])));
    assert_eq!((second.word(&one.token()).await.as_str(), server.asked()), ("valid", 2));
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_has_it_but_made_up_ones_ask_nobody() {
    let (one, two) = (Signer::new("one"), Signer::new("two"));
    let server = KeyServer::new(Answer::Keys(json!([one.jwk]))).await;
    let world = World::new(Some(server.identity())).await;
    assert_eq!(world.word(&one.token()).await, "valid");
    server.answers(Answer::Keys(json!([two.jwk])));
    for number in 0..20 {
        assert_eq!(world.word(&one.token_with_kid(&format!("made-up-{number}"))).await, "invalid");
    }
    assert_eq!((server.asked(), world.word(&two.token()).await.as_str()), (1, "invalid"));
    world.pass(30);
    assert_eq!(world.word(&two.token()).await, "valid");
    assert_eq!(world.word(&one.token()).await, "invalid", "its key was taken back");
    assert_eq!(world.word(&one.token_with_kid("two")).await, "invalid");
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn old_keys_count_for_an_hour_while_no_new_ones_can_be_had() {
    let one = Signer::new("one");
    let server = KeyServer::new(Answer::Keys(json!([one.jwk]))).await;
    let world = World::new(Some(server.identity())).await;
    assert_eq!(world.word(&one.token()).await, "valid");
    server.answers(Answer::Status(StatusCode::INTERNAL_SERVER_ERROR));
    world.pass(100 + 3599);
    assert_eq!(world.word(&one.token()).await, "valid");
    world.pass(11);
    assert_eq!(world.word(&one.token()).await, "unavailable");
    server.answers(Answer::Keys(json!([one.jwk])));
    world.pass(11);
    assert_eq!(world.word(&one.token()).await, "valid");
}

#[tokio::test]
async fn a_key_that_was_taken_back_does_not_count_after_a_quiet_time() {
    let (one, two) = (Signer::new("one"), Signer::new("two"));
    let server = KeyServer::new(Answer::Keys(json!([one.jwk]))).await;
    let world = World::new(Some(server.identity())).await;
    assert_eq!(world.word(&one.token()).await, "valid");
    server.answers(Answer::Keys(json!([two.jwk])));
    world.pass(100 + 60);
    assert_eq!(world.word(&one.token()).await, "invalid");
    assert_eq!((world.word(&two.token()).await.as_str(), server.asked()), ("valid", 2));
}

#[tokio::test]
async fn nobody_waits_for_keys_while_those_that_just_became_old_can_be_used() {
    let one = Signer::new("one");
    let server = KeyServer::new(Answer::Keys(json!([one.jwk]))).await;
    let world = World::of(Some(server.identity()), |_| true, Duration::from_secs(60)).await;
    assert_eq!(world.word(&one.token()).await, "valid");
    server.answers(Answer::Never);
    world.pass(100);
    for _ in 0..3 {
        assert_eq!(world.word(&one.token()).await, "valid");
    }
    while server.asked() == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn old_keys_count_where_the_server_is_too_slow_to_give_new_ones() {
    let one = Signer::new("one");
    let server = KeyServer::new(Answer::Keys(json!([one.jwk]))).await;
    let world = World::new(Some(server.identity())).await;
    assert_eq!(world.word(&one.token()).await, "valid");
    server.answers(Answer::Never);
    world.pass(100 + 600);
    assert_eq!(world.word(&one.token()).await, "valid");
}

#[tokio::test]
async fn without_keys_no_token_counts() {
    let one = Signer::new("one");
    let good = KeyServer::new(Answer::Keys(json!([one.jwk]))).await;
    let huge = json!({ "keys": [one.jwk], "more": "x".repeat(300_000) }).to_string();
    for answer in [
        Answer::Never,
        Answer::Status(StatusCode::NOT_FOUND),
        Answer::Redirect(good.url.clone()),
        Answer::Text("<html>".into()),
        Answer::Text(huge),
        Answer::Keys(json!(vec![one.jwk.clone(); 65])),
    ] {
        let server = KeyServer::new(answer).await;
        let world = World::new(Some(server.identity())).await;
        let got = world.add_on(&[("authorization", &format!("Bearer {}", one.token()))]).await;
        assert_eq!((got.word(), &*got.authorization), ("unavailable", &[][..]));
        assert_eq!(world.word(&one.token()).await, "unavailable");
    }
    assert_eq!(good.asked(), 0);
}

#[tokio::test]
async fn no_server_is_asked_at_an_address_that_is_not_allowed() {
    let one = Signer::new("one");
    let server = KeyServer::new(Answer::Keys(json!([one.jwk]))).await;
    let at = |host: &str| Identity::Jwks {
        url: server.url.replace("127.0.0.1", host).parse().unwrap(),
        issuer: None,
        audience: None,
    };
    for (identity, word) in [(at("127.0.0.2"), "unavailable"), (at("127.0.0.1"), "valid")] {
        let world = World::of(Some(identity), |last| last == 1, Duration::from_secs(5)).await;
        assert_eq!(world.word(&one.token()).await, word);
    }
    assert_eq!(server.asked(), 1);
}
