use super::*;

#[derive(Facts)]
enum State {
    Draft,
    #[fact(label = "Out for review", name = "pending")]
    OutForReview,
    NeedsWork,
}

fn colours() -> Vec<FactChoice> {
    vec![FactChoice::new("red", "Red")]
}

/// Everything that the derive knows.
#[derive(Facts)]
struct ReviewFacts<'a> {
    /// Where the change
    /// is meant to go.
    ///
    /// Not for people.
    #[fact(reference = "repository")]
    repository: Ref,
    #[fact(reference = "user", label = "Author", help = "Who wrote it.")]
    author_id: i64,
    #[fact(reference = "group")]
    groups: Vec<String>,
    target_branch: Option<String>,
    #[fact(name = "file", label = "Changed file")]
    files: Vec<&'a str>,
    lines: u64,
    r#final: bool,
    state: State,
    earlier_states: Vec<State>,
    #[fact(choices("low" = "Low", "high" = "Very high"))]
    priority: &'a str,
    #[fact(choices = colours)]
    colour: Option<String>,
    #[fact(secret)]
    token: String,
    #[fact(skip)]
    _connection: std::marker::PhantomData<u8>,
}

fn review() -> ReviewFacts<'static> {
    ReviewFacts {
        repository: Ref::new("r1", "boats"),
        author_id: 7,
        groups: vec!["g1".into()],
        target_branch: None,
        files: vec!["a.rs"],
        lines: u64::MAX,
        r#final: true,
        state: State::OutForReview,
        earlier_states: vec![State::Draft, State::NeedsWork],
        priority: "high",
        colour: Some("red".into()),
        token: "hush".into(),
        _connection: std::marker::PhantomData,
    }
}

#[test]
fn fields_become_facts() {
    let told: Vec<_> = ReviewFacts::schema()
        .facts()
        .iter()
        .map(|fact| {
            let kind = match fact.kind() {
                FactKind::Choice(choices) => {
                    let choices: Vec<_> =
                        choices.iter().map(|choice| format!("{}={}", choice.value, choice.label)).collect();
                    choices.join(" ")
                }
                kind => format!("{kind:?}"),
            };
            format!("{} | {} | {:?} | {kind}", fact.name(), fact.label(), fact.shape())
        })
        .collect();
    let states = "draft=Draft pending=Out for review needs_work=Needs work";
    assert_eq!(
        told,
        [
            "repository | Repository | One | Reference { to: \"repository\" }",
            "author_id | Author | One | Reference { to: \"user\" }",
            "groups | Groups | List | Reference { to: \"group\" }",
            "target_branch | Target branch | Optional | Text",
            "file | Changed file | List | Text",
            "lines | Lines | One | Number",
            "final | Final | One | Flag",
            &format!("state | State | One | {states}"),
            &format!("earlier_states | Earlier states | List | {states}"),
            "priority | Priority | One | low=Low high=Very high",
            "colour | Colour | Optional | red=Red",
            "token | Token | One | Text",
        ]
    );
    let help = |name: &str| ReviewFacts::schema().fact(name).unwrap().help().map(ToString::to_string);
    assert_eq!(help("repository").as_deref(), Some("Where the change is meant to go."));
    assert_eq!(help("author_id").as_deref(), Some("Who wrote it."));
    assert_eq!(help("lines"), None);
    assert!(ReviewFacts::schema().fact("token").unwrap().is_secret());
}

#[test]
fn values_are_those_of_the_fields() {
    assert_eq!(
        serde_json::to_value(review().values()).unwrap(),
        json!({
            "repository": { "id": "r1", "label": "boats" },
            "author_id": { "id": "7", "label": "7" },
            "groups": [{ "id": "g1", "label": "g1" }],
            "target_branch": null,
            "file": ["a.rs"],
            "lines": i64::MAX,
            "final": true,
            "state": "pending",
            "earlier_states": ["draft", "needs_work"],
            "priority": "high",
            "colour": "red",
            "token": "hush",
        })
    );
}

#[test]
fn rules_ask_derived_facts() {
    use crate::settings::FieldValue;

    let set = RuleSet::all([
        Condition::new("repository", Operator::OneOf, vec!["r1", "r2"]),
        Condition::new("author_id", Operator::Is, 7),
        Condition::new("state", Operator::IsNot, "draft"),
        Condition::new("earlier_states", Operator::Contains, "needs_work"),
        Condition::new("lines", Operator::GreaterThan, 1_000_000),
        Condition::new("target_branch", Operator::IsUnset, ()),
    ]);
    let rules = Rules::<ReviewFacts<'static>>::new(set);
    assert_eq!(rules.check(), []);
    assert!(rules.compile().matches(&review().values()));
    let stored = rules.to_json();
    assert_eq!(Rules::<ReviewFacts<'static>>::from_json(&stored).unwrap(), rules);
    assert_eq!(serde_json::to_value(&rules).unwrap(), stored);
    assert_eq!(serde_json::from_value::<Rules<ReviewFacts<'static>>>(stored).unwrap(), rules.clone());
    assert_eq!(FieldValue::rules(&rules), Some(rules.set()));
    assert_eq!(Rules::<ReviewFacts<'static>>::from_json(&json!(null)).unwrap(), Rules::default());
    assert!(Rules::<ReviewFacts<'static>>::from_json(&json!({ "mode": 1 })).is_err());
    assert!(Rules::<ReviewFacts<'static>>::default().compile().matches(&review().values()));
}

#[test]
fn facts_are_documented() {
    let docs = ReviewFacts::schema().docs();
    for line in [
        "| Repository | `repository` | Where the change is meant to go. | a repository | is, is not, is one of, is none of, has any value, has no value |",
        "| State | `state` |  | one of: Draft, Out for review, Needs work | is, is not, is one of, is none of, has any value, has no value |",
        "| is greater than | `greater_than` | it is greater than the value; of a list, an element is |",
    ] {
        assert!(docs.lines().any(|known| known == line), "{line}\nis not in\n{docs}");
    }
    let columns: Vec<_> =
        docs.lines().filter(|line| !line.is_empty()).map(|line| line.matches(" | ").count()).collect();
    assert!(columns.iter().all(|count| [0, 2, 4].contains(count)), "{docs}");

    let odd = FactSchema::new([Fact::of::<bool>("a|b").explained("one\ntwo | three")]);
    assert!(odd.docs().contains("| a\\|b | `a\\|b` | one two \\| three | yes or no | is, is not |"), "{}", odd.docs());
}

#[test]
fn facts_are_described_to_programs() {
    let json = ReviewFacts::schema().to_json();
    assert_eq!(
        json[6],
        json!({
            "name": "final", "label": "Final", "help": null, "kind": "flag", "choices": null, "to": null, "list": false,
            "optional": false, "operators": ["is", "is_not"],
        })
    );
    let schema = FactSchema::new([Fact::of::<bool>("draft")]).json_schema();
    assert_eq!(
        schema["properties"]["conditions"]["items"]["properties"]["operator"],
        json!({ "enum": ["is", "is_not"] })
    );
}
