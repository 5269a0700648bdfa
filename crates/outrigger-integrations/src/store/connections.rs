//! With which accounts at services enabled integrations are connected: columns of their rows.

use outrigger_db::Tx;
use sea_orm::{ConnectionTrait, DbErr};

use super::rows::{Row, all, change, first, text};
use crate::{IntegrationId, Scope};

/// A connection, sealed.
pub(crate) struct Sealed {
    pub(crate) scope: Scope,
    pub(crate) integration: IntegrationId,
    pub(crate) sealed: String,
}

pub(crate) async fn find(
    scope: &Scope,
    conn: &impl ConnectionTrait,
    integration: &IntegrationId,
) -> Result<Option<String>, DbErr> {
    let sql = "SELECT sealed_connection FROM integration_enablement \
               WHERE scope = $1 AND integration = $2 AND sealed_connection IS NOT NULL";
    let row = first(conn, sql, vec![text(scope), text(integration)]).await?;
    row.map(|row| row.get("sealed_connection")).transpose()
}

/// Those of all scopes after one of them, in the order of their keys.
pub(crate) async fn page_anywhere(
    conn: &impl ConnectionTrait,
    after: (&str, &str),
    limit: u64,
) -> Result<Vec<Sealed>, DbErr> {
    let sql = format!(
        "SELECT scope, integration, sealed_connection FROM integration_enablement \
         WHERE sealed_connection IS NOT NULL AND (scope, integration) > ($1, $2) \
         ORDER BY scope, integration LIMIT {limit}"
    );
    let rows = all(conn, &sql, vec![after.0.into(), after.1.into()]).await?;
    let read = |row: &Row| {
        let (scope, integration) = (row.parse("scope")?, row.parse("integration")?);
        Ok(Sealed { scope, integration, sealed: row.get("sealed_connection")? })
    };
    rows.iter().map(read).collect()
}

/// `false` if the integration is not enabled there.
pub(crate) async fn set(
    scope: &Scope,
    tx: &Tx,
    integration: &IntegrationId,
    sealed: Option<&str>,
) -> Result<bool, DbErr> {
    let sql = "UPDATE integration_enablement SET sealed_connection = $1 WHERE scope = $2 AND integration = $3";
    let sealed = sealed.map(str::to_owned);
    Ok(change(&**tx, sql, vec![sealed.into(), text(scope), text(integration)]).await? > 0)
}

/// `false` if another one is there, or none.
pub(crate) async fn replace(
    scope: &Scope,
    tx: &Tx,
    integration: &IntegrationId,
    before: &str,
    sealed: &str,
) -> Result<bool, DbErr> {
    let sql = "UPDATE integration_enablement SET sealed_connection = $1 \
               WHERE scope = $2 AND integration = $3 AND sealed_connection = $4";
    let values = vec![sealed.into(), text(scope), text(integration), before.into()];
    Ok(change(&**tx, sql, values).await? > 0)
}

/// `false` if the integration is not enabled there.
pub(crate) async fn set_attempt(
    scope: &Scope,
    tx: &Tx,
    integration: &IntegrationId,
    attempt: &str,
) -> Result<bool, DbErr> {
    let sql = "UPDATE integration_enablement SET connection_attempt = $1 WHERE scope = $2 AND integration = $3";
    Ok(change(&**tx, sql, vec![attempt.into(), text(scope), text(integration)]).await? > 0)
}

/// `false` if there is another one, or none.
pub(crate) async fn use_attempt(
    scope: &Scope,
    tx: &Tx,
    integration: &IntegrationId,
    attempt: &str,
) -> Result<bool, DbErr> {
    let sql = "UPDATE integration_enablement SET connection_attempt = NULL \
               WHERE scope = $1 AND integration = $2 AND connection_attempt = $3";
    Ok(change(&**tx, sql, vec![text(scope), text(integration), attempt.into()]).await? > 0)
}
