//! Signing in and out.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::Form;
use super::layout::Layout;
use super::{PageResult, page};
use crate::app::{App, SharedApp};
use crate::auth::{Browser, PageRefusal, SignedIn, clear_session_cookie, session_cookie, set_session_cookie};
use crate::error::{ApiError, ApiResult};
use crate::ops::sign_in::{SignedInNow, sign_in_with_link, sign_in_with_password};
use crate::urls::{OwnPath, Page};

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage<'a> {
    pub(super) layout: Layout,
    pub(super) next: Option<&'a OwnPath>,
    pub(super) email: &'a str,
    pub(super) fault: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "sign_in_link.html")]
pub(super) struct SignInLinkPage<'a> {
    pub(super) layout: Layout,
    /// Nothing when the link does not work.
    pub(super) link: Option<(&'a str, &'a str)>,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub struct Leading {
    next: Option<String>,
}

/// An e-mail address and a password.
#[derive(Deserialize)]
pub struct SignInForm {
    email: String,
    password: String,
    next: Option<String>,
}

fn own_path(next: Option<&str>) -> Option<OwnPath> {
    next.and_then(OwnPath::parse)
}

fn sign_in_page(next: Option<&OwnPath>, email: &str, fault: Option<&str>) -> ApiResult<Response> {
    page(&SignInPage { layout: Layout::for_anybody("Sign in"), next, email, fault })
}

/// Asks for an e-mail address and a password.
pub async fn show_sign_in(person: Result<SignedIn, PageRefusal>, Query(leading): Query<Leading>) -> PageResult {
    let next = own_path(leading.next.as_deref());
    if person.is_ok() {
        return Ok(lead_to(next.as_ref()).into_response());
    }
    Ok(sign_in_page(next.as_ref(), "", None)?)
}

/// Signs in with a password.
pub async fn create_session(
    State(app): State<SharedApp>,
    browser: Browser,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> PageResult {
    let next = own_path(form.next.as_deref());
    match sign_in_with_password(&app, &form.email, &form.password, browser).await {
        Ok(begun) => Ok(begin(&app, &headers, &begun, next.as_ref()).await?),
        Err(refused) if refused.status().is_server_error() => Err(refused.into()),
        Err(refused) => {
            let shown = sign_in_page(next.as_ref(), &form.email, Some(refused.message()))?;
            Ok(with_status_of(&refused, shown))
        }
    }
}

/// What opens the link in a browser or on the way to it, such as a mail filter, must not use it up: a person has to
/// press the button.
pub async fn show_sign_in_link(State(app): State<SharedApp>, Path(link): Path<String>) -> PageResult {
    let user = app.store.find_sign_in_link_anywhere(&link).await?;
    Ok(match &user {
        Some(user) => sign_in_link_page(Some((&link, &user.email)))?,
        None => (StatusCode::NOT_FOUND, sign_in_link_page(None)?).into_response(),
    })
}

fn sign_in_link_page(link: Option<(&str, &str)>) -> ApiResult<Response> {
    let title = if link.is_some() { "Sign in" } else { "This link does not work" };
    page(&SignInLinkPage { layout: Layout::for_anybody(title), link })
}

/// Signs in with a one-time link.
pub async fn use_sign_in_link(
    State(app): State<SharedApp>,
    Path(link): Path<String>,
    browser: Browser,
    headers: HeaderMap,
) -> PageResult {
    Ok(match sign_in_with_link(&app, &link, browser).await? {
        Some(begun) => begin(&app, &headers, &begun, None).await?,
        None => (StatusCode::NOT_FOUND, sign_in_link_page(None)?).into_response(),
    })
}

/// Signs out here.
pub async fn sign_out(State(app): State<SharedApp>, headers: HeaderMap) -> PageResult {
    end_session(&app, &headers).await?;
    Ok(signed_out(&app)?)
}

/// A browser without a session, at the page where one begins.
pub(super) fn signed_out(app: &App) -> ApiResult<Response> {
    let cookie = clear_session_cookie(&app.urls)?;
    let page = Page::SignIn { next: None }.to_string();
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&page)).into_response())
}

/// A session that the browser had before, whoever's, ends: what somebody may know of it is worth nothing now.
async fn begin(app: &App, headers: &HeaderMap, begun: &SignedInNow, next: Option<&OwnPath>) -> ApiResult<Response> {
    end_session(app, headers).await?;
    let cookie = set_session_cookie(&app.urls, &begun.secret)?;
    Ok(([(header::SET_COOKIE, cookie)], lead_to(next)).into_response())
}

async fn end_session(app: &App, headers: &HeaderMap) -> ApiResult<()> {
    let Some(secret) = session_cookie(&app.urls, headers) else { return Ok(()) };
    let Some((session, user)) = app.store.find_session_anywhere(secret).await? else { return Ok(()) };
    let tx = app.store.begin().await?;
    app.store.delete_session(&user.id, &tx, &session.id).await?;
    Ok(app.store.commit(tx).await?)
}

fn lead_to(next: Option<&OwnPath>) -> Redirect {
    match next {
        Some(next) => Redirect::to(next.as_str()),
        None => Redirect::to(&Page::Home.to_string()),
    }
}

/// A page that says what was wrong, with the status and `Retry-After` of the refusal.
pub(super) fn with_status_of(refused: &ApiError, mut shown: Response) -> Response {
    *shown.status_mut() = refused.status();
    if let Some(seconds) = refused.retry_after_seconds() {
        shown.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    shown
}
