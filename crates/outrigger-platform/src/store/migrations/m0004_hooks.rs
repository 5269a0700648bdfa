use sea_orm_migration::prelude::*;

/// Who wants to hear of a site's builds.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "outrigger_0004_hooks"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("m0004_hooks.sql")).await.map(drop)
    }
}
