//! Drawing the form.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use futures_util::future::join_all;
use http::StatusCode;

use super::Editing;
use crate::pages::Urls;
use crate::pages::config::Part;
use crate::pages::fields::{Control, Drawing, FieldView, GroupView, Input, Loaded, RuleValue, Theirs, field_id};
use crate::pages::policy::{Action, Policy};
use crate::pages::posted::{EXTRA, Entered, SETTINGS};
use crate::pages::request::Request;
use crate::pages::say::Say;
use crate::pages::view::{FindingView, Head, Notice, ReportView, Tab};
use crate::{CheckReport, CheckState, ExtraColumns, FieldFaults, Host, StoredConfig};

/// What there is to draw beside what was entered.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) notice: Option<Notice>,
    pub(super) report: Option<CheckReport>,
    pub(super) offer_disabled: bool,
    pub(super) add_row: Option<String>,
}

struct Conflict {
    who: String,
    title: String,
    text: String,
    fields: Vec<Anchor>,
}

/// A field that something is said about elsewhere.
struct Anchor {
    id: String,
    label: String,
}

struct FaultView {
    id: Option<String>,
    label: String,
    text: String,
}

#[derive(Template)]
#[template(path = "pages/form.html")]
struct FormPage<'a> {
    say: Say<'a>,
    urls: &'a Urls,
    list_title: String,
    head: Head,
    tabs: Vec<Tab>,
    notice: Option<Notice>,
    gone: Option<String>,
    conflict: Option<Conflict>,
    faults_title: String,
    faults: Vec<FaultView>,
    unknown: Vec<String>,
    action: String,
    version: Option<i64>,
    loaded: &'a [String],
    groups: Vec<GroupView>,
    report: Option<ReportView>,
    read_only: bool,
    may_test: bool,
    sample: Option<String>,
    offer_disabled: bool,
    delete: Option<String>,
}

