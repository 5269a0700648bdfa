use super::*;
use serde_json::json;

fn details(value: Value) -> Result<InstanceDetails, String> {
    InstanceDetails::parse(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn created(value: Value) -> Result<String, String> {
    Created::parse(value.to_string().as_bytes()).map(|created| created.id).map_err(|error| error.to_string())
}

#[test]
fn an_id_can_be_part_of_paths_and_headers() {
    assert_eq!(created(json!({ "id": "a b/ä" })), Ok("a b/ä".to_owned()));
    assert_eq!(created(json!({ "id": 42 })), Ok("42".to_owned()));
    let refused = |id: Value| created(json!({ "id": id })).unwrap_err();
    assert!(refused(Value::Null).ends_with("id: is missing"));
    assert!(refused(json!("  ")).ends_with("id: is blank"));
    assert!(refused(json!({})).ends_with("id: must be text, not an object"));
    assert!(refused(json!("a\r\nX-Evil: 1")).contains("control characters"));
    assert!(refused(json!("..")).contains("mean something in a path"));
    assert!(refused(json!("x".repeat(513))).ends_with("id: is longer than 512 characters"));
    assert_eq!(Created::parse(b"").unwrap_err().0, BodyFault::Empty);
}

#[test]
fn variables_become_text_or_name_themselves() {
    let env = |value: Value| details(json!({ "env": value })).map(|details| details.env);
    assert_eq!(env(Value::Null), Ok(None));
    assert_eq!(env(json!([])), Ok(Some(BTreeMap::new())));
    let taken = env(json!({ "A": 5, "B": true, "C": "x", "D": null })).unwrap().unwrap();
    let pairs: Vec<(&str, &str)> = taken.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("A", "5"), ("B", "true"), ("C", "x")]);
    let refused = |value: Value| env(value).unwrap_err();
    assert!(refused(json!({ "A": { "b": 1 } })).ends_with("env.A: must be text, not an object"));
    assert!(refused(json!({ "A": ["b"] })).ends_with("env.A: must be text, not a list"));
    assert!(refused(json!({ "A-B": "x" })).contains("env.A-B: is no usable name"));
    assert!(refused(json!({ "URL": "x" })).contains("env.URL: is no usable name"));
    assert!(refused(json!({ "A": "hush\0" })).ends_with("env.A: has a NUL character in it"));
    assert!(refused(json!("x")).ends_with("env: must be an object, not text"));
}

#[test]
fn positions_of_snippets_have_many_names() {
    let position = |word: Value| {
        let snippets = json!([{ "html": "<b>", "position": word }]);
        details(json!({ "snippets": snippets })).map(|details| details.snippets.unwrap()[0].position)
    };
    for word in ["footer", "BODY", "foot"] {
        assert_eq!(position(json!(word)), Ok(SnippetPosition::Footer), "{word}");
    }
    assert_eq!(position(json!("Head")), Ok(SnippetPosition::Head));
    assert_eq!(position(Value::Null), Ok(SnippetPosition::Head));
    assert!(position(json!("left")).unwrap_err().ends_with("snippets[0].position: must be head or footer"));
    assert!(details(json!({ "snippets": [{}] })).unwrap_err().ends_with("snippets[0].html: is missing"));
    assert!(details(json!({ "snippets": {} })).unwrap_err().ends_with("snippets: must be a list, not an object"));
}

#[test]
fn states_have_many_words_and_unknown_ones_mean_ready() {
    let state = |word: Value| details(json!({ "state": word })).unwrap().state;
    for (word, expected) in [
        (json!("active"), ProvisioningState::Active),
        (json!("Provisioning"), ProvisioningState::Provisioning),
        (json!("pending"), ProvisioningState::Provisioning),
        (json!("in_progress"), ProvisioningState::Provisioning),
        (json!("failed"), ProvisioningState::Failed),
        (json!("error"), ProvisioningState::Failed),
        (json!("sunny"), ProvisioningState::Active),
        (json!(3), ProvisioningState::Active),
        (Value::Null, ProvisioningState::Active),
    ] {
        assert_eq!(state(word.clone()), expected, "{word}");
    }
}

#[test]
fn an_endpoint_is_a_web_url_and_a_message_is_a_courtesy() {
    assert_eq!(details(json!({ "endpoint": "" })).unwrap().endpoint, None);
    assert!(details(json!({ "endpoint": "ftp://x.example" })).unwrap_err().contains("endpoint: is a ftp: URL"));
    assert_eq!(details(json!({ "message": 5 })).unwrap().message.as_deref(), Some("5"));
    assert_eq!(details(json!({ "message": {} })).unwrap().message, None);
    assert!(details(json!(["x"])).unwrap_err().ends_with("the body is a list; a JSON object is needed"));
}

#[test]
fn a_refusal_is_found_in_the_common_forms() {
    let check = |body: &str, expected: Option<&str>| {
        let message = Refusal::parse(body.as_bytes()).map(|refusal| refusal.message);
        assert_eq!(message.as_deref(), expected, "{body}");
    };
    check(r#"{"message":"no such plan","code":422}"#, Some("no such plan"));
    check(r#"{"error":"unauthorized","error_description":"the token is old"}"#, Some("the token is old"));
    check(r#"{"msg":"in use"}"#, Some("in use"));
    check(r#"{"errors":["a","b"]}"#, Some("a; b"));
    check(r#"{"errors":[{"detail":"a"},{"title":"b"}]}"#, Some("a; b"));
    check(r#"{"errors":{"name":["is taken"],"plan":"is full"}}"#, Some("name: is taken; plan: is full"));
    check(r#"{"message":"","error":{"message":"deep"}}"#, Some("deep"));
    check(r#""just text""#, Some("just text"));
    check("line one\r\nline\ttwo\u{1b}[31m\u{202e}", Some("line one line two[31m"));
    for none in ["", "{}", "[]", "5", "{\"broken\":", " <!DOCTYPE html><p>502", r#"{"message":"<html>"}"#] {
        check(none, None);
    }
    check(&"x".repeat(301), None);
    let long = Refusal::parse(json!({ "message": "ä".repeat(400) }).to_string().as_bytes()).unwrap().message;
    assert_eq!(long.chars().count(), Refusal::MAX_CHARS);
    assert!(long.ends_with('…'));
}
