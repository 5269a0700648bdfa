//! The framework's tables, version by version. A released migration is never edited.

use outrigger_db::Engine;
use outrigger_db::generations::Tracked;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::sea_query::{ColumnDef, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::TOPIC;

const CONFIGS: Tracked = Tracked { table: "integration_config", key: "id", topic: TOPIC };

/// The migrations of the framework's tables, for [`Db::migrate`](outrigger_db::Db::migrate). They come after those of
/// `outrigger_db`, and before the host's [`extra_migrations`](crate::extra_migrations).
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let folder = tempfile::tempdir()?;
/// let db = outrigger_db::Db::connect(&format!("sqlite:{}/app.db", folder.path().display())).await?;
/// let mut migrations = outrigger_db::migrations();
/// migrations.extend(outrigger_integrations::migrations());
/// // … and the host's own.
/// db.migrate(migrations).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(CreateConfig), Box::new(CreateDelivery), Box::new(CreateEnablement), Box::new(AddConnection)]
}

pub(super) fn engine(manager: &SchemaManager<'_>) -> Engine {
    match manager.get_database_backend() {
        DbBackend::Postgres => Engine::Postgres,
        _ => Engine::Sqlite,
    }
}

struct CreateConfig;

impl MigrationName for CreateConfig {
    fn name(&self) -> &str {
        "outrigger_integrations_0001_create_config"
    }
}

#[async_trait]
impl MigrationTrait for CreateConfig {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let bytewise = engine(manager).bytewise();
        let configs = format!(
            "CREATE TABLE integration_config (id TEXT {bytewise} NOT NULL PRIMARY KEY, \
             integration TEXT {bytewise} NOT NULL, scope TEXT {bytewise} NOT NULL, name TEXT NOT NULL, \
             folded TEXT {bytewise} NOT NULL, enabled BOOLEAN NOT NULL, settings TEXT NOT NULL, secrets TEXT NOT NULL, \
             settings_version BIGINT NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL, \
             updated_at BIGINT NOT NULL, deleted_at BIGINT)"
        );
        let conn = manager.get_connection();
        conn.execute_unprepared(&configs).await?;
        conn.execute_unprepared(
            "CREATE INDEX integration_config_list ON integration_config (scope, integration, folded, id)",
        )
        .await?;
        conn.execute_unprepared(
            "CREATE INDEX integration_config_deleted ON integration_config (deleted_at) WHERE deleted_at IS NOT NULL",
        )
        .await?;
        CONFIGS.create(manager).await?;
        create_change(manager).await
    }
}

async fn create_change(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let column = |name: &'static str| ColumnDef::new(name);
    let mut table = Table::create();
    table.table("integration_change").col(column("id").big_integer().not_null().auto_increment().primary_key());
    for name in ["config", "scope", "integration", "actor", "actor_name", "what", "diff"] {
        table.col(column(name).text().not_null());
    }
    for name in ["at", "version"] {
        table.col(column(name).big_integer().not_null());
    }
    manager.create_table(table).await?;
    let index = "CREATE INDEX integration_change_config ON integration_change (config, id)";
    manager.get_connection().execute_unprepared(index).await?;
    Ok(())
}

/// Events, deliveries, runs, notices.
struct CreateDelivery;

impl MigrationName for CreateDelivery {
    fn name(&self) -> &str {
        "outrigger_integrations_0002_create_delivery"
    }
}

#[async_trait]
impl MigrationTrait for CreateDelivery {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("migrations/deliveries.sql")).await.map(drop)
    }
}

/// Where integrations with a surface are enabled.
struct CreateEnablement;

impl MigrationName for CreateEnablement {
    fn name(&self) -> &str {
        "outrigger_integrations_0003_create_enablement"
    }
}

#[async_trait]
impl MigrationTrait for CreateEnablement {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("migrations/enablements.sql")).await.map(drop)
    }
}

/// With which accounts at services they are connected.
struct AddConnection;

impl MigrationName for AddConnection {
    fn name(&self) -> &str {
        "outrigger_integrations_0004_add_connection"
    }
}

#[async_trait]
impl MigrationTrait for AddConnection {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("migrations/connections.sql")).await.map(drop)
    }
}
