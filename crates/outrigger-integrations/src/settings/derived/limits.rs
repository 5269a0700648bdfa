//! What the attributes of a field change about its widget.

use crate::form::{NumberRange, Options, Pattern, TextLimits, Unit, Widget};

#[derive(Default)]
pub struct Limits {
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub step: Option<f64>,
    pub min_len: Option<usize>,
    pub max_len: Option<usize>,
    pub pattern: Option<&'static str>,
    pub lines: bool,
    pub options: Option<Options>,
    pub units: &'static [&'static str],
}

impl Limits {
    /// The widget of the type, as the attributes want it. The derive has checked that they fit.
    pub fn apply(self, widget: Widget) -> Widget {
        match (widget, &self.options) {
            (Widget::List { .. }, Some(options)) => Widget::MultiSelect { options: options.clone() },
            (Widget::Secret { of }, _) => Widget::Secret { of: Box::new(self.apply(*of)) },
            (_, Some(options)) => Widget::Select { options: options.clone() },
            (Widget::Text(limits), None) if self.lines => Widget::TextArea(self.of_text(limits)),
            (Widget::Text(limits), None) => Widget::Text(self.of_text(limits)),
            (Widget::TextArea(limits), None) => Widget::TextArea(self.of_text(limits)),
            (Widget::Number(range), None) => Widget::Number(self.of_numbers(range)),
            (Widget::Amount { units, range }, None) => {
                Widget::Amount { units: self.of_units(units), range: self.of_numbers(range) }
            }
            (Widget::List { item, min, max }, None) => {
                let item = match *item {
                    Widget::Text(limits) => Widget::Text(TextLimits { pattern: self.pattern(), ..limits }),
                    item => item,
                };
                let (min, max) = (self.min_len.unwrap_or(min), self.max_len.unwrap_or(max));
                Widget::List { item: Box::new(item), min, max }
            }
            (Widget::KeyValue { max }, None) => Widget::KeyValue { max: self.max_len.unwrap_or(max) },
            (widget, None) => widget,
        }
    }

    fn of_text(&self, limits: TextLimits) -> TextLimits {
        TextLimits {
            min: self.min_len.unwrap_or(limits.min),
            max: self.max_len.unwrap_or(limits.max),
            pattern: self.pattern().or(limits.pattern),
        }
    }

    fn of_numbers(&self, range: NumberRange) -> NumberRange {
        NumberRange {
            min: self.min.or(range.min),
            max: self.max.or(range.max),
            step: self.step.or(range.step),
            integer: range.integer,
        }
    }

    fn of_units(&self, units: Vec<Unit>) -> Vec<Unit> {
        if self.units.is_empty() {
            return units;
        }
        units.into_iter().filter(|unit| self.units.contains(&&*unit.name)).collect()
    }

    fn pattern(&self) -> Option<Pattern> {
        self.pattern.and_then(|pattern| Pattern::whole(pattern).ok())
    }
}
