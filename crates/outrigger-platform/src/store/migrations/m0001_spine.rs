use sea_orm_migration::prelude::*;

/// Accounts, sites, add-ons, instances and what they yield.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "outrigger_0001_spine"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("m0001_spine.sql")).await.map(drop)
    }
}
