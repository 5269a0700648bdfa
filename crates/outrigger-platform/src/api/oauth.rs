//! Tickets: how the netlify CLI signs in (contract netlify-api, section 4.2). They need no token, they lead to one.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::app::SharedApp;
use crate::auth::{ClientAddress, Stranger};
use crate::error::ApiResult;
use crate::ops::tickets;
use crate::store::Time;
use crate::store::ids::UserId;
use crate::store::tickets::{Ticket, TicketState};

/// Which program asks.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub struct CreateTicket {
    /// What the program calls itself.
    #[serde(default)]
    pub client_id: String,
}

/// A ticket, as the program sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TicketBody {
    /// A secret: with it the token is fetched.
    pub id: String,
    pub client_id: String,
    /// Whether the token can be fetched.
    pub authorized: bool,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
}

/// The token, in this answer and never again.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccessTokenBody {
    pub id: String,
    pub access_token: String,
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub user_email: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
}

fn ticket_body(ticket: Ticket, id: String) -> TicketBody {
    TicketBody {
        id,
        authorized: ticket.state == TicketState::Granted,
        client_id: ticket.client_id,
        created_at: ticket.created_at,
    }
}

/// Asks for a token. A person then allows it at `/authorize?response_type=ticket&ticket=ID`.
#[utoipa::path(post, path = "/oauth/tickets", operation_id = "createTicket", params(CreateTicket), responses((status = 201, body = TicketBody), (status = 429, body = crate::error::ErrorBody)), security(()), tag = "oauth")]
pub async fn create_ticket(
    State(app): State<SharedApp>,
    _: Stranger,
    ClientAddress(address): ClientAddress,
    Query(query): Query<CreateTicket>,
) -> ApiResult<(StatusCode, axum::Json<TicketBody>)> {
    let (ticket, secret) = tickets::create_ticket(&app, &query.client_id, &address).await?;
    Ok((StatusCode::CREATED, axum::Json(ticket_body(ticket, secret))))
}

/// Whether a person has allowed it yet.
#[utoipa::path(get, path = "/oauth/tickets/{ticket_id}", operation_id = "showTicket", params(("ticket_id" = String, Path)), responses((status = 200, body = TicketBody), (status = 403, description = "A person said no", body = crate::error::ErrorBody), (status = 404, body = crate::error::ErrorBody)), security(()), tag = "oauth")]
pub async fn show_ticket(
    State(app): State<SharedApp>,
    _: Stranger,
    Path(id): Path<String>,
) -> ApiResult<axum::Json<TicketBody>> {
    let ticket = tickets::find_ticket(&app, &id).await?;
    if ticket.state == TicketState::Denied {
        return Err(tickets::denied());
    }
    Ok(axum::Json(ticket_body(ticket, id)))
}

/// Fetches the token, once.
#[utoipa::path(post, path = "/oauth/tickets/{ticket_id}/exchange", operation_id = "exchangeTicket", params(("ticket_id" = String, Path)), responses((status = 201, body = AccessTokenBody), (status = 403, body = crate::error::ErrorBody), (status = 404, body = crate::error::ErrorBody), (status = 409, description = "Not allowed yet, or fetched before", body = crate::error::ErrorBody)), security(()), tag = "oauth")]
pub async fn exchange_ticket(
    State(app): State<SharedApp>,
    _: Stranger,
    Path(id): Path<String>,
) -> ApiResult<(StatusCode, axum::Json<AccessTokenBody>)> {
    let (user, access_token) = tickets::exchange_ticket(&app, &id).await?;
    let created_at = app.store.clock().now().into();
    let body = AccessTokenBody { id, access_token, user_id: user.id, user_email: user.email, created_at };
    Ok((StatusCode::CREATED, axum::Json(body)))
}
