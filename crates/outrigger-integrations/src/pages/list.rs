//! The list of configurations.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Urls;
use super::policy::{Action, Policy};
use super::problem::Problem;
use super::request::{Answer, Request, json as json_answer};
use super::say::Say;
use super::view::{IconView, Notice, OptionView, StateView, Switch, When};
use crate::manager::Problem as Trouble;
use crate::{ConfigId, Health, Host, IntegrationId, IntegrationInfo, ListFilter, ListState, Page, Summary};

/// How many configurations a page has.
const PAGE: usize = 50;
/// How many are looked at for a page of those that have a problem, which only the program's memory knows.
const LOOKED_AT: usize = 20_000;

struct Row {
    id: String,
    /// `None` for a deleted one, which has no page.
    url: Option<String>,
    icon: IconView,
    name: String,
    integration: String,
    state: StateView,
    last: Option<Last>,
    changed: When,
    switch: Option<Switch>,
    undo: Option<String>,
    delete: Option<String>,
}

/// How its messages fare.
struct Last {
    label: String,
    bad: bool,
    when: When,
}

/// What the query asks for, as it was asked.
#[derive(Default)]
struct ListQuery {
    q: String,
    integration: String,
    state: String,
    after: String,
}

#[derive(Template)]
#[template(path = "pages/list.html")]
struct ListPage<'a> {
    say: Say<'a>,
    urls: &'a Urls,
    title: String,
    intro: Option<String>,
    notice: Option<Notice>,
    may_add: bool,
    query: &'a ListQuery,
    integrations: Vec<OptionView>,
    states: Vec<OptionView>,
    filtered: bool,
    nothing_at_all: bool,
    samples: Vec<IconView>,
    results_say: Option<String>,
    rows: Vec<Row>,
    shown: String,
    on_first: bool,
    first: String,
    next: Option<String>,
}

impl ListQuery {
    fn read<H: Host, P: Policy>(request: &Request<H, P>) -> Self {
        let of = |name| request.query(name).unwrap_or_default();
        Self { q: of("q"), integration: of("integration"), state: of("state"), after: of("after") }
    }

    fn is_filtered(&self) -> bool {
        !(self.q.is_empty() && self.integration.is_empty() && self.state.is_empty())
    }

    /// What makes no sense finds nothing, as anything else that does not exist.
    fn filter(&self) -> Option<ListFilter> {
        let state = match self.state.as_str() {
            "" | "failed" => ListState::Present,
            "enabled" => ListState::Enabled,
            "disabled" => ListState::Disabled,
            "deleted" => ListState::Deleted,
            _ => return None,
        };
        let integration = match self.integration.as_str() {
            "" => None,
            id => Some(id.parse::<IntegrationId>().ok()?),
        };
        let after = if self.after.is_empty() { None } else { Some(self.after.parse().ok()?) };
        Some(ListFilter { search: self.q.clone(), integration, state, after, limit: PAGE, ..ListFilter::default() })
    }

    /// The address of the list with the same filter, after another page.
    fn url(&self, urls: &Urls, after: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let parts = [("q", &*self.q), ("integration", &self.integration), ("state", &self.state), ("after", after)];
        for (name, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
            pairs.append_pair(name, value);
        }
        match pairs.finish() {
            query if query.is_empty() => urls.list().to_owned(),
            query => format!("{}?{query}", urls.list()),
        }
    }
}

