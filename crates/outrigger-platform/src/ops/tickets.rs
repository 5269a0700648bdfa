//! Tickets: `netlify login` and its like get a token because a signed-in person says so in a browser.

use std::time::Duration;

use crate::app::App;
use crate::error::{ApiError, ApiResult, conflict, forbidden, internal, invalid_field, not_found};
use crate::ops::sign_in::refuse_above;
use crate::store::tickets::{Ticket, TicketState};
use crate::store::tokens::{NewToken, Scope};
use crate::store::users::User;

/// How long a token works that a ticket was exchanged for.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Tickets that one address may ask for in a quarter of an hour.
const PER_ADDRESS: i64 = 30;
/// What the netlify CLI calls itself, in all its versions.
const NETLIFY_CLI: &str = "d6f37de6614df7ae58664cfca524744d73807a377f5ee71f1a254f78412e3750";

/// What people call the program that asks.
pub(crate) fn client_name(ticket: &Ticket) -> String {
    match ticket.client_id.as_str() {
        NETLIFY_CLI => "Netlify CLI".to_owned(),
        "" => "A program that does not say what it is".to_owned(),
        other => format!("The program `{other}`"),
    }
}

pub(crate) async fn create_ticket(app: &App, client_id: &str, address: &str) -> ApiResult<(Ticket, String)> {
    if client_id.chars().count() > 100 || client_id.chars().any(char::is_control) {
        return Err(invalid_field("client_id", "must have at most 100 characters"));
    }
    let attempts = app.store.count_attempt_anywhere(&format!("tickets:{address}")).await?;
    refuse_above(app, attempts, PER_ADDRESS, "too many sign-ins were begun from your address")?;
    let tx = app.store.begin().await?;
    let made = app.store.insert_ticket(&tx, client_id, address).await?;
    app.store.commit(tx).await?;
    Ok(made)
}

/// The ticket, as long as it is of use to the program that asked.
pub(crate) async fn find_ticket(app: &App, secret: &str) -> ApiResult<Ticket> {
    app.store.find_ticket_anywhere(secret).await?.ok_or_else(|| not_found("this ticket"))
}

/// Writes down what the user decided.
pub(crate) async fn decide_ticket(app: &App, user: &User, ticket: &Ticket, allow: bool) -> ApiResult<()> {
    let state = if allow { TicketState::Granted } else { TicketState::Denied };
    let tx = app.store.begin().await?;
    if !app.store.decide_ticket(&user.id, &tx, ticket, state).await? {
        return Err(conflict("this request was answered before, or has expired; start the login again"));
    }
    app.store.commit(tx).await?;
    Ok(())
}

/// Gives the program its token, once.
pub(crate) async fn exchange_ticket(app: &App, secret: &str) -> ApiResult<(User, String)> {
    let ticket = find_ticket(app, secret).await?;
    match ticket.state {
        TicketState::Granted => {}
        TicketState::Open => return Err(conflict("nobody has allowed this login yet; ask again later")),
        TicketState::Denied => return Err(denied()),
        TicketState::Exchanged => return Err(used()),
    }
    let user = match &ticket.user_id {
        Some(id) => app.store.find_user(id).await?,
        None => None,
    };
    let user = user.ok_or_else(|| internal(anyhow::anyhow!("a granted ticket has no user")))?;
    let now = app.store.clock().now();
    let name = format!("{}, {}", client_name(&ticket), now.strftime("%-d %B %Y"));
    let expires_at = Some((now + TOKEN_LIFETIME).into());
    let tx = app.store.begin().await?;
    if !app.store.exchange_ticket(&tx, &ticket).await? {
        return Err(used());
    }
    let new = NewToken { account: None, name, scope: Scope::Admin, expires_at };
    let (_, token) = app.store.insert_token(&user.id, &tx, new).await?;
    app.store.touch_login(&user.id, &tx).await?;
    app.store.commit(tx).await?;
    Ok((user, token))
}

pub(crate) fn denied() -> ApiError {
    forbidden("the login was denied in the browser")
}

fn used() -> ApiError {
    conflict("this ticket has been exchanged already; start the login again")
}
