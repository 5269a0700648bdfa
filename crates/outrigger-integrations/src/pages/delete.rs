//! Deleting, and taking it back.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use http::{Method, StatusCode};

use super::Urls;
use super::edit::as_json;
use super::policy::{Action, Policy};
use super::problem::Problem;
use super::request::{Answer, Request, json as json_answer, no_store};
use super::say::Say;
use super::view::Head;
use crate::{EditError, Host};

#[derive(Template)]
#[template(path = "pages/delete.html")]
struct DeletePage<'a> {
    say: Say<'a>,
    urls: &'a Urls,
    list_title: String,
    head: Head,
    question: String,
    facts: Vec<(String, String)>,
    action: String,
    back: String,
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound => Problem::NotFound,
            EditError::NotInstalled => Problem::Impossible("The integration is not installed, so it cannot be used."),
            EditError::Store(error) => Problem::Store(error),
        }
    }
}

/// `GET /{config}/delete`
pub(super) async fn ask<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::Delete, None, Some(id)).await?;
    let config = request.stored(id).await?;
    if request.wants_json() {
        return Ok(json_answer(StatusCode::OK, &as_json(&request, &config)));
    }
    let say = request.say();
    let head = request.head(&config).await;
    let state = head.state.as_ref().map(|state| state.label.clone()).unwrap_or_default();
    let question = say.with("Delete “{name}”?", &[("name", &config.name)]);
    let page = DeletePage {
        say,
        urls: request.urls(),
        list_title: request.list_title(),
        facts: vec![
            (say.t("Integration").into_owned(), head.summary.clone()),
            (say.t("State").into_owned(), state),
            (say.t("Changed").into_owned(), request.when(config.updated_at).text),
            (
                say.t("What it has sent").into_owned(),
                say.t("stays in its log until it is deleted for good").into_owned(),
            ),
        ],
        head,
        question: question.clone(),
        action: request.urls().delete(id),
        back: request.urls().config(id),
    };
    Ok(request.html(StatusCode::OK, &question, &page))
}

/// `DELETE /{config}`, `POST /{config}/delete`
pub(super) async fn delete<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::Delete, None, Some(id)).await?;
    request.pages.manager.delete(&request.scope, id, &request.actor()).await?;
    if request.wants_json() || request.parts.method == Method::DELETE {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        no_store(&mut response);
        return Ok(response);
    }
    Ok(request.redirect(&format!("{}?done=deleted&config={id}", request.urls().list())))
}

/// `POST /{config}/undo`
pub(super) async fn undo<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::Delete, None, Some(id)).await?;
    let config = request.pages.manager.undo_delete(&request.scope, id, &request.actor()).await?;
    if request.wants_json() {
        return Ok(json_answer(StatusCode::OK, &as_json(&request, &config)));
    }
    Ok(request.redirect(&format!("{}?done=restored&config={id}", request.urls().list())))
}
