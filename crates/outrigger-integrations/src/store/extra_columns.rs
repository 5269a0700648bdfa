//! The host's columns: the migrations that add them.

use outrigger_db::Engine;
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::migrations::engine;
use super::row::extra_name;
use crate::extra::{Column, ColumnKind, ExtraColumns};

/// One migration for each of the host's columns: after the framework's [`migrations`](crate::migrations), and after
/// those of the tables that the columns point at. A field that is added later is a migration more.
///
/// A column may be empty, whatever the form says: rows of before do not have it. A field that is taken away leaves its
/// column; keep its migration with [`extra_column_migration`].
///
/// ```
/// use outrigger_integrations::{ExtraColumns, extra_migrations};
///
/// fn host_migrations<X: ExtraColumns>() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
///     let mut migrations = outrigger_db::migrations();
///     migrations.extend(outrigger_integrations::migrations());
///     migrations.extend(extra_migrations::<X>());
///     migrations
/// }
/// assert_eq!(host_migrations::<()>().len(), outrigger_db::migrations().len() + outrigger_integrations::migrations().len());
/// ```
pub fn extra_migrations<X: ExtraColumns>() -> Vec<Box<dyn MigrationTrait>> {
    X::columns().iter().map(|column| extra_column_migration(*column)).collect()
}

/// The migration of one column.
///
/// # Panics
/// When the column's name is no plain word of lower-case letters, digits and `_`.
///
/// ```
/// use outrigger_integrations::{Column, ColumnKind, extra_column_migration};
///
/// let owner = Column { name: "owner", kind: ColumnKind::Text, required: false, references: None };
/// assert_eq!(extra_column_migration(owner).name(), "outrigger_integrations_extra_owner");
/// ```
pub fn extra_column_migration(column: Column) -> Box<dyn MigrationTrait> {
    Box::new(AddColumn { name: format!("outrigger_integrations_{}", extra_name(&column)), column })
}

/// The SQL of the host's columns, a statement each, for those who keep their schema by hand.
///
/// # Panics
/// When a column's name is no plain word of lower-case letters, digits and `_`.
///
/// ```
/// use outrigger_db::Engine;
/// assert!(outrigger_integrations::extra_sql::<()>(Engine::Postgres).is_empty());
/// ```
pub fn extra_sql<X: ExtraColumns>(engine: Engine) -> Vec<String> {
    X::columns().iter().flat_map(|column| add(engine, column)).collect()
}

fn add(engine: Engine, column: &Column) -> [String; 2] {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    assert!(column.name.bytes().all(plain) && !column.name.is_empty(), "`{}` is no plain word", column.name);
    let name = extra_name(column);
    let kind = match column.kind {
        ColumnKind::Text => format!("TEXT {}", engine.bytewise()),
        ColumnKind::Integer => "BIGINT".to_owned(),
        ColumnKind::Boolean => "BOOLEAN".to_owned(),
    };
    // A text that points at another has to be compared as that one is.
    let (kind, references) = match column.references {
        Some(target) if column.kind == ColumnKind::Text => ("TEXT".to_owned(), format!(" REFERENCES {target}")),
        Some(target) => (kind, format!(" REFERENCES {target}")),
        None => (kind, String::new()),
    };
    [
        format!("ALTER TABLE integration_config ADD COLUMN {name} {kind}{references}"),
        format!("CREATE INDEX integration_config_{name} ON integration_config ({name})"),
    ]
}

struct AddColumn {
    name: String,
    column: Column,
}

impl MigrationName for AddColumn {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for AddColumn {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in add(engine(manager), &self.column) {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}
