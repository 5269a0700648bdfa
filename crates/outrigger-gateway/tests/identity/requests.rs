//! Where tokens are in requests, and what upstreams see of them.

use outrigger_addon::signature::sign;
use outrigger_gateway::Identity;
use serde_json::json;

use super::harness::{Got, NOW, World};

async fn world() -> World {
    World::new(Some(Identity::Secret("site-secret".into()))).await
}

fn token(user: &str) -> String {
    sign(&json!({ "exp": NOW + 3600, "sub": user }), "site-secret")
}

#[tokio::test]
async fn a_users_token_goes_on_signed_for_the_add_on() {
    let (world, token) = (world().await, token("ann"));
    let got = world.add_on(&[("authorization", &format!("Bearer {token}")), ("x-nf-user", "none")]).await;
    assert_eq!(got.word(), "valid");
    assert_eq!(got.claims(), json!({ "exp": NOW + 3600, "sub": "ann" }));
    assert_ne!(got.token(), token);
}

#[tokio::test]
async fn a_cookie_is_as_good_as_a_header_and_does_not_go_on() {
    let (world, ann, bob) = (world().await, token("ann"), token("bob"));
    for cookie in [format!("a=1; nf_jwt={ann}; b=2"), format!("a=1; nf_jwt=\"{ann}\"; nf_jwt=; b=2")] {
        let got = world.add_on(&[("cookie", &cookie)]).await;
        assert_eq!((got.word(), got.claims()["sub"].as_str()), ("valid", Some("ann")));
        assert_eq!(got.cookie, ["a=1; b=2"]);
    }
    let got = world.add_on(&[("cookie", &format!("nf_jwt={ann}; nf_jwt={bob}"))]).await;
    assert_eq!(got, Got { word: Some("invalid".into()), authorization: vec![], cookie: vec![] });
    let (header, cookie) = (format!("Bearer {bob}"), format!("nf_jwt={ann}"));
    let got = world.add_on(&[("authorization", &header), ("cookie", &cookie)]).await;
    assert_eq!((got.claims()["sub"].as_str(), got.cookie), (Some("bob"), vec![]));
}

#[tokio::test]
async fn what_proves_nothing_is_dropped_and_marked() {
    let (world, ann) = (world().await, format!("Bearer {}", token("ann")));
    let forged = format!("{}x", ann.strip_suffix(|_| true).unwrap());
    for wrong in ["Bearer", "Bearer api-key", "Bearer a.b.c", "bearer ..", &forged, &format!("{ann}, {ann}")] {
        let got = world.add_on(&[("authorization", wrong), ("x-nf-user", "valid")]).await;
        assert_eq!((got.word(), &*got.authorization), ("invalid", &[][..]), "{wrong}");
    }
    let got = world.add_on(&[("authorization", &ann), ("authorization", &ann)]).await;
    assert_eq!((got.word(), &*got.authorization), ("invalid", &[][..]));
    let nobodys = World::new(None).await.add_on(&[("authorization", &ann)]).await;
    assert_eq!((nobodys.word(), &*nobodys.authorization), ("invalid", &[][..]));
}

#[tokio::test]
async fn other_schemes_are_the_add_ons_own() {
    let (world, cookie) = (world().await, format!("nf_jwt={}", token("ann")));
    let got = world.add_on(&[("authorization", "Basic YTpi"), ("cookie", &cookie), ("x_nf_user", "valid")]).await;
    assert_eq!(got, Got { word: Some("none".into()), authorization: vec!["Basic YTpi".into()], cookie: vec![] });
    assert_eq!(world.add_on(&[]).await.word(), "none");
}

#[tokio::test]
async fn the_sites_own_server_sees_the_sites_own_token() {
    let (world, ann) = (world().await, token("ann"));
    let (header, cookie) = (format!("Bearer {ann}"), format!("nf_jwt={ann}; a=1"));
    let got = world.get("/x", &[("authorization", &header), ("cookie", &cookie)]).await;
    assert_eq!(got, Got { word: None, authorization: vec![header], cookie: vec![cookie] });
}
