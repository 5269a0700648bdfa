//! Addresses of the dashboard's pages. Handlers and templates name a page; only here it becomes text.

use std::fmt;

use url::form_urlencoded::byte_serialize;

use crate::store::ids::{SessionId, TokenId};

/// A page of the dashboard, or where one of its forms leads. Shown, it is a path of our own.
#[derive(Debug, Clone, Copy)]
pub enum Page<'a> {
    Home,
    SignIn {
        next: Option<&'a OwnPath>,
    },
    SignInLink(&'a str),
    SignOut,
    Settings,
    /// The settings once something was done there.
    SettingsAfter(&'a str),
    SetPassword,
    EndSession(&'a SessionId),
    EndAllSessions,
    RevokeToken(&'a TokenId),
    Authorize,
    Account(&'a str),
    /// Sites after the one with this id.
    AccountAfter(&'a str, &'a str),
    AccountEnv(&'a str),
    Site(&'a str),
    SiteEnv(&'a str),
    SiteSnippets(&'a str),
    AccountIntegrations(&'a str),
    SiteIntegrations(&'a str),
    SystemIntegrations,
    AccountSurfaces(&'a str),
    SiteSurfaces(&'a str),
    AccountSurface(&'a str, &'a str),
    SiteSurface(&'a str, &'a str),
    /// Where somebody connects an integration of an account.
    AccountConnection(&'a str, &'a str),
    SiteConnection(&'a str, &'a str),
    /// Where services send people back to.
    ConnectionCallback,
    Asset(&'a str),
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home => f.write_str("/"),
            Self::SignIn { next: None } => f.write_str("/sign-in"),
            Self::SignIn { next: Some(next) } => write!(f, "/sign-in?next={}", Encoded(next.as_str())),
            Self::SignInLink(link) => write!(f, "/sign-in/link/{}", Encoded(link)),
            Self::SignOut => f.write_str("/sign-out"),
            Self::Settings => f.write_str("/settings"),
            Self::SettingsAfter(done) => write!(f, "/settings?done={}", Encoded(done)),
            Self::SetPassword => f.write_str("/settings/password"),
            Self::EndSession(id) => write!(f, "/settings/sessions/{id}/end"),
            Self::EndAllSessions => f.write_str("/settings/sessions/end"),
            Self::RevokeToken(id) => write!(f, "/settings/tokens/{id}/revoke"),
            Self::Authorize => f.write_str("/authorize"),
            Self::Account(slug) => write!(f, "/accounts/{}", Encoded(slug)),
            Self::AccountAfter(slug, site) => write!(f, "/accounts/{}?after={}", Encoded(slug), Encoded(site)),
            Self::AccountEnv(slug) => write!(f, "/accounts/{}/env", Encoded(slug)),
            Self::Site(name) => write!(f, "/sites/{}", Encoded(name)),
            Self::SiteEnv(name) => write!(f, "/sites/{}/env", Encoded(name)),
            Self::SiteSnippets(name) => write!(f, "/sites/{}/snippets", Encoded(name)),
            Self::AccountIntegrations(slug) => write!(f, "/accounts/{}/integrations", Encoded(slug)),
            Self::SiteIntegrations(name) => write!(f, "/sites/{}/integrations", Encoded(name)),
            Self::AccountSurfaces(slug) => write!(f, "/accounts/{}/surfaces", Encoded(slug)),
            Self::SiteSurfaces(name) => write!(f, "/sites/{}/surfaces", Encoded(name)),
            Self::AccountSurface(slug, id) => write!(f, "/accounts/{}/surfaces/{}", Encoded(slug), Encoded(id)),
            Self::SiteSurface(name, id) => write!(f, "/sites/{}/surfaces/{}", Encoded(name), Encoded(id)),
            Self::AccountConnection(slug, id) => write!(f, "/accounts/{}/connections/{}", Encoded(slug), Encoded(id)),
            Self::SiteConnection(name, id) => write!(f, "/sites/{}/connections/{}", Encoded(name), Encoded(id)),
            Self::ConnectionCallback => f.write_str("/connections/callback"),
            Self::SystemIntegrations => f.write_str("/system/integrations"),
            Self::Asset(file) => write!(f, "/assets/{}", Encoded(file)),
        }
    }
}

/// Names and ids need no encoding; what somebody typed into an address bar may.
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        byte_serialize(self.0.as_bytes()).try_for_each(|part| f.write_str(part))
    }
}

/// A path and query on our own origin: where a sign-in may lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPath(String);

impl OwnPath {
    /// `None` for all that a browser could take for another origin.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= 2000 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let rooted = text.starts_with('/') && !text.starts_with("//");
        (plain && rooted).then(|| Self(text.to_owned()))
    }

    /// The path, with its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_led_to() {
        for own in ["/", "/sites/demo?x=1", "/authorize?response_type=ticket&ticket=a"] {
            assert_eq!(OwnPath::parse(own).unwrap().as_str(), own);
        }
        let long = format!("/{}", "a".repeat(2000));
        for other in [
            "",
            "sites",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "/ä",
            &long,
        ] {
            assert_eq!(OwnPath::parse(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_typed_stays_inside_its_segment() {
        assert_eq!(Page::SignInLink("../x?y#z").to_string(), "/sign-in/link/..%2Fx%3Fy%23z");
        let next = OwnPath::parse("/sites/demo?a=b&c=d").unwrap();
        assert_eq!(Page::SignIn { next: Some(&next) }.to_string(), "/sign-in?next=%2Fsites%2Fdemo%3Fa%3Db%26c%3Dd");
    }
}
