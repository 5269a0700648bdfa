//! The form of a configuration: a new one, or one that is there.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::policy::{Action, Policy};
use super::posted::{self, Entered, Wish};
use super::problem::{NamedFaults, Problem, report_json};
use super::request::{Answer, Posted, Request, json as json_answer};
use crate::form::{self, FormSchema};
use crate::{
    CheckReport, CheckState, ExtraColumns, FieldFaults, Host, IntegrationId, IntegrationInfo, SaveError, StoredConfig,
};

mod draw;

use draw::Drawn;

/// A form that somebody looks at or has sent.
struct Editing<'a, H: Host, P: Policy> {
    request: &'a Request<H, P>,
    integration: IntegrationId,
    info: IntegrationInfo,
    form: &'static FormSchema,
    stored: Option<StoredConfig<H>>,
}

/// `GET /new/{integration}`
pub(super) async fn new<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let editing = Editing::of_new(&request).await?;
    if request.wants_json() {
        return Ok(json_answer(StatusCode::OK, &editing.blank_json()));
    }
    let name = request.integration_name(&editing.integration, Some(&editing.info));
    let entered = Entered::new(name, editing.form, H::Extra::form());
    Ok(editing.page(StatusCode::OK, &entered, Drawn::default()).await)
}

/// `POST /new/{integration}`
pub(super) async fn create<H: Host, P: Policy>(request: Arc<Request<H, P>>, body: Body) -> Answer {
    Editing::of_new(&request).await?.take(body, None).await
}

/// `POST /new/{integration}/test`
pub(super) async fn test_new<H: Host, P: Policy>(request: Arc<Request<H, P>>, body: Body) -> Answer {
    Editing::of_new(&request).await?.take(body, Some(Wish::Test)).await
}

/// `GET /{config}`
pub(super) async fn show<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    let id = request.config_id()?;
    request.allow(Action::View, None, Some(id)).await?;
    let stored = request.stored(id).await?;
    if request.wants_json() {
        return Ok(with_version(json_answer(StatusCode::OK, &as_json(&request, &stored)), stored.version));
    }
    match Editing::of_stored(&request, stored) {
        Ok(editing) => {
            let stored = editing.stored.as_ref().ok_or(Problem::NotFound)?;
            let entered = Entered::of(stored, editing.form);
            let drawn = Drawn { notice: editing.notice(), ..Drawn::default() };
            Ok(editing.page(StatusCode::OK, &entered, drawn).await)
        }
        Err(stored) => Ok(draw::not_installed(&request, &stored).await),
    }
}

/// `POST /{config}`, `PUT /{config}`
pub(super) async fn update<H: Host, P: Policy>(request: Arc<Request<H, P>>, body: Body) -> Answer {
    Editing::of_path(&request).await?.take(body, None).await
}

/// `POST /{config}/test`: the settings that were posted, or those that are stored.
pub(super) async fn test<H: Host, P: Policy>(request: Arc<Request<H, P>>, body: Body) -> Answer {
    Editing::of_path(&request).await?.take(body, Some(Wish::Test)).await
}

impl<'a, H: Host, P: Policy> Editing<'a, H, P> {
    async fn of_new(request: &'a Request<H, P>) -> Result<Self, Problem> {
        let integration = request.integration_id()?;
        request.allow(Action::Add, Some(&integration), None).await?;
        let info = request.info(&integration).ok_or(Problem::NotFound)?;
        if !info.about.as_ref().is_some_and(|about| about.offers(request.scope.kind())) {
            return Err(Problem::NotFound);
        }
        let form = request.pages.manager.form(&integration).map_err(|_| Problem::NotFound)?;
        Ok(Self { request, integration, info, form, stored: None })
    }

    async fn of_path(request: &'a Request<H, P>) -> Result<Self, Problem> {
        let id = request.config_id()?;
        request.allow(Action::View, None, Some(id)).await?;
        let stored = request.stored(id).await?;
        let gone = Problem::Impossible("The integration is not installed, so its settings cannot be changed.");
        Self::of_stored(request, stored).map_err(|_| gone)
    }

    /// The form of what is stored; what is stored, if its integration is not installed.
    fn of_stored(request: &'a Request<H, P>, stored: StoredConfig<H>) -> Result<Self, Box<StoredConfig<H>>> {
        let integration = stored.integration.clone();
        let (Some(info), Ok(form)) = (request.info(&integration), request.pages.manager.form(&integration)) else {
            return Err(Box::new(stored));
        };
        Ok(Self { request, integration, info, form, stored: Some(stored) })
    }

