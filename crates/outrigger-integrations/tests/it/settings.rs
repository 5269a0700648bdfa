//! Settings and their forms.

use std::collections::BTreeMap;
use std::time::Duration;

use outrigger_integrations::form::{self, KnownOptions, Widget};
use outrigger_integrations::{
    Choice, EmailAddress, FieldFaults, FieldValue, FormSchema, HttpUrl, HttpsUrl, Secret, Settings, Values,
};
use serde_json::{Value, json};

mod posts;
mod properties;
mod schemas;
mod stored;

#[derive(Clone, Debug, PartialEq, Choice)]
enum Detail {
    Short,
    #[choice(value = "all", label = "All there is")]
    Long,
}

/// Each sort of field once.
#[derive(Clone, Debug, Settings)]
#[settings(version = 3, migrate = migrate, validate = validate)]
struct Chat {
    /// Where messages go.
    #[group(title = "Where to post", help = "Ask your administrator.", wide)]
    #[field(label = "Base URL")]
    base: HttpUrl,
    #[field(bound_to(base))]
    token: Secret,
    webhook: Option<Secret<HttpsUrl>>,
    #[field(pattern = "#[a-z]+", placeholder = "#builds")]
    channel: Option<String>,
    #[field(default = "Bot")]
    post_as: String,
    #[group(title = "What to post")]
    #[field(widget = textarea, max_len = 50)]
    note: Option<String>,
    #[field(default = Detail::Short)]
    detail: Detail,
    #[field(shown_if(field = detail, is = Detail::Long), required)]
    footer: Option<String>,
    details: Vec<Detail>,
    #[field(min = 1, max = 10, default = 3)]
    retries: u8,
    #[field(default = Duration::from_secs(300), max = 86400)]
    wait: Duration,
    #[field(default = true)]
    loud: bool,
    #[field(options_from, depends_on(base))]
    room: Option<String>,
    #[field(max_len = 3)]
    copies: Vec<EmailAddress>,
    headers: BTreeMap<String, String>,
    #[field(readonly = "It is made on first use.")]
    bot: Option<String>,
    #[field(transient)]
    password: Option<Secret>,
    #[field(hidden)]
    origin: Option<String>,
}

fn migrate(from: u32, mut values: Values) -> Result<Values, String> {
    if from == 1 {
        return Err("version 1 is too old".to_owned());
    }
    if let Some(name) = values.remove("username") {
        values.insert("post_as".to_owned(), name);
    }
    Ok(values)
}

fn validate(chat: &Chat, faults: &mut FieldFaults) {
    if chat.loud && chat.channel.as_deref() == Some("#quiet") {
        faults.add("channel", "This channel is quiet.");
    }
}

fn values(json: Value) -> Values {
    serde_json::from_value(json).unwrap()
}

fn pairs(posted: &[(&str, &str)]) -> Vec<(String, String)> {
    posted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn least() -> Values {
    values(json!({ "base": "https://chat.example/", "token": "t0ken" }))
}

#[test]
fn all_faults_are_told_at_once() {
    let wrong =
        values(json!({ "base": "chat", "token": " ", "channel": "builds", "retries": 11, "copies": ["a@b.c", "x"] }));
    let faults = Chat::from_values(&wrong).unwrap_err();
    let names: Vec<_> = faults.fields().map(|(name, _)| name).collect();
    assert_eq!(names, ["base", "token", "channel", "retries", "copies"]);
    assert!(faults.of("copies")[0].to_string().starts_with("Row 2"));
}

#[test]
fn fields_are_looked_at_together_once_each_is_right() {
    let mut quiet = least();
    quiet.insert("channel".to_owned(), "#quiet".into());
    assert_eq!(Chat::from_values(&quiet).unwrap_err().of("channel").len(), 1);
}

#[test]
fn secrets_are_never_shown() {
    let mut all = least();
    all.insert("webhook".to_owned(), "https://hooks.example/T0/S3CRET".into());
    all.insert("old_key".to_owned(), "S3CRET".into());
    let chat = Chat::from_values(&all).unwrap();
    let shown = format!("{chat:?} {}", serde_json::to_string(&chat).unwrap());
    let redacted = form::redacted(Chat::form(), &all);
    assert_eq!(redacted["webhook"], "https://hooks.example/***");
    assert_eq!((&redacted["token"], &redacted["old_key"]), (&json!("***"), &json!("***")));
    for secret in ["t0ken", "S3CRET"] {
        assert!(!shown.contains(secret));
        assert!(!Value::from(redacted.clone()).to_string().contains(secret));
        assert!(!Chat::from_values(&values(json!({ "webhook": secret }))).unwrap_err().to_string().contains(secret));
    }
}

#[test]
fn sizes_have_limits_that_nobody_stated() {
    let mut long = least();
    long.insert("post_as".to_owned(), "x".repeat(form::MAX_TEXT + 1).into());
    let headers: BTreeMap<_, _> = (0..=form::MAX_ROWS).map(|at| (at.to_string(), String::new())).collect();
    long.insert("headers".to_owned(), headers.to_json());
    let faults = form::check_values(Chat::form(), &long, &KnownOptions::default());
    assert_eq!((faults.of("post_as").len(), faults.of("headers").len()), (1, 1));
}

#[test]
fn dynamic_options_are_checked_when_they_are_known() {
    let mut one = least();
    one.insert("room".to_owned(), "r1".into());
    let known = |room: &'static str| KnownOptions::from([("room".to_owned(), vec![form::Choice::new(room, room)])]);
    assert!(form::check_values(Chat::form(), &one, &KnownOptions::default()).is_empty());
    assert!(form::check_values(Chat::form(), &one, &known("r1")).is_empty());
    // The base URL has changed since, and with it the rooms: what counts are the options for the posted values.
    assert_eq!(form::check_values(Chat::form(), &one, &known("r2")).of("room").len(), 1);
}

#[test]
fn groups_are_there_once_and_in_order() {
    let titles: Vec<_> = Chat::form().groups.iter().map(|group| group.title.as_ref().unwrap().to_string()).collect();
    assert_eq!(titles, ["Where to post", "What to post"]);
    assert!(std::ptr::eq(Chat::form(), Chat::form()));
    let base = Chat::form().field("base").unwrap();
    assert_eq!(base.help.as_ref().unwrap().to_string(), "Where messages go.");
    assert!(matches!(Chat::form().field("details").unwrap().widget, Widget::MultiSelect { .. }));
}
