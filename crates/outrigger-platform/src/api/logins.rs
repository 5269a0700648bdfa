//! Signing in on a terminal: an e-mail address and a password for a token. Extension.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Json;
use super::tokens::{TokenBody, token_body};
use crate::app::SharedApp;
use crate::auth::{ClientAddress, Stranger};
use crate::error::ApiResult;
use crate::ops::accounts;
use crate::ops::sign_in::check_password;
use crate::store::tokens::{NewToken, Scope};

/// Who signs in.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLogin {
    pub email: String,
    #[schema(format = Password)]
    pub password: String,
    /// What the token will be called in the list of tokens.
    pub token_name: String,
}

/// Signs in.
#[utoipa::path(post, path = "/logins", request_body = CreateLogin, responses((status = 201, body = TokenBody), (status = 401, body = crate::error::ErrorBody), (status = 429, body = crate::error::ErrorBody)), security(()), tag = "tokens")]
pub async fn create_login(
    State(app): State<SharedApp>,
    _: Stranger,
    ClientAddress(address): ClientAddress,
    Json(body): Json<CreateLogin>,
) -> ApiResult<(StatusCode, axum::Json<TokenBody>)> {
    app.limits.check_login(&body.email, app.store.clock().now())?;
    let user = check_password(&app, &body.email, &body.password, &address).await?;
    let new = NewToken { account: None, name: body.token_name, scope: Scope::Admin, expires_at: None };
    let (token, secret) = accounts::sign_in(&app, &user.id, new).await?;
    Ok((StatusCode::CREATED, axum::Json(token_body(token, Some(secret)))))
}