    /// The deed that saving is.
    fn saving(&self) -> Action {
        if self.stored.is_some() { Action::Edit } else { Action::Add }
    }

    fn id(&self) -> Option<crate::ConfigId> {
        self.stored.as_ref().map(|stored| stored.id)
    }

    async fn allow(&self, action: Action) -> Result<(), Problem> {
        self.request.allow(action, Some(&self.integration), self.id()).await
    }

    /// Does what was asked for with what was posted.
    async fn take(self, body: Body, wish: Option<Wish>) -> Answer {
        let posted = self.request.posted(body).await?;
        // A test without anything posted is one of what is stored.
        let bare = matches!(&posted, Posted::Form(pairs) if pairs.is_empty());
        let mut entered = match &self.stored {
            Some(stored) if bare && wish.is_some() => Entered::of(stored, self.form),
            stored => posted::read(self.request, &posted, self.form, stored.as_ref())?,
        };
        match wish.unwrap_or_else(|| entered.wish.clone()) {
            Wish::Save => self.save(entered, true).await,
            Wish::SaveDisabled => {
                entered.enabled = false;
                self.save(entered, false).await
            }
            Wish::Test => self.test(entered).await,
            Wish::Redraw { add_row } => {
                self.allow(self.saving()).await?;
                entered.faults = NamedFaults::default();
                Ok(self.page(StatusCode::OK, &entered, Drawn { add_row, ..Drawn::default() }).await)
            }
            Wish::Take(field) => {
                self.allow(self.saving()).await?;
                entered.faults = NamedFaults::default();
                self.take_theirs(&mut entered, &field);
                Ok(self.page(StatusCode::OK, &entered, Drawn::default()).await)
            }
        }
    }

    fn take_theirs(&self, entered: &mut Entered, field: &str) {
        let (Some(stored), Some(field)) = (&self.stored, self.form.field(field)) else { return };
        if !field.secret {
            entered.values.insert(field.name.to_string(), field.value_in(&stored.values).clone());
        }
    }

    async fn test(self, mut entered: Entered) -> Answer {
        self.allow(Action::Test).await?;
        let report = match self.check(&entered).await {
            Ok(report) => report,
            Err(faults) => return self.refuse(entered, faults).await,
        };
        if self.request.wants_json() {
            return Ok(json_answer(StatusCode::OK, &report_json(&report, self.request.say())));
        }
        entered.faults.settings.append(faults_of(&report));
        Ok(self.page(StatusCode::OK, &entered, Drawn { report: Some(report), ..Drawn::default() }).await)
    }

    /// What "Test" and "Save" ask alike.
    async fn check(&self, entered: &Entered) -> Result<CheckReport, NamedFaults> {
        if !entered.faults.is_empty() {
            return Err(entered.faults.clone());
        }
        let draft = entered.draft(&self.integration, self.stored.as_ref())?;
        let checked = self.request.pages.manager.check(&self.request.scope, &draft).await;
        checked.map_err(|settings| NamedFaults { settings, ..NamedFaults::default() })
    }

    async fn save(self, mut entered: Entered, ask_first: bool) -> Answer {
        self.allow(self.saving()).await?;
        if self.stored.is_some() && entered.version.is_none() {
            return Err(Problem::Malformed("`version` or `If-Match` is missing".to_owned()));
        }
        if !entered.faults.is_empty() {
            let faults = entered.faults.clone();
            return self.refuse(entered, faults).await;
        }
        if self.is_stale(&entered) {
            // Nobody is asked about settings that will not be saved.
            return self.try_to_save(entered).await;
        }
        if ask_first && entered.enabled {
            match self.check(&entered).await {
                Err(faults) => return self.refuse(entered, faults).await,
                Ok(report) if report.state() != CheckState::Passed => {
                    if self.request.wants_json() {
                        return Err(Problem::Refused(report));
                    }
                    entered.faults.settings.append(faults_of(&report));
                    let drawn = Drawn { report: Some(report), offer_disabled: true, ..Drawn::default() };
                    return Ok(self.page(StatusCode::UNPROCESSABLE_ENTITY, &entered, drawn).await);
                }
                Ok(_) => {}
            }
        }
        self.try_to_save(entered).await
    }

