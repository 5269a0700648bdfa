//! People in a browser: the session cookie, and the extractors that say what a page needs.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::path_value;
use crate::app::App;
use crate::error::{ApiError, ApiResult, forbidden, not_found};
use crate::store::accounts::{Account, Role};
use crate::store::sessions::{LIFETIME, Session};
use crate::store::sites::Site;
use crate::store::users::User;
use crate::urls::{OwnPath, Page, Urls};

/// A person with a session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: User,
    pub session: Session,
}

/// May look at the account in the path; the role says what else.
#[derive(Debug, Clone)]
pub struct AccountVisitor {
    pub person: SignedIn,
    pub account: Account,
    pub role: Role,
}

/// May look at the site in the path; the role says what else.
#[derive(Debug, Clone)]
pub struct SiteVisitor {
    pub person: SignedIn,
    pub account: Account,
    pub site: Site,
    pub role: Role,
}

/// May look at and change what belongs to the whole platform.
#[derive(Debug, Clone)]
pub struct SystemVisitor(pub SignedIn);

/// Why there is no page: nobody is signed in, or the person may not see it.
#[derive(Debug)]
pub enum PageRefusal {
    /// Sign in, then come back here.
    SignIn(Option<OwnPath>),
    /// The answer says why.
    Refused(ApiError),
}

impl<E: Into<ApiError>> From<E> for PageRefusal {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl IntoResponse for PageRefusal {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(next) => Redirect::to(&Page::SignIn { next: next.as_ref() }.to_string()).into_response(),
            Self::Refused(error) => error.into_response(),
        }
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = PageRefusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageRefusal> {
        if let Some(secret) = session_cookie(&app.urls, &parts.headers)
            && let Some((session, user)) = app.store.find_session_anywhere(secret).await?
        {
            app.limits.check_request(session.id.as_str(), app.store.clock().now())?;
            app.store.touch_session(&session).await?;
            return Ok(Self { user, session });
        }
        // What a form sent is lost by then: the way back leads to pages only.
        let here = (parts.method == Method::GET).then(|| parts.uri.path_and_query()).flatten();
        Err(PageRefusal::SignIn(here.and_then(|here| OwnPath::parse(here.as_str()))))
    }
}

impl FromRequestParts<Arc<App>> for AccountVisitor {
    type Rejection = PageRefusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageRefusal> {
        let person = SignedIn::from_request_parts(parts, app).await?;
        let id_or_slug = path_value(parts, app, &["account"]).await?;
        let missing = || not_found(format!("account `{id_or_slug}`"));
        let account = app.store.find_account_anywhere(&id_or_slug).await?.ok_or_else(missing)?;
        let role = app.store.role_in_account(&account.id, &person.user.id).await?.ok_or_else(missing)?;
        Ok(Self { person, account, role })
    }
}

impl FromRequestParts<Arc<App>> for SiteVisitor {
    type Rejection = PageRefusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageRefusal> {
        let person = SignedIn::from_request_parts(parts, app).await?;
        let id_or_name = path_value(parts, app, &["site"]).await?;
        let missing = || not_found(format!("site `{id_or_name}`"));
        let site = app.store.find_site_anywhere(&id_or_name).await?.ok_or_else(missing)?;
        let role = app.store.role_in_account(&site.account_id, &person.user.id).await?.ok_or_else(missing)?;
        let account = app.store.find_account_anywhere(site.account_id.as_str()).await?.ok_or_else(missing)?;
        Ok(Self { person, account, site, role })
    }
}

impl FromRequestParts<Arc<App>> for SystemVisitor {
    type Rejection = PageRefusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageRefusal> {
        let person = SignedIn::from_request_parts(parts, app).await?;
        if !person.user.operator {
            return Err(forbidden("these pages are for operators of the platform").into());
        }
        Ok(Self(person))
    }
}

/// Where a request comes from, as far as we can tell; for counting, not for deciding who somebody is.
#[derive(Debug, Clone)]
pub struct ClientAddress(pub String);

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self(super::address(app, parts)))
    }
}

/// The browser in which somebody signs in.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Where it is.
    pub address: String,
    /// What it calls itself.
    pub user_agent: String,
}

impl FromRequestParts<Arc<App>> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let ClientAddress(address) = ClientAddress::from_request_parts(parts, app).await?;
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self { address, user_agent: user_agent.unwrap_or_default().to_owned() })
    }
}

/// With the prefix a browser takes the cookie from exactly this host, over TLS. Plain HTTP is for loopback.
fn cookie_name(urls: &Urls) -> &'static str {
    if urls.is_https() { "__Host-outrigger" } else { "outrigger" }
}

/// The session's secret that the browser sent.
pub(crate) fn session_cookie<'a>(urls: &Urls, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = cookie_name(urls);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(there, _)| *there == name).map(|(_, secret)| secret)
}

/// Gives the browser its session.
pub(crate) fn set_session_cookie(urls: &Urls, secret: &str) -> ApiResult<HeaderValue> {
    cookie(urls, secret, LIFETIME.as_secs())
}

/// Takes it away.
pub(crate) fn clear_session_cookie(urls: &Urls) -> ApiResult<HeaderValue> {
    cookie(urls, "", 0)
}

fn cookie(urls: &Urls, value: &str, max_age: u64) -> ApiResult<HeaderValue> {
    let secure = if urls.is_https() { "; Secure" } else { "" };
    let name = cookie_name(urls);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}");
    HeaderValue::try_from(text).map_err(crate::error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_bound_to_the_host_when_there_is_tls() {
        let urls_of = |public: &str| Urls::new(public.parse().unwrap(), "sites.example", &public.parse().unwrap());
        let urls = urls_of("https://app.example/");
        let cookie = set_session_cookie(&urls, "secret").unwrap();
        assert_eq!(cookie, "__Host-outrigger=secret; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure");
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "outrigger=plain; a=b".parse().unwrap());
        headers.append(header::COOKIE, "c=d; __Host-outrigger=secret".parse().unwrap());
        assert_eq!(session_cookie(&urls, &headers), Some("secret"));
        let urls = urls_of("http://127.0.0.1:8090/");
        assert_eq!(session_cookie(&urls, &headers), Some("plain"));
        assert!(!set_session_cookie(&urls, "secret").unwrap().to_str().unwrap().contains("Secure"));
    }
}
