use super::*;

/// Checks the operator, and that its negation says the opposite.
fn check(operator: Operator, fact: &str, value: Value, cases: &[(Value, bool)]) {
    let rules = sound(fact, operator, value.clone());
    let negation = operator.negation().map(|negation| sound(fact, negation, value.clone()));
    for (actual, expected) in cases {
        let facts = facts(fact, actual);
        let question = format!("{fact} = {actual} {operator} {value}");
        assert_eq!(rules.matches(&facts), *expected, "{question}");
        if let Some(negation) = &negation {
            assert_ne!(negation.matches(&facts), *expected, "the negation of {question}");
        }
        assert_eq!(rules.explain(&facts).matches, *expected, "the explanation of {question}");
    }
}

use Operator::*;

#[test]
fn is() {
    let cases = [(json!("main"), true), (json!("Main"), false), (json!("main "), false), (json!(""), false)];
    check(Is, "text", json!("main"), &cases);
    check(Is, "text?", json!("main"), &[(json!("main"), true), (json!("next"), false), (json!(null), false)]);
    let cases = [(json!(["next", "main"]), true), (json!(["mainly"]), false), (json!([]), false), (json!([""]), false)];
    check(Is, "texts", json!("main"), &cases);
    check(Is, "number", json!(7), &[(json!(7), true), (json!(-7), false), (json!("7"), false)]);
    check(Is, "number", json!(i64::MIN), &[(json!(i64::MIN), true), (json!(i64::MAX), false)]);
    check(Is, "number?", json!(0), &[(json!(0), true), (json!(null), false)]);
    check(Is, "numbers", json!(0), &[(json!([1, 0]), true), (json!([]), false)]);
    check(Is, "flag", json!(true), &[(json!(true), true), (json!(false), false)]);
    check(Is, "flag", json!(false), &[(json!(true), false), (json!(false), true)]);
    check(Is, "flag?", json!(false), &[(json!(false), true), (json!(null), false)]);
    check(Is, "flags", json!(true), &[(json!([false, true]), true), (json!([false]), false), (json!([]), false)]);
    check(Is, "choice", json!("open"), &[(json!("open"), true), (json!("shut"), false), (json!(""), false)]);
    check(Is, "choices", json!("open"), &[(json!(["shut", "open"]), true), (json!(["shut"]), false)]);
    check(Is, "row", json!("7"), &[(json!(7), true), (json!("7"), true), (json!(77), false), (json!(null), false)]);
    check(Is, "row", json!(7), &[(json!("7"), true), (json!("07"), false)]);
    check(Is, "rows", json!("7"), &[(json!([1, 7]), true), (json!([1]), false), (json!([]), false)]);
}

#[test]
fn one_of() {
    let cases = [(json!("a"), true), (json!("b"), true), (json!("ab"), false), (json!(""), false)];
    check(OneOf, "text", json!(["a", "b"]), &cases);
    check(OneOf, "text?", json!(["a"]), &[(json!("a"), true), (json!(null), false)]);
    check(OneOf, "texts", json!(["a", "b"]), &[(json!(["c", "b"]), true), (json!(["c"]), false), (json!([]), false)]);
    check(OneOf, "number", json!([1, 2]), &[(json!(2), true), (json!(3), false)]);
    check(OneOf, "numbers", json!([1, 2]), &[(json!([3, 2]), true), (json!([3]), false)]);
    check(OneOf, "choice", json!(["open", "shut"]), &[(json!("shut"), true), (json!("gone"), false)]);
    check(OneOf, "choices", json!(["open"]), &[(json!(["open"]), true), (json!([]), false)]);
    check(OneOf, "row", json!(["7", 8]), &[(json!(7), true), (json!("8"), true), (json!(9), false)]);
    check(OneOf, "rows", json!(["7", "8"]), &[(json!([9, 8]), true), (json!([9]), false)]);
}

#[test]
fn contains() {
    let cases = [(json!("domain"), true), (json!("main"), true), (json!("Main"), false), (json!("mai"), false)];
    check(Contains, "text", json!("main"), &cases);
    check(Contains, "text?", json!("a"), &[(json!(null), false), (json!("bab"), true)]);
    check(Contains, "texts", json!("/src/"), &[(json!(["a", "x/src/y"]), true), (json!(["/src"]), false)]);
    check(Contains, "texts", json!("ab"), &[(json!(["a", "b"]), false)]);
    check(Contains, "numbers", json!(1), &[(json!([1]), true), (json!([11]), false), (json!([]), false)]);
    check(Contains, "choices", json!("open"), &[(json!(["open"]), true), (json!(["shut"]), false)]);
    check(Contains, "rows", json!("1"), &[(json!([1, 2]), true), (json!([12]), false)]);
    check(Contains, "text", json!("ä"), &[(json!("bär"), true), (json!("ba\u{308}r"), false)]);
}

#[test]
fn contains_any() {
    check(ContainsAny, "text", json!(["ab", "cd"]), &[(json!("xcd"), true), (json!("ac"), false), (json!(""), false)]);
    check(ContainsAny, "texts", json!(["ab", "cd"]), &[(json!(["x", "abc"]), true), (json!([]), false)]);
    check(ContainsAny, "numbers", json!([1, 2]), &[(json!([2, 9]), true), (json!([12]), false)]);
    check(ContainsAny, "choices", json!(["open"]), &[(json!(["open", "shut"]), true), (json!(["shut"]), false)]);
    check(ContainsAny, "rows", json!(["1", "2"]), &[(json!([2]), true), (json!([12]), false)]);
}

