//! A form out of a JSON Schema.

use serde_json::{Map, Value};

use super::SchemaError;
use crate::form::{Field, FormSchema, Group, KnownOptions, ShownIf, check_values};

mod widget;

/// The most properties that a form shows.
const MAX_FIELDS: usize = 200;

/// The longest title, description or other text of a schema, in bytes.
const MAX_WORDS: usize = 5_000;

type Result<T> = std::result::Result<T, SchemaError>;

/// One object of the schema, and where it is.
pub(super) struct Node<'a> {
    at: String,
    words: &'a Map<String, Value>,
}

pub(super) fn form(schema: &Value) -> Result<FormSchema> {
    let node = Node::new(String::new(), schema)?;
    node.refuse_others(&[
        "$schema",
        "$id",
        "$comment",
        "type",
        "title",
        "description",
        "properties",
        "required",
        "additionalProperties",
    ])?;
    if node.text("type")?.as_deref() != Some("object") {
        return node.fault("a form is of an object: `type` has to be \"object\"");
    }
    let properties = match node.words.get("properties") {
        None => return Ok(FormSchema::default()),
        Some(properties) => Node::new("/properties".to_owned(), properties)?,
    };
    if properties.words.len() > MAX_FIELDS {
        return properties.fault(&format!("a form has at most {MAX_FIELDS} fields"));
    }
    let required = node.names("required")?;
    if let Some(missing) = required.iter().find(|name| !properties.words.contains_key(*name)) {
        return node.fault(&format!("`{missing}` is required and not among the properties"));
    }
    let mut fields = Vec::new();
    for (name, property) in properties.words {
        fields.push(Property::read(&properties, name, property, required.contains(name))?);
    }
    // Stable: without an order of their own, fields stay as they were written.
    fields.sort_by(|one, other| one.order.total_cmp(&other.order));
    let form = grouped(fields);
    check_references(&form)?;
    check_defaults(&form)?;
    Ok(form)
}

/// A field, and where in the form it goes.
struct Property {
    order: f64,
    group: Group,
    field: Field,
}

impl Property {
    fn read(properties: &Node<'_>, name: &str, property: &Value, required: bool) -> Result<Self> {
        let node = properties.under(name, property)?;
        if name.is_empty() || name.len() > 100 || name.contains(|char: char| char == '.' || char.is_control()) {
            return node.fault("a field's name has 1 to 100 characters and no dot");
        }
        let secret = node.flag("writeOnly")? || node.text("format")?.as_deref() == Some("password");
        let widget = widget::read(&node, secret)?;
        let title = node.text("title")?.unwrap_or_else(|| name.to_owned());
        let mut field = Field::new(name.to_owned(), title, widget);
        field.required = required || node.flag("x-required")?;
        field.help = node.text("description")?.map(Into::into);
        field.placeholder = node.text("x-placeholder")?.map(Into::into);
        field.default = node.words.get("default").filter(|default| !default.is_null()).cloned();
        if secret && field.default.is_some() {
            return node.fault("a secret has no `default`");
        }
        let read_only = node.flag("readOnly")?.then(|| "This cannot be changed here.".to_owned());
        field.read_only = node.text("x-read-only")?.or(read_only).map(Into::into);
        field.transient = node.flag("x-transient")?;
        field.hidden = node.flag("x-hidden")?;
        field.bound_to = node.names("x-bound-to")?.into_iter().map(Into::into).collect();
        field.shown_if = shown_if(&node)?;
        let order = node.number("x-order")?.unwrap_or(f64::MAX);
        Ok(Self { order, group: group(&node)?, field })
    }
}

fn shown_if(node: &Node<'_>) -> Result<Option<ShownIf>> {
    let Some(condition) = node.words.get("x-shown-if") else { return Ok(None) };
    let condition = node.under("x-shown-if", condition)?;
    let (Some(field), Some(Value::Array(is))) = (condition.text("field")?, condition.words.get("is")) else {
        return condition.fault("this needs `field` and the list `is`");
    };
    Ok(Some(ShownIf { field: field.into(), is: is.clone() }))
}

fn group(node: &Node<'_>) -> Result<Group> {
    let Some(group) = node.words.get("x-group") else { return Ok(Group::default()) };
    let group = node.under("x-group", group)?;
    let (title, help) = (group.text("title")?.map(Into::into), group.text("help")?.map(Into::into));
    Ok(Group { title, help, wide: group.flag("wide")?, fields: Vec::new() })
}