    fn is_stale(&self, entered: &Entered) -> bool {
        self.stored.as_ref().is_some_and(|stored| entered.version != Some(stored.version))
    }

    async fn try_to_save(self, entered: Entered) -> Answer {
        let request = self.request;
        let draft = match entered.draft(&self.integration, self.stored.as_ref()) {
            Ok(draft) => draft,
            Err(faults) => return self.refuse(entered, faults).await,
        };
        let actor = request.actor();
        match request.pages.manager.save(&request.scope, draft, entered.version, &actor).await {
            Ok(saved) => Ok(self.saved(&saved.config)),
            Err(SaveError::Faults(settings)) => {
                self.refuse(entered, NamedFaults { settings, ..NamedFaults::default() }).await
            }
            Err(SaveError::Extra(extra)) => self.refuse(entered, NamedFaults { extra, ..NamedFaults::default() }).await,
            Err(SaveError::Conflict { theirs, by }) => self.conflict(entered, *theirs, by.name).await,
            Err(SaveError::NotFound | SaveError::NotInstalled) => Err(Problem::NotFound),
            Err(SaveError::Store(error)) => Err(Problem::Store(error)),
        }
    }

    fn saved(&self, config: &StoredConfig<H>) -> Response {
        let request = self.request;
        let url = request.urls().config(config.id);
        let is_new = self.stored.is_none();
        if !request.wants_json() {
            return request.redirect(&format!("{url}?done={}", if is_new { "added" } else { "saved" }));
        }
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        let mut response = with_version(json_answer(status, &as_json(request, config)), config.version);
        if let Ok(url) = HeaderValue::from_str(&url).map_err(drop)
            && is_new
        {
            response.headers_mut().insert(header::LOCATION, url);
        }
        response
    }

    /// Shows the form again with what is wrong with it.
    async fn refuse(self, mut entered: Entered, faults: NamedFaults) -> Answer {
        if self.request.wants_json() {
            return Err(Problem::Faults(Box::new(faults)));
        }
        entered.faults = faults;
        Ok(self.page(StatusCode::UNPROCESSABLE_ENTITY, &entered, Drawn::default()).await)
    }

    /// Shows what somebody else saved beside what was to be saved.
    async fn conflict(mut self, mut entered: Entered, theirs: StoredConfig<H>, by: String) -> Answer {
        if self.request.wants_json() {
            return Err(Problem::Conflict(as_json(self.request, &theirs)));
        }
        entered.version = Some(theirs.version);
        entered.conflict = Some(by);
        self.stored = Some(theirs);
        Ok(self.page(StatusCode::CONFLICT, &entered, Drawn::default()).await)
    }

    fn blank_json(&self) -> Value {
        json!({
            "integration": self.integration,
            "settings_schema": self.form.json_schema(),
            "extra_schema": H::Extra::form().json_schema(),
            "settings": form::redacted(self.form, &form::with_defaults(self.form, crate::Values::new())),
        })
    }
}

/// What a check found wrong with fields.
fn faults_of(report: &CheckReport) -> FieldFaults {
    let mut faults = FieldFaults::default();
    for finding in report.findings().iter().filter(|finding| finding.state == CheckState::Refused) {
        if let Some(field) = &finding.field {
            faults.add(field, finding.text.clone());
        }
    }
    faults
}

fn with_version(mut response: Response, version: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// A configuration for programs, its secrets masked.
pub(super) fn as_json<H: Host, P: Policy>(request: &Request<H, P>, config: &StoredConfig<H>) -> Value {
    let masked = config.masked();
    let form = request.pages.manager.form(&config.integration).ok();
    let problem = request.pages.manager.problem(config.id);
    json!({
        "id": config.id,
        "integration": config.integration,
        "name": config.name,
        "enabled": config.enabled,
        "state": request.state_of(config.enabled, problem.as_ref()).class,
        "problem": problem.as_ref().map(ToString::to_string),
        // A field may have become a secret since it was stored.
        "settings": form.map_or_else(|| masked.clone(), |form| form::redacted(form, &masked)),
        "unknown": form.map(|form| form::unknown_keys(form, &config.values)),
        "extra": config.extra.to_values(),
        "version": config.version,
        "created_at": config.created_at.to_string(),
        "updated_at": config.updated_at.to_string(),
        "deleted_at": config.deleted_at.map(|at| at.to_string()),
        "url": request.urls().config(config.id),
    })
}
