use http::HeaderMap;

use super::believe::{Proof, prove};
use super::*;

const NOW: i64 = 1_767_225_600;
const BELIEVED: Proof = Proof::Believed { message_id: None };

fn request(headers: &[(&'static str, &str)], body: &'static str) -> InboundRequest {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
    InboundRequest::post(headers, body)
}

#[track_caller]
fn check(verifier: &Verifier, headers: &[(&'static str, &str)], expected: Proof) {
    assert_eq!(prove(verifier, &request(headers, "payload=a%20b"), NOW), expected);
}

fn public_key(content: SignedContent, encoding: Encoding) -> Verifier {
    let key = KeySource::Known(String::new());
    Verifier::PublicKey { key, algorithm: PublicKeyAlgorithm::Ed25519, header: "sig", encoding, content }
}

fn signature(content: &str) -> Proof {
    Proof::Signature { signature: vec![1, 255], content: content.into() }
}

#[test]
fn an_empty_secret_believes_nobody() {
    let shared = Verifier::SharedSecret { secret: "".into(), header: "s" };
    check(&shared, &[("s", "")], Proof::Refused);
    let code = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    let hmac = Verifier::Hmac { secret: "".into(), header: "s", digest: Digest::Sha256, prefix: "" };
    check(&hmac, &[("s", code)], Proof::Refused);
    check(&Verifier::StandardWebhooks { secrets: vec![], tolerance: Duration::MAX }, &[], Proof::Refused);
}

#[test]
fn a_shared_secret_is_compared_whole() {
    let shared = Verifier::SharedSecret { secret: "open sesame".into(), header: "s" };
    check(&shared, &[("s", "open sesame")], BELIEVED);
    for wrong in ["open", "open sesame!", "", "OPEN SESAME"] {
        check(&shared, &[("s", wrong)], Proof::Refused);
    }
}

#[test]
fn what_is_signed_is_what_the_scheme_says() {
    check(&public_key(SignedContent::Body, Encoding::Hex), &[("sig", "01fF")], signature("payload=a%20b"));
    check(&public_key(SignedContent::FormField("payload"), Encoding::Base64), &[("sig", "Af8=")], signature("a b"));
    check(&public_key(SignedContent::FormField("payload"), Encoding::Base64), &[("sig", "Af8")], signature("a b"));
    check(&public_key(SignedContent::FormField("other"), Encoding::Hex), &[("sig", "01ff")], Proof::Refused);
    let timed = SignedContent::TimestampAndBody { header: "at", tolerance: Duration::from_secs(60) };
    let timed = public_key(timed, Encoding::Hex);
    check(&timed, &[("sig", "01ff"), ("at", "1767225660")], signature("1767225660payload=a%20b"));
    for stale in ["1767225661", "1767225539", "soon", ""] {
        check(&timed, &[("sig", "01ff"), ("at", stale)], Proof::Refused);
    }
    for garbage in ["", "0", "0g", "zz"] {
        let proof = prove(&public_key(SignedContent::Body, Encoding::Hex), &request(&[("sig", garbage)], "x"), NOW);
        assert!(matches!(proof, Proof::Refused) || garbage.is_empty(), "{garbage}");
    }
}

#[test]
fn a_run_s_token_comes_as_bearer_or_in_its_header() {
    let token = || Proof::Token("t0ken".to_owned());
    check(&Verifier::RunToken { header: "authorization" }, &[("authorization", "Bearer t0ken")], token());
    check(&Verifier::RunToken { header: "authorization" }, &[("authorization", "bearer  t0ken ")], token());
    check(&Verifier::RunToken { header: "authorization" }, &[("authorization", "Basic t0ken")], Proof::Refused);
    check(&Verifier::RunToken { header: "x-run" }, &[("x-run", "t0ken")], token());
    check(&Verifier::Unverified, &[], BELIEVED);
}
