//! What a configuration has sent, and sending it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use http::StatusCode;
use serde_json::json;

use super::Urls;
use super::chart::{self, Day};
use super::config::Part;
use super::policy::{Action, Policy};
use super::problem::Problem;
use super::request::{Answer, Request, json as json_answer};
use super::say::Say;
use super::view::{Head, Notice, OptionView, StateView, Tab, When};
use crate::{
    AttemptOutcome, AttemptRecord, ConfigId, DayCounts, DeliverError, Delivery, DeliveryFilter, DeliveryState, Host,
    IntegrationId, Origin,
};

/// How many days the chart has.
const DAYS: u32 = 14;
const PAGE: u64 = 50;

struct Row {
    url: String,
    title: String,
    detail: String,
    state: StateView,
    attempts: u32,
    when: When,
    replay: Option<String>,
}

struct AttemptView {
    when: When,
    state: StateView,
    took: String,
    answer: String,
}

#[derive(Template)]
#[template(path = "pages/deliveries.html")]
struct DeliveriesPage<'a> {
    say: Say<'a>,
    urls: &'a Urls,
    list_title: String,
    head: Head,
    tabs: Vec<Tab>,
    notice: Option<Notice>,
    here: String,
    stats: Vec<(String, u64)>,
    chart: String,
    states: Vec<OptionView>,
    rows: Vec<Row>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/delivery.html")]
struct DeliveryPage<'a> {
    say: Say<'a>,
    urls: &'a Urls,
    list_title: String,
    head: Head,
    tabs: Vec<Tab>,
    notice: Option<Notice>,
    title: String,
    id: String,
    state: StateView,
    replay: Option<String>,
    message: Option<String>,
    attempts: Vec<AttemptView>,
}

impl From<DeliverError> for Problem {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::NotFound => Problem::NotFound,
            DeliverError::Waiting => Problem::Impossible("The message is still waiting to be sent."),
            DeliverError::Fault(_) => Problem::Impossible("This integration has nothing to send as a sample."),
            DeliverError::Store(error) => Problem::Store(error),
        }
    }
}

/// `GET /{config}/deliveries`
pub(super) async fn list<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::View, None, Some(id)).await?;
    let config = request.stored(id).await?;
    let manager = &request.pages.manager;
    let asked = request.query("state").unwrap_or_default();
    let filter = DeliveryFilter { state: state_named(&asked) };
    let after = request.query("after").and_then(|after| after.parse().ok());
    let found = manager.deliveries(&request.scope, id, &filter, after, PAGE).await?;
    let last = found.last().filter(|_| found.len() as u64 == PAGE).map(|last| last.id);
    let here = request.urls().deliveries(id);
    let state = filter.state.map(|_| format!("state={asked}&")).unwrap_or_default();
    let next = last.map(|last| format!("{here}?{state}after={last}"));
    let counts = manager.delivery_counts(&request.scope, id, DAYS).await?;
    if request.wants_json() {
        return Ok(json_answer(StatusCode::OK, &json!({ "deliveries": found, "days": counts, "next": next })));
    }
    let may_replay = request.may(Action::Replay, Some(&config.integration), Some(id)).await;
    let say = request.say();
    let page = DeliveriesPage {
        say,
        urls: request.urls(),
        list_title: request.list_title(),
        head: request.head(&config).await,
        tabs: request.tabs(id, Part::Deliveries),
        notice: notice(&request),
        here,
        stats: stats(say, &counts),
        chart: chart::bars(&counts.iter().map(day).collect::<Vec<_>>(), say),
        states: state_options(say, filter.state),
        rows: found.iter().map(|delivery| row(&request, delivery, may_replay)).collect(),
        next,
    };
    Ok(request.html(StatusCode::OK, &config.name, &page))
}

