//! Upstash's developer API: what the integration asks of it, and what its answers mean.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode, header};
use outrigger_integrations::{Outbound, OutboundError, Reply};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// Where Upstash is.
pub const UPSTASH_API: &str = "https://api.upstash.com/v2";
const MAX_SAID: usize = 200;

/// An account at Upstash, as its owner proves it.
#[derive(Clone, Debug)]
pub struct Credentials {
    email: String,
    api_key: SecretString,
}

/// Why an e-mail or API key cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredentials {
    /// The e-mail is none.
    #[error("This is no e-mail address.")]
    Email,
    /// The key is empty, or holds what no key does.
    #[error("This is no API key.")]
    ApiKey,
}

impl Credentials {
    /// Blanks around them are left out: they come with copying.
    ///
    /// # Errors
    /// When no account can have them.
    pub fn new(email: &str, api_key: &str) -> Result<Credentials, InvalidCredentials> {
        let (email, api_key) = (email.trim(), api_key.trim());
        // Basic authentication ends the user at the first colon; the key may hold more of them.
        let unfit = |c: char| c.is_control() || c.is_whitespace();
        if !email.contains('@') || email.contains(':') || email.contains(unfit) || email.len() > 320 {
            return Err(InvalidCredentials::Email);
        }
        if api_key.is_empty() || api_key.contains(unfit) || api_key.len() > 1024 {
            return Err(InvalidCredentials::ApiKey);
        }
        Ok(Credentials { email: email.to_owned(), api_key: api_key.to_owned().into() })
    }

    /// The account's e-mail.
    pub fn email(&self) -> &str {
        &self.email
    }

    fn authorization(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.email, self.api_key.expose_secret())))
    }
}

/// A database, as much of it as the integration needs. What else Upstash says is ignored, whatever its type.
#[derive(Clone, Debug, Deserialize)]
pub struct Database {
    /// Its id.
    #[serde(rename = "database_id")]
    pub id: String,
    /// Its name.
    #[serde(rename = "database_name")]
    pub name: String,
    /// A host without a scheme, or the first label of one. Empty while the database is being made.
    #[serde(default, deserialize_with = "text")]
    pub endpoint: String,
    /// Absent when the database protects its credentials.
    #[serde(default, deserialize_with = "secret")]
    pub rest_token: Option<SecretString>,
    /// `active`, `suspended`, `passive`, `deleted`.
    #[serde(default, deserialize_with = "text")]
    pub state: String,
    /// Where it is.
    #[serde(default, deserialize_with = "text")]
    pub primary_region: String,
}

impl Database {
    /// Whether it takes commands, as far as Upstash says.
    pub fn is_usable(&self) -> bool {
        matches!(self.state.as_str(), "" | "active" | "passive")
    }
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().unwrap_or_default().to_owned())
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Some(text(deserializer)?).filter(|token| !token.is_empty()).map(SecretString::from))
}

/// Why Upstash did not do what it was asked. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// It does not know this e-mail with this key.
    #[error("Upstash does not accept this e-mail address with this API key.")]
    WrongKey,
    /// The key is right, and may not do this.
    #[error("Upstash does not let this API key do that{}", said(.0))]
    Forbidden(String),
    /// There is no such thing in this account.
    #[error("Upstash does not have this database in this account (any more).")]
    Missing,
    /// It was asked too often.
    #[error("Upstash has been asked too often. Try again {}.", later(.after))]
    RateLimited {
        /// When to ask again, if it said so.
        after: Option<Duration>,
    },
    /// It did not understand, or does not want to.
    #[error("Upstash refused ({status}){}", said(.message))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// It failed.
    #[error("Upstash has a fault of its own at the moment ({status}). Try again later.")]
    Outage {
        /// The HTTP status.
        status: u16,
        /// When to ask again, if it said so.
        after: Option<Duration>,
    },
    /// Nothing was sent.
    #[error("Upstash cannot be reached: {0}.")]
    NotReached(String),
    /// It was sent, or may have been, and no whole answer came back: it may have been done.
    #[error("Upstash did not answer: {0}.")]
    Lost(String),
    /// The operator's rules forbid to go there.
    #[error("Upstash may not be asked from here: {0}.")]
    Blocked(String),
    /// The answer is not JSON: something else answers at this address.
    #[error("What answered is not Upstash's API: the answer ({status}) is no JSON.")]
    NotJson {
        /// The HTTP status.
        status: u16,
    },
    /// The answer is JSON, but not what was asked for.
    #[error("Upstash's answer has another form than it should: {0}.")]
    Unexpected(String),
}

