//! Settings with parameters, of which rules over a host's own facts are the reason.

use serde_json::{Value, json};

use crate::form::{self, Widget};
use crate::rule::{Facts, Rules};
use crate::{FieldFaults, Settings, Values};

#[derive(Facts)]
struct Orders {
    amount: i64,
    city: String,
}

#[derive(Facts)]
struct Builds {
    branch: String,
}

trait Host: 'static {
    type Facts: Facts;
}

struct Shop;

impl Host for Shop {
    type Facts = Orders;
}

struct Forge;

impl Host for Forge {
    type Facts = Builds;
}

#[derive(Settings)]
#[settings(version = 3, validate = not_everything)]
struct Chat<H: Host, const MOST: usize>
where
    H: Send,
{
    #[field(min_len = 2, max_len = 4, default = "main")]
    room: String,
    #[field(required)]
    rules: Rules<H::Facts>,
}

impl<H: Host + Send, const MOST: usize> Clone for Chat<H, MOST> {
    fn clone(&self) -> Self {
        Self { room: self.room.clone(), rules: self.rules.clone() }
    }
}

fn not_everything<H: Host + Send, const MOST: usize>(chat: &Chat<H, MOST>, faults: &mut FieldFaults) {
    if chat.rules.set().conditions.len() > MOST {
        faults.add("rules", "Fewer conditions, please.");
    }
}

fn values(value: Value) -> Values {
    serde_json::from_value(value).unwrap()
}

fn facts_of(form: &crate::FormSchema) -> Vec<&str> {
    let Some(Widget::Rules(schema)) = form.field("rules").map(|field| &field.widget) else { panic!("no rules") };
    schema.facts().iter().map(|fact| fact.name()).collect()
}

#[test]
fn each_type_has_a_form_of_its_own_made_once() {
    assert_eq!(facts_of(Chat::<Shop, 5>::form()), ["amount", "city"]);
    assert_eq!(facts_of(Chat::<Forge, 5>::form()), ["branch"]);
    assert!(std::ptr::eq(Chat::<Shop, 5>::form(), Chat::<Shop, 5>::form()));
    assert!(!std::ptr::eq(Chat::<Shop, 5>::form(), Chat::<Shop, 6>::form()));
    assert_eq!(Chat::<Shop, 5>::VERSION, 3);
}

#[test]
fn they_are_read_validated_and_shown() {
    let rules = json!({ "mode": "all", "conditions": [{ "fact": "amount", "operator": "greater_than", "value": 5 }] });
    let chat = Chat::<Shop, 1>::from_values(&values(json!({ "rules": rules }))).unwrap();
    assert_eq!(serde_json::to_value(chat.clone()).unwrap(), json!({ "room": "main", "rules": rules }));
    assert_eq!(chat.rules().unwrap().conditions.len(), 1);
    let faults = Chat::<Shop, 0>::from_values(&chat.to_values()).err().unwrap();
    assert_eq!(faults.of("rules"), ["Fewer conditions, please.".into()]);
}

#[track_caller]
fn check_refused(rules: Value, fault: &str) {
    let sent = values(json!({ "rules": rules }));
    let (read, faults) = form::read_json(Chat::<Shop, 5>::form(), sent, None);
    let told: Vec<String> = faults.of("rules").iter().map(ToString::to_string).collect();
    assert_eq!(told, [fault]);
    assert!(Chat::<Shop, 5>::from_values(&read).is_err(), "a form and its type refuse the same");
}

#[test]
fn rules_that_make_no_sense_cannot_be_saved() {
    let condition = |fact: &str, operator: &str, value: Value| json!({ "mode": "any", "conditions": [{ "fact": fact, "operator": operator, "value": value }] });
    check_refused(condition("brunch", "is", json!("x")), "Condition 1: there is no fact `brunch`");
    check_refused(condition("amount", "greater_than", json!("many")), "Condition 1: enter a whole number");
    check_refused(condition("amount", "starts_with", json!("4")), "Condition 1: “Amount starts with” cannot be asked");
    check_refused(condition("city", "is", Value::Null), "Condition 1: enter a value");
    check_refused(condition("city", "sounds_like", json!("x")), "Condition 1: there is no operator `sounds_like`");
    check_refused(json!({ "mode": "sometimes" }), "there is no mode `sometimes`");
    check_refused(
        json!({ "mode": "all", "conditions": [] }),
        "choose at least one condition, or choose to match always",
    );
    check_refused(json!("all"), "this does not have the form of a rule: an object is expected");
    let many: Vec<Value> = (0..60).map(|_| json!({ "fact": "amount", "operator": "is", "value": 1 })).collect();
    check_refused(json!({ "mode": "all", "conditions": many }), "there are 60 conditions, but at most 50 are possible");
}

#[track_caller]
fn post(pairs: &[(&str, &str)], existing: Option<&Values>) -> (Values, FieldFaults) {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    form::read_posted(Chat::<Shop, 5>::form(), &pairs, existing)
}

#[test]
fn posted_rules_take_the_types_of_their_facts() {
    let pairs = [
        ("rules.mode", "all"),
        ("rules.0.fact", "amount"),
        ("rules.0.operator", "greater_than"),
        ("rules.0.value", "20"),
        ("rules.1.fact", "city"),
        ("rules.1.operator", "one_of"),
        ("rules.1.value", "Ghent\nBruges"),
        ("rules.2.fact", "city"),
        ("rules.2.operator", "is"),
        ("rules.2.value", "Mons"),
        ("rules.2.remove", "on"),
    ];
    let (posted, faults) = post(&pairs, None);
    assert!(faults.is_empty(), "{faults}");
    let expected = json!({ "mode": "all", "conditions": [
        { "fact": "amount", "operator": "greater_than", "value": 20 },
        { "fact": "city", "operator": "one_of", "value": ["Ghent", "Bruges"] },
    ] });
    assert_eq!(posted["rules"], expected);
    // A post without the field leaves it as it is.
    let (kept, faults) = post(&[("room", "tea")], Some(&posted));
    assert!(faults.is_empty(), "{faults}");
    assert_eq!(kept["rules"], expected);
}

#[test]
fn posted_rules_that_make_no_sense_are_shown_again_and_not_saved() {
    let pairs = [
        ("rules.mode", "all"),
        ("rules.0.fact", "amount"),
        ("rules.0.operator", "greater_than"),
        ("rules.0.value", "twenty"),
    ];
    let (posted, faults) = post(&pairs, None);
    assert_eq!(faults.of("rules"), ["Condition 1: enter a whole number".into()]);
    assert_eq!(posted["rules"]["conditions"][0]["value"], "twenty");
}
