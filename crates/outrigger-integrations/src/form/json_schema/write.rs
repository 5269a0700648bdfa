//! A form as JSON Schema.

use serde_json::{Map, Value, json};

use crate::form::{Choice, Field, FormSchema, Group, NumberRange, Options, TextLimits, Unit, Widget};

pub(super) fn form(form: &FormSchema) -> Value {
    let mut properties = Map::new();
    for group in &form.groups {
        for field in &group.fields {
            let order = properties.len();
            properties.insert(field.name.clone().into_owned(), property(field, group, order));
        }
    }
    // What is only required while it is shown, a schema of plain properties cannot require.
    let required = form.fields().filter(|field| field.required && field.shown_if.is_none() && field.default.is_none());
    let required: Vec<_> = required.map(|field| &*field.name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

fn property(field: &Field, group: &Group, order: usize) -> Value {
    let mut schema = widget(&field.widget);
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            schema.insert(key.to_owned(), value);
        }
    };
    let text = |text: &Option<crate::Text>| text.as_ref().map(|text| Value::from(text.untranslated()));
    let flag = |flag: bool| flag.then_some(Value::Bool(true));
    let names = |names: &[std::borrow::Cow<'static, str>]| (!names.is_empty()).then(|| json!(names));
    put("title", Some(field.label.untranslated().into()));
    put("description", text(&field.help));
    put("default", field.default.clone().filter(|_| !field.secret));
    put("writeOnly", flag(field.secret));
    put("readOnly", flag(field.read_only.is_some()));
    put("x-read-only", text(&field.read_only));
    put("x-required", flag(field.required && (field.shown_if.is_some() || field.default.is_some())));
    put("x-placeholder", text(&field.placeholder));
    put("x-transient", flag(field.transient));
    put("x-hidden", flag(field.hidden));
    put("x-bound-to", names(&field.bound_to));
    put("x-shown-if", field.shown_if.as_ref().map(|shown| json!({ "field": shown.field, "is": shown.is })));
    put("x-group", group.title.as_ref().map(|_| group_words(group)));
    put("x-order", Some(order.into()));
    Value::Object(schema)
}

fn group_words(group: &Group) -> Value {
    let mut words = Map::new();
    for (key, text) in [("title", &group.title), ("help", &group.help)] {
        words.extend(text.iter().map(|text| (key.to_owned(), Value::from(text.untranslated()))));
    }
    words.extend(group.wide.then(|| ("wide".to_owned(), Value::Bool(true))));
    Value::Object(words)
}

fn widget(widget_: &Widget) -> Map<String, Value> {
    let schema = match widget_ {
        Widget::Text(limits) => text(limits),
        Widget::TextArea(limits) => with(text(limits), "x-widget", "textarea".into()),
        Widget::Email => json!({ "type": "string", "format": "email" }),
        Widget::Url { https } => {
            let pattern = if *https { "^https://" } else { "^https?://" };
            json!({ "type": "string", "format": "uri", "pattern": pattern })
        }
        Widget::Number(range) => number(range),
        Widget::Amount { units: all, range } => with(number(range), "x-units", units(all)),
        Widget::Checkbox => json!({ "type": "boolean" }),
        Widget::Select { options } => choice(options),
        Widget::MultiSelect { options } => {
            json!({ "type": "array", "uniqueItems": true, "maxItems": crate::form::MAX_ROWS, "items": choice(options) })
        }
        Widget::Secret { of } => return widget(of),
        Widget::List { item, min, max } => {
            json!({ "type": "array", "minItems": min, "maxItems": max, "items": widget(item) })
        }
        Widget::KeyValue { max } => {
            json!({ "type": "object", "maxProperties": max, "additionalProperties": { "type": "string" } })
        }
        Widget::Rules(_) => json!({
            "type": "object",
            "x-widget": "rules",
            "required": ["mode"],
            "properties": { "mode": { "type": "string" }, "conditions": { "type": "array" } },
        }),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn with(mut schema: Value, key: &str, value: Value) -> Value {
    schema[key] = value;
    schema
}

fn text(limits: &TextLimits) -> Value {
    let mut schema = json!({ "type": "string", "maxLength": limits.max });
    if limits.min > 0 {
        schema["minLength"] = limits.min.into();
    }
    if let Some(pattern) = &limits.pattern {
        schema["pattern"] = pattern.as_str().into();
    }
    schema
}

fn number(range: &NumberRange) -> Value {
    let mut schema = json!({ "type": if range.integer { "integer" } else { "number" } });
    for (key, limit) in [("minimum", range.min), ("maximum", range.max), ("x-step", range.step)] {
        if let Some(limit) = limit {
            schema[key] = limit.into();
        }
    }
    schema
}

fn units(units: &[Unit]) -> Value {
    let unit = |unit: &Unit| json!({ "name": unit.name, "label": unit.label.untranslated(), "factor": unit.factor });
    units.iter().map(unit).collect()
}

fn choice(options: &Options) -> Value {
    let one = |option: &Choice| json!({ "const": option.value, "title": option.label.untranslated() });
    match options {
        Options::Static(options) => {
            let values: Vec<_> = options.iter().map(|option| &option.value).collect();
            let labelled: Vec<_> = options.iter().map(one).collect();
            json!({ "type": "string", "enum": values, "oneOf": labelled })
        }
        Options::Dynamic { depends_on } => json!({ "type": "string", "x-options": { "depends_on": depends_on } }),
    }
}
