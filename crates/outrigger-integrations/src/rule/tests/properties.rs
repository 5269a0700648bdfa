use proptest::prelude::*;

use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "mode",
        "conditions",
        "fact",
        "operator",
        "value",
        "when_broken",
        "all",
        "any",
        "always",
        "text",
        "numbers",
        "choice",
        "row",
        "open",
        "is",
        "one_of",
        "matches",
        "is_set",
        "",
        "(",
        "ä",
    ]);
    let word = words.prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..6).prop_map(|parts| parts.into_iter().collect()),
        ]
    })
}

/// A value that often fits: few texts and numbers, so that they are often equal.
fn near_value() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
        prop::sample::select(vec!["open", "shut"]).prop_map(Value::from),
    ];
    prop_oneof![one.clone(), prop::collection::vec(one, 0..3).prop_map(Value::from)]
}

fn near_condition() -> impl Strategy<Value = Condition> {
    let names: Vec<String> = schema().facts().iter().map(|fact| fact.name().to_owned()).collect();
    (prop::sample::select(names), prop::sample::select(Operator::ALL.to_vec()), near_value())
        .prop_map(|(fact, operator, value)| Condition::new(fact, operator, value))
}

fn near_facts() -> impl Strategy<Value = FactValues> {
    prop::collection::vec(near_value(), schema().facts().len()).prop_map(|values| {
        schema().facts().iter().zip(values).fold(FactValues::new(), |facts, (fact, value)| {
            let datum = serde_json::from_value(value).unwrap();
            facts.with_datum(fact.name().to_owned(), datum)
        })
    })
}

proptest! {
    #[test]
    fn a_negation_is_the_opposite(condition in near_condition(), facts in near_facts()) {
        let Word::Known(operator) = condition.operator else { unreachable!() };
        let Some(negation) = operator.negation() else { return Ok(()) };
        let negated = Condition { operator: negation.into(), ..condition.clone() };
        let rules = RuleSet::all([condition]).compile(&schema());
        let negated = RuleSet::all([negated]).compile(&schema());
        prop_assert_eq!(rules.is_broken(), negated.is_broken());
        if !rules.is_broken() {
            prop_assert_ne!(rules.matches(&facts), negated.matches(&facts));
        }
    }

    #[test]
    fn an_explanation_says_what_matching_says(
        conditions in prop::collection::vec(near_condition(), 0..4),
        mode in prop::sample::select(vec![Mode::Always, Mode::All, Mode::Any]),
        when_broken in prop::sample::select(vec![WhenBroken::Match, WhenBroken::NoMatch]),
        facts in near_facts(),
    ) {
        let set = RuleSet { mode: mode.into(), ..RuleSet::all(conditions) }.when_broken(when_broken);
        let rules = set.compile(&schema());
        let explanation = rules.explain(&facts);
        prop_assert_eq!(rules.matches(&facts), explanation.matches);
        let held: Vec<_> = explanation.conditions.iter().map(|condition| condition.held).collect();
        let told = match explanation.reason {
            Reason::Always => held.is_empty(),
            Reason::AllHold => held.iter().all(|held| *held == Some(true)),
            Reason::NotAllHold => held.contains(&Some(false)),
            Reason::OneHolds => held.contains(&Some(true)),
            Reason::NoneHolds => held.iter().all(|held| *held == Some(false)),
            Reason::BrokenMatchesNothing => !explanation.matches && !explanation.faults.is_empty(),
            Reason::BrokenMatchesEverything => explanation.matches && !explanation.faults.is_empty(),
        };
        prop_assert!(told, "{}", explanation);
        prop_assert_eq!(RuleSet::from_json(&set.to_json()).unwrap(), set);
    }

    #[test]
    fn no_json_makes_it_panic(stored in any_json(), facts in near_facts()) {
        // Whatever can be read can be written, compiled and asked.
        let from_json = RuleSet::from_json(&stored);
        let _ = RuleSet::check_json(&stored, &schema());
        let deserialized = serde_json::from_value::<RuleSet>(stored);
        if let Ok(deserialized) = deserialized {
            prop_assert_eq!(&from_json.clone().unwrap(), &deserialized);
        }
        if let Ok(set) = from_json {
            prop_assert_eq!(RuleSet::from_json(&set.to_json()).unwrap(), set.clone());
            let rules = set.compile(&schema());
            prop_assert_eq!(rules.matches(&facts), rules.explain(&facts).matches);
        }
    }

    #[test]
    fn no_condition_makes_it_panic(fact in "[a-z?]{0,8}", operator: String, value in any_json(), text: String) {
        let fact = if schema().fact(&fact).is_some() { fact } else { "text".to_owned() };
        let operator = Operator::from_name(&operator).map_or(Word::Unknown(operator), Word::Known);
        for operator in Operator::ALL.into_iter().map(Word::Known).chain([operator]) {
            let condition = Condition { operator, ..Condition::new(fact.clone(), Operator::Is, value.clone()) };
            let rules = RuleSet::any([condition]).compile(&schema());
            let facts = FactValues::new().with("text", &text);
            prop_assert_eq!(rules.matches(&facts), rules.explain(&facts).matches);
            let _ = rules.explain(&facts).to_string();
        }
    }

    #[test]
    fn no_form_makes_it_panic(pairs in prop::collection::vec(("(r\\.)?[0-9a-z.]{0,12}", ".{0,6}"), 0..12)) {
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Some(set) = RuleSet::from_posted("r", pairs, &schema()) {
            let _ = set.check(&schema());
        }
    }
}
