//! Rows: what is selected, and how it is read, sealed and opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use outrigger_db::KeyRing;
use sea_orm::{DbErr, QueryResult, TryGetable, Value};
use serde_json::Map;

use super::{ConfigStore, StoreError, StoredConfig, time};
use crate::extra::{Column, ColumnKind};
use crate::form::Values;
use crate::{ConfigId, ExtraColumns, Host, IntegrationId, Scope};

/// In the order in which [`SealedRow::read`] takes them. Named one by one: with `*`, a column that a newer version adds
/// would break prepared statements of this one.
const COLUMNS: [&str; 12] = [
    "id",
    "integration",
    "scope",
    "name",
    "enabled",
    "settings",
    "secrets",
    "settings_version",
    "version",
    "created_at",
    "updated_at",
    "deleted_at",
];

/// Our column of a column of the host's.
pub(super) fn extra_name(column: &Column) -> String {
    format!("extra_{}", column.name)
}

/// The columns of a configuration, of the table that is called `c`.
pub(super) fn columns<H: Host>() -> String {
    let ours = COLUMNS.iter().map(|column| format!("c.{column}"));
    let extra = H::Extra::columns().iter().map(|column| format!("c.{}", extra_name(column)));
    ours.chain(extra).collect::<Vec<_>>().join(", ")
}

/// A row as it is stored: compact, its secrets sealed.
pub(crate) struct SealedRow<H: Host> {
    pub(crate) id: ConfigId,
    /// Shared with the others of the integration, where many are kept.
    pub(crate) integration: Arc<IntegrationId>,
    pub(crate) scope: Scope,
    name: Box<str>,
    pub(crate) enabled: bool,
    /// JSON of the values that are no secrets.
    settings: Box<str>,
    /// JSON of the sealed texts of the others, or nothing.
    secrets: Box<str>,
    settings_version: u32,
    extra: H::Extra,
    pub(crate) version: i64,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
}

impl<H: Host> SealedRow<H> {
    /// Reads [`columns`], the first of which is the one with this number.
    pub(super) fn read(row: &QueryResult, first: usize) -> Result<Self, StoreError> {
        let mut columns = Columns { row, next: first };
        Ok(Self {
            id: parse(&columns.take::<String>()?)?,
            integration: Arc::new(parse(&columns.take::<String>()?)?),
            scope: parse(&columns.take::<String>()?)?,
            name: columns.take::<String>()?.into(),
            enabled: columns.take()?,
            settings: columns.take::<String>()?.into(),
            secrets: columns.take::<String>()?.into(),
            settings_version: u32::try_from(columns.take::<i64>()?).unwrap_or(u32::MAX),
            version: columns.take()?,
            created_at: columns.take()?,
            updated_at: columns.take()?,
            deleted_at: columns.take()?,
            extra: extra::<H>(row, columns.next)?,
        })
    }
}

impl<H: Host> SealedRow<H> {
    /// Whether an older key has sealed one of the secrets.
    pub(super) fn needs_reseal(&self, ring: &KeyRing) -> bool {
        let secrets: Map<String, serde_json::Value> = serde_json::from_str(&self.secrets).unwrap_or_default();
        secrets.values().any(|sealed| ring.needs_reseal(sealed.as_str().unwrap_or_default()))
    }
}

struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl Columns<'_> {
    fn take<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        let value = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(value)
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| StoreError::Unreadable(error.to_string()))
}

fn extra<H: Host>(row: &QueryResult, first: usize) -> Result<H::Extra, StoreError> {
    let mut columns = Columns { row, next: first };
    let mut values = Values::new();
    for column in H::Extra::columns() {
        let value = match column.kind {
            ColumnKind::Text => columns.take::<Option<String>>()?.map(serde_json::Value::from),
            ColumnKind::Integer => columns.take::<Option<i64>>()?.map(serde_json::Value::from),
            ColumnKind::Boolean => columns.take::<Option<bool>>()?.map(serde_json::Value::from),
        };
        values.extend(value.map(|value| (column.name.to_owned(), value)));
    }
    H::Extra::from_values(&values).map_err(|faults| StoreError::Unreadable(faults.to_string()))
}

/// The values of the host's columns, to be written.
pub(super) fn extra_values<H: Host>(extra: &H::Extra) -> Vec<Value> {
    let values = extra.to_values();
    let value = |column: &Column| {
        let value = values.get(column.name);
        match column.kind {
            ColumnKind::Text => value.and_then(|value| value.as_str()).map(str::to_owned).into(),
            ColumnKind::Integer => value.and_then(serde_json::Value::as_i64).into(),
            ColumnKind::Boolean => value.and_then(serde_json::Value::as_bool).into(),
        }
    };
    H::Extra::columns().iter().map(value).collect()
}

fn context(id: ConfigId, field: &str) -> String {
    format!("integration_config/settings/{id}/{field}")
}

impl<H: Host> ConfigStore<H> {
    /// The configuration in a row, its secrets opened.
    pub(crate) fn open(&self, row: SealedRow<H>) -> Result<StoredConfig<H>, StoreError> {
        let mut values: Values = json(&row.settings)?;
        let secrets: Map<String, serde_json::Value> = match &*row.secrets {
            "" => Map::new(),
            secrets => json(secrets)?,
        };
        for (field, sealed) in &secrets {
            let opened = self
                .keys
                .open(sealed.as_str().unwrap_or_default(), &context(row.id, field))
                .map_err(|source| StoreError::Sealed { field: field.clone(), source })?;
            values.insert(field.clone(), json(&opened)?);
        }
        Ok(StoredConfig {
            id: row.id,
            scope: row.scope,
            integration: Arc::unwrap_or_clone(row.integration),
            name: row.name.into(),
            enabled: row.enabled,
            values,
            sealed: secrets.into_iter().map(|(field, _)| field).collect(),
            settings_version: row.settings_version,
            extra: row.extra,
            version: row.version,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
            deleted_at: row.deleted_at.map(time),
        })
    }

    /// The two columns of the settings: what is no secret, and what is, sealed field by field.
    pub(super) fn seal(&self, id: ConfigId, values: &Values, secret: &BTreeSet<String>) -> (String, String) {
        let (mut plain, mut sealed) = (Values::new(), Values::new());
        for (field, value) in values {
            if secret.contains(field) {
                let text = self.keys.seal(&value.to_string(), &context(id, field), &*self.entropy);
                sealed.insert(field.clone(), text.into());
            } else {
                plain.insert(field.clone(), value.clone());
            }
        }
        let sealed = if sealed.is_empty() { String::new() } else { serde_json::Value::from(sealed).to_string() };
        (serde_json::Value::from(plain).to_string(), sealed)
    }
}

/// What the parser says of a text it cannot read may quote it, and this may be a secret.
fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable("its settings are no JSON".into()))
}