#[test]
fn starts_and_ends_with() {
    check(StartsWith, "text", json!("re"), &[(json!("release"), true), (json!("are"), false), (json!("Re"), false)]);
    check(StartsWith, "texts", json!("src/"), &[(json!(["x", "src/a"]), true), (json!(["x/src/"]), false)]);
    check(StartsWith, "text?", json!("a"), &[(json!(null), false), (json!("a"), true)]);
    check(EndsWith, "text", json!(".rs"), &[(json!("a.rs"), true), (json!("a.rs.bak"), false), (json!("rs"), false)]);
    check(EndsWith, "texts", json!(".rs"), &[(json!(["a.py", "a.rs"]), true), (json!([]), false)]);
}

#[test]
fn matches() {
    check(Matches, "text", json!("^v[0-9]+$"), &[(json!("v12"), true), (json!("xv12"), false), (json!("v"), false)]);
    check(Matches, "text", json!("b"), &[(json!("abc"), true), (json!("ABC"), false), (json!(""), false)]);
    check(Matches, "text", json!("(?i)b"), &[(json!("ABC"), true)]);
    check(Matches, "text?", json!(".*"), &[(json!("a"), true), (json!(null), false)]);
    check(Matches, "texts", json!("^a$"), &[(json!(["b", "a"]), true), (json!(["b\na"]), false), (json!([]), false)]);
    check(Matches, "text", json!(r"^[\w.]+@[\w.]+\.\w+$"), &[(json!("a.b@example.com"), true)]);
    // What makes a backtracking engine take for ever.
    check(Matches, "text", json!("^(a+)+$"), &[(json!(format!("{}b", "a".repeat(50_000))), false)]);
}

#[test]
fn greater_and_less_than() {
    check(GreaterThan, "number", json!(7), &[(json!(8), true), (json!(7), false), (json!(-8), false)]);
    check(GreaterThan, "number?", json!(-1), &[(json!(0), true), (json!(null), false)]);
    check(GreaterThan, "numbers", json!(7), &[(json!([1, 8]), true), (json!([1]), false), (json!([]), false)]);
    check(LessThan, "number", json!(7), &[(json!(6), true), (json!(7), false)]);
    check(LessThan, "number?", json!(1), &[(json!(0), true), (json!(null), false)]);
    check(LessThan, "numbers", json!(7), &[(json!([9, 6]), true), (json!([8]), false)]);
}

#[test]
fn is_set() {
    check(IsSet, "text", json!(null), &[(json!("a"), true), (json!(" "), true), (json!(""), false)]);
    check(IsSet, "text?", json!(null), &[(json!("a"), true), (json!(""), false), (json!(null), false)]);
    check(IsSet, "texts", json!(null), &[(json!(["", "a"]), true), (json!([""]), false), (json!([]), false)]);
    check(IsSet, "number?", json!(null), &[(json!(0), true), (json!(null), false)]);
    check(IsSet, "numbers", json!(null), &[(json!([0]), true), (json!([]), false)]);
    check(IsSet, "flag?", json!(null), &[(json!(false), true), (json!(null), false)]);
    check(IsSet, "flags", json!(null), &[(json!([false]), true), (json!([null]), false)]);
    check(IsSet, "choice", json!(null), &[(json!("open"), true), (json!(""), false)]);
    check(IsSet, "row", json!(null), &[(json!(7), true), (json!(""), false), (json!(null), false)]);
    check(IsSet, "rows", json!(null), &[(json!([7]), true), (json!([]), false)]);
}

/// What each kind allows, as letters: an operator that is not in its row cannot be asked.
#[test]
fn operators_fit_kinds() {
    let texts = "is is_not one_of none_of contains does_not_contain contains_any contains_none starts_with ends_with \
                 matches does_not_match is_set is_unset";
    let numbers = "is is_not one_of none_of contains does_not_contain contains_any contains_none greater_than \
                   less_than is_set is_unset";
    let rows = "is is_not one_of none_of contains does_not_contain contains_any contains_none is_set is_unset";
    for (fact, operators) in [
        ("text", texts),
        ("text?", texts),
        ("texts", texts),
        ("number", "is is_not one_of none_of greater_than less_than"),
        ("number?", "is is_not one_of none_of greater_than less_than is_set is_unset"),
        ("numbers", numbers),
        ("flag", "is is_not"),
        ("flag?", "is is_not is_set is_unset"),
        ("flags", "is is_not is_set is_unset"),
        ("choice", "is is_not one_of none_of is_set is_unset"),
        ("choices", rows),
        ("row", "is is_not one_of none_of is_set is_unset"),
        ("rows", rows),
    ] {
        let schema = schema();
        let allowed: Vec<_> = schema.fact(fact).unwrap().operators().map(Operator::name).collect();
        assert_eq!(allowed.join(" "), operators, "{fact}");
        for operator in Operator::ALL.into_iter().filter(|operator| !allowed.contains(&operator.name())) {
            let set = RuleSet::all([Condition::new(fact, operator, json!("a"))]);
            assert_eq!(problems(&set), [(Some(0), Problem::DoesNotFit { fact: fact.to_owned(), operator })]);
        }
    }
}

#[test]
fn names_are_those_stored() {
    for operator in Operator::ALL {
        assert_eq!(serde_json::to_value(operator).unwrap(), json!(operator.name()));
        assert_eq!(Operator::from_name(operator.name()), Some(operator));
        if let Some(negation) = operator.negation() {
            assert_eq!(negation.negation(), Some(operator));
            assert_ne!(negation.is_negative(), operator.is_negative());
        }
    }
    assert_eq!(Operator::from_name("IS"), None);
}