/// `GET /{config}/deliveries/{delivery}`
pub(super) async fn show<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let (id, delivery) = (request.config_id()?, request.delivery_id()?);
    request.allow(Action::View, None, Some(id)).await?;
    let config = request.stored(id).await?;
    let found = request.pages.manager.delivery(&request.scope, delivery).await?;
    let detail = found.filter(|found| found.delivery.config == id).ok_or(Problem::NotFound)?;
    if request.wants_json() {
        return Ok(json_answer(StatusCode::OK, &json!(detail)));
    }
    let say = request.say();
    let may_replay = request.may(Action::Replay, Some(&config.integration), Some(id)).await;
    let page = DeliveryPage {
        say,
        urls: request.urls(),
        list_title: request.list_title(),
        head: request.head(&config).await,
        tabs: request.tabs(id, Part::Deliveries),
        notice: notice(&request),
        title: title(say, &detail.delivery),
        id: delivery.to_string(),
        state: state(say, &detail.delivery),
        replay: replay_url(&request, &detail.delivery, may_replay),
        message: (!detail.message.is_null()).then(|| format!("{:#}", detail.message)),
        attempts: detail.attempts.iter().rev().map(|attempt| attempt_view(&request, attempt)).collect(),
    };
    Ok(request.html(StatusCode::OK, &config.name, &page))
}

/// `POST /{config}/deliveries/{delivery}/replay`
pub(super) async fn replay<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let (id, delivery) = (request.config_id()?, request.delivery_id()?);
    request.allow(Action::Replay, None, Some(id)).await?;
    let config = request.stored(id).await?;
    let found = request.pages.manager.delivery(&request.scope, delivery).await?;
    found.filter(|found| found.delivery.config == config.id).ok_or(Problem::NotFound)?;
    request.pages.manager.replay(&request.scope, delivery).await?;
    if request.wants_json() {
        return Ok(json_answer(StatusCode::ACCEPTED, &json!({ "id": delivery, "state": "waiting" })));
    }
    Ok(request.redirect(&format!("{}?done=replayed", request.urls().delivery(id, delivery))))
}

/// `POST /{config}/sample`: what is stored, not what is in the form.
pub(super) async fn sample<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::Test, None, Some(id)).await?;
    request.stored(id).await?;
    let delivery = request.pages.manager.send_sample(&request.scope, id).await?;
    if request.wants_json() {
        return Ok(json_answer(StatusCode::ACCEPTED, &json!({ "id": delivery, "state": "waiting" })));
    }
    Ok(request.redirect(&format!("{}?done=sample", request.urls().delivery(id, delivery))))
}

impl<H: Host, P: Policy> Request<H, P> {
    /// Where a configuration sends a sample, if its integration has one.
    pub(super) fn sample_url(&self, config: ConfigId, integration: &IntegrationId) -> Option<String> {
        let handle = self.pages.manager.handle(integration)?;
        // It is the integration's code, which may do anything.
        let sample = catch_unwind(AssertUnwindSafe(|| handle.sample())).ok().flatten();
        sample.map(|_| self.urls().sample(config))
    }
}

fn notice<H: Host, P: Policy>(request: &Request<H, P>) -> Option<Notice> {
    let text = match request.query("done").as_deref() {
        Some("sample") => "The sample is on its way.",
        Some("replayed") => "It is sent again.",
        _ => return None,
    };
    Some(Notice { class: "good", text: request.say().t(text).into_owned(), undo: None })
}

fn state_named(name: &str) -> Option<DeliveryState> {
    match name {
        "waiting" => Some(DeliveryState::Waiting),
        "delivered" => Some(DeliveryState::Delivered),
        "dead" => Some(DeliveryState::Dead),
        "cancelled" => Some(DeliveryState::Cancelled),
        _ => None,
    }
}

