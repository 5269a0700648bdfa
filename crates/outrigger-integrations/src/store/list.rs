//! Lists: searched, filtered, a page at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult};

use super::row::extra_name;
use super::{ConfigStore, StoreError, Values, fold, statement, time};
use crate::extra::ExtraColumns;
use crate::{ConfigId, Host, IntegrationId, Scope};

/// Which configurations to list, and from where. The default is the first 50 of a scope.
#[derive(Clone, Debug)]
pub struct ListFilter {
    /// Those whose name, or whose integration's name or id, contains this, upper and lower case alike.
    pub search: String,
    /// Those of this integration.
    pub integration: Option<IntegrationId>,
    /// Those in this state.
    pub state: ListState,
    /// Those whose columns of the host's have these values, by the column's name; `null` for none.
    pub extra: crate::Values,
    /// Those that follow the end of another page.
    pub after: Option<Cursor>,
    /// How many at most.
    pub limit: usize,
}

impl Default for ListFilter {
    fn default() -> Self {
        Self {
            search: String::new(),
            integration: None,
            state: ListState::default(),
            extra: crate::Values::new(),
            after: None,
            limit: 50,
        }
    }
}

/// Which configurations a list has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListState {
    /// All that are not deleted.
    #[default]
    Present,
    /// Those that are switched on.
    Enabled,
    /// Those that are switched off.
    Disabled,
    /// Those that are deleted and can still be had back.
    Deleted,
}

/// Where a page ended. It is text that fits a URL, and means nothing to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    integration: String,
    folded: String,
    id: String,
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the end of a page of configurations")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = serde_json::json!([self.integration, self.folded, self.id]);
        f.write_str(&URL_SAFE_NO_PAD.encode(parts.to_string()))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let [integration, folded, id] = serde_json::from_slice(&bytes).map_err(|_| InvalidCursor)?;
        Ok(Self { integration, folded, id })
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The part, by integration, then by name.
    pub items: Vec<T>,
    /// Where it ended, if more follows.
    pub next: Option<Cursor>,
}

/// How many configurations of a scope there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Those that are not deleted, by integration: how many are enabled, how many disabled.
    pub by_integration: BTreeMap<IntegrationId, (u64, u64)>,
    /// Those that are deleted and can still be had back.
    pub deleted: u64,
}

impl Counts {
    /// How many are switched on.
    pub fn enabled(&self) -> u64 {
        self.by_integration.values().map(|(enabled, _)| enabled).sum()
    }

    /// How many are switched off.
    pub fn disabled(&self) -> u64 {
        self.by_integration.values().map(|(_, disabled)| disabled).sum()
    }
}

/// A filter, and what only the registry knows of it.
pub(crate) struct ListQuery<'a> {
    pub(crate) filter: &'a ListFilter,
    /// The integrations whose names match the search.
    pub(crate) named: Vec<IntegrationId>,
}

/// A row of a list.
pub(crate) struct Listed {
    pub(crate) id: ConfigId,
    pub(crate) integration: IntegrationId,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
    folded: String,
}

const COLUMNS: &str = "id, integration, name, enabled, version, created_at, updated_at, deleted_at, folded";

impl Listed {
    fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let unreadable = |error: crate::InvalidId| StoreError::Unreadable(error.to_string());
        Ok(Self {
            id: row.try_get_by_index::<String>(0)?.parse().map_err(unreadable)?,
            integration: row.try_get_by_index::<String>(1)?.parse().map_err(unreadable)?,
            name: row.try_get_by_index(2)?,
            enabled: row.try_get_by_index(3)?,
            version: row.try_get_by_index(4)?,
            created_at: time(row.try_get_by_index(5)?),
            updated_at: time(row.try_get_by_index(6)?),
            deleted_at: row.try_get_by_index::<Option<i64>>(7)?.map(time),
            folded: row.try_get_by_index(8)?,
        })
    }

    fn cursor(&self) -> Cursor {
        let (integration, id) = (self.integration.to_string(), self.id.to_string());
        Cursor { integration, folded: self.folded.clone(), id }
    }
}

/// A pattern of `LIKE` that is found where the text is.
fn pattern(search: &str) -> String {
    let folded = fold(search.trim());
    let escaped: String =
        folded.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}

