use super::*;

#[test]
fn explanations_say_why() {
    let set = RuleSet::all([
        Condition::new("text", Operator::StartsWith, "re"),
        Condition::new("texts", Operator::ContainsNone, vec!["a", "b"]),
        Condition::new("number?", Operator::GreaterThan, 7),
        Condition::new("flag", Operator::Is, true),
        Condition::new("choices", Operator::ContainsAny, vec!["open", "shut"]),
        Condition::new("row", Operator::IsNot, "7"),
        Condition::new("text?", Operator::IsUnset, ()),
    ]);
    let facts = FactValues::new()
        .with("text", &"release")
        .with("texts", &vec!["x", "", "y"])
        .with("flag", &false)
        .with("choices", &vec!["open"])
        .with("row", &Ref::new(7, "boats"));
    assert_eq!(
        set.compile(&schema()).explain(&facts).to_string(),
        "Not all conditions hold.\n\
         - text starts with `re`: yes, it is `release`\n\
         - texts contains none of `a, b`: yes, it is `x, y`\n\
         - number? is greater than `7`: no, it has no value\n\
         - flag is `yes`: no, it is `no`\n\
         - choices contains any of `Open, Shut`: yes, it is `Open`\n\
         - row is not `7`: no, it is `boats`\n\
         - text? has no value: yes, it has no value\n"
    );
}

#[test]
fn explanations_of_broken_rules_say_what_is_wrong() {
    let set = RuleSet::from_json(&json!({
        "mode": "most",
        "conditions": [
            { "fact": "text", "operator": "is", "value": "a" },
            { "fact": "mood", "operator": "sounds_like", "value": ["b", 1] },
        ],
        "when_broken": "match",
    }));
    let rules = set.unwrap().compile(&schema());
    let explanation = rules.explain(&facts("text", &json!("a")));
    assert_eq!(
        explanation.to_string(),
        "The rule is broken. Until it is mended, everything matches.\n\
         - there is no mode `most`\n\
         - text is `a`: yes, it is `a`\n\
         - mood sounds_like `b, 1`: cannot be judged, as there is no fact `mood`\n"
    );
    assert_eq!(
        explanation.to_json()["conditions"][1],
        json!({
            "fact": "mood", "label": "mood", "operator": "sounds_like", "expected": "b, 1", "actual": null, "held": null,
            "problem": "there is no fact `mood`",
        })
    );
    assert_eq!(explanation.to_json()["reason"], json!("broken_matches_everything"));
}

#[test]
fn explanations_hide_secrets() {
    let kind = FactKind::Choice(vec![FactChoice::new("hush", "Hush")]);
    let schema = FactSchema::new([Fact::of::<String>("token").hidden(), Fact::new("word", kind).hidden()]);
    let set = RuleSet::any([
        Condition::new("token", Operator::StartsWith, "hush"),
        Condition::new("token", Operator::OneOf, vec!["hush"]),
        Condition::new("word", Operator::Is, "hushed"),
    ]);
    let explanation = set.compile(&schema).explain(&FactValues::new().with("token", &"hush-hush"));
    let told = format!("{explanation} {} {explanation:?}", explanation.to_json());
    assert!(!told.contains("hush"), "{told}");
    assert_eq!(explanation.conditions[0].held, Some(true));
}

#[test]
fn explanations_are_short() {
    let set = RuleSet::all([Condition::new("texts", Operator::OneOf, vec!["é".repeat(999); 500])]);
    let facts = FactValues::new().with("texts", &vec!["é".repeat(100_000); 100]);
    let told = set.compile(&schema()).explain(&facts).to_string();
    assert!(told.len() < 10_000, "{}", told.len());
    assert!(told.contains("(490 more)") && told.contains("(90 more)"));
}
