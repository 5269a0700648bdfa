//! Tokens made by npm's `jsonwebtoken` and `jose`, and what `jsonwebtoken` says about those for the add-on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use outrigger_gateway::Identity;
use serde::Deserialize;
use serde_json::Value;

use super::harness::{ADD_ON_SECRET, Answer, KeyServer, NOW, World};
use super::modules::modules;

#[derive(Deserialize)]
struct Made {
    jwks: Value,
    claims: Value,
    tokens: Tokens,
}

/// Each name begins with what the gateway has to say.
#[derive(Deserialize)]
struct Tokens {
    secret: BTreeMap<String, String>,
    jwks: BTreeMap<String, String>,
}

fn node(modules: &OsString, arguments: &[&str], input: &str) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/tokens.mjs");
    let mut command = Command::new("node");
    command.arg(script).args(arguments).env("OUTRIGGER_NODE_MODULES", modules);
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = running.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// The tokens that the add-on got.
async fn check(world: &World, tokens: &BTreeMap<String, String>, claims: &Value) -> Vec<String> {
    let mut passed = Vec::new();
    for (name, token) in tokens {
        let got = world.add_on(&[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(Some(got.word()), name.split(':').next(), "{name}");
        if got.word() == "valid" {
            assert_eq!(got.claims()["app_metadata"], claims["app_metadata"], "{name}");
            assert_eq!(got.claims()["sub"], claims["sub"], "{name}");
            passed.push(got.token().to_owned());
        } else {
            assert!(got.authorization.is_empty(), "{name}");
        }
    }
    passed
}

#[tokio::test]
async fn tokens_of_npm_libraries_go_on_and_those_of_attackers_do_not() {
    let Some(modules) = modules() else { return };
    let made: Made = serde_json::from_slice(&node(&modules, &["make", &NOW.to_string()], "")).unwrap();
    let server = KeyServer::new(Answer::Keys(made.jwks["keys"].clone())).await;
    let keys = Identity::Jwks {
        url: server.url.parse().unwrap(),
        issuer: Some("https://id.example".into()),
        audience: Some("shop".into()),
    };
    let with_secret = World::new(Some(Identity::Secret("site-secret".into()))).await;
    let with_keys = World::new(Some(keys)).await;
    let mut passed = check(&with_keys, &made.tokens.jwks, &made.claims).await;
    passed.extend(check(&with_secret, &made.tokens.secret, &made.claims).await);
    assert_eq!(passed.len(), 12);

    // Before the one that only the gateway's leeway let through ends.
    let time = (NOW - 30).to_string();
    let verified = node(&modules, &["verify", &time, ADD_ON_SECRET], &serde_json::to_string(&passed).unwrap());
    let verified: Vec<Value> = serde_json::from_slice(&verified).unwrap();
    assert_eq!(verified.iter().filter(|claims| **claims == made.claims).count(), 10);
}
