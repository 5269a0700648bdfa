//! What a token wants to be verified with, and what it has to say. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use outrigger_addon::signature::{MAX_TOKEN_BYTES, check_times};
use serde_json::Value;

use super::keys::Key;

/// The key that a token says it was made with. Nothing else in its head counts: no `jwk`, `jku` or `x5c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
}

impl Wanted {
    /// `None` for what no key can be right for.
    pub(super) fn of(token: &str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let head = decode_header(token).ok()?;
        // RFC 7515 section 4.1.11: what is marked critical and not understood makes the signature invalid.
        let is_taken =
            head.crit.is_none() && matches!(head.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA);
        is_taken.then_some(Self { algorithm: head.alg, kid: head.kid })
    }
}

/// What a token's claims have to be besides their times.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
}

impl Expected {
    fn is_met(&self, claims: &Value) -> bool {
        let is = |claim: Option<&Value>, text: &str| claim.and_then(Value::as_str) == Some(text);
        let audience = claims.get("aud");
        let is_for = |text: &str| match audience {
            Some(Value::Array(all)) => all.iter().any(|one| is(Some(one), text)),
            one => is(one, text),
        };
        self.issuer.as_deref().is_none_or(|issuer| is(claims.get("iss"), issuer))
            && self.audience.as_deref().is_none_or(is_for)
    }
}

impl Key {
    /// The claims of a token that this key made, if they count now.
    pub(super) fn verify(&self, token: &str, expected: &Expected, now: Timestamp, leeway: Duration) -> Option<Value> {
        let mut rules = Validation::new(self.algorithm);
        // The library would read the system's clock.
        rules.validate_exp = false;
        rules.validate_aud = false;
        rules.required_spec_claims.clear();
        let claims = decode::<Value>(token, &self.material, &rules).ok()?.claims;
        check_times(&claims, now, leeway).ok()?;
        expected.is_met(&claims).then_some(claims)
    }
}

/// Whether claims may be signed with an add-on's secret as those of a user. The same secret signs the gateway's own word
/// about an instance: an add-on tells the two apart by the header they come in. Should it ever give a user's token away,
/// that must not name an instance as the gateway does, perhaps one of another site.
pub(super) fn is_of_a_user(claims: &Value) -> bool {
    claims.as_object().is_some_and(|claims| !claims.contains_key("netlify_id"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn issuer_and_audience_have_to_be_there_only_if_they_are_asked_for() {
        let check = |issuer: Option<&str>, audience: Option<&str>, claims: Value, met: bool| {
            let expected = Expected { issuer: issuer.map(str::to_owned), audience: audience.map(str::to_owned) };
            assert_eq!(expected.is_met(&claims), met, "{expected:?} {claims}");
        };
        check(None, None, json!({}), true);
        check(Some("i"), Some("a"), json!({ "iss": "i", "aud": "a" }), true);
        check(Some("i"), Some("a"), json!({ "iss": "i", "aud": ["b", "a"] }), true);
        check(Some("i"), None, json!({ "iss": ["i"] }), false);
        check(Some("i"), None, json!({}), false);
        check(None, Some("a"), json!({ "aud": ["b", 1] }), false);
        check(None, Some("a"), json!({ "aud": "ab" }), false);
    }

    #[test]
    fn what_speaks_for_the_gateway_is_no_users() {
        assert!(is_of_a_user(&json!({ "exp": 1, "id": "x" })));
        assert!(!is_of_a_user(&json!({ "exp": 1, "netlify_id": null })));
        assert!(!is_of_a_user(&json!([])));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(token in "\\PC{0,60}(\\.\\PC{0,60}){0,4}") {
            prop_assert_eq!(Wanted::of(&token), None);
        }
    }
}
