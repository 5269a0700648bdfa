//! The golden vectors of signatures, against us and against npm's jsonwebtoken.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use outrigger_addon::signature::{DEFAULT_LEEWAY, MAX_TOKEN_BYTES, SignatureError, sign, verify};
use serde::Deserialize;
use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/signatures.json");

#[derive(Deserialize)]
struct Vector {
    name: String,
    claims: Value,
    secret: String,
    /// Seconds since 1970.
    now: i64,
    token: String,
    expected: String,
    /// Whether signing the claims gives this very token.
    #[serde(default)]
    canonical: bool,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn word(error: &SignatureError) -> &'static str {
    match error {
        SignatureError::NoSecret => "no secret",
        SignatureError::TooLong => "too long",
        SignatureError::Malformed => "malformed",
        SignatureError::Algorithm => "algorithm",
        SignatureError::WrongSecret => "wrong secret",
        SignatureError::NoExpiry => "no expiry",
        SignatureError::Expired { .. } => "expired",
        SignatureError::NotYetValid { .. } => "not yet valid",
        SignatureError::Claims(_) => "claims",
        _ => "unnamed",
    }
}

fn verdict(token: &str, secrets: &[&str], now: i64) -> (&'static str, Option<Value>) {
    match verify::<Value>(token, secrets, at(now), DEFAULT_LEEWAY) {
        Ok(claims) => ("ok", Some(claims)),
        Err(error) => (word(&error), None),
    }
}

#[test]
fn vectors_are_verified_as_they_say() {
    for vector in vectors() {
        let (said, claims) = verdict(&vector.token, &[&vector.secret], vector.now);
        assert_eq!(said, vector.expected, "{}", vector.name);
        if let Some(claims) = claims {
            assert_eq!(claims, vector.claims, "{}", vector.name);
        }
    }
}

#[test]
fn canonical_vectors_are_what_signing_gives() {
    let canonical: Vec<Vector> = vectors().into_iter().filter(|vector| vector.canonical).collect();
    assert!(!canonical.is_empty());
    for vector in canonical {
        assert_eq!(sign(&vector.claims, &vector.secret), vector.token, "{}", vector.name);
    }
}

#[test]
fn each_of_the_secrets_counts_and_a_blank_one_spoils_the_list() {
    let token = sign(&json!({ "exp": 100 }), "old");
    let check = |secrets: &[&str], expected: &str| assert_eq!(verdict(&token, secrets, 50).0, expected, "{secrets:?}");
    check(&["old"], "ok");
    check(&["new", "old"], "ok");
    check(&["old", "new"], "ok");
    check(&["new"], "wrong secret");
    check(&[], "no secret");
    check(&[""], "no secret");
    check(&["old", " "], "no secret");
}

#[test]
fn a_long_token_is_refused_unread() {
    let filler = "x".repeat(MAX_TOKEN_BYTES);
    assert_eq!(verdict(&sign(&json!({ "exp": 100, "filler": filler }), "s"), &["s"], 50).0, "too long");
}

#[test]
fn claims_of_another_shape_name_the_field() {
    let token = sign(&json!({ "exp": 100, "site_id": "s" }), "s");
    let error = verify::<outrigger_addon::sso::SsoClaims>(&token, &["s"], at(50), DEFAULT_LEEWAY).unwrap_err();
    assert!(error.to_string().contains("account_id"), "{error}");
}

#[derive(Deserialize)]
struct Comparison {
    compared: usize,
    disagreements: Vec<String>,
    signed: Vec<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    name: String,
    claims: Value,
    secret: String,
    now: i64,
    token: String,
}

#[test]
fn npm_jsonwebtoken_and_we_verify_each_other() {
    let Some(modules) = std::env::var_os("OUTRIGGER_NODE_MODULES") else {
        assert!(std::env::var_os("CI").is_none(), "OUTRIGGER_NODE_MODULES is not set: run `cargo xtask test`");
        // Not `eprintln!`: what a passing test prints with it is not shown.
        writeln!(std::io::stderr(), "skipped: npm's jsonwebtoken is not here (cargo xtask test runs it)").unwrap();
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/jsonwebtoken.mjs");
    let run = Command::new("node").arg(script).arg(FILE).env("OUTRIGGER_NODE_MODULES", modules).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let comparison: Comparison = serde_json::from_slice(&run.stdout).unwrap();

    assert_eq!(comparison.compared, vectors().len());
    assert_eq!(comparison.disagreements, Vec::<String>::new());
    assert!(!comparison.signed.is_empty());
    for Signed { name, claims, secret, now, token } in comparison.signed {
        assert_eq!(verdict(&token, &[&secret], now), ("ok", Some(claims)), "{name}");
    }
}
