//! Rules, from their JSON to their answer.

use serde_json::{Value, json};

use super::*;

mod broken;
mod derived;
mod explained;
mod operators;
mod posted;
mod properties;
mod stored;

/// A fact of each kind and shape, named after them.
fn schema() -> FactSchema {
    let choice = FactKind::Choice(vec![FactChoice::new("open", "Open"), FactChoice::new("shut", "Shut")]);
    let row = FactKind::Reference { to: "repository".into() };
    FactSchema::new([
        Fact::of::<String>("text"),
        Fact::of::<Option<String>>("text?"),
        Fact::of::<Vec<String>>("texts"),
        Fact::of::<i64>("number"),
        Fact::of::<Option<u16>>("number?"),
        Fact::of::<Vec<i64>>("numbers"),
        Fact::of::<bool>("flag"),
        Fact::of::<Option<bool>>("flag?"),
        Fact::of::<Vec<bool>>("flags"),
        Fact::new("choice", choice.clone()),
        Fact::new("choices", choice).with_shape(Shape::List),
        Fact::of::<Ref>("row").with_kind(row.clone()),
        Fact::of::<Vec<Ref>>("rows").with_kind(row),
    ])
}

/// The one fact with this name and value, given as JSON; null is unset.
fn facts(name: &str, value: &Value) -> FactValues {
    let datum: Datum = serde_json::from_value(value.clone()).unwrap();
    let kind = schema().fact(name).map(|fact| fact.kind().clone());
    let is_row = matches!(kind, Some(FactKind::Reference { .. }));
    FactValues::new().with_datum(name.to_owned(), if is_row { datum.into_reference() } else { datum })
}

/// The condition, of which nothing must be wrong.
fn sound(fact: &str, operator: Operator, value: Value) -> CompiledRules {
    let set = RuleSet::all([Condition::new(fact, operator, value)]);
    assert_eq!(set.check(&schema()), [], "{set:?}");
    set.compile(&schema())
}

fn problems(set: &RuleSet) -> Vec<(Option<usize>, Problem)> {
    set.check(&schema()).into_iter().map(|fault| (fault.condition, fault.problem)).collect()
}

#[test]
fn compiled_rules_can_be_shared() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let rules = std::sync::Arc::new(sound("text", Operator::Matches, json!("^a")));
    shared(&rules);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| assert!(rules.matches(&facts("text", &json!("abc")))));
        }
    });
}

#[test]
fn modes_combine_conditions() {
    let (yes, no) = (("text", "a"), ("text?", "b"));
    let facts = FactValues::new().with("text", &"a").with("text?", &"a");
    let conditions = |asked: &[(&str, &str)]| -> Vec<Condition> {
        asked.iter().map(|(fact, value)| Condition::new(*fact, Operator::Is, *value)).collect()
    };
    for (asked, all, any) in [
        (&[yes][..], true, true),
        (&[no], false, false),
        (&[yes, no], false, true),
        (&[no, yes], false, true),
        (&[yes, yes], true, true),
        (&[no, no], false, false),
    ] {
        let matches = |set: RuleSet| set.compile(&schema()).matches(&facts);
        assert_eq!(matches(RuleSet::all(conditions(asked))), all, "all of {asked:?}");
        assert_eq!(matches(RuleSet::any(conditions(asked))), any, "any of {asked:?}");
        let always = RuleSet { mode: Mode::Always.into(), ..RuleSet::all(conditions(asked)) };
        assert!(matches(always), "always, with {asked:?}");
    }
    assert!(RuleSet::default().compile(&schema()).matches(&facts));
}

#[test]
fn facts_are_found_wherever_they_are() {
    let rules = sound("number", Operator::Is, json!(7));
    let elsewhere = FactValues::new().with("number", &7).with("text", &"a");
    assert!(rules.matches(&elsewhere));
    assert!(!rules.matches(&FactValues::new().with("text", &"7")));
}
