//! What was changed, by whom, when.

use jiff::Timestamp;
use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, QueryResult};
use serde::{Deserialize, Serialize};

use super::{Actor, ConfigStore, SealedRow, StoreError, StoredConfig, statement, stored, time};
use crate::extra::ExtraColumns;
use crate::{ConfigId, Host, Scope};

/// One change of a configuration.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Orders the changes: larger is later.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What was done.
    pub what: ChangeKind,
    /// The version that it made.
    pub version: i64,
    /// Which values changed. Secrets are `***`.
    pub diff: Vec<FieldChange>,
}

/// What was done to a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was made.
    Created,
    /// It was edited.
    Changed,
    /// It was switched on.
    Enabled,
    /// It was switched off.
    Disabled,
    /// It was deleted, and can be had back for a while.
    Deleted,
    /// It was had back.
    Restored,
    /// It was deleted for good.
    Purged,
}

/// One value that changed. Secrets are `***`; missing values are `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field: `name`, `enabled`, `settings.<field>` or `extra.<column>`.
    pub field: String,
    /// What it was.
    pub before: serde_json::Value,
    /// What it became.
    pub after: serde_json::Value,
}

/// A part of a history, latest first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HistoryPage {
    /// The changes.
    pub changes: Vec<Change>,
    /// Where the next page begins, if there is one.
    pub next: Option<i64>,
}

/// What differs. `before` is none for a new configuration.
pub(crate) fn diff<H: Host>(before: Option<&StoredConfig<H>>, after: &StoredConfig<H>) -> Vec<FieldChange> {
    let (old, new) = (before.map(fields).unwrap_or_default(), fields(after));
    let secret = |name: &str| {
        let field = name.strip_prefix("settings.");
        field.is_some_and(|field| after.sealed.contains(field) || before.is_some_and(|b| b.sealed.contains(field)))
    };
    let names = new.keys().chain(old.keys().filter(|name| !new.contains_key(*name)));
    let shown = |name: &str, value: Option<&serde_json::Value>| match value {
        Some(value) if !value.is_null() && secret(name) => stored::MASK.into(),
        value => value.cloned().unwrap_or_default(),
    };
    names
        .filter(|name| old.get(*name).filter(|v| !v.is_null()) != new.get(*name).filter(|v| !v.is_null()))
        .map(|name| FieldChange {
            field: name.clone(),
            before: shown(name, old.get(name)),
            after: shown(name, new.get(name)),
        })
        .collect()
}

fn fields<H: Host>(config: &StoredConfig<H>) -> crate::Values {
    let mut fields = crate::Values::new();
    fields.insert("name".into(), config.name.clone().into());
    fields.insert("enabled".into(), config.enabled.into());
    fields.extend(config.extra.to_values().into_iter().map(|(name, value)| (format!("extra.{name}"), value)));
    fields.extend(config.values.iter().map(|(name, value)| (format!("settings.{name}"), value.clone())));
    fields
}

fn word(what: ChangeKind) -> String {
    serde_json::to_value(what).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

const COLUMNS: &str = "id, at, actor, actor_name, what, version, diff";

fn read(row: &QueryResult) -> Result<Change, StoreError> {
    let what: String = row.try_get_by_index(4)?;
    let diff: String = row.try_get_by_index(6)?;
    Ok(Change {
        id: row.try_get_by_index(0)?,
        at: time(row.try_get_by_index(1)?),
        actor: Actor::new(row.try_get_by_index::<String>(2)?, row.try_get_by_index::<String>(3)?),
        what: serde_json::from_value(what.into()).map_err(|error| StoreError::Unreadable(error.to_string()))?,
        version: row.try_get_by_index(5)?,
        diff: serde_json::from_str(&diff).map_err(|error| StoreError::Unreadable(error.to_string()))?,
    })
}

impl<H: Host> ConfigStore<H> {
    /// Notes a change with the transaction that makes it.
    pub(crate) async fn note(
        &self,
        tx: &Tx,
        what: ChangeKind,
        before: Option<&StoredConfig<H>>,
        after: &StoredConfig<H>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let about = [after.id.to_string(), after.scope.to_string(), after.integration.to_string()];
        self.write_change(tx, about, what, after.version, actor, &diff(before, after)).await
    }

    /// Notes that a configuration was removed for good.
    pub(crate) async fn note_purged(&self, tx: &Tx, gone: &SealedRow<H>, actor: &Actor) -> Result<(), StoreError> {
        let about = [gone.id.to_string(), gone.scope.to_string(), gone.integration.to_string()];
        self.write_change(tx, about, ChangeKind::Purged, gone.version, actor, &[]).await
    }

    async fn write_change(
        &self,
        tx: &Tx,
        about: [String; 3],
        what: ChangeKind,
        version: i64,
        actor: &Actor,
        diff: &[FieldChange],
    ) -> Result<(), StoreError> {
        let [config, scope, integration] = about;
        let diff = serde_json::to_string(diff).unwrap_or_else(|_| "[]".into());
        let values = vec![
            config.into(),
            scope.into(),
            integration.into(),
            self.now().as_millisecond().into(),
            actor.id.clone().into(),
            actor.name.clone().into(),
            word(what).into(),
            version.into(),
            diff.into(),
        ];
        let sql = "INSERT INTO integration_change \
                   (config, scope, integration, at, actor, actor_name, what, version, diff) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        tx.execute_raw(statement(&**tx, sql, values)).await?;
        Ok(())
    }

    /// The changes of a configuration, latest first, from the one before `before`.
    pub(crate) async fn history(
        &self,
        conn: &impl ConnectionTrait,
        scope: &Scope,
        id: ConfigId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM integration_change WHERE scope = $1 AND config = $2 AND id < $3 \
             ORDER BY id DESC LIMIT {}",
            limit.saturating_add(1)
        );
        let values = vec![scope.to_string().into(), id.to_string().into(), before.unwrap_or(i64::MAX).into()];
        let rows = conn.query_all_raw(statement(conn, sql, values)).await?;
        let mut changes = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let more = changes.len() > limit;
        changes.truncate(limit);
        let next = changes.last().map(|change| change.id).filter(|_| more);
        Ok(HistoryPage { changes, next })
    }
}
