use super::*;

/// Checks what is wrong with the one condition.
fn check(fact: &str, operator: &str, value: Value, expected: Problem) {
    let set = RuleSet::from_json(&json!({
        "mode": "all",
        "conditions": [{ "fact": fact, "operator": operator, "value": value }],
    }));
    assert_eq!(problems(&set.unwrap()), [(Some(0), expected)], "{fact} {operator} {value}");
}

fn wrong(expected: &'static str) -> Problem {
    Problem::WrongValue { expected }
}

#[test]
fn values_fit_their_facts() {
    for (fact, operator, value, expected) in [
        ("text", "is", json!(7), wrong("a text")),
        ("text", "is", json!(["a"]), wrong("a text")),
        ("text", "is", json!({}), wrong("a text")),
        ("text", "is", json!(null), Problem::NoValue),
        ("text", "contains", json!(""), Problem::NoValue),
        ("text", "one_of", json!("a"), wrong("a list of values")),
        ("text", "one_of", json!([]), Problem::NoValue),
        ("text", "one_of", json!(null), Problem::NoValue),
        ("text", "one_of", json!(["a", ""]), Problem::NoValue),
        ("text", "one_of", json!(["a", 7]), wrong("a text")),
        ("text", "contains_any", json!([["a"]]), wrong("a text")),
        ("text", "is_set", json!("a"), wrong("no value")),
        ("number", "is", json!("7"), wrong("a whole number")),
        ("number", "is", json!(""), Problem::NoValue),
        ("number", "is", json!(7.5), wrong("a whole number")),
        ("number", "greater_than", json!(u64::MAX), wrong("a whole number")),
        ("number", "one_of", json!([1, "2"]), wrong("a whole number")),
        ("flag", "is", json!("yes"), wrong("yes or no")),
        ("flag", "is", json!(null), wrong("yes or no")),
        ("choice", "is", json!("ajar"), Problem::NotAChoice("ajar".into())),
        ("choice", "one_of", json!(["open", "ajar"]), Problem::NotAChoice("ajar".into())),
        ("row", "is", json!(true), wrong("the id of what is meant")),
        ("text", "matches", json!("("), Problem::Pattern("unclosed group".into())),
        ("text", "matches", json!(r"(a)\1"), Problem::Pattern("backreferences are not supported".into())),
        ("text", "matches", json!(r"\w{900}"), Problem::Pattern("it is too large".into())),
        ("brunch", "is", json!("a"), Problem::UnknownFact("brunch".into())),
        ("text", "sounds_like", json!("a"), Problem::UnknownOperator("sounds_like".into())),
    ] {
        check(fact, operator, value, expected);
    }
}

#[test]
fn sizes_are_limited() {
    let limit = |count: usize| Value::from(vec!["a"; count]);
    assert_eq!(sound("text", Operator::OneOf, limit(MAX_VALUES)).faults(), []);
    check("text", "one_of", limit(MAX_VALUES + 1), Problem::TooManyValues(MAX_VALUES + 1));
    assert_eq!(sound("text", Operator::Is, json!("ä".repeat(MAX_VALUE_CHARS))).faults(), []);
    check("text", "is", json!("ä".repeat(MAX_VALUE_CHARS + 1)), Problem::ValueTooLong);
    check("text", "matches", json!("a".repeat(MAX_VALUE_CHARS + 1)), Problem::ValueTooLong);
    check("text", "matches", json!("(".repeat(MAX_VALUE_CHARS)), Problem::Pattern("unclosed group".into()));

    let conditions = |count| vec![Condition::new("text", Operator::Is, "a"); count];
    assert_eq!(RuleSet::all(conditions(MAX_CONDITIONS)).check(&schema()), []);
    let many = RuleSet::all(conditions(MAX_CONDITIONS + 1));
    assert_eq!(problems(&many), [(None, Problem::TooManyConditions(MAX_CONDITIONS + 1))]);
    assert!(!many.compile(&schema()).matches(&facts("text", &json!("a"))));
}

