//! JSON to [`Manifest`], field by field, so that a fault names its field.

use std::time::Duration;

use serde_json::Value;

use super::{
    ConfigField, ConfigFields, EnvDeclaration, FieldKind, Manifest, ManifestError, Provides, SnippetDeclaration, check,
};
use crate::body::{self, FieldFault, Fields};
use crate::env_name::EnvName;
use crate::instances::SnippetPosition;

impl Manifest {
    /// Reads the body of an answer to `GET /manifest`. Unknown fields are ignored.
    ///
    /// # Errors
    /// The first fault found: no JSON object, a missing `name` or `description`, an optional field of the wrong kind, a
    /// `pattern` that does not compile, a default that its own option refuses, a declared variable without the declared
    /// prefix.
    pub fn parse(body: &[u8]) -> Result<Manifest, ManifestError> {
        let map = body::object(body)?;
        let fields = Fields::new(&map);
        let env_prefix = env_prefix(&fields)?;
        Ok(Manifest {
            name: fields.needed_text("name")?.to_owned(),
            description: fields.needed_text("description")?.to_owned(),
            admin_url: fields.web_url("admin_url")?,
            config: config(&fields)?,
            provides: fields.object("provides")?.map(|f| provides(&f, env_prefix.as_deref())).transpose()?,
            env_prefix,
            instances_by_uuid: fields.flag("instances_by_uuid")?,
            provisioning_window: provisioning_window(&fields)?,
        })
    }
}

fn config(fields: &Fields<'_>) -> Result<Option<ConfigFields>, FieldFault> {
    // Read as a map first for the sake of `[]`, which means that there are no options.
    if fields.map("config")?.is_some_and(|map| map.is_empty()) {
        return Ok(Some(ConfigFields::default()));
    }
    let Some(options) = fields.object("config")? else { return Ok(None) };
    options
        .entries()
        .map(|(name, value)| Ok((name.clone(), config_field(&options, name, value)?)))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn config_field(options: &Fields<'_>, name: &str, value: &Value) -> Result<ConfigField, FieldFault> {
    // What is sent repeats the name where there is no better one; received, that says nothing.
    let shown = |text: String| Some(text).filter(|text| text != name);
    match value {
        Value::String(text) => return Ok(ConfigField { display_name: shown(text.clone()), ..ConfigField::default() }),
        Value::Null => return Ok(ConfigField::default()),
        _ => {}
    }
    let fields = Fields::of(options.path(name), value)?;
    let field = ConfigField {
        display_name: fields.owned_text("displayName")?.and_then(shown),
        description: fields.owned_text("description")?,
        kind: kind(&fields)?,
        required: fields.flag("required")?,
        default: fields.get("default").cloned(),
        pattern: fields.owned_text("pattern")?,
        secret: fields.flag("secret")?,
        options: fields.list("enum")?.to_vec(),
    };
    check_field(&fields, &field)?;
    Ok(field)
}

fn kind(fields: &Fields<'_>) -> Result<FieldKind, FieldFault> {
    let Some(word) = fields.text("type")? else { return Ok(FieldKind::String) };
    match word.trim().to_ascii_lowercase().as_str() {
        "" | "string" | "text" => Ok(FieldKind::String),
        "number" | "integer" => Ok(FieldKind::Number),
        "boolean" | "bool" => Ok(FieldKind::Boolean),
        _ => Err(fields.fault("type", "must be string, number or boolean")),
    }
}

/// A field must be able to accept something, and at least its own default.
fn check_field(fields: &Fields<'_>, field: &ConfigField) -> Result<(), FieldFault> {
    if let Some(pattern) = &field.pattern {
        check::compile(pattern).map_err(|reason| fields.fault("pattern", reason))?;
    }
    if field.options.iter().any(|option| check::coerce(field.kind, option).is_err()) {
        return Err(fields.fault("enum", format!("must hold values of type {} only", field.kind.as_str())));
    }
    if let Some(default) = field.default.as_ref().filter(|value| !check::is_absent(value)) {
        check::check_value(field, default).map_err(|reason| fields.fault("default", reason))?;
    }
    Ok(())
}

fn env_prefix(fields: &Fields<'_>) -> Result<Option<String>, FieldFault> {
    match fields.owned_text("env_prefix")? {
        Some(prefix) if prefix.is_empty() => Ok(None),
        Some(prefix) if !EnvName::has_form(&prefix) || prefix.len() >= EnvName::MAX_LENGTH => {
            Err(fields.fault("env_prefix", "must be a letter or _, then letters, digits and _"))
        }
        prefix => Ok(prefix),
    }
}

fn provides(fields: &Fields<'_>, prefix: Option<&str>) -> Result<Provides, FieldFault> {
    let each = |key: &'static str| {
        let at = fields.path(key);
        let list = fields.list(key)?;
        Ok(list.iter().enumerate().map(move |(index, value)| (format!("{at}[{index}]"), value)))
    };
    Ok(Provides {
        env: each("env")?.map(|(at, value)| env_declaration(at, value, prefix)).collect::<Result<_, _>>()?,
        snippets: each("snippets")?.map(|(at, value)| snippet_declaration(at, value)).collect::<Result<_, _>>()?,
        endpoint: fields.flag("endpoint")?,
    })
}

fn env_declaration(at: String, value: &Value, prefix: Option<&str>) -> Result<EnvDeclaration, FieldFault> {
    let name_of = |text: &str| {
        let fault = |message: String| FieldFault { field: at.clone(), message };
        let name: EnvName = text.parse().map_err(|reason| fault(format!("is no usable name: {reason}")))?;
        match prefix {
            Some(prefix) if !text.starts_with(prefix) => Err(fault(format!("must begin with env_prefix, {prefix}"))),
            _ => Ok(name),
        }
    };
    if let Value::String(text) = value {
        return Ok(EnvDeclaration { name: name_of(text)?, description: None, secret: false });
    }
    let fields = Fields::of(at.clone(), value)?;
    Ok(EnvDeclaration {
        name: name_of(fields.needed_text("name")?)?,
        description: fields.owned_text("description")?,
        secret: fields.flag("secret")?,
    })
}

fn snippet_declaration(at: String, value: &Value) -> Result<SnippetDeclaration, FieldFault> {
    let fields = Fields::of(at, value)?;
    Ok(SnippetDeclaration { title: fields.needed_text("title")?.to_owned(), position: SnippetPosition::read(&fields)? })
}

fn provisioning_window(fields: &Fields<'_>) -> Result<Option<Duration>, FieldFault> {
    let Some(value) = fields.get("provisioning_window") else { return Ok(None) };
    let most = Manifest::MAX_PROVISIONING_WINDOW.as_secs();
    match value.as_u64() {
        Some(seconds) if (1..=most).contains(&seconds) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(fields.fault("provisioning_window", format!("must be whole seconds, from 1 to {most}"))),
    }
}
