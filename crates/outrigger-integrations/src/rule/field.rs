//! Rules as a field of settings.

use serde_json::Value;

use super::{Facts, RuleSet, Rules};
use crate::Text;
use crate::form::Widget;
use crate::settings::{FieldValue, Kind};

impl<F: Facts + 'static> FieldValue for Rules<F> {
    const KIND: Kind = Kind::Rules;

    /// Without rules every event is wanted.
    const REQUIRED: bool = false;

    fn widget() -> Widget {
        Widget::Rules(F::schema())
    }

    fn from_json(value: &Value) -> Result<Self, Text> {
        let set = RuleSet::from_json(value).map_err(|faults| {
            let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
            Text::from(told.join("; "))
        })?;
        Ok(Self::new(set.typed(F::schema())))
    }

    fn to_json(&self) -> Value {
        self.set().to_json()
    }

    fn rules(&self) -> Option<&RuleSet> {
        Some(self.set())
    }
}
