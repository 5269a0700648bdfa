//! Posted forms.

use outrigger_integrations::form::{read_json, read_posted};

use super::*;

fn existing() -> Values {
    values(json!({
        "base": "https://chat.example/", "token": "t0ken", "bot": "b1", "channel": "#builds",
        "webhook": "https://hooks.example/T0", "footer": "Bye", "details": ["short"],
    }))
}

fn post(posted: &[(&str, &str)]) -> (Values, FieldFaults) {
    read_posted(Chat::form(), &pairs(posted), Some(&existing()))
}

#[test]
fn every_widget_is_read() {
    let (values, faults) = post(&[
        ("base", " https://chat.example/ "),
        ("post_as", "Builds"),
        ("note", "one\r\ntwo"),
        ("detail", "all"),
        ("footer", "Bye"),
        ("details", "all"),
        ("details", "short"),
        ("retries", "7"),
        ("wait.amount", "1.5"),
        ("wait.unit", "minutes"),
        ("loud", "on"),
        ("copies.10", "b@example.com"),
        ("copies.9", "a@example.com"),
        ("copies.11", " "),
        ("copies.12", "gone@example.com"),
        ("copies.12.remove", "on"),
        ("headers.0.key", "X-A"),
        ("headers.0.value", "1"),
        ("headers.1.key", ""),
        ("headers.1.value", ""),
        ("origin", "dialog"),
    ]);
    assert!(faults.is_empty(), "{faults}");
    assert_eq!((&values["note"], &values["retries"], &values["wait"]), (&json!("one\ntwo"), &json!(7), &json!(90)));
    assert_eq!(values["details"], json!(["all", "short"]));
    assert_eq!(values["copies"], json!(["a@example.com", "b@example.com"]));
    assert_eq!((&values["headers"], &values["origin"]), (&json!({ "X-A": "1" }), &json!("dialog")));
    assert!(Chat::from_values(&values).is_ok());
}

#[test]
fn a_blank_secret_keeps_and_only_a_clear_clears() {
    let (kept, faults) = post(&[("token", ""), ("webhook", "***")]);
    assert!(faults.is_empty(), "{faults}");
    assert_eq!((&kept["token"], &kept["webhook"]), (&json!("t0ken"), &json!("https://hooks.example/T0")));
    let (cleared, faults) = post(&[("webhook.clear", "on")]);
    assert_eq!((&cleared["webhook"], faults.is_empty()), (&Value::Null, true));
    let (_, faults) = post(&[("token.clear", "on")]);
    assert_eq!(faults.of("token").len(), 1);
}

#[test]
fn a_secret_is_not_taken_elsewhere() {
    let (_, faults) = post(&[("base", "https://evil.example/")]);
    assert_eq!(faults.of("token").len(), 1);
    let (_, faults) = post(&[("base", "https://new.example/"), ("token", "other")]);
    assert!(faults.is_empty());
    let moved = values(json!({ "base": "https://evil.example/", "token": "***" }));
    assert_eq!(read_json(Chat::form(), moved, Some(&existing())).1.of("token").len(), 1);
}

#[test]
fn a_forged_post_does_not_change_what_cannot_be_changed() {
    let (values, _) = post(&[("bot", "forged"), ("detail", "short"), ("footer", "unseen")]);
    assert_eq!((&values["bot"], &values["footer"]), (&json!("b1"), &json!("Bye")));
}

#[test]
fn a_field_is_required_only_while_it_is_shown() {
    let (_, faults) = post(&[("detail", "all"), ("footer", "")]);
    assert_eq!(faults.of("footer").len(), 1);
}

#[test]
fn what_browsers_leave_out_is_nothing_and_what_a_post_leaves_out_stays() {
    let (values, faults) = post(&[]);
    assert!(faults.is_empty(), "{faults}");
    assert_eq!((&values["loud"], &values["details"]), (&json!(false), &json!([])));
    assert_eq!((&values["channel"], &values["copies"]), (&json!("#builds"), &json!([])));
}

#[test]
fn a_blank_is_a_choice_where_it_may_be_and_a_fault_where_not() {
    let (values, faults) = post(&[("channel", ""), ("post_as", " ")]);
    assert_eq!(values["channel"], Value::Null);
    assert_eq!(faults.of("post_as").len(), 1);
}

#[test]
fn what_is_wrong_is_shown_again_as_it_was_typed() {
    let (values, faults) = post(&[("retries", "many"), ("wait.amount", "long"), ("wait.unit", "days")]);
    assert_eq!((&values["retries"], &values["wait"]), (&json!("many"), &json!("long")));
    assert_eq!((faults.of("retries").len(), faults.of("wait").len()), (1, 1));
    assert!(Chat::from_values(&values).is_err());
}

#[test]
fn keys_are_unique() {
    let (_, faults) = post(&[("headers.0.key", "A"), ("headers.1.key", "A")]);
    assert_eq!(faults.of("headers").len(), 1);
}
