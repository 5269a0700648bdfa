//! What a person may set for themselves: password, sessions, tokens.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::Form;
use super::layout::Layout;
use super::sign_in::{signed_out, with_status_of};
use super::{PageResult, page};
use crate::app::{App, SharedApp};
use crate::auth::{ClientAddress, SignedIn};
use crate::error::{ApiError, ApiResult, not_found};
use crate::ops::sign_in::{change_password, needs_current_password};
use crate::store::ids::{SessionId, TokenId};
use crate::store::sessions::{Session, Way};
use crate::store::tokens::{Scope, Token};
use crate::store::users::User;
use crate::urls::Page;

#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage<'a> {
    pub(super) layout: Layout,
    pub(super) user: &'a User,
    /// Each with whether it is the one in use.
    pub(super) sessions: Vec<(Session, bool)>,
    pub(super) tokens: Vec<Token>,
    pub(super) needs_current: bool,
    pub(super) done: Option<&'static str>,
    pub(super) faults: PasswordFaults,
}

/// What is wrong with the password form.
#[derive(Default)]
pub(super) struct PasswordFaults {
    pub(super) wrong_current: bool,
    pub(super) new: Option<String>,
    pub(super) whole: Option<String>,
}

impl From<&ApiError> for PasswordFaults {
    fn from(refused: &ApiError) -> Self {
        let of = |name| refused.fields().iter().find(|fault| fault.field == name).map(|fault| fault.message.clone());
        let whole = refused.fields().is_empty().then(|| refused.message().to_owned());
        Self { wrong_current: of("current_password").is_some(), new: of("new_password"), whole }
    }
}

/// What has just been done.
#[derive(Debug, Deserialize)]
pub struct Done {
    done: Option<String>,
}

/// Another password.
#[derive(Deserialize)]
pub struct PasswordForm {
    #[serde(default)]
    current_password: String,
    new_password: String,
}

/// The words for what was done; anything else in the address says nothing.
fn done_text(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "password" => Some("Your password is set. All your other sessions have ended."),
        "session" => Some("That session has ended."),
        "token" => Some("That token does not work any more."),
        _ => None,
    }
}

fn way_name(way: &Way) -> &'static str {
    match way {
        Way::Password => "with a password",
        Way::Link => "with a one-time link",
    }
}

fn scope_name(scope: &Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
        Scope::Admin => "admin",
    }
}

/// The person's settings.
pub async fn show_settings(State(app): State<SharedApp>, person: SignedIn, Query(query): Query<Done>) -> PageResult {
    let done = done_text(query.done.as_deref());
    Ok(settings_page(&app, &person, done, PasswordFaults::default()).await?)
}

async fn settings_page(
    app: &App,
    person: &SignedIn,
    done: Option<&'static str>,
    faults: PasswordFaults,
) -> ApiResult<Response> {
    let sessions = app.store.sessions_of_user(&person.user.id).await?;
    page(&SettingsPage {
        layout: Layout::for_person("Settings", person),
        user: &person.user,
        sessions: sessions.into_iter().map(|session| (session.clone(), session.id == person.session.id)).collect(),
        tokens: app.store.tokens_of_user(&person.user.id).await?,
        needs_current: needs_current_password(app, &person.user, &person.session),
        done,
        faults,
    })
}

/// Sets the person's password.
pub async fn set_password(
    State(app): State<SharedApp>,
    person: SignedIn,
    ClientAddress(address): ClientAddress,
    Form(form): Form<PasswordForm>,
) -> PageResult {
    let who = (&person.user, &person.session);
    match change_password(&app, who, &form.current_password, &form.new_password, &address).await {
        Ok(()) => Ok(back("password")),
        Err(refused) if refused.status().is_server_error() => Err(refused.into()),
        Err(refused) => {
            let shown = settings_page(&app, &person, None, (&refused).into()).await?;
            Ok(with_status_of(&refused, shown))
        }
    }
}

/// Ends one of the person's sessions.
pub async fn end_session(State(app): State<SharedApp>, person: SignedIn, Path(id): Path<String>) -> PageResult {
    let missing = || not_found("this session");
    let id: SessionId = id.parse().map_err(|_| missing())?;
    let tx = app.store.begin().await?;
    if !app.store.delete_session(&person.user.id, &tx, &id).await? {
        return Err(missing().into());
    }
    app.store.commit(tx).await?;
    if id == person.session.id { Ok(signed_out(&app)?) } else { Ok(back("session")) }
}

/// Signs out everywhere.
pub async fn end_all_sessions(State(app): State<SharedApp>, person: SignedIn) -> PageResult {
    let tx = app.store.begin().await?;
    app.store.delete_sessions_of_user(&person.user.id, &tx, None).await?;
    app.store.commit(tx).await?;
    Ok(signed_out(&app)?)
}

/// Revokes one of the person's tokens.
pub async fn revoke_token(State(app): State<SharedApp>, person: SignedIn, Path(id): Path<String>) -> PageResult {
    let missing = || not_found("this token");
    let id: TokenId = id.parse().map_err(|_| missing())?;
    let tx = app.store.begin().await?;
    if !app.store.revoke_token(&person.user.id, &tx, &id).await? {
        return Err(missing().into());
    }
    app.store.commit(tx).await?;
    Ok(back("token"))
}

fn back(done: &str) -> Response {
    Redirect::to(&Page::SettingsAfter(done).to_string()).into_response()
}
