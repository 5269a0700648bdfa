//! Signing in with a password or a one-time link, and what slows down those who guess.

use std::time::Duration;

use crate::app::App;
use crate::auth::{Browser, hash_password, verify_password};
use crate::error::{ApiResult, internal, invalid_field, too_many_requests, unauthorized};
use crate::store::Attempts;
use crate::store::sessions::{NewSession, Session, Way};
use crate::store::users::User;

/// How long a one-time link works.
pub const LINK_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Failed attempts as one user, from wherever.
const PER_ACCOUNT: i64 = 10;
/// Failed attempts from one address, as whomever: more, because an office may have one address.
const PER_ADDRESS: i64 = 50;

/// A session that has begun, and the secret for its cookie.
#[derive(Debug)]
pub struct SignedInNow {
    pub session: Session,
    pub secret: String,
}

/// Whose e-mail address and password these are. Text and duration of a refusal do not tell whether there is such a
/// user.
pub(crate) async fn check_password(app: &App, email: &str, password: &str, address: &str) -> ApiResult<User> {
    // Nobody's address is longer, or has a control character, which PostgreSQL may refuse.
    let email: String = email.trim().chars().filter(|c| !c.is_control()).take(254).collect();
    let account = format!("account:{}", email.to_lowercase());
    let place = format!("address:{address}");
    let attempts = app.store.count_attempt_anywhere(&account).await?;
    refuse_above(app, attempts, PER_ACCOUNT, "too many attempts to sign in as this user")?;
    let attempts = app.store.count_attempt_anywhere(&place).await?;
    refuse_above(app, attempts, PER_ADDRESS, "too many failed attempts to sign in from your address")?;
    let user = app.store.find_user_by_email(&email).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let matches = verify_password(password, hash).await.map_err(internal)?;
    let user = user.filter(|_| matches).ok_or_else(|| unauthorized("e-mail address or password is wrong"))?;
    app.store.forget_attempts_anywhere(&account).await?;
    app.store.uncount_attempt_anywhere(&place).await?;
    Ok(user)
}

pub(crate) fn refuse_above(app: &App, attempts: Attempts, limit: i64, what: &str) -> ApiResult<()> {
    if attempts.count <= limit {
        return Ok(());
    }
    let wait = attempts.forgotten_at.timestamp().duration_since(app.store.clock().now()).as_secs();
    let seconds = u64::try_from(wait).unwrap_or(0) + 1;
    Err(too_many_requests(what, u32::try_from(limit).unwrap_or(u32::MAX), seconds, app.store.clock().now()))
}

/// Starts a session for a user with the right password.
pub(crate) async fn sign_in_with_password(
    app: &App,
    email: &str,
    password: &str,
    browser: Browser,
) -> ApiResult<SignedInNow> {
    let user = check_password(app, email, password, &browser.address).await?;
    let tx = app.store.begin().await?;
    let (session, secret) = app.store.insert_session(&user.id, &tx, new_session(Way::Password, browser)).await?;
    app.store.touch_login(&user.id, &tx).await?;
    app.store.commit(tx).await?;
    Ok(SignedInNow { session, secret })
}

/// Starts a session for the one whom the link is for, and takes the link out of use. `None`: it does not work (any
/// more).
pub(crate) async fn sign_in_with_link(app: &App, link: &str, browser: Browser) -> ApiResult<Option<SignedInNow>> {
    let Some(user) = app.store.find_sign_in_link_anywhere(link).await? else { return Ok(None) };
    let tx = app.store.begin().await?;
    if !app.store.use_sign_in_link(&user.id, &tx, link).await? {
        return Ok(None);
    }
    let (session, secret) = app.store.insert_session(&user.id, &tx, new_session(Way::Link, browser)).await?;
    app.store.touch_login(&user.id, &tx).await?;
    app.store.commit(tx).await?;
    Ok(Some(SignedInNow { session, secret }))
}

/// Whether the person has to say the password to change it. Not right after a one-time link: that is how one comes in
/// who has forgotten it.
pub(crate) fn needs_current_password(app: &App, user: &User, session: &Session) -> bool {
    let by_link = session.way == Way::Link;
    let fresh = app.store.clock().now() < session.created_at.timestamp() + LINK_LIFETIME;
    user.password_hash.is_some() && !(by_link && fresh)
}

/// Sets the person's own password and ends all sessions but this one.
pub(crate) async fn change_password(
    app: &App,
    (user, session): (&User, &Session),
    current: &str,
    new: &str,
    address: &str,
) -> ApiResult<()> {
    if needs_current_password(app, user, session) {
        let checked = check_password(app, &user.email, current, address).await;
        checked.map_err(|refused| match refused.status() {
            http::StatusCode::UNAUTHORIZED => invalid_field("current_password", "is not the password you have now"),
            _ => refused,
        })?;
    }
    let hash = hash_password(new, app.store.entropy()).await;
    let hash = hash.map_err(|fault| invalid_field("new_password", fault.to_string()))?;
    let tx = app.store.begin().await?;
    app.store.set_password_hash(&user.id, &tx, Some(hash)).await?;
    app.store.delete_sessions_of_user(&user.id, &tx, Some(&session.id)).await?;
    app.store.commit(tx).await?;
    Ok(())
}

fn new_session(way: Way, browser: Browser) -> NewSession {
    let user_agent = browser.user_agent.chars().filter(|c| !c.is_control()).take(200).collect();
    NewSession { way, user_agent, address: browser.address }
}

/// Makes an address that signs a user in, once.
pub async fn create_sign_in_link(app: &App, user: &User) -> ApiResult<String> {
    let tx = app.store.begin().await?;
    let secret = app.store.insert_sign_in_link(&user.id, &tx, LINK_LIFETIME).await?;
    app.store.commit(tx).await?;
    Ok(app.urls.absolute(&crate::urls::Page::SignInLink(&secret)))
}
