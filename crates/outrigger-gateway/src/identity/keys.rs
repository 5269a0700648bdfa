//! A JSON Web Key Set (RFC 7517): the keys of it that tokens may be made with. Pure.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::token::Wanted;

/// More is not the key set of one identity service.
pub(super) const MAX_KEYS: usize = 64;

/// A key, and the one algorithm that it is for: the token has no say in that.
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    kid: Option<String>,
    pub(super) material: DecodingKey,
}

#[derive(Default)]
pub(super) struct KeySet(Vec<Arc<Key>>);

impl KeySet {
    /// Keys of other kinds, or for other purposes, are as if they were not there.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let set: Value = serde_json::from_slice(text).map_err(|_| "the key set is not JSON".to_owned())?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("the key set has no list of `keys`")?;
        if keys.len() > MAX_KEYS {
            return Err(format!("the key set has more than {MAX_KEYS} keys"));
        }
        Ok(Self(keys.iter().filter_map(Key::parse).map(Arc::new).collect()))
    }

    /// The only key that fits; without a `kid`, the only one for the algorithm.
    pub(super) fn find(&self, wanted: &Wanted) -> Option<Arc<Key>> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| key.algorithm == wanted.algorithm && (wanted.kid.is_none() || key.kid == wanted.kid));
        let key = fitting.next()?;
        fitting.next().is_none().then(|| key.clone())
    }

    /// Whether a newer set might have the key where this one has not.
    pub(super) fn lacks(&self, wanted: &Wanted) -> bool {
        wanted.kid.is_some() && !self.0.iter().any(|key| key.kid == wanted.kid)
    }
}

impl Key {
    fn parse(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let (algorithm, material) = match (text("kty")?, text("crv")) {
            ("RSA", _) => (Algorithm::RS256, DecodingKey::from_rsa_components(text("n")?, text("e")?)),
            ("EC", Some("P-256")) => (Algorithm::ES256, DecodingKey::from_ec_components(text("x")?, text("y")?)),
            ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, DecodingKey::from_ed_components(text("x")?)),
            _ => return None,
        };
        let is_for_signatures = jwk.get("use").is_none_or(|purpose| purpose == "sig")
            && jwk
                .get("key_ops")
                .is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify")));
        let is_for_algorithm = jwk.get("alg").is_none_or(|alg| match algorithm {
            Algorithm::RS256 => alg == "RS256",
            Algorithm::ES256 => alg == "ES256",
            _ => alg == "EdDSA" || alg == "Ed25519",
        });
        if !is_for_signatures || !is_for_algorithm {
            return None;
        }
        Some(Self { algorithm, kid: text("kid").map(str::to_owned), material: material.ok()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn set(keys: Value) -> KeySet {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn ed(kid: Value) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": kid })
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn wanted(kid: Option<&str>) -> Wanted {
        Wanted { algorithm: Algorithm::EdDSA, kid: kid.map(str::to_owned) }
    }

    #[test]
    fn the_only_key_that_fits_is_found() {
        let two = set(json!([ed(json!("a")), ed(json!("b"))]));
        assert!(two.find(&wanted(Some("a"))).is_some());
        assert!(two.find(&wanted(None)).is_none(), "either might be meant");
        assert!(two.find(&wanted(Some("c"))).is_none() && two.lacks(&wanted(Some("c"))));
        assert!(!two.lacks(&wanted(Some("a"))) && !two.lacks(&wanted(None)));
        assert!(two.find(&Wanted { algorithm: Algorithm::RS256, kid: Some("a".into()) }).is_none());
        assert!(set(json!([ed(json!("a"))])).find(&wanted(None)).is_some());
        assert!(set(json!([ed(json!("a")), ed(json!("a"))])).find(&wanted(Some("a"))).is_none());
    }

    #[test]
    fn keys_for_anything_else_are_not_there() {
        let key = || ed(json!("a"));
        let check = |key: Value, there: bool| {
            assert_eq!(set(json!([1, key.clone()])).find(&wanted(Some("a"))).is_some(), there, "{key}");
        };
        check(with(key(), "use", json!("sig")), true);
        check(with(key(), "key_ops", json!(["verify"])), true);
        check(with(key(), "alg", json!("Ed25519")), true);
        check(with(key(), "use", json!("enc")), false);
        check(with(key(), "key_ops", json!(["sign"])), false);
        check(with(key(), "alg", json!("HS256")), false);
        check(with(key(), "crv", json!("X25519")), false);
        check(with(key(), "kty", json!("oct")), false);
        check(with(key(), "x", json!("not base64")), false);
    }

    #[test]
    fn a_set_that_is_none_is_refused() {
        let reason = |text: &str| KeySet::parse(text.as_bytes()).err().unwrap();
        assert_eq!(reason("<html>"), "the key set is not JSON");
        assert_eq!(reason("{}"), "the key set has no list of `keys`");
        assert_eq!(reason(&json!({ "keys": vec![1; 65] }).to_string()), "the key set has more than 64 keys");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            text: Vec<u8>,
            kty in "RSA|EC|OKP",
            crv in "P-256|Ed25519",
            field in "[A-Za-z0-9_=-]{0,90}",
        ) {
            let _ = KeySet::parse(&text);
            let key = json!({ "kty": kty, "crv": crv, "n": field, "e": field, "x": field, "y": field });
            if let Some(key) = set(json!([key])).0.first() {
                let token = format!("eyJhbGciOiJFUzI1NiJ9.e30.{field}");
                let (now, leeway) = (jiff::Timestamp::UNIX_EPOCH, std::time::Duration::ZERO);
                prop_assert!(key.verify(&token, &Default::default(), now, leeway).is_none());
            }
        }
    }
}
