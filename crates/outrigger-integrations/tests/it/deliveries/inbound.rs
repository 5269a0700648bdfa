//! Requests from outside.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use outrigger_integrations::webhook_signature::{WebhookSecret, sign};
use outrigger_integrations::*;

use super::bench::{Bench, Mood, Moods, TOKEN, scope};

fn headers<const N: usize>(pairs: [(&'static str, String); N]) -> HeaderMap {
    pairs.into_iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn receive(bench: &Bench, address: impl ToString, headers: HeaderMap, body: &'static str) -> InboundReply {
    bench.manager.receive(&address.to_string(), InboundRequest::post(headers, body)).await
}

#[tokio::test]
async fn whoever_is_not_believed_learns_nothing() {
    let bench = Bench::new().await;
    let shared = bench.config_of::<0>("shared", "a", bench.settings("shared")).await;
    let silent = bench.config_of::<0>("silent", "a", bench.settings("none")).await;
    let panics = bench.config_of::<0>("panics", "a", bench.settings("panics")).await;
    let disabled = bench.config_of::<0>("disabled", "a", bench.settings("open")).await;
    bench.set_enabled(disabled, false).await;
    let wrong = || headers([("x-secret", "guess".to_owned())]);
    let nobody = "cfg_0193f3a0b5c77aaa8bbb0123456789ab";
    let answer = receive(&bench, nobody, wrong(), "x").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    for address in [shared, silent, panics, disabled] {
        assert_eq!(receive(&bench, address, wrong(), "x").await, answer);
        assert_eq!(receive(&bench, address, HeaderMap::new(), "x").await, answer);
    }
    assert_eq!(receive(&bench, "../../etc", wrong(), "x").await, answer);
    let mut twice = headers([("x-secret", TOKEN.to_owned())]);
    twice.append("x-secret", "guess".parse().unwrap());
    assert_eq!(receive(&bench, shared, twice, "x").await, answer, "which of two is meant nobody knows");
    assert_eq!(receive(&bench, shared, headers([("x-secret", TOKEN.to_owned())]), "x").await.status, StatusCode::OK);
    let large = InboundRequest::post(HeaderMap::new(), vec![0; MAX_INBOUND_BYTES + 1]);
    assert_eq!(bench.manager.receive(nobody, large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_message_with_an_id_is_taken_once_and_never_when_it_is_old() {
    let bench = Bench::new().await;
    let config = bench.config_of::<0>("one", "a", bench.settings("standard")).await;
    bench.started().await;
    let secret = WebhookSecret::from_bytes(TOKEN.as_bytes());
    let signed = |id: &str, body: &str| {
        let now = bench.now().as_second();
        let signature = sign(std::slice::from_ref(&secret), id, now, body.as_bytes());
        headers([
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", now.to_string()),
            ("webhook-signature", signature),
        ])
    };
    let first = signed("m1", "hello");
    bench.hook.be(Moods { receive: Mood::Fails, ..Moods::default() });
    assert_eq!(receive(&bench, config, first.clone(), "hello").await.status, StatusCode::SERVICE_UNAVAILABLE);
    bench.hook.be(Moods::default());
    // What failed is not taken, so it may come again; what was taken is answered and not handled again.
    assert_eq!(receive(&bench, config, first.clone(), "hello").await.status, StatusCode::OK);
    assert_eq!(receive(&bench, config, first.clone(), "hello").await, InboundReply::accepted());
    assert_eq!(receive(&bench, config, first.clone(), "changed").await.status, StatusCode::NOT_FOUND);
    assert_eq!(receive(&bench, config, signed("m2", "hello"), "hello").await.status, StatusCode::OK);
    bench.work().await;
    assert_eq!(bench.service.bodies(), ["heard hello", "heard hello"]);
    bench.pass(301);
    assert_eq!(receive(&bench, config, first, "hello").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_integration_that_fails_panics_or_hangs_at_a_request_keeps_nothing_of_it() {
    let bench = Bench::new().await;
    let config = bench.config_of::<0>("one", "a", bench.settings("open")).await;
    bench.started().await;
    for mood in [Mood::Fails, Mood::Panics] {
        bench.hook.be(Moods { receive: mood, ..Moods::default() });
        let reply = receive(&bench, config, HeaderMap::new(), "x").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{mood:?}");
        assert!(!String::from_utf8_lossy(&reply.body).contains("luck"));
    }
    assert!(bench.list(config).await.is_empty());
    bench.hook.be(Moods::default());
    assert_eq!(receive(&bench, config, HeaderMap::new(), "x").await.status, StatusCode::OK);
    bench.work().await;
    assert_eq!(bench.list(config).await[0].origin, Origin::Inbound);
}

#[tokio::test]
async fn a_published_key_is_fetched_once_and_again_when_it_was_replaced() {
    let bench = Bench::new().await;
    let config = bench.config_of::<0>("one", "a", bench.settings(&bench.service.key_url())).await;
    let (old, new) = (Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap());
    let signed = |key: &Ed25519KeyPair| {
        let time = bench.now().as_second().to_string();
        let signature = hex(key.sign(format!("{time}hello").as_bytes()).as_ref());
        headers([("x-time", time), ("x-signature", signature)])
    };
    let status = async |key: &Ed25519KeyPair| receive(&bench, config, signed(key), "hello").await.status;
    bench.service.publish(hex(old.public_key().as_ref()));
    assert_eq!(status(&old).await, StatusCode::OK);
    assert_eq!(status(&new).await, StatusCode::NOT_FOUND);
    bench.service.publish(hex(new.public_key().as_ref()));
    assert_eq!(status(&old).await, StatusCode::OK, "from memory");
    assert_eq!(status(&new).await, StatusCode::NOT_FOUND, "not asked for at each guess");
    bench.pass(61);
    assert_eq!(status(&new).await, StatusCode::OK);
    let stale = signed(&new);
    bench.pass(61);
    assert_eq!(receive(&bench, config, stale, "hello").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_code_over_the_body_is_checked() {
    let bench = Bench::new().await;
    let config = bench.config_of::<0>("one", "a", bench.settings("hmac")).await;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, TOKEN.as_bytes());
    let code = hex(aws_lc_rs::hmac::sign(&key, b"hello").as_ref());
    let right = || headers([("x-signature", format!("sha256={code}"))]);
    assert_eq!(receive(&bench, config, right(), "hello").await.status, StatusCode::OK);
    assert_eq!(receive(&bench, config, right(), "hellO").await.status, StatusCode::NOT_FOUND);
    for wrong in [code.clone(), "sha256=".into(), format!("sha256={}", &code[1..]), "sha256=é".into()] {
        let Ok(value) = wrong.parse() else { continue };
        let mut headers = HeaderMap::new();
        headers.insert("x-signature", value);
        assert_eq!(receive(&bench, config, headers, "hello").await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    assert!(
        bench.manager.deliveries(&scope("b"), config, &DeliveryFilter::default(), None, 9).await.unwrap().is_empty()
    );
}