/// `GET /`
pub(super) async fn list<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    request.allow(Action::List, None, None).await?;
    let query = ListQuery::read(&request);
    let page = match query.filter() {
        Some(filter) => find(&request, filter, query.state == "failed").await?,
        None => Page { items: Vec::new(), next: None },
    };
    let infos: HashMap<IntegrationId, IntegrationInfo> =
        request.pages.manager.integrations().into_iter().map(|info| (info.id.clone(), info)).collect();
    let next = page.next.as_ref().map(|cursor| query.url(request.urls(), &cursor.to_string()));
    if request.wants_json() {
        let configs: Vec<_> = page.items.iter().map(|summary| as_json(&request, summary, &infos)).collect();
        return Ok(json_answer(StatusCode::OK, &json!({ "configs": configs, "next": next })));
    }
    let offer = Offer {
        edit: request.may(Action::Edit, None, None).await,
        delete: request.may(Action::Delete, None, None).await,
    };
    let ids: Vec<ConfigId> = page.items.iter().map(|summary| summary.id).collect();
    let health = request.pages.manager.health(&ids).await?;
    let rows = page.items.iter().map(|summary| {
        let last = health.get(&summary.id).and_then(|health| last(&request, health));
        Row { last, ..row(&request, summary, &infos, offer) }
    });
    let rows: Vec<Row> = rows.collect();
    let nothing_at_all = rows.is_empty() && !query.is_filtered() && query.after.is_empty();
    let say = request.say();
    let samples = request.offered();
    let samples = samples.iter().take(5).map(|info| request.icon(&info.id, Some(info)).big()).collect();
    let shown = say.count("1 configuration on this page", "{n} configurations on this page", rows.len());
    let page = ListPage {
        say,
        urls: request.urls(),
        title: request.list_title(),
        intro: request.pages.options.names.intro.as_ref().map(|intro| say.text(intro)),
        notice: notice(&request).await?,
        may_add: request.may(Action::Add, None, None).await,
        integrations: integration_options(&request, &infos, &query),
        states: state_options(say, &query),
        filtered: query.is_filtered(),
        nothing_at_all,
        samples: if nothing_at_all { samples } else { Vec::new() },
        results_say: query.is_filtered().then(|| shown.clone()),
        on_first: query.after.is_empty(),
        first: query.url(request.urls(), ""),
        shown,
        next,
        rows,
        query: &query,
    };
    Ok(request.html(StatusCode::OK, &page.title, &page))
}

async fn find<H: Host, P: Policy>(
    request: &Request<H, P>,
    mut filter: ListFilter,
    only_failed: bool,
) -> Result<Page<Summary>, Problem> {
    let manager = &request.pages.manager;
    if !only_failed {
        return Ok(manager.list(&request.scope, &filter).await?);
    }
    filter.limit = 500;
    let mut found = Page { items: Vec::new(), next: None };
    for _ in 0..LOOKED_AT / filter.limit {
        let page = manager.list(&request.scope, &filter).await?;
        found.items.extend(page.items.into_iter().filter(|summary| summary.problem.is_some()));
        found.next.clone_from(&page.next);
        filter.after = page.next;
        if found.items.len() >= PAGE || filter.after.is_none() {
            break;
        }
    }
    Ok(found)
}

#[derive(Clone, Copy)]
struct Offer {
    edit: bool,
    delete: bool,
}

type Infos = HashMap<IntegrationId, IntegrationInfo>;

fn row<H: Host, P: Policy>(request: &Request<H, P>, summary: &Summary, infos: &Infos, offer: Offer) -> Row {
    let (id, urls) = (summary.id, request.urls());
    let info = infos.get(&summary.integration);
    let installed = info.is_some_and(|info| info.about.is_some());
    let deleted = summary.deleted_at.is_some();
    // Of an integration that is not installed a configuration can be switched off only.
    let switch = offer.edit && !deleted && (installed || summary.enabled);
    Row {
        id: id.to_string(),
        url: (!deleted).then(|| urls.config(id)),
        icon: request.icon(&summary.integration, info),
        name: summary.name.clone(),
        integration: request.integration_name(&summary.integration, info),
        state: state(request, summary),
        last: None,
        changed: request.when(summary.deleted_at.unwrap_or(summary.updated_at)),
        switch: switch.then(|| request.switch(id, summary.enabled)),
        undo: (offer.delete && deleted).then(|| urls.undo(id)),
        delete: (offer.delete && !deleted).then(|| urls.delete(id)),
    }
}

fn last<H: Host, P: Policy>(request: &Request<H, P>, health: &Health) -> Option<Last> {
    let say = request.say();
    let (label, bad, at) = match (health.failing_since, health.delivered_at) {
        (Some(since), _) => (say.t("Failing since"), true, since),
        (None, Some(at)) => (say.t("Delivered"), false, at),
        (None, None) => return None,
    };
    Some(Last { label: label.into_owned(), bad, when: request.when(at) })
}

fn state<H: Host, P: Policy>(request: &Request<H, P>, summary: &Summary) -> StateView {
    if summary.deleted_at.is_some() {
        return StateView::new("off", request.say().t("Deleted"));
    }
    request.state_of(summary.enabled, summary.problem.as_ref())
}

