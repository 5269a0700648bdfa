use sea_orm_migration::prelude::*;

/// Sessions of people, and the ways to get one.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "outrigger_0003_sign_in"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("m0003_sign_in.sql")).await.map(drop)
    }
}