impl ApiError {
    /// Whether the same request may work later without anybody doing anything.
    pub fn may_pass(&self) -> bool {
        use ApiError::{Lost, NotJson, NotReached, Outage, RateLimited};
        matches!(self, RateLimited { .. } | Outage { .. } | NotReached(_) | Lost(_) | NotJson { .. })
    }

    /// Whether what was asked for may have been done all the same.
    pub fn may_be_done(&self) -> bool {
        use ApiError::{Lost, NotJson, Outage, Unexpected};
        matches!(self, Lost(_) | Outage { .. } | NotJson { .. } | Unexpected(_))
    }

    /// When Upstash asks to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            ApiError::RateLimited { after } | ApiError::Outage { after, .. } => *after,
            _ => None,
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { ".".to_owned() } else { format!(": {message}") }
}

fn later(after: &Option<Duration>) -> String {
    after.map_or_else(|| "in a minute".to_owned(), |after| format!("in {} seconds", after.as_secs().max(1)))
}

/// A client of the developer API.
#[derive(Clone)]
pub struct UpstashApi {
    outbound: Outbound,
    base: Url,
}

impl fmt::Debug for UpstashApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UpstashApi({})", self.base)
    }
}

impl UpstashApi {
    /// `base` is [`UPSTASH_API`], or where an emulator is.
    pub fn new(outbound: Outbound, base: Url) -> UpstashApi {
        UpstashApi { outbound, base }
    }

    /// The scheme of the databases' own addresses: that of the API.
    pub fn scheme(&self) -> &str {
        self.base.scheme()
    }