impl<H: Host, P: Policy> Request<H, P> {
    /// How a configuration is doing.
    pub(super) fn state_of(&self, enabled: bool, problem: Option<&Trouble>) -> StateView {
        let say = self.say();
        match (enabled, problem) {
            (_, Some(Trouble::NotInstalled)) => StateView::new("warned", say.t("Not installed")),
            (_, Some(Trouble::Unreadable(why))) => {
                StateView::new("failed", say.t("Settings cannot be read")).because(why)
            }
            (_, Some(Trouble::BrokenRules(faults))) => {
                let whys: Vec<String> = faults.iter().map(|fault| say.text(&fault.text())).collect();
                StateView::new("warned", say.t("Rules need attention")).because(whys.join(" "))
            }
            (true, Some(Trouble::NotStarted(why))) => StateView::new("failed", say.t("Failed")).because(why),
            (true, _) => StateView::new("on", say.t("Enabled")),
            (false, _) => StateView::new("off", say.t("Disabled")),
        }
    }
}

/// What just happened, as the address says. Anybody can write such an address, so it says nothing but that.
async fn notice<H: Host, P: Policy>(request: &Request<H, P>) -> Result<Option<Notice>, Problem> {
    let say = request.say();
    let Some(id) = request.query("config").and_then(|id| id.parse().ok()) else { return Ok(None) };
    let Some(config) = request.pages.manager.find(&request.scope, id).await? else { return Ok(None) };
    let name = [("name", config.name.as_str())];
    let deleted = config.deleted_at.is_some();
    let (text, undo) = match request.query("done").as_deref() {
        Some("deleted") if deleted => ("“{name}” was deleted.", true),
        Some("restored") if !deleted => ("“{name}” is back.", false),
        Some("enabled") if config.enabled => ("“{name}” is switched on.", false),
        Some("disabled") if !config.enabled => ("“{name}” is switched off.", false),
        _ => return Ok(None),
    };
    let undo = undo && request.may(Action::Delete, Some(&config.integration), Some(id)).await;
    Ok(Some(Notice { class: "good", text: say.with(text, &name), undo: undo.then(|| request.urls().undo(id)) }))
}

fn integration_options<H: Host, P: Policy>(
    request: &Request<H, P>,
    infos: &Infos,
    query: &ListQuery,
) -> Vec<OptionView> {
    let kind = request.scope.kind();
    let offered = infos.values().filter(|info| info.about.as_ref().is_none_or(|about| about.offers(kind)));
    let mut options: Vec<_> = offered
        .map(|info| OptionView {
            value: info.id.to_string(),
            label: request.integration_name(&info.id, Some(info)),
            selected: info.id.as_str() == query.integration,
        })
        .collect();
    options.sort_by(|one, other| (&one.label, &one.value).cmp(&(&other.label, &other.value)));
    options
}

fn state_options(say: Say<'_>, query: &ListQuery) -> Vec<OptionView> {
    let states = [
        ("enabled", say.t("Enabled")),
        ("disabled", say.t("Disabled")),
        ("failed", say.t("Needs attention")),
        ("deleted", say.t("Deleted")),
    ];
    let option = |(value, label): (&str, std::borrow::Cow<'_, str>)| OptionView {
        value: value.to_owned(),
        label: label.into_owned(),
        selected: value == query.state,
    };
    states.map(option).into()
}

fn as_json<H: Host, P: Policy>(request: &Request<H, P>, summary: &Summary, infos: &Infos) -> Value {
    let info = infos.get(&summary.integration);
    json!({
        "id": summary.id,
        "integration": summary.integration,
        "integration_name": request.integration_name(&summary.integration, info),
        "icon": request.icon(&summary.integration, info).picture,
        "name": summary.name,
        "enabled": summary.enabled,
        "state": state(request, summary).class,
        "problem": summary.problem.as_ref().map(ToString::to_string),
        "version": summary.version,
        "created_at": summary.created_at.to_string(),
        "updated_at": summary.updated_at.to_string(),
        "deleted_at": summary.deleted_at.map(|at| at.to_string()),
        "url": request.urls().config(summary.id),
    })
}
