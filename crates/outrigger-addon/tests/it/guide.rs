//! The shapes that the add-ons guide and its example providers use, as they are on the wire.

use outrigger_addon::instances::{
    CreateRequest, Created, InstanceDetails, ProvisioningState, SnippetPosition, UpdateRequest,
};
use outrigger_addon::manifest::{FieldKind, Manifest};
use serde_json::{Value, json};

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[test]
fn a_manifest_whose_options_have_no_type() {
    let manifest = Manifest::parse(&bytes(&json!({
        "name": "An example",
        "description": "Does something.",
        "admin_url": "https://admin.example",
        "config": {
            "optionOne": { "displayName": "First", "description": "What it is for." },
            "optionTwo": { "displayName": "Second", "type": "string" },
            "optionThree": {},
            "optionFour": "Fourth",
        },
        "somethingElse": [1, 2],
    })))
    .unwrap();
    let config = manifest.config.unwrap();
    let names: Vec<&str> = config.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["optionOne", "optionTwo", "optionThree", "optionFour"]);
    assert!(config.iter().all(|(_, field)| field.kind == FieldKind::String && !field.required));
    assert_eq!(config.get("optionFour").unwrap().display_name.as_deref(), Some("Fourth"));
    assert_eq!(manifest.admin_url.unwrap().as_str(), "https://admin.example/");
}

#[test]
fn a_create_request_round_trips_and_carries_the_config_twice() {
    let wire = json!({
        "uuid": "2e65dd70-523d-48d8-8826-a93229d7ec01",
        "account": "5902622bcf321c7359e97e52",
        "config": {
            "site_url": "https://calling-site.example",
            "jwt": { "secret": "hush-hush" },
            "config": { "name": "one" },
            "site_id": "49360df0-2dc2-406d-9b5f-fa3beb290eed",
            "service_id": "express-example",
            "service_instance": { "config": { "name": "one" } },
            "incoming_hook_url": "https://api.example/build_hooks/hush",
        },
    });
    let request = CreateRequest::parse(&bytes(&wire)).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), wire);
    assert_eq!(request.config.service_instance.config, request.config.config);
    let debug = format!("{request:?}");
    assert!(!debug.contains("hush") && !debug.contains("\"one\""), "{debug}");
}

#[test]
fn a_create_request_needs_little() {
    let least = json!({ "uuid": "2e65dd70-523d-48d8-8826-a93229d7ec01", "config": {} });
    let request = CreateRequest::parse(&bytes(&least)).unwrap();
    assert!(request.config.config.is_empty() && request.config.jwt.secret.is_empty());
    let without = |wire: Value| CreateRequest::parse(&bytes(&wire)).unwrap_err().to_string();
    assert!(without(json!({ "config": {} })).contains("uuid: is missing"));
    assert!(without(json!({ "uuid": "5", "config": {} })).contains("uuid: is not a UUID"));
    assert!(without(json!({ "uuid": "2e65dd70-523d-48d8-8826-a93229d7ec01" })).contains("config: is missing"));
}

#[test]
fn an_update_request_may_come_without_config() {
    assert!(UpdateRequest::parse(b"{}").unwrap().config.is_empty());
    assert_eq!(UpdateRequest::parse(br#"{"config":{"name":"two"}}"#).unwrap().config["name"], "two");
}

#[test]
fn an_answer_to_create_with_everything() {
    let created = Created::parse(&bytes(&json!({
        "id": "98cd0990",
        "message": "Welcome",
        "endpoint": "https://my-endpoint.example",
        "config": {},
        "env": { "YOUR_SERVICE_API_SECRET": "value" },
        "snippets": [{ "title": "Demo", "position": "head", "html": "<script>1</script>" }],
        "state": "active",
    })))
    .unwrap();
    assert_eq!(created.state, ProvisioningState::Active);
    assert_eq!(created.snippets.as_ref().unwrap()[0].position, SnippetPosition::Head);
    let debug = format!("{created:?}");
    assert!(debug.contains("YOUR_SERVICE_API_SECRET") && !debug.contains("value"), "{debug}");
    assert_eq!(Created::parse(&serde_json::to_vec(&created).unwrap()).unwrap(), created);
}

#[test]
fn an_answer_to_get_without_config_and_one_without_anything() {
    let details = InstanceDetails::parse(br#"{"env":{"A":"b"},"snippets":[]}"#).unwrap();
    assert_eq!((details.config, details.snippets), (None, Some(vec![])));
    // A 204 to which a framework has added a body, or has not.
    for body in ["", " \n", "null", "{}"] {
        assert_eq!(InstanceDetails::parse(body.as_bytes()).unwrap(), InstanceDetails::default(), "{body:?}");
    }
}
