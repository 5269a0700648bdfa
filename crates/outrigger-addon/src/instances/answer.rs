//! Answers, as the platform reads them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{AnswerError, Created, InstanceDetails, ProvisioningState, Snippet, SnippetPosition};
use crate::body::{self, BodyFault, FieldFault, Fields, plain_text};
use crate::env_name::EnvName;

const MAX_ID_CHARS: usize = 512;

impl Created {
    /// Reads the answer of `POST /instances`. An id may be a number; the rest is read as [`InstanceDetails::parse`]
    /// does.
    ///
    /// # Errors
    /// The first fault found, with its field: no id, one that cannot be part of a path and a header, or what
    /// [`InstanceDetails::parse`] refuses.
    pub fn parse(body: &[u8]) -> Result<Created, AnswerError> {
        let map = body::object(body)?;
        let fields = Fields::new(&map);
        let id = id(&fields)?;
        Ok(Created::with_details(id, details(&fields)?))
    }
}

fn id(fields: &Fields<'_>) -> Result<String, FieldFault> {
    let id = match fields.get("id") {
        Some(Value::Number(number)) => number.to_string(),
        _ => fields.needed_text("id")?.to_owned(),
    };
    if id.chars().count() > MAX_ID_CHARS {
        return Err(fields.fault("id", format!("is longer than {MAX_ID_CHARS} characters")));
    }
    if id.contains(char::is_control) {
        return Err(fields.fault("id", "holds control characters, which no header can carry"));
    }
    // `DELETE /instances/..` would reach something else.
    if matches!(id.as_str(), "." | "..") {
        return Err(fields.fault("id", "must not be . or .., which mean something in a path"));
    }
    Ok(id)
}

impl InstanceDetails {
    /// Reads the answer of `GET` or `PUT /instances/:id`, or the body of a callback. Nothing at all, `null` and `{}` mean
    /// that there is nothing to say. A variable's value may be a number or a boolean, and one that is null is left out.
    ///
    /// # Errors
    /// The first fault found, with its field: a field of the wrong kind, an endpoint that is no web URL, a variable
    /// that cannot be one, a snippet without HTML.
    ///
    /// ```
    /// use outrigger_addon::instances::InstanceDetails;
    ///
    /// let details = InstanceDetails::parse(br#"{ "env": { "LIMIT": 5, "OLD": null } }"#)?;
    /// assert_eq!(details.env.unwrap().into_iter().collect::<Vec<_>>(), [("LIMIT".parse()?, "5".to_owned())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(body: &[u8]) -> Result<InstanceDetails, AnswerError> {
        match body::value(body)? {
            Value::Null => Ok(InstanceDetails::default()),
            Value::Object(map) => Ok(details(&Fields::new(&map))?),
            other => Err(AnswerError(BodyFault::NotAnObject { found: body::kind_of(&other) })),
        }
    }
}

fn details(fields: &Fields<'_>) -> Result<InstanceDetails, FieldFault> {
    Ok(InstanceDetails {
        endpoint: fields.web_url("endpoint")?,
        // A message is a courtesy: one of another kind is no reason to fail.
        message: fields.get("message").and_then(plain_text),
        config: fields.map("config")?,
        env: env(fields)?,
        snippets: snippets(fields)?,
        state: fields.get("state").and_then(Value::as_str).map(ProvisioningState::of_word).unwrap_or_default(),
    })
}

fn env(fields: &Fields<'_>) -> Result<Option<BTreeMap<EnvName, String>>, FieldFault> {
    let Some(map) = fields.map("env")? else { return Ok(None) };
    let variables = map.iter().filter(|(_, value)| !value.is_null());
    variables.map(|(name, value)| variable(fields, name, value)).collect::<Result<_, _>>().map(Some)
}

fn variable(fields: &Fields<'_>, name: &str, value: &Value) -> Result<(EnvName, String), FieldFault> {
    let fault = |message: String| fields.fault(&format!("env.{name}"), message);
    let parsed = name.parse().map_err(|reason| fault(format!("is no usable name: {reason}")))?;
    match plain_text(value) {
        Some(text) => Ok((parsed, text)),
        None => Err(fault(format!("must be text, not {}", body::kind_of(value)))),
    }
}

fn snippets(fields: &Fields<'_>) -> Result<Option<Vec<Snippet>>, FieldFault> {
    if fields.get("snippets").is_none() {
        return Ok(None);
    }
    let list = fields.list("snippets")?.iter().enumerate();
    list.map(|(index, value)| {
        let snippet = Fields::of(format!("{}[{index}]", fields.path("snippets")), value)?;
        Ok(Snippet {
            title: snippet.owned_text("title")?.unwrap_or_default(),
            position: SnippetPosition::read(&snippet)?,
            html: snippet.text("html")?.ok_or_else(|| snippet.fault("html", "is missing"))?.to_owned(),
        })
    })
    .collect::<Result<_, _>>()
    .map(Some)
}

impl SnippetPosition {
    /// Reads `position`; the head when absent.
    pub(crate) fn read(fields: &Fields<'_>) -> Result<SnippetPosition, FieldFault> {
        let Some(word) = fields.text("position")? else { return Ok(SnippetPosition::Head) };
        match word.trim().to_ascii_lowercase().as_str() {
            "" | "head" => Ok(SnippetPosition::Head),
            "footer" | "foot" | "body" => Ok(SnippetPosition::Footer),
            _ => Err(fields.fault("position", "must be head or footer")),
        }
    }
}

impl ProvisioningState {
    fn of_word(word: &str) -> ProvisioningState {
        match word.trim().to_ascii_lowercase().as_str() {
            "provisioning" | "pending" | "in_progress" => ProvisioningState::Provisioning,
            "failed" | "error" => ProvisioningState::Failed,
            _ => ProvisioningState::Active,
        }
    }
}
