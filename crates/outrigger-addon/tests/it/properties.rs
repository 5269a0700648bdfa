//! What must hold for any input.

use std::time::Duration;

use jiff::Timestamp;
use outrigger_addon::env_name::EnvName;
use outrigger_addon::instances::{CreateRequest, Created, InstanceDetails, Refusal, UpdateRequest};
use outrigger_addon::manifest::{ConfigField, FieldKind, Manifest};
use outrigger_addon::signature::{DEFAULT_LEEWAY, sign, verify};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Keys that mean something somewhere, so that generated objects get past the first check.
const KEYS: [&str; 22] = [
    "name",
    "description",
    "admin_url",
    "config",
    "provides",
    "env",
    "snippets",
    "endpoint",
    "title",
    "position",
    "html",
    "type",
    "default",
    "pattern",
    "enum",
    "required",
    "env_prefix",
    "id",
    "uuid",
    "message",
    "errors",
    "state",
];

fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "string",
            "number",
            "head",
            "5",
            " 5 ",
            "TRUE",
            "1e3",
            "https://x.example",
            "A_B",
            ""
        ])
        .prop_map(Value::from),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    plain().prop_recursive(4, 48, 6, |inner| {
        let key = prop_oneof![prop::sample::select(&KEYS[..]).prop_map(str::to_owned), any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..8).prop_map(|pairs| pairs.into_iter().collect()),
        ]
    })
}

fn read_every_way(body: &[u8]) {
    // What is understood once is understood again, and as the same.
    if let Ok(manifest) = Manifest::parse(body) {
        assert_eq!(Manifest::parse(manifest.to_json().to_string().as_bytes()), Ok(manifest));
    }
    if let Ok(created) = Created::parse(body) {
        assert_eq!(Created::parse(&serde_json::to_vec(&created).unwrap()), Ok(created));
    }
    if let Ok(details) = InstanceDetails::parse(body) {
        assert_eq!(InstanceDetails::parse(&serde_json::to_vec(&details).unwrap()), Ok(details));
    }
    if let Ok(request) = CreateRequest::parse(body) {
        assert_eq!(CreateRequest::parse(&serde_json::to_vec(&request).unwrap()), Ok(request));
    }
    if let Ok(request) = UpdateRequest::parse(body) {
        assert_eq!(UpdateRequest::parse(&serde_json::to_vec(&request).unwrap()), Ok(request));
    }
    if let Some(Refusal { message }) = Refusal::parse(body) {
        assert!(!message.is_empty() && message.chars().count() <= Refusal::MAX_CHARS);
        assert!(!message.contains(char::is_control));
    }
}

fn config_field() -> impl Strategy<Value = ConfigField> {
    let kind = prop::sample::select(vec![FieldKind::String, FieldKind::Number, FieldKind::Boolean]);
    let pattern = prop::option::of(prop::sample::select(vec!["^[0-9]+$", "e", "(", "."]));
    let options = prop::collection::vec(plain(), 0..3);
    (kind, any::<bool>(), prop::option::of(plain()), pattern, options).prop_map(
        |(kind, required, default, pattern, options)| ConfigField {
            kind,
            required,
            default,
            pattern: pattern.map(str::to_owned),
            options,
            ..ConfigField::default()
        },
    )
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(body in any::<Vec<u8>>()) {
        read_every_way(&body);
    }

    #[test]
    fn no_json_makes_a_reader_panic(value in json_value()) {
        read_every_way(value.to_string().as_bytes());
    }

    #[test]
    fn no_token_makes_verification_panic(token in "[a-zA-Z0-9_.=-]{0,80}", rest in any::<String>()) {
        for text in [token, rest] {
            prop_assert!(verify::<Value>(&text, &["s"], Timestamp::UNIX_EPOCH, DEFAULT_LEEWAY).is_err());
        }
    }

    #[test]
    fn what_is_signed_is_verified(
        secret in "\\PC{1,40}".prop_filter("not blank", |secret| !secret.trim().is_empty()),
        now in 0_i64..4_000_000_000,
        lifetime in 1_i64..100_000,
        text in any::<String>(),
    ) {
        let claims = json!({ "exp": now + lifetime, "text": text });
        let token = sign(&claims, &secret);
        let second = |offset| Timestamp::from_second(now + offset).unwrap();
        prop_assert_eq!(verify::<Value>(&token, &[&secret], second(0), Duration::ZERO), Ok(claims));
        prop_assert!(verify::<Value>(&token, &[&secret], second(lifetime), Duration::ZERO).is_err());
        let other = format!("{secret}x");
        prop_assert!(verify::<Value>(&token, &[&other], second(0), Duration::ZERO).is_err());
    }

    #[test]
    fn checking_a_checked_config_changes_nothing(
        fields in prop::collection::vec(config_field(), 1..4),
        given in prop::collection::vec(plain(), 0..4),
    ) {
        let named = fields.into_iter().enumerate().map(|(index, field)| (format!("o{index}"), field));
        let manifest = Manifest { config: Some(named.collect()), ..Manifest::new("n", "d") };
        let given: Map<String, Value> =
            given.into_iter().enumerate().map(|(index, value)| (format!("o{index}"), value)).collect();
        if let Ok(checked) = manifest.check_config(&given) {
            prop_assert_eq!(manifest.check_config(&checked), Ok(checked));
        }
    }

    #[test]
    fn a_name_is_itself(text in "[A-Za-z_0-9]{1,12}") {
        if let Ok(name) = text.parse::<EnvName>() {
            prop_assert_eq!(name.to_string(), text);
        }
    }
}
