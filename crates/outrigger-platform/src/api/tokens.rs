//! Tokens of the caller. Extension.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Json, Path};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::error::{ApiResult, invalid_field, not_found};
use crate::ops::accounts;
use crate::store::Time;
use crate::store::ids::{AccountId, TokenId};
use crate::store::tokens::{NewToken, Scope, Token};

/// A token without its secret.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenBody {
    #[schema(value_type = String)]
    pub id: TokenId,
    pub name: String,
    pub scope: Scope,
    /// The only account it reaches; `null` for all of the user's.
    #[schema(value_type = Option<String>)]
    pub account_id: Option<AccountId>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Time>,
    /// The secret; in the answer to its creation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What a new token shall be.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What you call it.
    pub name: String,
    pub scope: Scope,
    /// Limits it to one account, by id or slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Seconds until it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
}

pub(crate) fn token_body(token: Token, secret: Option<String>) -> TokenBody {
    TokenBody {
        id: token.id,
        name: token.name,
        scope: token.scope,
        account_id: token.account_id,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
        token: secret,
    }
}

/// A token that is limited to one account has to do with tokens of that account only.
fn reaches(caller: &Caller, token: &Token) -> bool {
    caller.grant.account_id.is_none() || caller.grant.account_id == token.account_id
}

/// The caller's tokens.
#[utoipa::path(get, path = "/tokens", responses((status = 200, body = [TokenBody])), tag = "tokens")]
pub async fn list_tokens(State(app): State<SharedApp>, caller: Caller) -> ApiResult<axum::Json<Vec<TokenBody>>> {
    caller.require(Scope::Admin)?;
    let mut tokens = app.store.tokens_of_user(&caller.user.id).await?;
    tokens.retain(|token| reaches(&caller, token));
    Ok(axum::Json(tokens.into_iter().map(|token| token_body(token, None)).collect()))
}

/// Makes a token. Its secret is in this answer and never again.
#[utoipa::path(post, path = "/tokens", request_body = CreateToken, responses((status = 201, body = TokenBody), (status = 422, body = crate::error::ErrorBody)), tag = "tokens")]
pub async fn create_token(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<CreateToken>,
) -> ApiResult<(StatusCode, axum::Json<TokenBody>)> {
    caller.require(Scope::Admin)?;
    let account = match &body.account {
        Some(wanted) => {
            let mut mine = caller.accounts(&app).await?.into_iter().map(|(account, _)| account);
            let found = mine.find(|account| account.id.as_str() == wanted || account.slug == *wanted);
            Some(found.ok_or_else(|| invalid_field("account", format!("you have no account `{wanted}`")))?.id)
        }
        // A limited token cannot make an unlimited one.
        None => caller.grant.account_id.clone(),
    };
    let now = app.store.clock().now();
    let expires_at = body.expires_in.map(|seconds| (now + SignedDuration::from_secs(seconds.into())).into());
    // Nor can one that ends make one that does not, or later.
    let expires_at =
        caller.grant.expires_at.map_or(expires_at, |end| Some(expires_at.map_or(end, |own: Time| own.min(end))));
    let new = NewToken { account, name: body.name, scope: body.scope, expires_at };
    let (token, secret) = accounts::create_token(&app, &caller.user.id, new).await?;
    Ok((StatusCode::CREATED, axum::Json(token_body(token, Some(secret)))))
}

/// Revokes a token.
#[utoipa::path(delete, path = "/tokens/{token_id}", params(("token_id" = String, Path)), responses((status = 204), (status = 404, body = crate::error::ErrorBody)), tag = "tokens")]
pub async fn revoke_token(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    caller.require(Scope::Admin)?;
    let missing = || not_found(format!("token `{id}`"));
    let id: TokenId = id.parse().map_err(|_| missing())?;
    let tokens = app.store.tokens_of_user(&caller.user.id).await?;
    if !tokens.iter().any(|token| token.id == id && reaches(&caller, token)) {
        return Err(missing());
    }
    let tx = app.store.begin().await?;
    if !app.store.revoke_token(&caller.user.id, &tx, &id).await? {
        return Err(missing());
    }
    app.store.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