/// Fields of the same group stand together, where the first of them does.
fn grouped(fields: Vec<Property>) -> FormSchema {
    let mut groups: Vec<Group> = Vec::new();
    for Property { group, field, .. } in fields {
        match groups.iter_mut().find(|other| other.title == group.title) {
            Some(group) => group.fields.push(field),
            None => groups.push(Group { fields: vec![field], ..group }),
        }
    }
    FormSchema { groups }
}

fn check_references(form: &FormSchema) -> Result<()> {
    for field in form.fields() {
        let shown_if = field.shown_if.as_ref().map(|shown_if| &shown_if.field);
        if let Some(missing) = field.bound_to.iter().chain(shown_if).find(|name| form.field(name).is_none()) {
            let reason = format!("there is no property `{missing}`");
            return Err(SchemaError { at: format!("/properties/{}", field.name), reason });
        }
    }
    Ok(())
}

fn check_defaults(form: &FormSchema) -> Result<()> {
    for field in form.fields().filter(|field| field.default.is_some()) {
        let alone = FormSchema::of_fields([Field { shown_if: None, ..field.clone() }]);
        let faults = check_values(&alone, &super::super::Values::new(), &KnownOptions::default());
        if let Some(fault) = faults.of(&field.name).first() {
            let reason = format!("its default is not right: {fault}");
            return Err(SchemaError { at: format!("/properties/{}/default", field.name), reason });
        }
    }
    Ok(())
}

impl<'a> Node<'a> {
    fn new(at: String, value: &'a Value) -> Result<Self> {
        let Some(words) = value.as_object() else {
            return Err(SchemaError { at, reason: "this has to be an object".to_owned() });
        };
        let node = Self { at, words };
        match words.keys().find(|key| matches!(key.as_str(), "$ref" | "$dynamicRef")) {
            Some(key) if node.at != "/properties" => {
                node.fault(&format!("`{key}` is not followed: write the schema out in full"))
            }
            _ => Ok(node),
        }
    }

    fn under(&self, key: &str, value: &'a Value) -> Result<Self> {
        Self::new(format!("{}/{}", self.at, key.replace('~', "~0").replace('/', "~1")), value)
    }

    fn fault<T>(&self, reason: &str) -> Result<T> {
        Err(SchemaError { at: self.at.clone(), reason: reason.to_owned() })
    }

    /// What is not understood must not be passed over: it might be a limit.
    fn refuse_others(&self, known: &[&str]) -> Result<()> {
        let unknown = self.words.keys().find(|key| !known.contains(&key.as_str()) && !key.starts_with("x-"));
        unknown.map_or(Ok(()), |key| self.fault(&format!("`{key}` is not supported here")))
    }

    fn text(&self, key: &str) -> Result<Option<String>> {
        match self.words.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= MAX_WORDS => Ok(Some(text.clone())),
            Some(_) => self.fault(&format!("`{key}` has to be a text of at most {MAX_WORDS} bytes")),
        }
    }

    fn flag(&self, key: &str) -> Result<bool> {
        match self.words.get(key) {
            None => Ok(false),
            Some(flag) => flag.as_bool().map_or_else(|| self.fault(&format!("`{key}` has to be true or false")), Ok),
        }
    }

    fn number(&self, key: &str) -> Result<Option<f64>> {
        match self.words.get(key) {
            None => Ok(None),
            Some(number) => match number.as_f64().filter(|number| number.is_finite()) {
                Some(number) => Ok(Some(number)),
                None => self.fault(&format!("`{key}` has to be a number")),
            },
        }
    }

    fn count(&self, key: &str, otherwise: usize) -> Result<usize> {
        match self.words.get(key) {
            None => Ok(otherwise),
            Some(count) => match count.as_u64().and_then(|count| usize::try_from(count).ok()) {
                Some(count) => Ok(count),
                None => self.fault(&format!("`{key}` has to be a whole number from 0")),
            },
        }
    }

    fn names(&self, key: &str) -> Result<Vec<String>> {
        let names = match self.words.get(key) {
            None => return Ok(Vec::new()),
            Some(names) => names.as_array().and_then(|names| names.iter().map(|one| one.as_str()).collect()),
        };
        let names: Option<Vec<&str>> = names;
        match names {
            Some(names) => Ok(names.into_iter().map(str::to_owned).collect()),
            None => self.fault(&format!("`{key}` has to be a list of texts")),
        }
    }
}
