use super::*;

fn parse(value: Value) -> Result<Manifest, String> {
    Manifest::parse(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn with(key: &str, value: Value) -> Value {
    let mut manifest = json!({ "name": "Notes", "description": "Keeps notes." });
    manifest[key] = value;
    manifest
}

#[test]
fn a_fault_names_its_field() {
    let check = |manifest: Value, expected: &str| {
        let error = parse(manifest.clone()).unwrap_err();
        assert!(error.ends_with(expected), "{manifest}: {error}");
    };
    check(json!([]), "the body is a list; a JSON object is needed");
    check(json!({ "description": "d" }), ": name: is missing");
    check(json!({ "name": " ", "description": "d" }), ": name: is blank");
    check(json!({ "name": "n" }), ": description: is missing");
    check(with("name", json!(5)), ": name: must be text, not a number");
    check(with("admin_url", json!("javascript:alert(1)")), "is a javascript: URL; only http and https are possible");
    check(with("admin_url", json!("/login")), "is not an absolute URL (relative URL without a base)");
    check(with("config", json!("x")), ": config: must be an object, not text");
    check(with("config", json!({ "a": 5 })), ": config.a: must be an object, not a number");
    check(
        with("config", json!({ "a": { "required": "yes" } })),
        ": config.a.required: must be true or false, not text",
    );
    check(with("config", json!({ "a": { "type": "date" } })), ": config.a.type: must be string, number or boolean");
    check(
        with("config", json!({ "a": { "pattern": "(?=x)" } })),
        ": config.a.pattern: is not a regular expression that can be used here (no look-around, no back-references)",
    );
    check(
        with("config", json!({ "a": { "pattern": "(((x{100}){100}){100})" } })),
        ": config.a.pattern: is too large a regular expression",
    );
    check(with("config", json!({ "a": { "default": [] } })), ": config.a.default: must be text, not a list");
    check(
        with("config", json!({ "a": { "type": "number", "enum": [1, "x"] } })),
        ": config.a.enum: must hold values of type number only",
    );
    check(with("provides", json!({ "env": [["A"]] })), ": provides.env[0]: must be an object, not a list");
    check(
        with("provides", json!({ "env": ["A", { "name": "URL" }] })),
        "choose another, best with a prefix of your own",
    );
    check(
        with("provides", json!({ "snippets": [{ "title": "t", "position": "left" }] })),
        ": provides.snippets[0].position: must be head or footer",
    );
    check(with("env_prefix", json!("9_")), ": env_prefix: must be a letter or _, then letters, digits and _");
    check(with("provisioning_window", json!(0)), "must be whole seconds, from 1 to 2592000");
    check(with("provisioning_window", json!(1e300)), "must be whole seconds, from 1 to 2592000");

    assert_eq!(Manifest::parse(b" ").unwrap_err().0, BodyFault::Empty);
    assert_eq!(Manifest::parse(b"{\n<").unwrap_err().0, BodyFault::NotJson { line: 2, column: 1 });
    let mut prefixed = with("provides", json!({ "env": ["OTHER_URL"] }));
    prefixed["env_prefix"] = json!("NOTES_");
    check(prefixed, ": provides.env[0]: must begin with env_prefix, NOTES_");
}

#[test]
fn extensions_round_trip() {
    let wire = json!({
        "name": "Notes",
        "description": "Keeps notes.",
        "admin_url": "https://notes.example/login",
        "config": {
            "zone": {
                "displayName": "Zone", "description": "Where", "type": "string", "required": true, "default": "eu",
                "pattern": "^[a-z]+$", "secret": true, "enum": ["eu", "us"],
            },
            "alpha": { "displayName": "alpha", "type": "boolean", "required": false },
        },
        "env_prefix": "NOTES_",
        "provides": {
            "env": [{ "name": "NOTES_URL", "description": "Where", "secret": true }],
            "snippets": [{ "title": "Counter", "position": "footer" }],
            "endpoint": true,
        },
        "instances_by_uuid": true,
        "provisioning_window": 90,
    });
    let manifest = parse(wire.clone()).unwrap();
    assert_eq!(manifest.to_json().to_string(), wire.to_string());
    assert_eq!(manifest.secret_fields().collect::<Vec<_>>(), ["zone"]);
    assert_eq!(manifest.provisioning_window, Some(Duration::from_secs(90)));
}

#[test]
fn nulls_and_an_empty_list_for_an_object_are_taken() {
    let empty =
        json!({ "name": "n", "description": "d", "admin_url": null, "config": null, "provides": { "env": null } });
    let manifest = parse(empty).unwrap();
    assert_eq!((manifest.config, manifest.provides), (None, Some(Provides::default())));
    assert_eq!(parse(with("config", json!([]))).unwrap().config, Some(ConfigFields::default()));
    let bare = parse(with("provides", json!({ "env": ["NOTES_URL"] }))).unwrap().provides.unwrap();
    assert_eq!((bare.env[0].name.as_str(), bare.env[0].secret), ("NOTES_URL", false));
}

/// One option `o` with these rules, given this value.
fn check(rules: Value, given: Value) -> Result<Value, String> {
    let manifest = parse(with("config", json!({ "o": rules }))).unwrap();
    let given = Map::from_iter([("o".to_owned(), given)]);
    manifest.check_config(&given).map(|mut map| map.remove("o").unwrap_or_default()).map_err(|e| e.to_string())
}

#[test]
fn loose_values_become_the_declared_kind() {
    let text = json!({});
    assert_eq!(check(text.clone(), json!(true)), Ok(json!("true")));
    assert_eq!(check(text.clone(), json!(5)), Ok(json!("5")));
    assert_eq!(check(text.clone(), json!({ "a": 1 })), Err("o: must be text, not an object".to_owned()));
    let number = json!({ "type": "number" });
    assert_eq!(check(number.clone(), json!("5")), Ok(json!(5)));
    assert_eq!(check(number.clone(), json!(" -1.5 ")), Ok(json!(-1.5)));
    assert_eq!(check(number.clone(), json!(u64::MAX.to_string())), Ok(json!(u64::MAX)));
    for bad in [json!("five"), json!("NaN"), json!("inf"), json!("1e999"), json!(true), json!("0x10")] {
        assert!(check(number.clone(), bad.clone()).unwrap_err().starts_with("o: must be a number"), "{bad}");
    }
    let boolean = json!({ "type": "boolean" });
    assert_eq!(check(boolean.clone(), json!("False")), Ok(json!(false)));
    assert_eq!(check(boolean, json!(1)), Err("o: must be true or false, not a number".to_owned()));
}

#[test]
fn absent_values_take_the_default_or_are_missing() {
    for absent in [Value::Null, json!("")] {
        assert_eq!(check(json!({ "default": "eu", "required": true }), absent.clone()), Ok(json!("eu")));
        assert_eq!(check(json!({ "type": "number", "default": "7" }), absent.clone()), Ok(json!(7)));
        assert_eq!(check(json!({ "required": true }), absent.clone()), Err("o: is required".to_owned()));
        assert_eq!(check(json!({ "pattern": "x" }), absent), Ok(Value::Null));
    }
    assert_eq!(check(json!({ "type": "boolean", "required": true }), json!(false)), Ok(json!(false)));
}

#[test]
fn patterns_search_and_possible_values_are_compared_by_kind() {
    assert_eq!(check(json!({ "pattern": "b" }), json!("abc")), Ok(json!("abc")));
    assert_eq!(check(json!({ "pattern": "^b" }), json!("abc")), Err("o: does not match the pattern ^b".to_owned()));
    assert_eq!(check(json!({ "type": "number", "pattern": "^4" }), json!("42")), Ok(json!(42)));
    let sizes = json!({ "type": "number", "enum": [1, "2", 3.0] });
    assert_eq!(check(sizes.clone(), json!("2")), Ok(json!(2)));
    assert_eq!(check(sizes.clone(), json!(3)), Ok(json!(3)));
    assert_eq!(check(sizes, json!(4)), Err("o: must be one of: 1, 2, 3.0".to_owned()));
}

#[test]
fn no_fault_repeats_a_value() {
    for rules in [json!({ "pattern": "^x" }), json!({ "enum": ["x"] }), json!({ "type": "number" })] {
        let error = check(rules, json!("hush")).unwrap_err();
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn options_nobody_declared_are_faults_unless_nothing_is_declared() {
    let given = Map::from_iter([("b".to_owned(), json!({ "any": [1] })), ("a".to_owned(), Value::Null)]);
    let check = |config: Value| parse(with("config", config)).unwrap().check_config(&given);
    assert_eq!(check(Value::Null), Ok(given.clone()));
    let none = check(json!({})).unwrap_err();
    assert_eq!(none.0.len(), 2);
    assert_eq!(none.0[0].to_string(), "b: is not an option: this add-on has none");
    assert_eq!(check(json!({ "a": {} })).unwrap_err().to_string(), "b: is not an option of this add-on (a)");
}
