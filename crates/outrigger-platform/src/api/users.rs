//! The user behind the token.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::app::SharedApp;
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::store::Time;
use crate::store::ids::UserId;

/// A user, as clients see one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserBody {
    #[schema(value_type = String)]
    pub id: UserId,
    /// The same id, under the name that older clients look for.
    #[schema(value_type = String)]
    pub uid: UserId,
    pub full_name: String,
    pub email: String,
    pub avatar_url: String,
    /// Extension: may register add-ons.
    pub operator: bool,
    pub site_count: u64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_login: Option<Time>,
}

/// Who am I?
#[utoipa::path(get, path = "/user", operation_id = "getCurrentUser", responses((status = 200, body = UserBody)), tag = "users")]
pub async fn show_user(State(app): State<SharedApp>, caller: Caller) -> ApiResult<Json<UserBody>> {
    let accounts: Vec<_> = caller.accounts(&app).await?.into_iter().map(|(account, _)| account.id).collect();
    let user = caller.user;
    Ok(Json(UserBody {
        uid: user.id.clone(),
        id: user.id,
        full_name: user.full_name,
        email: user.email,
        avatar_url: String::new(),
        operator: user.operator,
        site_count: app.store.count_sites(&accounts).await?,
        created_at: user.created_at,
        last_login: user.last_login_at,
    }))
}