impl<H: Host, P: Policy> Editing<'_, H, P> {
    /// The form with what was entered.
    pub(super) async fn page(&self, status: StatusCode, entered: &Entered, drawn: Drawn) -> Response {
        let (request, say) = (self.request, self.request.say());
        let may = async |action| request.may(action, Some(&self.integration), self.id()).await;
        let (may_save, may_test) = (may(self.saving()).await, may(Action::Test).await);
        let groups = self.groups(entered, drawn.add_row.as_deref(), may_test).await;
        let faults = fault_views(say, entered, &groups);
        let head = match &self.stored {
            Some(stored) => request.head(stored).await,
            None => self.new_head(),
        };
        let urls = request.urls();
        let title = head.title.clone();
        let may_delete = self.stored.is_some() && may(Action::Delete).await;
        let page = FormPage {
            say,
            urls,
            list_title: request.list_title(),
            head,
            tabs: self.id().map(|id| request.tabs(id, Part::Settings)).unwrap_or_default(),
            notice: drawn.notice,
            gone: None,
            conflict: conflict(say, entered, &groups),
            faults_title: say.count("One thing needs your attention", "{n} things need your attention", faults.len()),
            faults,
            unknown: self.id().map(|id| request.pages.manager.unknown(id)).unwrap_or_default(),
            action: self.id().map_or_else(|| urls.add(&self.integration), |id| urls.config(id)),
            version: entered.version,
            loaded: &entered.loaded,
            groups,
            report: drawn.report.map(|report| report_view(say, &report)),
            read_only: !may_save,
            may_test,
            sample: self.id().filter(|_| may_test).and_then(|id| request.sample_url(id, &self.integration)),
            offer_disabled: drawn.offer_disabled,
            delete: self.id().filter(|_| may_delete).map(|id| urls.delete(id)),
        };
        request.html(status, &title, &page)
    }

    pub(super) fn notice(&self) -> Option<Notice> {
        let enabled = self.stored.as_ref().is_some_and(|stored| stored.enabled);
        let text = match self.request.query("done").as_deref() {
            Some("added") => "Added.",
            Some("saved") => "Saved.",
            Some("enabled") if enabled => "Switched on.",
            Some("disabled") if !enabled => "Switched off.",
            _ => return None,
        };
        Some(Notice { class: "good", text: self.request.say().t(text).into_owned(), undo: None })
    }

    fn new_head(&self) -> Head {
        let (request, say) = (self.request, self.request.say());
        let name = request.integration_name(&self.integration, Some(&self.info));
        let about = self.info.about.as_ref();
        Head {
            icon: request.icon(&self.integration, Some(&self.info)).big(),
            title: say.with("Add {name}", &[("name", &name)]),
            crumb: name,
            is_new: true,
            summary: about.map(|about| say.text(&about.summary)).unwrap_or_default(),
            docs_url: about.and_then(|about| about.docs_url),
            state: None,
            switch: None,
        }
    }

    async fn groups(&self, entered: &Entered, add_row: Option<&str>, may_ask: bool) -> Vec<GroupView> {
        let say = self.request.say();
        let loaded = if may_ask { self.load(entered).await } else { HashMap::new() };
        let theirs = self.stored.as_ref().zip(entered.conflict.as_deref());
        let settings = Drawing {
            say,
            prefix: SETTINGS,
            values: &entered.values,
            stored: self.stored.as_ref().map(|stored| &stored.values),
            faults: &entered.faults.settings,
            add_row,
            loaded: &|name| loaded.get(name).cloned(),
            theirs: theirs.map(|(stored, who)| (&stored.values, who)),
            cleared: &entered.cleared,
        };
        let stored_extra = self.stored.as_ref().map(|stored| stored.extra.to_values());
        let extra = Drawing {
            prefix: EXTRA,
            values: &entered.extra,
            stored: stored_extra.as_ref(),
            faults: &entered.faults.extra,
            add_row: None,
            loaded: &|_| None,
            theirs: stored_extra.as_ref().zip(entered.conflict.as_deref()),
            cleared: &[],
            ..settings
        };
        let mut groups = vec![self.basics(entered)];
        groups.extend(extra.groups(H::Extra::form()));
        groups.extend(settings.groups(self.form));
        groups.retain(|group| !group.fields.is_empty());
        groups
    }

    /// Asks for the choices that people have asked for, all at once.
    async fn load(&self, entered: &Entered) -> HashMap<String, Loaded> {
        let (request, manager) = (self.request, &self.request.pages.manager);
        let known = entered.loaded.iter().filter(|name| self.form.field(name).is_some()).take(20);
        let asked = known.map(|name| async move {
            let choices = manager.options(&request.scope, &self.integration, name, &entered.values).await;
            (name.clone(), choices.map_err(|fault| fault.to_string()))
        });
        join_all(asked).await.into_iter().collect()
    }

    /// The name, and whether it is on: what every configuration has.
    fn basics(&self, entered: &Entered) -> GroupView {
        let say = self.request.say();
        let stored = self.stored.as_ref().filter(|_| entered.conflict.is_some());
        let theirs = |differs: bool, value: &dyn Fn(&StoredConfig<H>) -> String| {
            let stored = stored.filter(|_| differs)?;
            let who = entered.conflict.as_deref().unwrap_or_default();
            let who = say.with("{who} saved:", &[("who", who)]);
            Some(Theirs { who, value: value(stored), may_take: false })
        };
        let other_name = stored.is_some_and(|stored| stored.name != entered.name);
        let other_switch = stored.is_some_and(|stored| stored.enabled != entered.enabled);
        let name = FieldView {
            id: "f-name".to_owned(),
            name: "name".to_owned(),
            label: say.t("Name").into_owned(),
            help: vec![say.t("How you tell this configuration from others of the same integration.").into_owned()],
            placeholder: None,
            required: true,
            faults: entered.faults.name.map(|fault| say.t(fault).into_owned()).into_iter().collect(),
            shown_if: None,
            control: Control::Input(Input { kind: "text", value: entered.name.clone(), max_length: Some(200) }),
            theirs: theirs(other_name, &|stored| stored.name.clone()),
        };
        let enabled = FieldView {
            id: "f-enabled".to_owned(),
            name: "enabled".to_owned(),
            label: say.t("Enabled").into_owned(),
            help: vec![say.t("Switched off it keeps its settings and does nothing.").into_owned()],
            placeholder: None,
            required: false,
            faults: Vec::new(),
            shown_if: None,
            control: Control::Checkbox { checked: entered.enabled },
            theirs: theirs(other_switch, &|stored| say.t(if stored.enabled { "on" } else { "off" }).into_owned()),
        };
        GroupView { title: None, help: Vec::new(), wide: false, fields: vec![name, enabled] }
    }
}