fn conditions<H: Host>(scope: &Scope, query: &ListQuery<'_>, values: &mut Values) -> Vec<String> {
    let filter = query.filter;
    let mut conditions = vec![format!("scope = {}", values.put(scope.to_string()))];
    conditions.push(
        match filter.state {
            ListState::Present => "deleted_at IS NULL",
            ListState::Enabled => "deleted_at IS NULL AND enabled",
            ListState::Disabled => "deleted_at IS NULL AND NOT enabled",
            ListState::Deleted => "deleted_at IS NOT NULL",
        }
        .to_owned(),
    );
    if let Some(integration) = &filter.integration {
        conditions.push(format!("integration = {}", values.put(integration.to_string())));
    }
    if !filter.search.trim().is_empty() {
        let pattern = values.put(pattern(&filter.search));
        let mut ways =
            vec![format!("folded LIKE {pattern} ESCAPE '\\'"), format!("integration LIKE {pattern} ESCAPE '\\'")];
        ways.extend(query.named.iter().map(|id| format!("integration = {}", values.put(id.to_string()))));
        conditions.push(format!("({})", ways.join(" OR ")));
    }
    conditions.extend(extra_conditions::<H>(&filter.extra, values));
    if let Some(Cursor { integration, folded, id }) = &filter.after {
        let places = [integration, folded, id].map(|part| values.put(part.clone()));
        conditions.push(format!("(integration, folded, id) > ({})", places.join(", ")));
    }
    conditions
}

/// Names that are no columns of the host's find nothing.
fn extra_conditions<H: Host>(extra: &crate::Values, values: &mut Values) -> Vec<String> {
    let condition = |(name, value): (&String, &serde_json::Value)| {
        let Some(column) = H::Extra::columns().iter().find(|column| column.name == name) else {
            return "1 = 0".to_owned();
        };
        let column = extra_name(column);
        match value {
            serde_json::Value::Null => format!("{column} IS NULL"),
            serde_json::Value::Bool(value) => format!("{column} = {}", values.put(*value)),
            serde_json::Value::Number(value) => format!("{column} = {}", values.put(value.as_i64())),
            value => format!("{column} = {}", values.put(value.as_str().unwrap_or_default().to_owned())),
        }
    };
    extra.iter().map(condition).collect()
}

impl<H: Host> ConfigStore<H> {
    /// A page of the configurations of a scope, by integration and name.
    pub(crate) async fn list(
        &self,
        conn: &impl ConnectionTrait,
        scope: &Scope,
        query: &ListQuery<'_>,
    ) -> Result<Page<Listed>, StoreError> {
        let mut values = Values::default();
        let conditions = conditions::<H>(scope, query, &mut values).join(" AND ");
        let limit = query.filter.limit.clamp(1, 1000);
        let sql = format!(
            "SELECT {COLUMNS} FROM integration_config WHERE {conditions} \
             ORDER BY integration, folded, id LIMIT {}",
            limit + 1
        );
        let rows = conn.query_all_raw(statement(conn, sql, values.values)).await?;
        let mut items = rows.iter().map(Listed::read).collect::<Result<Vec<_>, _>>()?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().map(Listed::cursor).filter(|_| more);
        Ok(Page { items, next })
    }

    /// How many configurations of a scope there are.
    pub(crate) async fn counts(&self, conn: &impl ConnectionTrait, scope: &Scope) -> Result<Counts, StoreError> {
        let sql = "SELECT integration, enabled, deleted_at IS NOT NULL, COUNT(*) FROM integration_config \
                   WHERE scope = $1 GROUP BY integration, enabled, deleted_at IS NOT NULL";
        let mut counts = Counts::default();
        for row in conn.query_all_raw(statement(conn, sql, vec![scope.to_string().into()])).await? {
            let integration: String = row.try_get_by_index(0)?;
            let count = u64::try_from(row.try_get_by_index::<i64>(3)?).unwrap_or(0);
            if row.try_get_by_index(2)? {
                counts.deleted += count;
                continue;
            }
            let integration =
                integration.parse().map_err(|error: crate::InvalidId| StoreError::Unreadable(error.to_string()))?;
            let (enabled, disabled) = counts.by_integration.entry(integration).or_default();
            *(if row.try_get_by_index(1)? { enabled } else { disabled }) += count;
        }
        Ok(counts)
    }
}
