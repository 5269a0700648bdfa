//! What numbers may be.

use serde_json::Value;

use super::NumberRange;
use crate::Text;
use crate::form::Unit;

pub(super) fn check(range: &NumberRange, value: &Value, show: impl Fn(f64) -> String) -> Vec<Text> {
    let Some(number) = value.as_f64().filter(|number| number.is_finite()) else {
        return vec![not_a_number(range)];
    };
    let mut faults = Vec::new();
    if range.integer && number.fract() != 0.0 {
        faults.push(not_a_number(range));
    }
    if let Some(min) = range.min.filter(|min| number < *min) {
        faults.push(format!("This has to be at least {}.", show(min)).into());
    }
    if let Some(max) = range.max.filter(|max| number > *max) {
        faults.push(format!("This may be at most {}.", show(max)).into());
    }
    faults
}

fn not_a_number(range: &NumberRange) -> Text {
    Text::plain(if range.integer { "This has to be a whole number." } else { "This has to be a number." })
}

/// A limit in its best unit.
pub(super) fn amount(units: &[Unit], value: f64) -> String {
    match Unit::split(units, value) {
        Some((amount, unit)) => format!("{amount} {}", unit.label),
        None => value.to_string(),
    }
}
