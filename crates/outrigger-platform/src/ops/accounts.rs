//! Accounts, users and tokens.

use outrigger_db::Tx;

use crate::app::App;
use crate::auth::hash_password;
use crate::error::{ApiResult, invalid_field};
use crate::ops::sites::check_label;
use crate::store::accounts::{Account, Role};
use crate::store::ids::UserId;
use crate::store::tokens::{NewToken, Scope, Token};
use crate::store::users::User;

/// A new user, as an operator describes one.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    pub email: &'a str,
    pub full_name: &'a str,
    pub password: Option<&'a str>,
    pub operator: bool,
    /// The account the user joins, and as what.
    pub member_of: Option<(&'a Account, Role)>,
}

/// Makes an account.
pub async fn create_account(app: &App, slug: &str, name: &str) -> ApiResult<Account> {
    check_account(slug, name)?;
    let tx = app.store.begin().await?;
    let account = app.store.insert_account(&tx, slug, name).await?;
    app.store.commit(tx).await?;
    Ok(account)
}

/// First parts of addresses beside `/{account_slug}/sites`.
const RESERVED_SLUGS: [&str; 9] =
    ["accounts", "api", "callbacks", "logins", "oauth", "services", "sites", "tokens", "user"];

fn check_account(slug: &str, name: &str) -> ApiResult<()> {
    check_label("slug", slug)?;
    if RESERVED_SLUGS.contains(&slug) {
        return Err(invalid_field("slug", "is the name of something else in addresses; choose another"));
    }
    if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(invalid_field("name", "must have 1 to 100 characters on one line"));
    }
    Ok(())
}

/// Makes a user and, when asked, a member of an account.
pub async fn create_user(app: &App, new: NewUser<'_>) -> ApiResult<User> {
    let hash = check_user(app, &new).await?;
    let tx = app.store.begin().await?;
    let user = insert_user(app, &tx, &new, hash).await?;
    app.store.commit(tx).await?;
    Ok(user)
}

/// Makes a user together with a first token: both or neither. The token's secret is in the answer and nowhere else.
pub async fn create_user_with_token(app: &App, new: NewUser<'_>, token: NewToken) -> ApiResult<(User, Token, String)> {
    check_token(app, &token)?;
    let hash = check_user(app, &new).await?;
    let tx = app.store.begin().await?;
    let user = insert_user(app, &tx, &new, hash).await?;
    let (token, secret) = app.store.insert_token(&user.id, &tx, token).await?;
    app.store.commit(tx).await?;
    Ok((user, token, secret))
}

/// Checks what is said about a user and hashes the password, which takes too long for a transaction.
async fn check_user(app: &App, new: &NewUser<'_>) -> ApiResult<Option<String>> {
    let unfit = |c: char| c.is_whitespace() || c.is_control();
    if !new.email.contains('@') || new.email.chars().any(unfit) || new.email.len() > 254 {
        return Err(invalid_field("email", "must be an e-mail address"));
    }
    if new.full_name.chars().count() > 200 || new.full_name.chars().any(char::is_control) {
        return Err(invalid_field("full_name", "must be at most 200 characters on one line"));
    }
    match new.password {
        Some(password) => hash(app, password).await.map(Some),
        None => Ok(None),
    }
}

async fn insert_user(app: &App, tx: &Tx, new: &NewUser<'_>, hash: Option<String>) -> ApiResult<User> {
    let user = app.store.insert_user(tx, new.email, new.full_name, hash, new.operator).await?;
    if let Some((account, role)) = new.member_of {
        app.store.set_member(&account.id, tx, &user.id, role).await?;
    }
    Ok(user)
}

async fn hash(app: &App, password: &str) -> ApiResult<String> {
    let hash = hash_password(password, app.store.entropy()).await;
    hash.map_err(|fault| invalid_field("password", fault.to_string()))
}

/// Gives a user another password. Whoever is signed in with the old one is so no longer.
pub async fn set_password(app: &App, user: &UserId, password: &str) -> ApiResult<()> {
    let hash = hash(app, password).await?;
    let tx = app.store.begin().await?;
    app.store.set_password_hash(user, &tx, Some(hash)).await?;
    app.store.delete_sessions_of_user(user, &tx, None).await?;
    app.store.commit(tx).await?;
    Ok(())
}

/// Makes a token. Its secret is in the answer and nowhere else.
pub async fn create_token(app: &App, user: &UserId, new: NewToken) -> ApiResult<(Token, String)> {
    check_token(app, &new)?;
    let tx = app.store.begin().await?;
    let made = app.store.insert_token(user, &tx, new).await?;
    app.store.commit(tx).await?;
    Ok(made)
}

/// Notes that a user has signed in, with the token that this gives. The secret is in the answer and nowhere else.
pub async fn sign_in(app: &App, user: &UserId, new: NewToken) -> ApiResult<(Token, String)> {
    check_token(app, &new)?;
    let tx = app.store.begin().await?;
    let made = app.store.insert_token(user, &tx, new).await?;
    app.store.touch_login(user, &tx).await?;
    app.store.commit(tx).await?;
    Ok(made)
}

fn check_token(app: &App, new: &NewToken) -> ApiResult<()> {
    if new.name.trim().is_empty() || new.name.chars().count() > 100 || new.name.chars().any(char::is_control) {
        return Err(invalid_field("name", "must have 1 to 100 characters, so that you know the token later"));
    }
    if new.expires_at.is_some_and(|expiry| expiry.timestamp() <= app.store.clock().now()) {
        return Err(invalid_field("expires_at", "must be in the future"));
    }
    Ok(())
}

/// The first account of a platform, with an operator as its owner and a token for that person.
#[derive(Debug)]
pub struct FirstAccount {
    pub account: Account,
    pub user: User,
    pub token: String,
}

/// Makes the first account, user and token: all or nothing, so that a set-up that was cut short can be run again.
pub async fn create_first_account(
    app: &App,
    slug: &str,
    name: &str,
    email: &str,
    password: Option<&str>,
) -> ApiResult<FirstAccount> {
    check_account(slug, name)?;
    let full_name = email.split('@').next().unwrap_or(email);
    let new = NewUser { email, full_name, password, operator: true, member_of: None };
    let hash = check_user(app, &new).await?;
    let token = NewToken { account: None, name: "first token".to_owned(), scope: Scope::Admin, expires_at: None };
    let tx = app.store.begin().await?;
    let account = app.store.insert_account(&tx, slug, name).await?;
    let new = NewUser { member_of: Some((&account, Role::Owner)), ..new };
    let user = insert_user(app, &tx, &new, hash).await?;
    let (_, token) = app.store.insert_token(&user.id, &tx, token).await?;
    app.store.commit(tx).await?;
    Ok(FirstAccount { account, user, token })
}
