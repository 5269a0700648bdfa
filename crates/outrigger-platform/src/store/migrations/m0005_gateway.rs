use sea_orm_migration::prelude::*;

/// What the gateway needs to know of sites, their snippets and add-ons.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "outrigger_0005_gateway"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("m0005_gateway.sql")).await.map(drop)
    }
}
