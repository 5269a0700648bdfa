//! Forms from and to JSON Schema.

use super::*;

#[test]
fn the_schema_of_a_form_gives_the_form_again() {
    let schema = Chat::form().json_schema();
    assert_eq!(schema["properties"]["token"]["writeOnly"], true);
    let again = FormSchema::from_json_schema(&schema).unwrap();
    assert_eq!(again.json_schema(), schema);
    assert_eq!(&again, Chat::form());
}

#[test]
fn what_a_form_cannot_show_is_refused_with_its_place() {
    let refused = |property: Value| {
        let schema = json!({ "type": "object", "properties": { "a": property } });
        FormSchema::from_json_schema(&schema).unwrap_err()
    };
    assert_eq!(refused(json!({ "$ref": "https://example.com/schema" })).at, "/properties/a");
    for property in [
        json!({ "type": "null" }),
        json!({}),
        json!({ "type": "string", "format": "date" }),
        json!({ "type": "string", "pattern": "(" }),
        json!({ "type": "string", "writeOnly": true, "default": "x" }),
        json!({ "type": "integer", "multipleOf": 5 }),
        json!({ "type": "integer", "maximum": 5, "default": 6 }),
        json!({ "type": "array", "items": { "type": "array", "items": { "type": "string" } } }),
        json!({ "type": "array", "items": { "$ref": "#/x" } }),
        json!({ "type": "object", "properties": {} }),
        json!({ "type": "string", "enum": [] }),
    ] {
        refused(property);
    }
}
