//! Texts that are parsed once: URLs and e-mail addresses.

use std::fmt;
use std::str::FromStr;

use secrecy::zeroize::Zeroize;
use serde::{Serialize, Serializer};
use serde_json::Value;
use url::Url;

use super::{FieldValue, Kind};
use crate::Text;
use crate::form::Widget;

const LONGEST_URL: usize = 2_048;
const LONGEST_ADDRESS: usize = 254;
const LONGEST_LOCAL_PART: usize = 64;

/// An absolute `http` or `https` URL with a host, of at most 2,048 characters.
///
/// ```
/// use outrigger_integrations::HttpUrl;
///
/// let url: HttpUrl = "http://localhost:8080/hook".parse()?;
/// assert_eq!(url.as_url().port(), Some(8080));
/// assert!("ftp://example.com".parse::<HttpUrl>().is_err());
/// # Ok::<(), outrigger_integrations::Text>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

/// An absolute `https` URL with a host, of at most 2,048 characters.
///
/// ```
/// use outrigger_integrations::HttpsUrl;
///
/// assert!("https://example.com/hook".parse::<HttpsUrl>().is_ok());
/// assert!("http://example.com/hook".parse::<HttpsUrl>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HttpsUrl(Url);

/// Parses a URL that a form may take.
pub(crate) fn parse_url(text: &str, https: bool) -> Result<Url, Text> {
    if text.len() > LONGEST_URL {
        return Err("This URL is too long.".into());
    }
    let url = Url::parse(text).map_err(|_| Text::plain("This has to be a URL, such as https://example.com/path."))?;
    let fits = url.scheme() == "https" || (url.scheme() == "http" && !https);
    match (fits && url.has_host(), https) {
        (true, _) => Ok(url),
        (false, true) => Err("This has to be a URL that begins with https://.".into()),
        (false, false) => Err("This has to be a URL that begins with https:// or http://.".into()),
    }
}

/// Scheme and host: all of a secret URL that may be shown.
pub(crate) fn url_hint(url: &Url) -> String {
    format!("{}://{}/***", url.scheme(), url.host_str().unwrap_or_default())
}

macro_rules! urls {
    ($($name:ident: $https:literal),*) => { $(
        impl $name {
            /// The parsed URL.
            pub fn as_url(&self) -> &Url {
                &self.0
            }

            /// The URL as text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = Text;

            fn from_str(text: &str) -> Result<Self, Text> {
                parse_url(text, $https).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        /// Leaves a URL without meaning behind.
        impl Zeroize for $name {
            fn zeroize(&mut self) {
                if let Ok(blank) = Url::parse("https://blank.invalid/") {
                    String::from(std::mem::replace(&mut self.0, blank)).zeroize();
                }
            }
        }

        impl FieldValue for $name {
            const KIND: Kind = Kind::Parsed;

            fn widget() -> Widget {
                Widget::Url { https: $https }
            }

            fn from_json(value: &Value) -> Result<Self, Text> {
                String::from_json(value)?.parse()
            }

            /// As it was parsed: a host in capitals comes back in small letters.
            fn to_json(&self) -> Value {
                Value::from(self.as_str())
            }

            fn hint(&self) -> Option<String> {
                Some(url_hint(&self.0))
            }
        }
    )* };
}

urls!(HttpUrl: false, HttpsUrl: true);

/// An e-mail address: one `@` between a local part and a host, without blanks, quotes or a display name.
///
/// Whether somebody reads mail there, only a message can tell.
///
/// ```
/// use outrigger_integrations::EmailAddress;
///
/// assert!("ada@example.com".parse::<EmailAddress>().is_ok());
/// assert!("Ada <ada@example.com>".parse::<EmailAddress>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a form takes the text as an e-mail address.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|char| char == '-' || char.is_alphanumeric())
    };
    let refused = |char: char| char.is_whitespace() || char.is_control() || "@\"<>(),:;[]\\".contains(char);
    text.len() <= LONGEST_ADDRESS
        && (1..=LONGEST_LOCAL_PART).contains(&local.len())
        && !local.contains(refused)
        && host.split('.').all(label)
}

impl FromStr for EmailAddress {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        if is_email(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("This has to be an e-mail address, such as ada@example.com.".into())
        }
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Zeroize for EmailAddress {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl FieldValue for EmailAddress {
    const KIND: Kind = Kind::Parsed;

    fn widget() -> Widget {
        Widget::Email
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        String::from_json(value)?.parse()
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }
}
