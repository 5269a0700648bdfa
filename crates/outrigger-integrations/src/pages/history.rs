//! Who changed what of a configuration, and when.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use super::Urls;
use super::config::Part;
use super::fields::plain;
use super::policy::{Action, Policy};
use super::request::{Answer, Request, json as json_answer};
use super::say::Say;
use super::view::{Head, Tab, When};
use crate::{Change, ChangeKind, ExtraColumns, FieldChange, FormSchema, Host};

struct ChangeView {
    what: String,
    who: String,
    when: When,
    fields: Vec<FieldView>,
}

struct FieldView {
    label: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/history.html")]
struct HistoryPage<'a> {
    say: Say<'a>,
    urls: &'a Urls,
    list_title: String,
    head: Head,
    tabs: Vec<Tab>,
    changes: Vec<ChangeView>,
    next: Option<String>,
}

/// `GET /{config}/history`
pub(super) async fn history<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::View, None, Some(id)).await?;
    let config = request.stored(id).await?;
    let before = request.query("before").and_then(|before| before.parse().ok());
    let history = request.pages.manager.history(&request.scope, id, before, 30).await?;
    let next = history.next.map(|next| format!("{}?before={next}", request.urls().history(id)));
    if request.wants_json() {
        let changes = history.changes.iter().map(|change| {
            json!({
                "at": change.at.to_string(),
                "actor": { "id": change.actor.id, "name": change.actor.name },
                "what": change.what,
                "version": change.version,
                "diff": change.diff,
            })
        });
        let changes: Vec<_> = changes.collect();
        return Ok(json_answer(StatusCode::OK, &json!({ "changes": changes, "next": next })));
    }
    let form = request.pages.manager.form(&config.integration).ok();
    let page = HistoryPage {
        say: request.say(),
        urls: request.urls(),
        list_title: request.list_title(),
        head: request.head(&config).await,
        tabs: request.tabs(id, Part::History),
        changes: history.changes.iter().map(|change| view(&request, form, change)).collect(),
        next,
    };
    Ok(request.html(StatusCode::OK, &config.name, &page))
}

fn view<H: Host, P: Policy>(request: &Request<H, P>, form: Option<&FormSchema>, change: &Change) -> ChangeView {
    let say = request.say();
    let what = match change.what {
        ChangeKind::Created => say.t("Added"),
        ChangeKind::Changed => say.t("Changed"),
        ChangeKind::Enabled => say.t("Switched on"),
        ChangeKind::Disabled => say.t("Switched off"),
        ChangeKind::Deleted => say.t("Deleted"),
        ChangeKind::Restored => say.t("Restored"),
        _ => say.t("Deleted for good"),
    };
    // That it was switched on is said by what was done; its first values are the configuration itself.
    let says_itself = !matches!(change.what, ChangeKind::Created | ChangeKind::Changed);
    let diff = change.diff.iter().filter(|_| !says_itself);
    ChangeView {
        what: what.into_owned(),
        who: change.actor.name.clone(),
        when: request.when(change.at),
        fields: diff.map(|field| field_view::<H>(say, form, field)).collect(),
    }
}

fn field_view<H: Host>(say: Say<'_>, form: Option<&FormSchema>, change: &FieldChange) -> FieldView {
    let label = match change.field.split_once('.') {
        Some(("settings", name)) => form.and_then(|form| form.field(name)).map(|field| say.text(&field.label)),
        Some(("extra", name)) => H::Extra::form().field(name).map(|field| say.text(&field.label)),
        _ if change.field == "name" => Some(say.t("Name").into_owned()),
        _ if change.field == "enabled" => Some(say.t("Enabled").into_owned()),
        _ => None,
    };
    let shown = |value: &Value| match value {
        Value::Null => None,
        Value::Bool(on) => Some(say.t(if *on { "on" } else { "off" }).into_owned()),
        Value::Array(items) => Some(items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        other => Some(plain(other)).filter(|text| !text.is_empty()),
    };
    FieldView {
        label: label.unwrap_or_else(|| change.field.clone()),
        before: shown(&change.before),
        after: shown(&change.after),
    }
}
