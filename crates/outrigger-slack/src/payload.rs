//! From an announcement to what goes over the wire: values in, values out.

use std::borrow::Cow;

use outrigger_integrations::{Announcement, Level};
use serde_json::{Map, Value, json};

/// Discord refuses more characters of content; Slack asks for no more than 4,000, Mattermost takes 16,383.
const MAX_TEXT: usize = 2_000;
/// Discord refuses a longer title of an embed.
const MAX_TITLE: usize = 256;
/// Discord refuses more fields, longer names and longer values, and more than 6,000 characters in all.
const MAX_FIELDS: usize = 10;
const MAX_FIELD_NAME: usize = 100;
const MAX_FIELD_VALUE: usize = 250;
/// A value up to here may share its line with another.
const SHORT_VALUE: usize = 40;

/// One message with one attachment.
pub(crate) fn of(message: &Announcement, channel: Option<&str>, username: Option<&str>) -> Value {
    let fields: Vec<Value> = message.fields.iter().take(MAX_FIELDS).map(|(name, value)| field(name, value)).collect();
    let title = plain(&message.title, MAX_TITLE);
    let mut attachment = json!({
        "fallback": title,
        "color": color(message.level),
        "title": title,
        "text": plain(&message.text, MAX_TEXT),
        "fields": fields,
        // The texts are plain: a `*` in a name is no emphasis.
        "mrkdwn_in": [],
    });
    if let Some(url) = &message.url {
        attachment["title_link"] = json!(url);
    }
    let mut payload = Map::from_iter([("attachments".to_owned(), json!([attachment]))]);
    for (name, value) in [("channel", channel), ("username", username)] {
        if let Some(value) = value {
            payload.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(payload)
}

fn field(name: &str, value: &str) -> Value {
    json!({
        "title": visible(name, MAX_FIELD_NAME),
        "value": visible(value, MAX_FIELD_VALUE),
        "short": value.chars().count() <= SHORT_VALUE,
    })
}

fn color(level: Level) -> &'static str {
    match level {
        Level::Info => "#3b6fb6",
        Level::Success => "#2e8b57",
        Level::Warning => "#c98a00",
        Level::Error => "#b3261e",
    }
}

/// The text as all three services show it as it is, in at most `most` characters; the last is an ellipsis if some are
/// left out. `&`, `<` and `>` mean something to Slack: `<!channel>` in a name must not wake everybody.
fn plain(text: &str, most: usize) -> String {
    let whole = escaped(text, usize::MAX);
    if whole.chars().count() <= most { whole } else { escaped(text, most - 1) + "…" }
}

/// As much of the beginning as fits.
fn escaped(text: &str, most: usize) -> String {
    let mut left = most;
    let kept = text.chars().map_while(|c| {
        let shown = match c {
            '&' => "&amp;".into(),
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            c => Cow::Owned(c.to_string()),
        };
        left = left.checked_sub(shown.chars().count())?;
        Some(shown)
    });
    kept.collect()
}

/// As [`plain`]; Discord refuses a message with a field that shows nothing.
fn visible(text: &str, most: usize) -> String {
    if text.trim().is_empty() { "–".to_owned() } else { plain(text, most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_woken_by_a_name() {
        let payload = of(&Announcement::new("<!channel> & co").field("<a>", "x > y"), None, None);
        let attachment = &payload["attachments"][0];
        assert_eq!(attachment["title"], "&lt;!channel&gt; &amp; co");
        assert_eq!(attachment["fields"][0]["title"], "&lt;a&gt;");
        assert_eq!(attachment["fields"][0]["value"], "x &gt; y");
        assert!(payload.get("channel").is_none() && payload.get("username").is_none());
    }

    #[test]
    fn nothing_is_cut_in_the_middle_of_an_escape() {
        let title = |text: &str| of(&Announcement::new(text), None, None)["attachments"][0]["title"].clone();
        let cut = title(&"<".repeat(100));
        assert_eq!(cut, format!("{}…", "&lt;".repeat(63)), "63 times 4 and 1 are 253");
        assert_eq!(title(&"<".repeat(64)), "&lt;".repeat(64));
    }

    #[test]
    fn a_field_without_text_shows_something() {
        let payload = of(&Announcement::new("x").field("Branch", ""), None, None);
        assert_eq!(payload["attachments"][0]["fields"][0]["value"], "–");
    }

    #[test]
    fn what_the_strictest_service_refuses_is_shortened() {
        let mut long = Announcement::new("é".repeat(300)).text("x".repeat(5_000)).url("https://example.com/a?b&c");
        for number in 0..40 {
            long = long.field(format!("Field {number}"), "y".repeat(1_000));
        }
        let payload = of(&long, Some("#general"), Some("Bot"));
        let attachment = &payload["attachments"][0];
        let length = |value: &Value| value.as_str().unwrap().chars().count();
        assert_eq!(length(&attachment["title"]), MAX_TITLE);
        assert!(attachment["title"].as_str().unwrap().ends_with('…'));
        assert_eq!(length(&attachment["text"]), MAX_TEXT);
        assert_eq!(attachment["fields"].as_array().unwrap().len(), MAX_FIELDS);
        assert_eq!(length(&attachment["fields"][0]["value"]), MAX_FIELD_VALUE);
        assert_eq!(attachment["fields"][0]["short"], false);
        assert_eq!(attachment["title_link"], "https://example.com/a?b&c");
        assert_eq!((&payload["channel"], &payload["username"]), (&json!("#general"), &json!("Bot")));
        let total: usize = MAX_TITLE + MAX_TEXT + MAX_FIELDS * (MAX_FIELD_NAME + MAX_FIELD_VALUE);
        assert!(total <= 6_000, "Discord counts all of an embed together");
    }
}
