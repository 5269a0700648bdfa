//! Whether the rows that the host's columns point at are there.

use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, Value};

use super::row::extra_values;
use super::{ConfigStore, StoreError, statement};
use crate::{ExtraColumns, FieldFaults, Host};

impl<H: Host> ConfigStore<H> {
    /// The faults of columns that point at nothing. The database would refuse them too, without saying which.
    pub(crate) async fn check_references(&self, tx: &Tx, extra: &H::Extra) -> Result<FieldFaults, StoreError> {
        let mut faults = FieldFaults::default();
        for (column, value) in H::Extra::columns().iter().zip(extra_values::<H>(extra)) {
            let Some((table, key)) = column.references.and_then(target) else { continue };
            if is_there(tx, table, key, value).await? {
                continue;
            }
            faults.add(column.name, "There is no such entry.");
        }
        Ok(faults)
    }
}

/// `person(id) ON DELETE CASCADE` points at `person` by `id`.
fn target(references: &str) -> Option<(&str, &str)> {
    let (table, rest) = references.split_once('(')?;
    let (key, _) = rest.split_once(')')?;
    Some((table.trim(), key.trim()))
}

async fn is_there(tx: &Tx, table: &str, key: &str, value: Value) -> Result<bool, StoreError> {
    if value == value.as_null() {
        return Ok(true);
    }
    let sql = format!("SELECT 1 FROM {table} WHERE {key} = $1");
    Ok(tx.query_one_raw(statement(&**tx, sql, vec![value])).await?.is_some())
}
