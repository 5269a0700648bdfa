//! The platform's tables, version by version. A released migration is never edited; the next one changes what it made.
//!
//! The SQL is the common part of SQLite and PostgreSQL: `text`, `bigint`, `boolean`, partial indexes.

use sea_orm_migration::MigrationTrait;

mod m0001_spine;
mod m0002_addon_search;
mod m0003_sign_in;
mod m0004_hooks;
mod m0005_gateway;

/// Every migration in the order they run: those of the job engine, ours, those of the framework of integrations.
pub(crate) fn all() -> Vec<Box<dyn MigrationTrait>> {
    let mut migrations = outrigger_db::migrations();
    migrations.push(Box::new(m0001_spine::Migration));
    migrations.push(Box::new(m0002_addon_search::Migration));
    migrations.push(Box::new(m0003_sign_in::Migration));
    migrations.push(Box::new(m0004_hooks::Migration));
    migrations.push(Box::new(m0005_gateway::Migration));
    migrations.extend(outrigger_integrations::migrations());
    migrations
}
