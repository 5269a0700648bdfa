//! A program asks for a token: the person who is signed in says yes or no.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::form::Form;
use super::layout::Layout;
use super::{PageResult, page};
use crate::app::SharedApp;
use crate::auth::SignedIn;
use crate::error::ApiResult;
use crate::ops::tickets::{TOKEN_LIFETIME, client_name, decide_ticket};
use crate::store::Time;
use crate::store::tickets::TicketState;
use crate::urls::Page;

#[derive(Template)]
#[template(path = "authorize.html")]
pub(super) struct AuthorizePage<'a> {
    pub(super) layout: Layout,
    pub(super) email: &'a str,
    pub(super) question: Question<'a>,
}

/// What is asked, or why nothing is.
pub(super) enum Question<'a> {
    Asked {
        ticket: &'a str,
        client: String,
        address: &'a str,
        since: Time,
    },
    /// Unknown, expired, or answered before.
    Gone,
    Allowed {
        client: String,
    },
    Denied {
        client: String,
    },
}

/// The ticket, as the program put it into the address.
#[derive(Debug, Deserialize)]
pub struct AskedTicket {
    #[serde(default)]
    ticket: String,
}

/// What the person says.
#[derive(Deserialize)]
pub struct Decision {
    ticket: String,
    decision: String,
}

/// Days that the token will work.
fn token_days() -> u64 {
    TOKEN_LIFETIME.as_secs() / (24 * 60 * 60)
}

fn show(person: &SignedIn, title: &str, question: Question<'_>) -> ApiResult<Response> {
    let gone = matches!(question, Question::Gone);
    let layout = Layout::for_person(title, person);
    let shown = page(&AuthorizePage { layout, email: &person.user.email, question })?;
    Ok(if gone { (StatusCode::NOT_FOUND, shown).into_response() } else { shown })
}

fn gone(person: &SignedIn) -> ApiResult<Response> {
    show(person, "This request has ended", Question::Gone)
}

/// Says which program asks, and for what.
pub async fn show_authorize(
    State(app): State<SharedApp>,
    person: SignedIn,
    Query(query): Query<AskedTicket>,
) -> PageResult {
    let ticket = app.store.find_ticket_anywhere(&query.ticket).await?;
    Ok(match ticket.filter(|ticket| ticket.state == TicketState::Open) {
        None => gone(&person)?,
        Some(ticket) => {
            let client = client_name(&ticket);
            let since = ticket.created_at;
            let asked = Question::Asked { ticket: &query.ticket, client, address: &ticket.address, since };
            show(&person, "Allow this login?", asked)?
        }
    })
}

/// Does what the person says.
pub async fn decide(State(app): State<SharedApp>, person: SignedIn, Form(form): Form<Decision>) -> PageResult {
    let Some(ticket) = app.store.find_ticket_anywhere(&form.ticket).await? else { return Ok(gone(&person)?) };
    let allow = form.decision == "allow";
    match decide_ticket(&app, &person.user, &ticket, allow).await {
        Ok(()) => {}
        Err(refused) if refused.status() == StatusCode::CONFLICT => return Ok(gone(&person)?),
        Err(refused) => return Err(refused.into()),
    }
    let client = client_name(&ticket);
    Ok(if allow {
        show(&person, "Login allowed", Question::Allowed { client })?
    } else {
        show(&person, "Login denied", Question::Denied { client })?
    })
}
