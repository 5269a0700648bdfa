//! Accounts of the caller.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::app::{App, SharedApp};
use crate::auth::{AccountReader, Caller};
use crate::error::ApiResult;
use crate::store::Time;
use crate::store::accounts::{Account, Role};
use crate::store::ids::{AccountId, UserId};

/// An account, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountBody {
    #[schema(value_type = String)]
    pub id: AccountId,
    pub name: String,
    pub slug: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// The netlify CLI fails on an account without this.
    pub roles_allowed: Vec<String>,
    #[schema(value_type = Vec<String>)]
    pub owner_ids: Vec<UserId>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

async fn account_body(app: &App, account: Account, role: Role) -> ApiResult<AccountBody> {
    let role = match role {
        Role::Owner => "Owner",
        Role::Developer => "Developer",
        Role::Viewer => "Viewer",
    };
    Ok(AccountBody {
        owner_ids: app.store.owners_of_account(&account.id).await?,
        id: account.id,
        name: account.name,
        slug: account.slug,
        kind: "team".to_owned(),
        roles_allowed: vec![role.to_owned()],
        created_at: account.created_at,
        updated_at: account.updated_at,
    })
}

/// The accounts that the token reaches.
#[utoipa::path(get, path = "/accounts", operation_id = "listAccountsForUser", responses((status = 200, body = [AccountBody])), tag = "accounts")]
pub async fn list_accounts(State(app): State<SharedApp>, caller: Caller) -> ApiResult<Json<Vec<AccountBody>>> {
    let mut bodies = Vec::new();
    for (account, role) in caller.accounts(&app).await? {
        bodies.push(account_body(&app, account, role).await?);
    }
    Ok(Json(bodies))
}

/// One account, by id or slug.
#[utoipa::path(get, path = "/accounts/{account_id}", operation_id = "getAccount", params(("account_id" = String, Path)), responses((status = 200, body = AccountBody), (status = 404, body = crate::error::ErrorBody)), tag = "accounts")]
pub async fn show_account(
    State(app): State<SharedApp>,
    AccountReader(context): AccountReader,
) -> ApiResult<Json<AccountBody>> {
    let role = app.store.role_in_account(&context.account.id, &context.caller.user.id).await?;
    account_body(&app, context.account, role.unwrap_or(Role::Viewer)).await.map(Json)
}
