//! Rules.

use serde_json::{Map, Value};

use super::rows::{self, Row};
use super::{Pairs, Submitted};
use crate::Text;

pub(super) fn read(pairs: &Pairs<'_>, name: &str) -> (Submitted, Option<Text>) {
    let Some(mode) = pairs.last(&format!("{name}.mode")) else { return (Submitted::Keep, None) };
    let mut rules = Map::new();
    rules.insert("mode".to_owned(), mode.into());
    if let Some(when_broken) = pairs.last(&format!("{name}.when_broken")) {
        rules.insert("when_broken".to_owned(), when_broken.into());
    }
    let conditions = rows::rows(pairs, name).iter().filter_map(read_condition).collect();
    rules.insert("conditions".to_owned(), conditions);
    (Submitted::Value(Value::Object(rules)), None)
}

fn read_condition(row: &Row<'_, '_>) -> Option<Value> {
    let fact = rows::last(row, "fact").filter(|fact| !fact.is_empty())?;
    let value = match row.get("value").copied().unwrap_or_default() {
        [] => Value::Null,
        [value] => Value::from(*value),
        values => values.iter().copied().collect(),
    };
    let mut condition = Map::new();
    condition.insert("fact".to_owned(), fact.into());
    condition.insert("operator".to_owned(), rows::last(row, "operator").unwrap_or_default().into());
    condition.insert("value".to_owned(), value);
    Some(Value::Object(condition))
}
