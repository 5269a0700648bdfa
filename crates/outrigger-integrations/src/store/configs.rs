//! Finding and writing single configurations.

use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, Value};

use super::row::{SealedRow, columns, extra_name, extra_values};
use super::{ConfigStore, StoreError, StoredConfig, TOPIC, Values, fold, statement};
use crate::{ConfigId, ExtraColumns, Host, Scope};

impl<H: Host> ConfigStore<H> {
    /// A configuration of this scope, deleted or not.
    pub(crate) async fn find(
        &self,
        conn: &impl ConnectionTrait,
        scope: &Scope,
        id: ConfigId,
    ) -> Result<Option<StoredConfig<H>>, StoreError> {
        let sql = format!("SELECT {} FROM integration_config c WHERE c.scope = $1 AND c.id = $2", columns::<H>());
        let values = vec![scope.to_string().into(), id.to_string().into()];
        let row = conn.query_one_raw(statement(conn, sql, values)).await?;
        row.map(|row| self.open(SealedRow::read(&row, 0)?)).transpose()
    }

    /// Takes the turn of those who change configurations, until the transaction ends: what is read after this is what
    /// it will be when it commits.
    pub(crate) async fn lock(&self, tx: &Tx) -> Result<(), StoreError> {
        tx.bump(TOPIC).await?;
        Ok(())
    }

    /// Writes a configuration that was not there.
    pub(crate) async fn insert(&self, tx: &Tx, config: &StoredConfig<H>) -> Result<(), StoreError> {
        let mut names: Vec<String> = ["id", "integration", "scope", "created_at"].map(str::to_owned).into();
        let mut values: Vec<Value> = vec![
            config.id.to_string().into(),
            config.integration.to_string().into(),
            config.scope.to_string().into(),
            config.created_at.as_millisecond().into(),
        ];
        for (name, value) in self.changeable(config) {
            names.push(name);
            values.push(value);
        }
        let places: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
        let sql = format!("INSERT INTO integration_config ({}) VALUES ({})", names.join(", "), places.join(", "));
        tx.execute_raw(statement(&**tx, sql, values)).await?;
        Ok(())
    }

    /// Writes a configuration that was there.
    pub(crate) async fn update(&self, tx: &Tx, config: &StoredConfig<H>) -> Result<(), StoreError> {
        let mut values = Values::default();
        let set: Vec<String> = self
            .changeable(config)
            .into_iter()
            .map(|(name, value)| format!("{name} = {}", values.put(value)))
            .collect();
        let (scope, id) = (values.put(config.scope.to_string()), values.put(config.id.to_string()));
        let sql = format!("UPDATE integration_config SET {} WHERE scope = {scope} AND id = {id}", set.join(", "));
        tx.execute_raw(statement(&**tx, sql, values.values)).await?;
        Ok(())
    }

    /// The columns that a save writes.
    fn changeable(&self, config: &StoredConfig<H>) -> Vec<(String, Value)> {
        let (settings, secrets) = self.seal(config.id, &config.values, &config.sealed);
        let ours: [(&str, Value); 9] = [
            ("name", config.name.clone().into()),
            ("folded", fold(&config.name).into()),
            ("enabled", config.enabled.into()),
            ("settings", settings.into()),
            ("secrets", secrets.into()),
            ("settings_version", i64::from(config.settings_version).into()),
            ("version", config.version.into()),
            ("updated_at", config.updated_at.as_millisecond().into()),
            ("deleted_at", config.deleted_at.map(|at| at.as_millisecond()).into()),
        ];
        let extra = H::Extra::columns().iter().map(extra_name).zip(extra_values::<H>(&config.extra));
        ours.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(extra).collect()
    }

    /// Removes for good all configurations of a scope, also those that were deleted before.
    pub(crate) async fn purge_scope(&self, tx: &Tx, scope: &Scope) -> Result<Vec<SealedRow<H>>, StoreError> {
        let sql = format!(
            "DELETE FROM integration_config AS c WHERE c.scope = $1 RETURNING {}",
            columns::<H>().replace("c.", "")
        );
        let rows = tx.query_all_raw(statement(&**tx, sql, vec![scope.to_string().into()])).await?;
        rows.iter().map(|row| SealedRow::read(row, 0)).collect()
    }

    /// Removes configurations that were deleted before this time, for good, at most so many, and returns them.
    pub(crate) async fn purge_anywhere(
        &self,
        tx: &Tx,
        deleted_before: i64,
        limit: u64,
    ) -> Result<Vec<SealedRow<H>>, StoreError> {
        let sql = format!(
            "DELETE FROM integration_config AS c WHERE c.id IN (SELECT id FROM integration_config \
             WHERE deleted_at < $1 ORDER BY deleted_at LIMIT {limit}) RETURNING {}",
            columns::<H>().replace("c.", "")
        );
        let rows = tx.query_all_raw(statement(&**tx, sql, vec![deleted_before.into()])).await?;
        rows.iter().map(|row| SealedRow::read(row, 0)).collect()
    }
}
