//! What is answered when something is wrong.

use askama::Template;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::policy::{Policy, Stranger};
use super::request::{self, Place};
use super::say::Say;
use super::{Inner, render};
use crate::form::FieldFaults;
use crate::{CheckReport, Host, StoreError};

/// Why a request is not answered as it would like to be.
#[derive(Debug)]
pub(super) enum Problem {
    Stranger(Stranger),
    Forbidden,
    /// Posted by a page of somebody else.
    CrossSite,
    NotFound,
    WrongMethod,
    TooLarge,
    UnsupportedType,
    /// What was posted is no JSON, or not of the right shape; why, for a program's author.
    Malformed(String),
    /// Somebody else was faster: what is stored, secrets masked.
    Conflict(Value),
    /// The settings have faults: those of the settings, those of the host's columns, and one of the name.
    Faults(Box<NamedFaults>),
    /// The check did not pass.
    Refused(CheckReport),
    /// Not possible in this state; why.
    Impossible(&'static str),
    Store(StoreError),
}

/// All faults of a configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedFaults {
    pub(super) name: Option<&'static str>,
    pub(super) settings: FieldFaults,
    pub(super) extra: FieldFaults,
}

impl NamedFaults {
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_none() && self.settings.is_empty() && self.extra.is_empty()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[derive(Template)]
#[template(path = "pages/problem.html")]
struct ProblemPage<'a> {
    say: Say<'a>,
    title: String,
    text: String,
    back: Option<String>,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Stranger(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) | Self::Impossible(_) => StatusCode::CONFLICT,
            Self::Faults(_) | Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Stranger(_) => "not_signed_in",
            Self::Forbidden => "forbidden",
            Self::CrossSite => "cross_site",
            Self::NotFound => "not_found",
            Self::WrongMethod => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::UnsupportedType => "unsupported_type",
            Self::Malformed(_) => "malformed",
            Self::Conflict(_) => "conflict",
            Self::Faults(_) => "invalid",
            Self::Refused(_) => "refused",
            Self::Impossible(_) => "impossible",
            Self::Store(_) => "unavailable",
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Stranger(_) => "Please sign in",
            Self::Forbidden => "This is not for you",
            Self::CrossSite => "This came from another site",
            Self::NotFound => "Not found",
            Self::WrongMethod => "This cannot be done here",
            Self::TooLarge => "That is too much",
            Self::UnsupportedType | Self::Malformed(_) => "This cannot be read",
            Self::Conflict(_) => "Somebody else saved this meanwhile",
            Self::Faults(_) => "Some settings are wrong",
            Self::Refused(_) => "The test did not pass",
            Self::Impossible(_) => "This is not possible now",
            Self::Store(_) => "The settings cannot be reached",
        }
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Stranger(_) => "You have to be signed in to see this page.",
            Self::Forbidden => "Your account may not do this. Ask somebody who manages these integrations.",
            Self::CrossSite => "For your safety this was not done. Go back to the list and try again from there.",
            Self::NotFound => "There is nothing here. It may have been deleted, or the address is wrong.",
            Self::WrongMethod => "The address is right, but it does not take this kind of request.",
            Self::TooLarge => "More was sent than is accepted.",
            Self::UnsupportedType => "Send a form or JSON.",
            Self::Malformed(_) => "What was sent is not of the expected form.",
            Self::Conflict(_) => "Load the present version, look at what changed, and save again.",
            Self::Faults(_) => "Correct what is named here and send it again.",
            Self::Refused(_) => "Nothing was saved. It can be saved switched off.",
            Self::Impossible(why) => why,
            Self::Store(_) => "The database did not answer. Nothing was changed; try again in a moment.",
        }
    }

    /// Writes it for whoever asked.
    pub(super) fn answer<H: Host, P: Policy>(self, pages: &Inner<H, P>, place: &Place, parts: &Parts) -> Response {
        if let Self::Store(error) = &self {
            tracing::error!(%error, path = parts.uri.path(), "a page of the integrations failed");
        }
        if place.wants_json {
            return self.json(place);
        }
        if let Self::Stranger(Stranger::Redirect(to)) = &self
            && let Ok(to) = HeaderValue::from_str(to)
        {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, to);
            request::no_store(&mut response);
            return response;
        }
        let say = Say::new(&*place.language.catalog);
        let back = !matches!(self, Self::Stranger(_));
        let page = ProblemPage {
            say,
            title: say.t(self.title()).into_owned(),
            text: say.t(self.text()).into_owned(),
            back: back.then(|| place.urls.list().to_owned()),
        };
        pages.document(place, parts, self.status(), &page.title, &render(&page))
    }

    fn json(&self, place: &Place) -> Response {
        let say = Say::new(&*place.language.catalog);
        let mut error = Map::new();
        error.insert("code".into(), self.code().into());
        error.insert("message".into(), say.t(self.text()).into());
        match self {
            Self::Faults(faults) => {
                error.insert("fields".into(), fields(faults, say));
            }
            Self::Malformed(why) => {
                error.insert("detail".into(), why.as_str().into());
            }
            Self::Conflict(theirs) => {
                error.insert("theirs".into(), theirs.clone());
            }
            Self::Refused(report) => {
                error.insert("report".into(), report_json(report, say));
            }
            _ => {}
        }
        request::json(self.status(), &Value::Object(error))
    }
}

fn fields(faults: &NamedFaults, say: Say<'_>) -> Value {
    let mut fields = Map::new();
    if let Some(fault) = faults.name {
        fields.insert("name".into(), json!([say.t(fault)]));
    }
    for (prefix, faults) in [("settings.", &faults.settings), ("extra.", &faults.extra)] {
        for (name, texts) in faults.fields() {
            fields.insert(format!("{prefix}{name}"), texts.iter().map(|text| say.text(text)).collect());
        }
        if !faults.of_form().is_empty() {
            let texts: Vec<_> = faults.of_form().iter().map(|text| say.text(text)).collect();
            fields.insert(prefix.trim_end_matches('.').into(), texts.into());
        }
    }
    Value::Object(fields)
}

/// What came of a check, for programs.
pub(super) fn report_json(report: &CheckReport, say: Say<'_>) -> Value {
    let state = |state| match state {
        crate::CheckState::Passed => "passed",
        crate::CheckState::Unavailable => "unavailable",
        crate::CheckState::Refused => "refused",
    };
    let findings = report.findings().iter().map(
        |finding| json!({ "state": state(finding.state), "text": say.text(&finding.text), "field": finding.field }),
    );
    json!({ "state": state(report.state()), "findings": findings.collect::<Vec<_>>() })
}
