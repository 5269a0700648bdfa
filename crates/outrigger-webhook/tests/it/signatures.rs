//! A receiver can tell with a library of its language that it is us.

use outrigger_integrations::{FieldFaults, Integration as _, SendError, Settings as _};
use outrigger_webhook::{Webhook, WebhookSettings};
use serde_json::{Value, json};

use crate::host::{SECRET, Shop, config, delivery, message, open, send_to};
use crate::receiver::Receiver;

const NEW_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDQQ9wQQ9w";

#[tokio::test]
async fn the_receiver_s_library_believes_what_arrives() {
    let (receiver, url) = Receiver::knowing(SECRET).await;
    let sent = send_to(&format!("{url}/hooks?token=x"), &open()).await.unwrap();
    assert_eq!((sent.status, sent.summary.as_str()), (Some(202), "thank you"));
    let heard = &receiver.heard()[0];
    assert_eq!(heard.header("content-type"), "application/json");
    assert_eq!(heard.header("webhook-id"), delivery().to_string());
    let expected = json!({
        "type": "order.paid",
        "timestamp": "2026-01-01T00:00:00Z",
        "data": { "number": 7, "who": "Zoë" },
    });
    assert_eq!((&heard.method, heard.json()), (&axum::http::Method::POST, expected));
}

#[tokio::test]
async fn each_attempt_has_the_same_id_and_body() {
    let (receiver, url) = Receiver::knowing(SECRET).await;
    for _ in 0..2 {
        send_to(&url, &open()).await.unwrap();
    }
    let heard = receiver.heard();
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    assert_eq!(heard[0].body, heard[1].body);
}

#[tokio::test]
async fn while_secrets_change_receivers_that_know_either_believe_it() {
    let webhook = Webhook::<Shop>::new();
    for known in [SECRET, NEW_SECRET] {
        let (_, url) = Receiver::knowing(known).await;
        let both = config(json!({ "url": url, "secret": NEW_SECRET, "previous_secret": SECRET }));
        webhook.send(&both, &message(), &delivery(), &open()).await.unwrap();
        let new = config(json!({ "url": url, "secret": NEW_SECRET }));
        let only_new = webhook.send(&new, &message(), &delivery(), &open()).await;
        assert_eq!(only_new.is_ok(), known == NEW_SECRET);
    }
}

#[tokio::test]
async fn a_receiver_that_does_not_believe_us_is_tried_again() {
    let (receiver, url) = Receiver::knowing(NEW_SECRET).await;
    let refused = send_to(&url, &open()).await.unwrap_err();
    assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
    assert_eq!(receiver.heard().len(), 1);
}

#[track_caller]
fn faults(secret: Value, previous: Value) -> FieldFaults {
    let values = json!({ "url": "https://example.com/", "secret": secret, "previous_secret": previous });
    let read = WebhookSettings::<Shop>::from_values(&serde_json::from_value(values).unwrap());
    read.err().unwrap_or_default()
}

#[test]
fn only_secrets_of_the_scheme_are_taken() {
    assert!(faults(json!(SECRET), Value::Null).is_empty());
    assert!(faults(json!(SECRET), json!(NEW_SECRET)).is_empty());
    for wrong in [
        json!(""),
        json!("whsec_"),
        json!("whsec_c2hvcnQ="),
        json!(SECRET.trim_start_matches("whsec_")),
        json!(SECRET.replace('M', "!")),
        json!(format!("{SECRET}{}", "A".repeat(100))),
        Value::Null,
    ] {
        let found = faults(wrong.clone(), Value::Null);
        assert!(!found.of("secret").is_empty(), "{wrong}");
        assert!(wrong == "" || !found.to_string().contains(&wrong.to_string()), "{found}");
    }
    assert!(!faults(json!(SECRET), json!("hunter2")).of("previous_secret").is_empty());
}

#[test]
fn nothing_secret_is_shown() {
    let settings = crate::host::settings(json!({ "url": "https://example.com/T0/x", "secret": SECRET }));
    let shown = serde_json::to_string(&settings).unwrap();
    assert!(!shown.contains("T0") && !shown.contains("MfKQ"), "{shown}");
}
