//! From what was posted to a configuration that somebody wants.

use serde_json::Value;

use super::policy::Policy;
use super::problem::{NamedFaults, Problem};
use super::request::{Posted, Request};
use crate::form::{self, FormSchema, Values};
use crate::{Draft, ExtraColumns, Host, IntegrationId, StoredConfig};

/// What stands before the names of the inputs of the settings.
pub(super) const SETTINGS: &str = "s.";
/// What stands before the names of the inputs of the host's columns.
pub(super) const EXTRA: &str = "x.";

const LONGEST_NAME: usize = 200;

/// What the form is sent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Save,
    SaveDisabled,
    Test,
    /// To show it again, with one more row in this field, or with nothing but what was posted.
    Redraw {
        add_row: Option<String>,
    },
    /// To put what somebody else saved into this field.
    Take(String),
}

/// A configuration as somebody entered it, with all that is wrong with it.
pub(super) struct Entered {
    pub(super) wish: Wish,
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) values: Values,
    pub(super) extra: Values,
    pub(super) faults: NamedFaults,
    /// The version that they have seen.
    pub(super) version: Option<i64>,
    /// Who was faster, while they look at what that one saved.
    pub(super) conflict: Option<String>,
    /// Fields whose choices they have asked for.
    pub(super) loaded: Vec<String>,
    /// Secrets to be removed.
    pub(super) cleared: Vec<String>,
}

impl Entered {
    /// What a new configuration starts with.
    pub(super) fn new(name: String, form: &FormSchema, extra: &FormSchema) -> Self {
        Self {
            wish: Wish::Save,
            name,
            enabled: true,
            values: form::with_defaults(form, Values::new()),
            extra: form::with_defaults(extra, Values::new()),
            faults: NamedFaults::default(),
            version: None,
            conflict: None,
            loaded: Vec::new(),
            cleared: Vec::new(),
        }
    }

    /// What is stored.
    pub(super) fn of<H: Host>(config: &StoredConfig<H>, form: &FormSchema) -> Self {
        Self {
            name: config.name.clone(),
            enabled: config.enabled,
            values: form::with_defaults(form, config.values.clone()),
            extra: config.extra.to_values(),
            version: Some(config.version),
            ..Self::new(String::new(), form, H::Extra::form())
        }
    }

    /// What the manager is asked to check or save.
    ///
    /// # Errors
    /// The faults of the host's columns.
    pub(super) fn draft<H: Host>(
        &self,
        integration: &IntegrationId,
        stored: Option<&StoredConfig<H>>,
    ) -> Result<Draft<H>, NamedFaults> {
        let extra = H::Extra::from_values(&self.extra);
        Ok(Draft {
            id: stored.map(|stored| stored.id),
            integration: integration.clone(),
            name: self.name.clone(),
            enabled: self.enabled,
            values: self.values.clone(),
            extra: extra.map_err(|extra| NamedFaults { extra, ..NamedFaults::default() })?,
        })
    }

    fn check_name(&mut self) {
        let name = self.name.trim();
        self.faults.name = match name.chars().count() {
            0 => Some("Enter a name."),
            LONGEST_NAME.. => Some("This name is too long."),
            _ => None,
        };
    }
}

/// Reads what was posted over what is stored.
pub(super) fn read<H: Host, P: Policy>(
    request: &Request<H, P>,
    posted: &Posted,
    form: &FormSchema,
    stored: Option<&StoredConfig<H>>,
) -> Result<Entered, Problem> {
    let mut entered = match posted {
        Posted::Form(pairs) => of_form(pairs, form, stored),
        Posted::Json(value) => of_json(request, value, form, stored)?,
    };
    entered.check_name();
    Ok(entered)
}

fn of_form<H: Host>(pairs: &[(String, String)], form: &FormSchema, stored: Option<&StoredConfig<H>>) -> Entered {
    let all = |name: &str| -> Vec<String> {
        pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    };
    let last = |name: &str| all(name).pop();
    let below = |prefix: &str| -> Vec<(String, String)> {
        let part = |(key, value): &(String, String)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()));
        pairs.iter().filter_map(part).collect()
    };
    let (settings, extra) = (below(SETTINGS), below(EXTRA));
    let existing_extra = stored.map(|stored| stored.extra.to_values());
    let (values, of_settings) = form::read_posted(form, &settings, stored.map(|stored| &stored.values));
    let (extra, of_extra) = form::read_posted(H::Extra::form(), &extra, existing_extra.as_ref());
    let cleared = settings.iter().filter_map(|(name, _)| name.strip_suffix(".clear").map(str::to_owned)).collect();
    let mut loaded: Vec<String> =
        all("loaded").into_iter().chain(last("refresh").and_then(|name| without_prefix(&name))).collect();
    loaded.sort();
    loaded.dedup();
    Entered {
        wish: wish(&last),
        name: last("name").unwrap_or_default(),
        enabled: last("enabled").is_some_and(|enabled| enabled == "true"),
        values,
        extra,
        faults: NamedFaults { name: None, settings: of_settings, extra: of_extra },
        version: last("version").and_then(|version| version.parse().ok()),
        conflict: last("conflict").filter(|who| !who.is_empty()),
        loaded,
        cleared,
    }
}

fn wish(last: &impl Fn(&str) -> Option<String>) -> Wish {
    if let Some(name) = last("take") {
        return without_prefix(&name).map_or(Wish::Redraw { add_row: None }, Wish::Take);
    }
    match last("do").as_deref() {
        Some("save") => Wish::Save,
        Some("save-disabled") => Wish::SaveDisabled,
        Some("test") => Wish::Test,
        _ => Wish::Redraw { add_row: last("add-row").and_then(|name| without_prefix(&name)) },
    }
}

fn without_prefix(name: &str) -> Option<String> {
    name.strip_prefix(SETTINGS).map(str::to_owned)
}

fn of_json<H: Host, P: Policy>(
    request: &Request<H, P>,
    posted: &Value,
    form: &FormSchema,
    stored: Option<&StoredConfig<H>>,
) -> Result<Entered, Problem> {
    let object = |name: &str| match &posted[name] {
        Value::Null => Ok(Values::new()),
        Value::Object(values) => Ok(values.clone()),
        _ => Err(Problem::Malformed(format!("`{name}` is not an object"))),
    };
    if !posted.is_object() {
        return Err(Problem::Malformed("a configuration is an object".to_owned()));
    }
    let existing_extra = stored.map(|stored| stored.extra.to_values());
    let (values, of_settings) = form::read_json(form, object("settings")?, stored.map(|stored| &stored.values));
    let (extra, of_extra) = form::read_json(H::Extra::form(), object("extra")?, existing_extra.as_ref());
    let name = posted["name"].as_str().map(str::to_owned).or_else(|| stored.map(|stored| stored.name.clone()));
    Ok(Entered {
        wish: Wish::Save,
        name: name.unwrap_or_default(),
        enabled: posted["enabled"].as_bool().unwrap_or_else(|| stored.is_some_and(|stored| stored.enabled)),
        values,
        extra,
        faults: NamedFaults { name: None, settings: of_settings, extra: of_extra },
        version: posted["version"].as_i64().or_else(|| if_match(request)),
        ..Entered::new(String::new(), form, H::Extra::form())
    })
}

/// The version in `If-Match: "3"`.
fn if_match<H: Host, P: Policy>(request: &Request<H, P>) -> Option<i64> {
    request.parts.headers.get(http::header::IF_MATCH)?.to_str().ok()?.trim_matches('"').parse().ok()
}
