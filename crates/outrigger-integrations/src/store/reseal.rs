//! Sealing anew after the keys were rotated.

use sea_orm::ConnectionTrait;

use super::row::{SealedRow, columns};
use super::{ConfigStore, StoreError, statement};
use crate::Host;

const BATCH: usize = 100;

impl<H: Host> ConfigStore<H> {
    /// Seals every secret anew that an older key has sealed, in all scopes, and says of how many configurations. Part
    /// of a rotation of keys; it may be cut short and run again.
    ///
    /// # Errors
    /// When the database refuses, or a secret cannot be opened.
    pub async fn reseal_anywhere(&self) -> Result<usize, StoreError> {
        let (mut after, mut resealed) = (String::new(), 0);
        loop {
            let tx = self.db.begin().await?;
            self.lock(&tx).await?;
            let sql = format!(
                "SELECT {} FROM integration_config c WHERE c.secrets <> '' AND c.id > $1 ORDER BY c.id LIMIT {BATCH}",
                columns::<H>()
            );
            let rows = tx.query_all_raw(statement(&*tx, sql, vec![after.into()])).await?;
            let rows = rows.iter().map(|row| SealedRow::<H>::read(row, 0)).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = rows.last().map(|row| row.id.to_string()) else { return Ok(resealed) };
            for row in rows {
                if row.needs_reseal(&self.keys.ring()) {
                    let config = self.open(row)?;
                    let (_, secrets) = self.seal(config.id, &config.values, &config.sealed);
                    let sql = "UPDATE integration_config SET secrets = $1 WHERE id = $2";
                    tx.execute_raw(statement(&*tx, sql, vec![secrets.into(), config.id.to_string().into()])).await?;
                    resealed += 1;
                }
            }
            tx.commit().await?;
            after = last;
        }
    }
}
