//! Rules: the rule module knows how its editor posts them, and of which type each value is.

use super::{Pairs, Submitted};
use crate::Text;
use crate::rule::{FactSchema, RuleSet};

pub(super) fn read(pairs: &Pairs<'_>, name: &str, facts: &FactSchema) -> (Submitted, Option<Text>) {
    let prefix = format!("{name}.");
    let posted: Vec<(String, &str)> = pairs
        .under(&prefix)
        .flat_map(|(rest, values)| values.iter().map(move |value| (rest, *value)))
        .map(|(rest, value)| (format!("{prefix}{rest}"), value))
        .collect();
    let rules = RuleSet::from_posted(name, posted.iter().map(|(name, value)| (name.as_str(), *value)), facts);
    (rules.map_or(Submitted::Keep, |rules| Submitted::Value(rules.to_json())), None)
}
