//! Moves every sealed record to the newest key. Safe beside running nodes: a record that changes meanwhile was sealed
//! with a key that its writer has, and is left as it is.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};

use super::addons::addon_secret;
use super::env_vars::env_value;
use super::instances::instance;
use super::sites::site;
use super::{Store, StoreError};

/// Records read at once; one transaction each.
const BATCH: u64 = 500;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Records that were sealed anew.
    pub moved: u64,
    /// Records that were sealed with the newest key already.
    pub current: u64,
}

impl Store {
    /// Seals all records of the database with the newest key; `progress` hears of each batch.
    pub async fn reseal_anywhere(&self, progress: &(dyn Fn(Resealed) + Sync)) -> Result<Resealed, StoreError> {
        use {addon_secret as secret, env_value as value};
        let mut done = Resealed::default();
        let run = &mut Run { store: self, progress, done: &mut done };
        run.column::<site::Entity>(
            "site.build_webhook_secret",
            site::Column::Id,
            site::Column::SealedBuildWebhookSecret,
        )
        .await?;
        run.column::<site::Entity>("site.identity", site::Column::Id, site::Column::SealedIdentity).await?;
        run.column::<secret::Entity>("addon_secret", secret::Column::Id, secret::Column::Sealed).await?;
        run.column::<instance::Entity>("instance.config", instance::Column::Id, instance::Column::SealedConfig).await?;
        run.column::<instance::Entity>(
            "instance.pending_config",
            instance::Column::Id,
            instance::Column::SealedPendingConfig,
        )
        .await?;
        run.column::<instance::Entity>("instance.answer", instance::Column::Id, instance::Column::SealedAnswer).await?;
        run.column::<instance::Entity>("instance.secrets", instance::Column::Id, instance::Column::SealedSecrets)
            .await?;
        run.column::<value::Entity>("env_value", value::Column::Id, value::Column::Sealed).await?;
        Ok(done)
    }
}

struct Run<'a> {
    store: &'a Store,
    progress: &'a (dyn Fn(Resealed) + Sync),
    done: &'a mut Resealed,
}

impl Run<'_> {
    async fn column<E: EntityTrait>(&mut self, name: &str, id: E::Column, sealed: E::Column) -> Result<(), StoreError> {
        let mut last = String::new();
        loop {
            let rows: Vec<(String, String)> = E::find()
                .select_only()
                .columns([id, sealed])
                .filter(id.gt(last.as_str()))
                .filter(sealed.is_not_null())
                .order_by_asc(id)
                .limit(BATCH)
                .into_tuple()
                .all(self.store.db.conn())
                .await?;
            let Some((newest, _)) = rows.last() else { return Ok(()) };
            last.clone_from(newest);
            self.batch::<E>(name, id, sealed, rows).await?;
            (self.progress)(*self.done);
        }
    }

    async fn batch<E: EntityTrait>(
        &mut self,
        name: &str,
        id: E::Column,
        sealed: E::Column,
        rows: Vec<(String, String)>,
    ) -> Result<(), StoreError> {
        let ring = self.store.keys.ring();
        let tx = self.store.begin().await?;
        for (row, record) in rows {
            if !ring.needs_reseal(&record) {
                self.done.current += 1;
                continue;
            }
            let plain = self.store.open(name, &row, &record)?;
            let updated = E::update_many()
                .col_expr(sealed, Expr::value(self.store.seal(name, &row, &plain)))
                .filter(id.eq(row))
                .filter(sealed.eq(record))
                .exec(&*tx)
                .await?;
            self.done.moved += updated.rows_affected;
        }
        self.store.commit(tx).await
    }
}
