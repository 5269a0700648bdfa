use super::*;

fn read(posted: &[(&str, &str)]) -> Option<RuleSet> {
    RuleSet::from_posted("rules", posted.iter().copied(), &schema())
}

#[test]
fn forms_are_read_in_the_order_of_their_rows() {
    let set = read(&[
        ("rules.10.fact", "flag"),
        ("rules.10.operator", "is"),
        ("rules.10.value", "false"),
        ("rules.2.fact", "numbers"),
        ("rules.2.operator", "contains_any"),
        ("rules.2.value", "1\r\n 2 \r\n\r\n3"),
        ("name", "x"),
        ("rules.mode", "all"),
        ("rules.when_broken", "match"),
        ("rules.3.fact", ""),
        ("rules.3.operator", "is"),
        ("rules.4.fact", "text"),
        ("rules.4.operator", "is"),
        ("rules.4.remove", "on"),
        ("rules.5.fact", "text"),
        ("rules.5.operator", "is_set"),
        ("rules.5.value", "left over"),
        ("rules.7.fact", "number"),
        ("rules.7.operator", "one_of"),
        ("rules.7.value", "1"),
        ("rules.7.value", ""),
        ("rules.7.value", "2"),
        ("rules.6.fact", "text"),
        ("rules.6.operator", "ends_with"),
        ("rules.6.value", " "),
    ]);
    let expected = RuleSet::all([
        Condition::new("numbers", Operator::ContainsAny, vec![1, 2, 3]),
        Condition::new("text", Operator::IsSet, ()),
        Condition::new("text", Operator::EndsWith, " "),
        Condition::new("number", Operator::OneOf, vec![1, 2]),
        Condition::new("flag", Operator::Is, false),
    ]);
    let set = set.unwrap();
    assert_eq!(set, expected.when_broken(WhenBroken::Match));
    assert_eq!(set.check(&schema()), []);
}

#[test]
fn what_makes_no_sense_is_kept_to_be_told() {
    let set = read(&[
        ("rules.mode", "most"),
        ("rules.0.fact", "number"),
        ("rules.0.operator", "is"),
        ("rules.0.value", "seven"),
        ("rules.1.fact", "mood"),
        ("rules.1.operator", "sounds_like"),
        ("rules.1.value", "good"),
        ("rules.2.fact", "text"),
        ("rules.-1.fact", "text"),
        ("rules.x.fact", "text"),
        ("rules.99999999999999999999.fact", "text"),
        ("rules.2", "text"),
        ("rulesmode", "all"),
    ]);
    let set = set.unwrap();
    assert_eq!(
        problems(&set),
        [
            (None, Problem::UnknownMode("most".into())),
            (Some(0), Problem::WrongValue { expected: "a whole number" }),
            (Some(1), Problem::UnknownFact("mood".into())),
            (Some(2), Problem::UnknownOperator(String::new())),
        ]
    );
    assert_eq!(set.conditions[0].posted_values(), ["seven"]);
    assert_eq!(set.conditions[1].posted_values(), ["good"]);
    assert_eq!(set.conditions[2].posted_values(), [""; 0]);
}

#[test]
fn forms_without_the_field_have_no_rules() {
    assert_eq!(read(&[]), None);
    assert_eq!(read(&[("rules.0.fact", "text"), ("other.mode", "all")]), None);
    assert_eq!(read(&[("rules.mode", "always")]), Some(RuleSet::default()));
}

#[test]
fn values_are_posted_as_they_are_shown() {
    for (value, posted) in [
        (json!(null), vec![]),
        (json!("a"), vec!["a"]),
        (json!(7), vec!["7"]),
        (json!(true), vec!["true"]),
        (json!(["a", 1]), vec!["a", "1"]),
    ] {
        assert_eq!(Condition::new("text", Operator::Is, value).posted_values(), posted);
    }
}

#[test]
fn texts_take_the_type_of_their_fact() {
    for (fact, operator, value, typed) in [
        ("number", Operator::Is, json!(" -7 "), json!(-7)),
        ("number", Operator::Is, json!("7.5"), json!("7.5")),
        ("number", Operator::OneOf, json!("1\n2"), json!([1, 2])),
        ("number", Operator::OneOf, json!(["1", 2, "x"]), json!([1, 2, "x"])),
        ("flag", Operator::Is, json!("true"), json!(true)),
        ("flag", Operator::Is, json!("on"), json!("on")),
        ("text", Operator::Is, json!("7"), json!("7")),
        ("text", Operator::OneOf, json!("\n"), json!([])),
        ("text", Operator::OneOf, json!(["a\nb"]), json!(["a\nb"])),
        ("row", Operator::Is, json!("7"), json!("7")),
        ("text", Operator::IsSet, json!(""), json!(null)),
        ("mood", Operator::Is, json!("7"), json!("7")),
    ] {
        let set = RuleSet::all([Condition::new(fact, operator, value)]).typed(&schema());
        assert_eq!(set.conditions[0].value, typed, "{set:?}");
        assert_eq!(set.clone().typed(&schema()), set);
    }
}

#[test]
fn json_is_checked_whole() {
    let told = |value: Value| -> Vec<String> {
        RuleSet::check_json(&value, &schema()).iter().map(ToString::to_string).collect()
    };
    let condition = |value: &str| json!({ "fact": "number", "operator": "is", "value": value });
    assert_eq!(told(json!({ "mode": "all", "conditions": [condition("7")] })), [""; 0]);
    assert_eq!(
        told(json!({ "mode": "all", "conditions": [condition("a"), condition("")] })),
        ["Condition 1: enter a whole number", "Condition 2: enter a value"]
    );
    assert_eq!(
        told(json!({ "conditions": ["hush"] })),
        [
            "this does not have the form of a rule: a `mode` is needed, and is a text",
            "Condition 1: this does not have the form of a rule: a `fact` and an `operator` are needed, and are texts",
        ]
    );
}
