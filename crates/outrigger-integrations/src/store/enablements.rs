//! Where integrations with a surface are enabled.

use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, DbErr};

use super::rows::{Row, all, change, first, text};
use crate::{EnablementError, IntegrationId, Scope};

const COLUMNS: &str = "scope, integration, sealed_context, version, build_hook, connectors, created_at, updated_at";

impl From<DbErr> for EnablementError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// A row, whose context is sealed.
pub(crate) struct SealedEnablement {
    pub(crate) scope: Scope,
    pub(crate) integration: IntegrationId,
    pub(crate) sealed_context: String,
    pub(crate) version: i64,
    pub(crate) build_hook: bool,
    pub(crate) connectors: bool,
    pub(crate) created_at: jiff::Timestamp,
    pub(crate) updated_at: jiff::Timestamp,
}

fn read(row: &Row) -> Result<SealedEnablement, DbErr> {
    Ok(SealedEnablement {
        scope: row.parse("scope")?,
        integration: row.parse("integration")?,
        sealed_context: row.get("sealed_context")?,
        version: row.get("version")?,
        build_hook: row.get("build_hook")?,
        connectors: row.get("connectors")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

pub(crate) async fn find(
    scope: &Scope,
    conn: &impl ConnectionTrait,
    integration: &IntegrationId,
) -> Result<Option<SealedEnablement>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM integration_enablement WHERE scope = $1 AND integration = $2");
    first(conn, &sql, vec![text(scope), text(integration)]).await?.as_ref().map(read).transpose()
}

/// Those of a scope, by integration.
pub(crate) async fn list(scope: &Scope, conn: &impl ConnectionTrait) -> Result<Vec<SealedEnablement>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM integration_enablement WHERE scope = $1 ORDER BY integration");
    all(conn, &sql, vec![text(scope)]).await?.iter().map(read).collect()
}

/// Those of all scopes after one of them, in the order of their keys.
pub(crate) async fn page_anywhere(
    conn: &impl ConnectionTrait,
    after: (&str, &str),
    limit: u64,
) -> Result<Vec<SealedEnablement>, DbErr> {
    let sql = format!(
        "SELECT {COLUMNS} FROM integration_enablement WHERE (scope, integration) > ($1, $2) \
         ORDER BY scope, integration LIMIT {limit}"
    );
    all(conn, &sql, vec![after.0.into(), after.1.into()]).await?.iter().map(read).collect()
}

/// `false` if there is one already.
pub(crate) async fn insert(tx: &Tx, new: &SealedEnablement) -> Result<bool, DbErr> {
    let sql = "INSERT INTO integration_enablement \
               (scope, integration, sealed_context, version, build_hook, connectors, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (scope, integration) DO NOTHING";
    let values = vec![
        text(&new.scope),
        text(&new.integration),
        new.sealed_context.as_str().into(),
        new.version.into(),
        new.build_hook.into(),
        new.connectors.into(),
        new.created_at.as_millisecond().into(),
        new.updated_at.as_millisecond().into(),
    ];
    Ok(change(&**tx, sql, values).await? > 0)
}

/// `false` if it was changed since `version`, or is gone.
pub(crate) async fn update(tx: &Tx, changed: &SealedEnablement, version: i64) -> Result<bool, DbErr> {
    let sql = "UPDATE integration_enablement SET sealed_context = $1, version = $2, build_hook = $3, connectors = $4, \
               updated_at = $5 WHERE scope = $6 AND integration = $7 AND version = $8";
    let values = vec![
        changed.sealed_context.as_str().into(),
        changed.version.into(),
        changed.build_hook.into(),
        changed.connectors.into(),
        changed.updated_at.as_millisecond().into(),
        text(&changed.scope),
        text(&changed.integration),
        version.into(),
    ];
    Ok(change(&**tx, sql, values).await? > 0)
}

/// `false` if there is none.
pub(crate) async fn delete(scope: &Scope, tx: &Tx, integration: &IntegrationId) -> Result<bool, DbErr> {
    let sql = "DELETE FROM integration_enablement WHERE scope = $1 AND integration = $2";
    Ok(change(&**tx, sql, vec![text(scope), text(integration)]).await? > 0)
}

/// Deletes those of a scope, and says how many.
pub(crate) async fn delete_all(scope: &Scope, tx: &Tx) -> Result<u64, DbErr> {
    change(&**tx, "DELETE FROM integration_enablement WHERE scope = $1", vec![text(scope)]).await
}
