//! `if`: an element that looks different while something holds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Element, Kind};

/// While all that is named here holds, `then` is laid over the element. Without `then` nothing happens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Condition {
    /// Fields of the element as they then are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Map<String, Value>>,
    /// A path to something that is there, and neither false, zero nor blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truthy: Option<String>,
    /// A path to something that is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub falsy: Option<String>,
    /// Something that the site has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has: Option<Has>,
    /// A path, and what is to be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<(String, Value)>,
    /// What we do not know of it; it never holds.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Something that a site has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Has {
    /// What: `plugin`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which.
    pub name: String,
}

/// What conditions are about. A path begins with `$PKG` for the integration itself (`enabled`, `name`,
/// `friendlyName`); any other leads into the surface's data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circumstances {
    /// What paths that begin with `$PKG` lead into.
    pub package: Value,
    /// What all others lead into.
    pub data: Value,
    /// The build plugins of the site.
    pub plugins: Vec<String>,
}

impl Condition {
    /// Whether all that it names holds.
    pub fn holds(&self, now: &Circumstances) -> bool {
        let truthy = self.truthy.as_deref().is_none_or(|path| is_truthy(now.at(path)));
        let falsy = self.falsy.as_deref().is_none_or(|path| !is_truthy(now.at(path)));
        let has = self.has.as_ref().is_none_or(|has| has.kind == "plugin" && now.plugins.contains(&has.name));
        let equals = self.equals.as_ref().is_none_or(|(path, value)| now.at(path) == value);
        truthy && falsy && has && equals && self.rest.is_empty()
    }
}

impl Circumstances {
    fn at(&self, path: &str) -> &Value {
        let (root, path) = match path.strip_prefix("$PKG") {
            Some(rest) => (&self.package, rest.trim_start_matches('.')),
            None => (&self.data, path),
        };
        path.split('.').filter(|name| !name.is_empty()).fold(root, |value, name| &value[name])
    }
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

impl Element {
    /// The element as people see it now, and all that is in it. One whose `then` makes no sense is as it was.
    pub fn under(&self, now: &Circumstances) -> Element {
        let mut element = self.changed(now).unwrap_or_else(|| self.clone());
        for inner in element.contents_mut() {
            *inner = inner.under(now);
        }
        element
    }

    fn changed(&self, now: &Circumstances) -> Option<Element> {
        let condition = self.condition.as_ref().filter(|condition| condition.holds(now))?;
        let Value::Object(mut fields) = serde_json::to_value(self).ok()? else { return None };
        fields.extend(condition.then.clone()?);
        let changed: Element = serde_json::from_value(Value::Object(fields)).ok()?;
        let makes_sense = !matches!(changed.kind, Kind::Unknown(_)) || matches!(self.kind, Kind::Unknown(_));
        makes_sense.then_some(changed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn element(condition: Value) -> Element {
        serde_json::from_value(json!({ "type": "text", "value": "x", "if": condition })).unwrap()
    }

    fn now() -> Circumstances {
        Circumstances {
            package: json!({ "enabled": true, "name": "cache" }),
            data: json!({ "list": { "count": 0 } }),
            plugins: vec!["lighthouse".to_owned()],
        }
    }

    #[test]
    fn what_then_says_is_laid_over_while_the_condition_holds() {
        let then = json!({ "display": "hidden", "value": "y" });
        for (condition, holds) in [
            (json!({ "truthy": "$PKG.enabled" }), true),
            (json!({ "falsy": "$PKG.enabled" }), false),
            (json!({ "falsy": "list.count" }), true),
            (json!({ "truthy": "list.nothing.at.all" }), false),
            (json!({ "equals": ["$PKG.name", "cache"] }), true),
            (json!({ "equals": ["$PKG.name", "other"], "truthy": "$PKG.enabled" }), false),
            (json!({ "has": { "type": "plugin", "name": "lighthouse" } }), true),
            (json!({ "has": { "type": "theme", "name": "lighthouse" } }), false),
            (json!({ "weather": "fine" }), false),
        ] {
            let mut condition = condition;
            condition["then"] = then.clone();
            let shown = element(condition.clone()).under(&now());
            assert_eq!(shown.is_hidden(), holds, "{condition}");
        }
    }

    #[test]
    fn without_then_or_with_one_that_makes_no_sense_nothing_happens() {
        for then in [json!(null), json!({ "value": 7 })] {
            let element = element(json!({ "truthy": "$PKG.enabled", "then": then }));
            assert_eq!(element.under(&now()), element);
        }
    }
}
