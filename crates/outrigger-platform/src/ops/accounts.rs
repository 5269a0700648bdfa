//! Accounts, users and tokens.

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
    check_label("slug", slug)?;
    let tx = app.store.begin().await?;
    let account = app.store.insert_account(&tx, slug, name).await?;
    app.store.commit(tx).await?;
    Ok(account)
}

/// Makes a user and, when asked, a member of an account.
pub async fn create_user(app: &App, new: NewUser<'_>) -> ApiResult<User> {
    if !new.email.contains('@') || new.email.chars().any(char::is_whitespace) || new.email.len() > 254 {
        return Err(invalid_field("email", "must be an e-mail address"));
    }
    let hash = match new.password {
        Some(password) => Some(hash(app, password).await?),
        None => None,
    };
    let tx = app.store.begin().await?;
    let user = app.store.insert_user(&tx, new.email, new.full_name, hash, new.operator).await?;
    if let Some((account, role)) = new.member_of {
        app.store.set_member(&account.id, &tx, &user.id, role).await?;
    }
    app.store.commit(tx).await?;
    Ok(user)
}

async fn hash(app: &App, password: &str) -> ApiResult<String> {
    let hash = hash_password(password, app.store.entropy()).await;
    hash.map_err(|fault| invalid_field("password", fault.to_string()))
}

/// Gives a user another password.
pub async fn set_password(app: &App, user: &UserId, password: &str) -> ApiResult<()> {
    let hash = hash(app, password).await?;
    let tx = app.store.begin().await?;
    app.store.set_password_hash(user, &tx, Some(hash)).await?;
    app.store.commit(tx).await?;
    Ok(())
}

/// Makes a token. Its secret is in the answer and nowhere else.
pub async fn create_token(app: &App, user: &UserId, new: NewToken) -> ApiResult<(Token, String)> {
    if new.name.trim().is_empty() || new.name.chars().count() > 100 {
        return Err(invalid_field("name", "must have 1 to 100 characters, so that you know the token later"));
    }
    if new.expires_at.is_some_and(|expiry| expiry.timestamp() <= app.store.clock().now()) {
        return Err(invalid_field("expires_at", "must be in the future"));
    }
    let tx = app.store.begin().await?;
    let made = app.store.insert_token(user, &tx, new).await?;
    app.store.commit(tx).await?;
    Ok(made)
}

/// The first account of a platform, with an operator as its owner and a token for that person.
#[derive(Debug)]
pub struct FirstAccount {
    pub account: Account,
    pub user: User,
    pub token: String,
}

/// Makes the first account, user and token.
pub async fn create_first_account(
    app: &App,
    slug: &str,
    name: &str,
    email: &str,
    password: Option<&str>,
) -> ApiResult<FirstAccount> {
    let account = create_account(app, slug, name).await?;
    let full_name = email.split('@').next().unwrap_or(email);
    let new = NewUser { email, full_name, password, operator: true, member_of: Some((&account, Role::Owner)) };
    let user = create_user(app, new).await?;
    let new = NewToken { account: None, name: "first token".to_owned(), scope: Scope::Admin, expires_at: None };
    let (_, token) = create_token(app, &user.id, new).await?;
    Ok(FirstAccount { account, user, token })
}
