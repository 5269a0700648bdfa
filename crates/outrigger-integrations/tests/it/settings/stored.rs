//! Settings as they come out of the store.

use outrigger_integrations::settings::{SettingsError, read};

use super::*;

#[test]
fn missing_values_have_their_defaults_in_form_reads_and_docs() {
    let chat = read::<Chat>(3, least()).unwrap().settings;
    assert_eq!((chat.post_as.as_str(), chat.retries, chat.wait, chat.loud), ("Bot", 3, Duration::from_secs(300), true));
    assert_eq!(Chat::form().field("post_as").unwrap().default, Some(json!("Bot")));
    assert!(Chat::form().docs().contains("| `5 minutes` |"));
}

#[test]
fn a_stored_blank_does_not_hide_a_default() {
    let mut stored = least();
    stored.insert("post_as".to_owned(), "".into());
    assert_eq!(read::<Chat>(3, stored).unwrap().settings.post_as, "Bot");
}

#[test]
fn unknown_values_are_kept_and_told() {
    let mut stored = least();
    stored.insert("colour".to_owned(), json!(["red"]));
    let read = read::<Chat>(3, stored).unwrap();
    assert_eq!(Value::from(read.rest.clone()), json!({ "colour": ["red"] }));
    assert_eq!(read.to_values()["colour"], json!(["red"]));
}

#[test]
fn versions_are_migrated_or_refused() {
    let mut stored = least();
    stored.insert("username".to_owned(), "Builds".into());
    let read_2 = read::<Chat>(2, stored.clone()).unwrap();
    assert_eq!((read_2.settings.post_as.as_str(), read_2.migrated_from, read_2.rest.len()), ("Builds", Some(2), 0));
    assert!(matches!(read::<Chat>(1, stored.clone()), Err(SettingsError::Migration { from: 1, .. })));
    assert!(matches!(read::<Chat>(4, stored), Err(SettingsError::Newer { stored: 4, known: 3 })));
}

#[test]
fn transient_values_are_not_stored() {
    let mut draft = least();
    draft.insert("password".to_owned(), "once".into());
    let chat = Chat::from_values(&draft).unwrap();
    assert_eq!(chat.password.as_ref().unwrap().expose(), "once");
    assert!(!chat.to_values().contains_key("password"));
    assert!(!form::without_transient(Chat::form(), draft).contains_key("password"));
}
