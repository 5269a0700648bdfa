//! Bringing the schema up to date.

use std::sync::Arc;

use sea_orm::DbErr;
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager};

use crate::{Db, dialect};

impl Db {
    /// Applies those of `migrations` that have not been applied yet, in their order, all or none.
    ///
    /// Every process may call this when it starts: they wait for each other. The list has to hold all migrations of
    /// the database, this crate's [`migrations`](crate::migrations) among them.
    ///
    /// # Errors
    /// When a migration fails, or when the database has had one that is not in the list: it is then newer than the
    /// program.
    pub async fn migrate(&self, migrations: Vec<Box<dyn MigrationTrait>>) -> Result<(), DbErr> {
        let plan = Plan(migrations.into_iter().map(Arc::from).collect());
        let tx = self.begin().await?;
        dialect::lock_schema(&tx, self.engine()).await?;
        plan.up(&*tx, None).await?;
        tx.commit().await
    }
}

struct Plan(Vec<Arc<dyn MigrationTrait>>);

impl MigratorTraitSelf for Plan {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        self.0.iter().map(|migration| Box::new(Planned(migration.clone())) as Box<dyn MigrationTrait>).collect()
    }
}

/// The migrator wants to own its migrations each time it asks for them.
struct Planned(Arc<dyn MigrationTrait>);

impl MigrationName for Planned {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait]
impl MigrationTrait for Planned {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.down(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        self.0.use_transaction()
    }
}