fn state_options(say: Say<'_>, chosen: Option<DeliveryState>) -> Vec<OptionView> {
    let states = [
        ("waiting", say.t("Waiting")),
        ("delivered", say.t("Delivered")),
        ("dead", say.t("Failed")),
        ("cancelled", say.t("Cancelled")),
    ];
    let option = |(value, label): (&str, std::borrow::Cow<'_, str>)| OptionView {
        value: value.to_owned(),
        label: label.into_owned(),
        selected: chosen.is_some() && state_named(value) == chosen,
    };
    states.map(option).into()
}

fn day(counts: &DayCounts) -> Day {
    Day {
        label: counts.day.strftime("%-d %b").to_string(),
        delivered: counts.delivered,
        waiting: counts.waiting,
        failed: counts.dead,
    }
}

fn stats(say: Say<'_>, counts: &[DayCounts]) -> Vec<(String, u64)> {
    let sum = |of: fn(&DayCounts) -> u64| counts.iter().map(of).sum();
    vec![
        (say.t("Delivered").into_owned(), sum(|day| day.delivered)),
        (say.t("Waiting").into_owned(), sum(|day| day.waiting)),
        (say.t("Failed").into_owned(), sum(|day| day.dead)),
    ]
}

fn row<H: Host, P: Policy>(request: &Request<H, P>, delivery: &Delivery, may_replay: bool) -> Row {
    Row {
        url: request.urls().delivery(delivery.config, delivery.id),
        title: title(request.say(), delivery),
        detail: delivery.id.to_string(),
        state: state(request.say(), delivery),
        attempts: delivery.attempts,
        when: request.when(delivery.created_at),
        replay: replay_url(request, delivery, may_replay),
    }
}

fn replay_url<H: Host, P: Policy>(request: &Request<H, P>, delivery: &Delivery, may: bool) -> Option<String> {
    let may = may && delivery.state != DeliveryState::Waiting;
    may.then(|| request.urls().replay(delivery.config, delivery.id))
}

/// The event, or why else there is a delivery.
fn title(say: Say<'_>, delivery: &Delivery) -> String {
    if let Some(event) = &delivery.event_name {
        return event.clone();
    }
    let text = match delivery.origin {
        Origin::Event => "Event",
        Origin::Sample => "Sample",
        Origin::Inbound => "Answer to the service",
        Origin::Rerun => "Run again",
        Origin::Host => "Message",
    };
    say.t(text).into_owned()
}

fn state(say: Say<'_>, delivery: &Delivery) -> StateView {
    let state = match delivery.state {
        DeliveryState::Waiting => StateView::new("warned", say.t("Waiting")),
        DeliveryState::Delivered => StateView::new("on", say.t("Delivered")),
        DeliveryState::Dead => StateView::new("failed", say.t("Failed")),
        DeliveryState::Cancelled => StateView::new("off", say.t("Cancelled")),
    };
    match &delivery.reason {
        Some(reason) if delivery.state != DeliveryState::Delivered => state.because(reason),
        _ => state,
    }
}

fn attempt_view<H: Host, P: Policy>(request: &Request<H, P>, attempt: &AttemptRecord) -> AttemptView {
    let say = request.say();
    let state = match attempt.outcome {
        AttemptOutcome::Running => StateView::new("warned", say.t("Running")),
        AttemptOutcome::Delivered => StateView::new("on", say.t("Delivered")),
        AttemptOutcome::Retry => StateView::new("warned", say.t("To be tried again")),
        AttemptOutcome::Refused => StateView::new("failed", say.t("Refused")),
        AttemptOutcome::Broken => StateView::new("failed", say.t("Configuration is broken")),
        AttemptOutcome::Interrupted => StateView::new("warned", say.t("Interrupted")),
    };
    let took = attempt.duration.map(|took| say.with("{n} ms", &[("n", &took.as_millis().to_string())]));
    let status = attempt.status.map(|status| format!("{status} · ")).unwrap_or_default();
    AttemptView {
        when: request.when(attempt.started_at),
        state,
        took: took.unwrap_or_default(),
        answer: format!("{status}{}", attempt.summary),
    }
}
