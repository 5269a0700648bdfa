//! Step 3: the database, with the framework's tables beside the board's own.

// [guide: migrations]
use outrigger_db::Db;
use outrigger_integrations::extra_migrations;
use sea_orm_migration::MigrationTrait;

use crate::host::Owned;
use crate::{people, reviews};

/// Every table, in an order in which each finds what it points at.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = outrigger_db::migrations();
    all.push(Box::new(people::CreatePerson));
    all.push(Box::new(reviews::CreateReview));
    all.extend(outrigger_integrations::migrations());
    all.extend(extra_migrations::<Owned>());
    all
}

/// Opens the database, and brings its tables up to date.
pub async fn open(url: &str) -> anyhow::Result<Db> {
    let db = Db::connect(url).await?;
    db.migrate(migrations()).await?;
    Ok(db)
}
// [end]

// [guide: migration-sql]
use outrigger_db::Engine;
use outrigger_integrations::extra_sql;

/// The SQL of the board's own columns, for people who change their schema by hand.
pub fn extra_migration(engine: Engine) -> String {
    extra_sql::<Owned>(engine).iter().map(|statement| format!("{statement};\n")).collect()
}
// [end]

use sea_orm::{ConnectionTrait, Statement, Value};

/// A statement for the engine at hand.
pub(crate) fn statement(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}
