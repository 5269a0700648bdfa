//! Who may call the management API.

use std::sync::Arc;

use outrigger_addon::signature::sign;
use outrigger_provider::{Accept, BlankSecret, Secrets, router};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Fixture, NOW, Platform, SECRET, UUID, answer, clock, secrets};

#[tokio::test]
async fn no_route_answers_without_a_signature_that_holds() {
    let platform = Platform::before_provider(Fixture { by_uuid: true, ..Fixture::default() }).await;
    let by_uuid = format!("/instances/by-uuid/{UUID}");
    let routes = [
        (Method::GET, "/"),
        (Method::GET, "/manifest"),
        (Method::POST, "/instances"),
        (Method::POST, "/instances/"),
        (Method::GET, "/instances/1"),
        (Method::PUT, "/instances/1"),
        (Method::DELETE, "/instances/1"),
        (Method::GET, &by_uuid),
        (Method::DELETE, &by_uuid),
    ];
    let signatures = [
        (None, "the X-Nf-Sign header is missing"),
        (Some("x".to_owned()), "the signature is not a JSON Web Signature"),
        (Some(sign(&json!({ "exp": NOW + 60 }), "other")), "the signature was not made with the add-on's secret"),
        (
            Some(sign(&json!({ "exp": NOW - 60 }), SECRET)),
            "the signature expired 60 s ago; if it is fresh, the clocks differ",
        ),
        (Some(sign(&json!({ "id": "1" }), SECRET)), "the signature has no expiry (exp)"),
    ];
    for (method, path) in routes {
        for (signature, reason) in &signatures {
            let mut request = platform.bare(method.clone(), path);
            if let Some(signature) = signature {
                request = request.header("x-nf-sign", signature);
            }
            let response = request.send().await.unwrap();
            assert!(response.headers().contains_key("www-authenticate"));
            let message = format!("the request is not proven to come from the platform: {reason}");
            assert_eq!(answer(response).await, (401, json!({ "code": 401, "message": message })), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_signature_for_one_instance_opens_no_other() {
    let platform = Platform::before_provider(Fixture { by_uuid: true, ..Fixture::default() }).await;
    let call = async |path: &str, claims: Value| {
        let request = platform.bare(Method::GET, path).header("x-nf-sign", sign(&claims, SECRET));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(call("/instances/1", json!({ "exp": NOW + 60, "id": "1" })).await, 404);
    assert_eq!(call("/instances/1", json!({ "exp": NOW + 60, "id": "2" })).await, 401);
    let by_uuid = format!("/instances/by-uuid/{UUID}");
    assert_eq!(call(&by_uuid, json!({ "exp": NOW + 60, "netlify_id": UUID })).await, 404);
    let other = "00000000-523d-48d8-8826-a93229d7ec01";
    assert_eq!(call(&by_uuid, json!({ "exp": NOW + 60, "netlify_id": other })).await, 401);
}

#[tokio::test]
async fn a_replaced_secret_counts_beside_the_new_one() {
    let both = Secrets::new("new").unwrap().and_previous(SECRET).unwrap();
    let platform = Platform::before(router(Arc::new(Fixture::default()), both, clock)).await;
    for (secret, status) in [("new", 200), (SECRET, 200), ("older", 401)] {
        let request = platform.bare(Method::GET, "/manifest");
        let request = request.header("x-nf-sign", sign(&json!({ "exp": NOW + 60 }), secret));
        assert_eq!(request.send().await.unwrap().status(), status, "{secret}");
    }
}

#[tokio::test]
async fn the_secret_itself_is_proof_only_where_that_is_accepted() {
    for (jws, bearer) in [(true, false), (false, true), (true, true), (false, false)] {
        let accept = secrets().accept(Accept { jws, bearer });
        let platform = Platform::before(router(Arc::new(Fixture::default()), accept, clock)).await;
        let with_token = async |token: &str| {
            let request = platform.bare(Method::GET, "/manifest").header("Authorization", token);
            request.send().await.unwrap().status().is_success()
        };
        assert_eq!(with_token(&format!("bearer {SECRET}")).await, bearer, "{accept:?}", accept = (jws, bearer));
        assert!(!with_token("Bearer wrong").await);
        assert!(!with_token(SECRET).await);
        let signed = platform.signed(Method::GET, "/manifest").send().await.unwrap();
        assert_eq!(signed.status().is_success(), jws);
    }
}

#[test]
fn a_blank_secret_is_refused_and_none_is_shown() {
    assert_eq!(Secrets::new(" ").unwrap_err(), BlankSecret);
    assert_eq!(secrets().and_previous("").unwrap_err(), BlankSecret);
    assert!(!format!("{:?}", secrets()).contains(SECRET));
}