/// A configuration of an integration that is not installed: it can be looked at, switched off and deleted.
pub(super) async fn not_installed<H: Host, P: Policy>(request: &Request<H, P>, stored: &StoredConfig<H>) -> Response {
    let say = request.say();
    let reason = say.t("Cannot be changed while the integration is not installed.");
    let fields = stored.masked().into_iter().map(|(name, value)| FieldView {
        id: field_id(SETTINGS, &name),
        name: name.clone(),
        label: name,
        help: Vec::new(),
        placeholder: None,
        required: false,
        faults: Vec::new(),
        shown_if: None,
        control: Control::ReadOnly { value: crate::pages::fields::plain(&value), reason: reason.clone().into_owned() },
        theirs: None,
    });
    let fields: Vec<_> = fields.collect();
    let may_delete = request.may(Action::Delete, Some(&stored.integration), Some(stored.id)).await;
    let mut head = request.head(stored).await;
    // It can be switched off only.
    head.switch = head.switch.filter(|switch| !switch.to);
    let page = FormPage {
        say,
        urls: request.urls(),
        list_title: request.list_title(),
        head,
        tabs: request.tabs(stored.id, Part::Settings),
        notice: None,
        gone: Some(say.with(
            "The integration `{id}` is not installed. This configuration is kept as it is and does nothing.",
            &[("id", stored.integration.as_str())],
        )),
        conflict: None,
        faults_title: String::new(),
        faults: Vec::new(),
        unknown: Vec::new(),
        action: request.urls().config(stored.id),
        version: None,
        loaded: &[],
        groups: if fields.is_empty() {
            Vec::new()
        } else {
            vec![GroupView { title: Some(say.t("Settings").into_owned()), help: Vec::new(), wide: false, fields }]
        },
        report: None,
        read_only: true,
        may_test: false,
        sample: None,
        offer_disabled: false,
        delete: may_delete.then(|| request.urls().delete(stored.id)),
    };
    request.html(StatusCode::OK, &stored.name, &page)
}

fn conflict(say: Say<'_>, entered: &Entered, groups: &[GroupView]) -> Option<Conflict> {
    let who = entered.conflict.as_deref()?;
    let fields = groups.iter().flat_map(|group| &group.fields).filter(|field| field.theirs.is_some());
    Some(Conflict {
        who: who.to_owned(),
        title: say.with("{who} saved this while you were editing", &[("who", who)]),
        text: say
            .t("Nothing of yours is lost: the form has what you entered, and beside it what was saved. Saving again replaces it.")
            .into_owned(),
        fields: fields.map(|field| Anchor { id: field.id.clone(), label: field.label.clone() }).collect(),
    })
}

/// All faults, with the fields that they are about.
fn fault_views(say: Say<'_>, entered: &Entered, groups: &[GroupView]) -> Vec<FaultView> {
    let of_fields = groups.iter().flat_map(|group| &group.fields).flat_map(|field| {
        field.faults.iter().map(|text| FaultView {
            id: Some(field.id.clone()),
            label: field.label.clone(),
            text: text.clone(),
        })
    });
    let mut faults: Vec<_> = of_fields.collect();
    for (prefix, of) in [(EXTRA, &entered.faults.extra), (SETTINGS, &entered.faults.settings)] {
        faults.extend(loose(say, prefix, of, groups));
    }
    faults
}

/// Faults that no field on the page shows.
fn loose(say: Say<'_>, prefix: &str, faults: &FieldFaults, groups: &[GroupView]) -> Vec<FaultView> {
    let drawn = |name: &str| {
        let name = format!("{prefix}{name}");
        groups.iter().flat_map(|group| &group.fields).any(|field| field.name == name)
    };
    let of_form = faults.of_form().iter().map(|text| (String::new(), say.text(text)));
    let unseen = faults
        .fields()
        .filter(|(name, _)| !drawn(name))
        .flat_map(|(name, texts)| texts.iter().map(move |text| (name.to_owned(), say.text(text))));
    of_form.chain(unseen).map(|(label, text)| FaultView { id: None, label, text }).collect()
}

fn report_view(say: Say<'_>, report: &CheckReport) -> ReportView {
    let (class, title) = match report.state() {
        CheckState::Passed => ("on", say.t("It works")),
        CheckState::Unavailable => ("warned", say.t("The service could not be asked")),
        CheckState::Refused => ("failed", say.t("It does not work yet")),
    };
    let findings = report.findings().iter().map(|finding| {
        let (class, mark, state) = match finding.state {
            CheckState::Passed => ("on", "✓", say.t("Passed:")),
            CheckState::Unavailable => ("warned", "?", say.t("Not known:")),
            CheckState::Refused => ("failed", "!", say.t("Refused:")),
        };
        FindingView { class, mark, state: state.into_owned(), text: say.text(&finding.text) }
    });
    ReportView { class, title: title.into_owned(), findings: findings.collect() }
}
