//! The login link to a provider's own pages (add-ons guide, "Add-on Authentication").

use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

/// Who is sent to the provider. Sign it with the add-on's secret and hand it over with [`auth_url`].
///
/// The guide's tokens carry the three ids alone. We always add `exp`, without which a link that leaks is a key for ever,
/// and [`crate::signature::verify`] refuses a token without it. The other three are added when sent and may be absent
/// when received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsoClaims {
    /// The site that uses the add-on.
    pub site_id: String,
    /// The account that owns the site.
    pub account_id: String,
    /// The provider's id of the instance.
    pub remote_id: String,
    /// Whom the token is for: the add-on's slug. A list of one is accepted (RFC 7519 section 4.1.3).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "one_audience")]
    pub aud: Option<String>,
    /// Names this one token, so that a provider can take it only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// When it was made, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// When it stops counting, in seconds since 1970.
    pub exp: i64,
}

/// The link: `admin_url` with the token as its fragment, which browsers do not send to any server, so that it stays out
/// of logs. A fragment that was there is replaced.
///
/// ```
/// let admin_url = "https://notes.example/login?from=platform#start".parse()?;
/// assert_eq!(outrigger_addon::sso::auth_url(&admin_url, "a.b.c"), "https://notes.example/login?from=platform#a.b.c");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn auth_url(admin_url: &Url, token: &str) -> String {
    let mut link = admin_url.clone();
    link.set_fragment(Some(token));
    link.into()
}

fn one_audience<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Option::<serde_json::Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(serde_json::Value::String(audience)) => Ok(Some(audience)),
        Some(serde_json::Value::Array(list)) => match list.as_slice() {
            [] => Ok(None),
            [serde_json::Value::String(audience)] => Ok(Some(audience.clone())),
            _ => Err(de::Error::custom("aud must name one audience: a login is for one add-on")),
        },
        Some(_) => Err(de::Error::custom("aud must be text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(aud: Value) -> Result<SsoClaims, serde_json::Error> {
        serde_json::from_value(json!({ "site_id": "s", "account_id": "a", "remote_id": "r", "exp": 1, "aud": aud }))
    }

    #[test]
    fn an_audience_is_one_name_or_none() {
        assert_eq!(parse(json!("notes")).unwrap().aud.as_deref(), Some("notes"));
        assert_eq!(parse(json!(["notes"])).unwrap().aud.as_deref(), Some("notes"));
        assert_eq!(parse(json!([])).unwrap().aud, None);
        assert_eq!(parse(json!(null)).unwrap().aud, None);
        assert!(parse(json!(["notes", "other"])).is_err());
        assert!(parse(json!(5)).is_err());
    }

    #[test]
    fn a_token_with_the_three_ids_and_an_end_is_enough() {
        let claims: SsoClaims =
            serde_json::from_str(r#"{"site_id":"s","account_id":"a","remote_id":"r","exp":7}"#).unwrap();
        assert_eq!((claims.aud, claims.jti, claims.iat, claims.exp), (None, None, None, 7));
    }
}
