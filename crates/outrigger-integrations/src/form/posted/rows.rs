//! Lists and keys with texts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Pairs, Submitted, is_checked, read_text};
use crate::Text;
use crate::form::Widget;

/// The parts of one row: `""` for `name.N`, `"key"` for `name.N.key`.
type Row<'a, 'p> = BTreeMap<&'a str, &'p [&'a str]>;

/// The rows of a field that stay, in the order of their numbers.
fn rows<'a, 'p>(pairs: &'p Pairs<'a>, name: &str) -> Vec<Row<'a, 'p>> {
    let mut rows = BTreeMap::<usize, Row<'a, 'p>>::new();
    let prefix = format!("{name}.");
    for (rest, values) in pairs.under(&prefix) {
        let (row, part) = rest.split_once('.').unwrap_or((rest, ""));
        if let Ok(row) = row.parse() {
            rows.entry(row).or_default().insert(part, values);
        }
    }
    rows.into_values().filter(|row| last(row, "remove").is_none_or(|remove| !is_checked(remove))).collect()
}

fn last<'a>(row: &Row<'a, '_>, part: &str) -> Option<&'a str> {
    row.get(part)?.last().copied()
}

pub(super) fn read_list(pairs: &Pairs<'_>, name: &str, item: &Widget) -> (Submitted, Option<Text>) {
    let values = rows(pairs, name).into_iter().filter_map(|row| last(&row, "").map(|text| read_text(item, text)));
    (Submitted::Value(values.filter(|value| !value.is_null()).collect()), None)
}

pub(super) fn read_keys(pairs: &Pairs<'_>, name: &str) -> (Submitted, Option<Text>) {
    let mut keys = Map::new();
    let mut fault = None;
    for row in rows(pairs, name) {
        let key = last(&row, "key").unwrap_or_default().trim();
        let value = last(&row, "value").unwrap_or_default().trim();
        if key.is_empty() && value.is_empty() {
            continue;
        }
        if keys.insert(key.to_owned(), Value::from(value)).is_some() {
            fault = Some(Text::plain("Each key can be there only once."));
        }
    }
    (Submitted::Value(Value::Object(keys)), fault)
}