#[test]
fn every_fault_is_told() {
    let set = RuleSet::any([
        Condition::new("text", Operator::Is, 1),
        Condition::new("text", Operator::Is, "sound"),
        Condition::new("nothing", Operator::Is, "a"),
        Condition::new("flag", Operator::GreaterThan, 1),
    ]);
    let told: Vec<_> = set.check(&schema()).iter().map(|fault| fault.text().to_string()).collect();
    assert_eq!(
        told,
        [
            "Condition 1: enter a text",
            "Condition 3: there is no fact `nothing`",
            "Condition 4: “flag is greater than” cannot be asked",
        ]
    );
}

#[test]
fn conditions_are_needed_but_for_always() {
    assert_eq!(problems(&RuleSet::all([])), [(None, Problem::NoConditions)]);
    assert_eq!(problems(&RuleSet::any([])), [(None, Problem::NoConditions)]);
    assert_eq!(problems(&RuleSet::default()), []);
    assert!(!RuleSet::all([]).compile(&schema()).matches(&FactValues::new()));
}

#[test]
fn conditions_that_are_not_asked_break_nothing() {
    let set = RuleSet { mode: Mode::Always.into(), ..RuleSet::all([Condition::new("brunch", Operator::Is, "a")]) };
    let rules = set.compile(&schema());
    assert_eq!(rules.faults(), []);
    assert!(rules.matches(&FactValues::new()));
    assert_eq!(rules.explain(&FactValues::new()).reason, Reason::Always);
}

#[test]
fn a_broken_rule_set_answers_as_its_author_chose() {
    let holds = Condition::new("text", Operator::Is, "a");
    let fails = Condition::new("text", Operator::Is, "b");
    let broken = Condition::new("brunch", Operator::Is, "a");
    let facts = facts("text", &json!("a"));
    for sound in [holds, fails] {
        for set in [RuleSet::any([sound.clone(), broken.clone()]), RuleSet::all([sound.clone(), broken.clone()])] {
            assert!(!set.compile(&schema()).matches(&facts), "{set:?}");
            let set = set.when_broken(WhenBroken::Match);
            assert!(set.compile(&schema()).matches(&facts), "{set:?}");
        }
    }
}

#[test]
fn rows_that_are_gone_break_rules_until_they_are_back() {
    let set = RuleSet::any([
        Condition::new("row", Operator::Is, 1),
        Condition::new("rows", Operator::ContainsNone, vec!["1", "3", "2"]),
        Condition::new("row", Operator::IsSet, ()),
        Condition::new("text", Operator::Is, "2"),
    ]);
    let mut rules = set.compile(&schema());
    let mut references: Vec<_> = rules.references().collect();
    references.sort_unstable();
    assert_eq!(references, [("repository", "1"), ("repository", "1"), ("repository", "2"), ("repository", "3")]);

    let facts = facts("row", &json!(1));
    assert!(rules.matches(&facts));
    rules.mark_gone(|to, id| to == "repository" && id == "1");
    let gone = Problem::Gone { to: "repository".into(), id: "2".into() };
    assert_eq!(rules.faults(), [RuleFault { condition: Some(1), problem: gone.clone() }]);
    assert!(!rules.matches(&facts));
    let explanation = rules.explain(&facts);
    assert_eq!(explanation.reason, Reason::BrokenMatchesNothing);
    assert_eq!(explanation.conditions[0].held, Some(true));
    assert_eq!(explanation.conditions[1].problem, Some(gone));

    rules.mark_gone(|_, _| true);
    assert!(!rules.is_broken());
    assert!(rules.matches(&facts));
}

#[test]
fn gone_rows_leave_other_faults_alone() {
    let set = RuleSet::all([
        Condition::new("row", Operator::Is, 1),
        Condition::new("brunch", Operator::Is, 1),
        Condition::new("row", Operator::IsNot, 2),
    ]);
    let mut rules = set.compile(&schema());
    for _ in 0..2 {
        rules.mark_gone(|_, _| false);
        assert_eq!(rules.faults().iter().map(|fault| fault.condition).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    }
    rules.mark_gone(|_, _| true);
    assert_eq!(rules.faults().len(), 1);
}
