use super::*;

/// Checks that the JSON is read and written back as it was.
fn check_kept(stored: Value, expected: &[(Option<usize>, Problem)]) {
    let set = RuleSet::from_json(&stored).unwrap();
    assert_eq!(set.to_json(), stored);
    assert_eq!(serde_json::from_value::<RuleSet>(stored.clone()).unwrap(), set);
    assert_eq!(problems(&set), expected, "{stored}");
    assert_eq!(set.compile(&schema()).is_broken(), !expected.is_empty());
}

#[test]
fn what_is_stored_is_kept() {
    let sound = json!({ "fact": "text", "operator": "is", "value": "a" });
    check_kept(json!({ "mode": "always", "conditions": [] }), &[]);
    check_kept(json!({ "mode": "all", "conditions": [sound], "when_broken": "match" }), &[]);
    check_kept(json!({ "mode": "any", "conditions": [{ "fact": "texts", "operator": "is_set" }] }), &[]);
}

#[test]
fn what_another_version_stored_is_kept_and_breaks_the_rule() {
    let sound = json!({ "fact": "text", "operator": "is", "value": "a" });
    check_kept(
        json!({ "mode": "most", "conditions": [sound], "when_broken": "maybe", "weight": 2 }),
        &[
            (None, Problem::UnknownMode("most".into())),
            (None, Problem::UnknownPart("maybe".into())),
            (None, Problem::UnknownPart("weight".into())),
        ],
    );
    check_kept(
        json!({ "mode": "all", "conditions": [
            { "fact": "mood", "operator": "is", "value": { "any": ["shape"] } },
            sound,
            { "fact": "text", "operator": "sounds_like", "value": [1, [2]] },
            { "fact": "text", "operator": "is", "value": "a", "negated": true },
        ] }),
        &[
            (Some(0), Problem::UnknownFact("mood".into())),
            (Some(2), Problem::UnknownOperator("sounds_like".into())),
            (Some(3), Problem::UnknownPart("negated".into())),
        ],
    );
}

#[test]
fn nothing_stored_is_the_default() {
    assert_eq!(RuleSet::from_json(&json!(null)).unwrap(), RuleSet::default());
    assert_eq!(RuleSet::from_json(&json!({ "mode": "always" })).unwrap(), RuleSet::default());
    assert_eq!(RuleSet::from_json(&json!({ "mode": "always", "conditions": null })).unwrap(), RuleSet::default());
}

#[test]
fn what_has_no_form_of_a_rule_is_told_at_once() {
    let faults = |stored: Value| -> Vec<Option<usize>> {
        RuleSet::from_json(&stored).unwrap_err().iter().map(|fault| fault.condition).collect()
    };
    for stored in
        [json!([]), json!("all"), json!(1), json!({}), json!({ "mode": 1 }), json!({ "mode": "all", "conditions": 1 })]
    {
        assert_eq!(faults(stored.clone()), [None], "{stored}");
    }
    let sound = json!({ "fact": "text", "operator": "is", "value": "a" });
    let stored = json!({ "conditions": [1, sound, { "fact": "text" }, { "fact": 1, "operator": "is" }] });
    assert_eq!(faults(stored), [None, Some(0), Some(2), Some(3)]);
}

#[test]
fn facts_have_a_json_form() {
    let facts = FactValues::new()
        .with("branch", &"main")
        .with("lines", &7)
        .with("draft", &false)
        .with("owner", &None::<String>)
        .with("site", &Ref::new(7, "example.com"))
        .with("files", &vec!["a", "b"]);
    let json = serde_json::to_value(&facts).unwrap();
    assert_eq!(
        json,
        json!({
            "branch": "main", "lines": 7, "draft": false, "owner": null,
            "site": { "id": "7", "label": "example.com" }, "files": ["a", "b"],
        })
    );
    let read: FactValues = serde_json::from_value(json).unwrap();
    for name in ["branch", "lines", "draft", "owner", "site", "files"] {
        assert_eq!(read.get(name), facts.get(name), "{name}");
    }
    assert!(!format!("{facts:?}").contains("main"));
}
