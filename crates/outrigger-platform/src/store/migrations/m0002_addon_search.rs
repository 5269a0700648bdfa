use sea_orm::{ConnectionTrait, Statement, Value};
use sea_orm_migration::prelude::*;

/// What is searched for add-ons, folded: neither engine folds more than ASCII alike.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "outrigger_0002_addon_search"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        // A node of the version before goes on inserting without it; until that add-on is registered anew, it is found by
        // list only.
        conn.execute_unprepared("alter table addon add column search_text text not null default ''").await?;
        let backend = conn.get_database_backend();
        let all = Statement::from_string(backend, "select id, slug, title, description from addon");
        for row in conn.query_all_raw(all).await? {
            let text = |column: &str| row.try_get::<String>("", column);
            let folded = crate::store::addons::search_text(&text("slug")?, &text("title")?, &text("description")?);
            let values: [Value; 2] = [folded.into(), text("id")?.into()];
            let update = "update addon set search_text = $1 where id = $2";
            conn.execute_raw(Statement::from_sql_and_values(backend, update, values)).await?;
        }
        Ok(())
    }
}
