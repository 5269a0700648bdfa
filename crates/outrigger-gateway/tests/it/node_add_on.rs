//! An add-on in Node, which verifies with npm's `jsonwebtoken`.

use std::net::SocketAddr;
use std::process::Stdio;

use jsonwebtoken::{EncodingKey, Header, encode};
use outrigger_gateway::{Identity, Site};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::modules::modules;
use crate::world::{HOST, SECRET, World, body, site, status};

/// The add-on, for as long as it is held.
async fn add_on() -> Option<(SocketAddr, Child)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/add_on.mjs");
    let mut node = Command::new("node");
    node.args([script, SECRET]).env("OUTRIGGER_NODE_MODULES", modules()?).kill_on_drop(true);
    let mut node = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let port = BufReader::new(node.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
    Some((SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())), node))
}

#[tokio::test]
async fn an_add_on_in_node_believes_the_gateway_and_nobody_else() {
    let Some((address, _node)) = add_on().await else { return };
    let identity = Some(Identity::Secret("the site's secret".to_owned()));
    let world = World::start(Site {
        function_hooks: Some(json!({ "login": ["on-login"] })),
        identity,
        ..site(None, Some(address))
    });
    let exp = jiff::Timestamp::now().as_second() + 600;
    let claims = json!({ "sub": "ada", "app_metadata": { "roles": ["admin"] }, "exp": exp });
    let key = EncodingKey::from_secret(b"the site's secret");
    let token = encode(&Header::default(), &claims, &key).unwrap();
    let got = world.echoed("/.netlify/tally/a?b=1", &format!("authorization: Bearer {token}\r\n")).await;
    assert_eq!((&got["target"], &got["site_url"]), (&json!("/base/a?b=1"), &json!("https://shop.example")));
    assert_eq!(got["user"], claims);
    let request = &got["request"];
    let told = ["id", "netlify_id", "site_url", "function_hooks"].map(|name| &request[name]);
    let hooks = json!({ "login": ["on-login"] });
    assert_eq!(told, [&json!("instance-1"), &json!("uuid-1"), &json!("https://shop.example"), &hooks]);

    // The user's own token, and no token, prove nothing at the add-on itself.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let direct = http.get(format!("http://{address}/base")).header("x-nf-sign", &token).send().await.unwrap();
    assert_eq!(direct.status(), 401);
    assert_eq!(direct.json::<Value>().await.unwrap()["error"], "invalid signature");
    assert_eq!(http.get(format!("http://{address}/base")).send().await.unwrap().status(), 401);
    // A visitor's forged signature is replaced by the gateway's.
    let forged =
        format!("GET /.netlify/tally HTTP/1.1\r\nhost: {HOST}\r\nx-nf-sign: {token}\r\nconnection: close\r\n\r\n");
    let answer = world.raw(&forged).await;
    assert!(status(&answer) == 200 && body(&answer).contains("uuid-1"), "{answer}");
}