    /// All databases of the account. Also how an account is checked.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn list_databases(&self, account: &Credentials) -> Result<Vec<Database>, ApiError> {
        read(self.ask(Method::GET, &["redis", "databases"], account).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ApiError`]; [`ApiError::Missing`] also when it is another account's.
    pub async fn get_database(&self, account: &Credentials, id: &str) -> Result<Database, ApiError> {
        read(self.ask(Method::GET, &["redis", "database", id], account).await?)
    }

    /// Gives it another password and other tokens. Those it had stop working at once.
    ///
    /// # Errors
    /// [`ApiError`]; where that [may be done](ApiError::may_be_done), the tokens may have changed.
    pub async fn reset_password(&self, account: &Credentials, id: &str) -> Result<Database, ApiError> {
        read(self.ask(Method::POST, &["redis", "reset-password", id], account).await?)
    }

    async fn ask(&self, method: Method, path: &[&str], account: &Credentials) -> Result<Reply, ApiError> {
        let mut url = self.base.clone();
        // Segments are encoded one by one: an id with a slash in it stays an id.
        url.path_segments_mut()
            .map_err(|()| ApiError::Blocked(format!("{} is no web address", self.base)))?
            .pop_if_empty()
            .extend(path);
        let request = self
            .outbound
            .request(method, url)
            .header(header::AUTHORIZATION, account.authorization())
            .header(header::ACCEPT, "application/json");
        let reply = self.outbound.send(request).await?;
        if reply.status.is_success() { Ok(reply) } else { Err(refusal(&reply)) }
    }
}

impl From<OutboundError> for ApiError {
    fn from(error: OutboundError) -> ApiError {
        match error {
            OutboundError::Blocked(reason) => ApiError::Blocked(reason),
            OutboundError::NotReached(reason) => ApiError::NotReached(reason),
            OutboundError::Lost(reason) => ApiError::Lost(reason),
            OutboundError::TooLarge => ApiError::Unexpected("it is too large".to_owned()),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(reply: Reply) -> Result<T, ApiError> {
    let status = reply.status.as_u16();
    let json: Value = serde_json::from_slice(&reply.body).map_err(|_| ApiError::NotJson { status })?;
    // The fault names fields, never values: a value could be a token.
    serde_json::from_value(json).map_err(|fault| ApiError::Unexpected(shape(&fault)))
}

fn shape(fault: &serde_json::Error) -> String {
    let fault = fault.to_string();
    match fault.strip_prefix("missing field ") {
        Some(field) => format!("there is no {field}"),
        None => "a field has another type".to_owned(),
    }
}

fn refusal(reply: &Reply) -> ApiError {
    let status = reply.status.as_u16();
    let after = retry_after(&reply.headers);
    match reply.status {
        StatusCode::UNAUTHORIZED => ApiError::WrongKey,
        StatusCode::FORBIDDEN => ApiError::Forbidden(message(reply)),
        StatusCode::TOO_MANY_REQUESTS => ApiError::RateLimited { after },
        found if found.is_server_error() => ApiError::Outage { status, after },
        // A proxy or a wrong address has a page for this; Upstash has JSON.
        _ if serde_json::from_slice::<Value>(&reply.body).is_err() => ApiError::NotJson { status },
        StatusCode::NOT_FOUND => ApiError::Missing,
        _ => ApiError::Refused { status, message: message(reply) },
    }
}

/// In a line, from any of the shapes that Upstash's own clients look for.
fn message(reply: &Reply) -> String {
    let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let found = ["error", "message"].iter().find_map(|name| json.get(name)?.as_str()).or(json.as_str());
    let words: Vec<&str> = found.unwrap_or_default().split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(MAX_SAID).collect()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: &ApiError) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, http::HeaderValue::from_static("7"));
        let status = StatusCode::from_u16(status).unwrap();
        let reply = Reply { status, headers, body: body.to_owned().into() };
        assert_eq!(&refusal(&reply), expected, "{status} {body}");
    }

    #[test]
    fn statuses_are_told_apart() {
        let after = Some(Duration::from_secs(7));
        check(401, r#"{"error":"x"}"#, &ApiError::WrongKey);
        check(401, "<html>", &ApiError::WrongKey);
        check(403, r#"{"message":"team\nonly"}"#, &ApiError::Forbidden("team only".to_owned()));
        check(404, r#"{"error":"database not found"}"#, &ApiError::Missing);
        check(404, "<html>", &ApiError::NotJson { status: 404 });
        check(429, "", &ApiError::RateLimited { after });
        check(500, "<html>", &ApiError::Outage { status: 500, after });
        check(503, "", &ApiError::Outage { status: 503, after });
        let message = "bad".to_owned();
        check(400, r#"{"error":"bad","code":1}"#, &ApiError::Refused { status: 400, message: message.clone() });
        check(400, r#""bad""#, &ApiError::Refused { status: 400, message });
        check(302, "<html>", &ApiError::NotJson { status: 302 });
    }

    fn parse(body: &str) -> Result<Vec<Database>, ApiError> {
        let body = body.to_owned().into();
        read(Reply { status: StatusCode::OK, headers: HeaderMap::new(), body })
    }

    #[test]
    fn databases_are_read_whatever_else_is_in_them() {
        let old = r#"[{"database_id":"1","database_name":"a","endpoint":"a.upstash.io","rest_token":"t","port":30143,
            "db_request_limit":9223372036854775808,"tls":"yes","state":"active"}]"#;
        let databases = parse(old).unwrap();
        assert_eq!(databases[0].rest_token.as_ref().unwrap().expose_secret(), "t");
        let hidden = r#"[{"database_id":"1","database_name":"a","endpoint":null,"rest_token":"","state":7}]"#;
        let databases = parse(hidden).unwrap();
        assert!(databases[0].rest_token.is_none() && databases[0].endpoint.is_empty() && databases[0].is_usable());
        assert!(parse("[]").unwrap().is_empty());
        assert_eq!(parse("<html>").unwrap_err(), ApiError::NotJson { status: 200 });
        let nameless = parse(r#"[{"database_id":"1"}]"#).unwrap_err();
        assert_eq!(nameless, ApiError::Unexpected("there is no `database_name`".to_owned()));
        let secretive = parse(r#"[{"database_id":["s3cr3t"],"database_name":"a"}]"#).unwrap_err().to_string();
        assert!(!secretive.contains("s3cr3t"), "{secretive}");
        assert!(parse(r#"{"error":"x"}"#).is_err());
    }

    #[test]
    fn credentials_that_nobody_has_are_refused() {
        let refused = |email, key| Credentials::new(email, key).err();
        assert_eq!(refused(" ada@example.com ", " k:e:y\n"), None);
        assert_eq!(refused("ádá@example.com", "key"), None);
        assert_eq!(refused("ada", "key"), Some(InvalidCredentials::Email));
        assert_eq!(refused("a:da@example.com", "key"), Some(InvalidCredentials::Email));
        assert_eq!(refused("ada@example.com", " "), Some(InvalidCredentials::ApiKey));
        assert_eq!(refused("ada@example.com", "k\ney"), Some(InvalidCredentials::ApiKey));
        let debug = format!("{:?}", Credentials::new("ada@example.com", "k3y").unwrap());
        assert!(!debug.contains("k3y"), "{debug}");
    }
}
