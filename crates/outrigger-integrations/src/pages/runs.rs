//! The runs of a configuration.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use http::StatusCode;
use serde_json::json;

use super::Urls;
use super::config::Part;
use super::policy::{Action, Policy};
use super::request::{Answer, Request, json as json_answer};
use super::say::Say;
use super::view::{Head, StateView, Tab, When};
use crate::{Host, Run, RunStatus};

const PAGE: u64 = 50;

struct Row {
    subject: String,
    link: Option<String>,
    state: StateView,
    started: When,
}

#[derive(Template)]
#[template(path = "pages/runs.html")]
struct RunsPage<'a> {
    say: Say<'a>,
    urls: &'a Urls,
    list_title: String,
    head: Head,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    next: Option<String>,
}

/// `GET /{config}/runs`
pub(super) async fn list<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::View, None, Some(id)).await?;
    let config = request.stored(id).await?;
    let after = request.query("after").and_then(|after| after.parse().ok());
    let runs = request.pages.manager.runs(&request.scope, id, after, PAGE).await?;
    let last = runs.last().filter(|_| runs.len() as u64 == PAGE);
    let next = last.map(|last| format!("{}?after={}", request.urls().runs(id), last.id));
    if request.wants_json() {
        return Ok(json_answer(StatusCode::OK, &json!({ "runs": runs, "next": next })));
    }
    let page = RunsPage {
        say: request.say(),
        urls: request.urls(),
        list_title: request.list_title(),
        head: request.head(&config).await,
        tabs: request.tabs(id, Part::Runs),
        rows: runs.iter().map(|run| row(&request, run)).collect(),
        next,
    };
    Ok(request.html(StatusCode::OK, &config.name, &page))
}

fn row<H: Host, P: Policy>(request: &Request<H, P>, run: &Run) -> Row {
    let say = request.say();
    let state = match run.status {
        RunStatus::Waiting => StateView::new("warned", say.t("Waiting")),
        RunStatus::Pending => StateView::new("warned", say.t("Running")),
        RunStatus::Succeeded => StateView::new("on", say.t("Succeeded")),
        RunStatus::Failed => StateView::new("failed", say.t("Failed")),
        RunStatus::Errored => StateView::new("failed", say.t("Error")),
        RunStatus::TimedOut => StateView::new("failed", say.t("Timed out")),
        RunStatus::Cancelled => StateView::new("off", say.t("Cancelled")),
    };
    Row {
        subject: run.subject.clone(),
        // It comes from the service: nothing but an address of the web may become a link.
        link: run.link.clone().filter(|link| link.starts_with("https://") || link.starts_with("http://")),
        state: match &run.progress {
            Some(progress) => state.because(progress),
            None => state,
        },
        started: request.when(run.created_at),
    }
}
