//! What the answers mean, to a message and to a check.

use std::time::Duration;

use outrigger_integrations::{Announcement, CheckReport, CheckState, Integration, Level, Outbound, SendError};
use outrigger_slack::Slack;
use serde_json::json;

use crate::host::{Shop, check, config, context, context_with, send, send_as};
use crate::services::{always, discord, mattermost, serve, slack};

fn paid() -> Announcement {
    Announcement::new("Order 7 was paid")
        .text("By Zoë & co <zoe@example.com>")
        .url("https://shop.example.com/orders/7")
        .level(Level::Success)
        .field("Amount", "20 €")
}

#[tokio::test]
async fn all_three_show_the_same_message() {
    let (slack, slack_room) = slack().await;
    let (mattermost, mattermost_room) = mattermost().await;
    let (discord, discord_room) = discord().await;
    let urls = [format!("{slack}/good"), format!("{mattermost}/good"), format!("{discord}/good/slack")];
    for (url, room) in urls.iter().zip([slack_room, mattermost_room, discord_room]) {
        let sent = send_as(json!({ "url": url, "channel": "#sales", "username": "Shop" }), &paid()).await.unwrap();
        assert_eq!((sent.status, sent.summary.as_str()), (Some(200), "ok"));
        let expected = json!({
            "attachments": [{
                "fallback": "Order 7 was paid",
                "color": "#2e8b57",
                "title": "Order 7 was paid",
                "text": "By Zoë &amp; co &lt;zoe@example.com&gt;",
                "fields": [{ "title": "Amount", "value": "20 €", "short": true }],
                "mrkdwn_in": [],
                "title_link": "https://shop.example.com/orders/7",
            }],
            "channel": "#sales",
            "username": "Shop",
        });
        assert_eq!(room.messages(), [expected], "{url}");
    }
}

#[track_caller]
fn text_of(report: &CheckReport) -> String {
    report.findings().iter().map(|finding| finding.text.to_string()).collect()
}

#[tokio::test]
async fn a_check_leaves_nothing_in_the_room() {
    let (slack, slack_room) = slack().await;
    let (mattermost, mattermost_room) = mattermost().await;
    let (discord, discord_room) = discord().await;
    let urls = [format!("{slack}/good"), format!("{mattermost}/good"), format!("{discord}/good/slack")];
    for (url, room) in urls.iter().zip([slack_room, mattermost_room, discord_room]) {
        assert_eq!(check(url).await.state(), CheckState::Passed, "{url}");
        assert!(room.messages().is_empty(), "{url}");
    }
    // Mattermost looks at the message first: there nobody can know more.
    assert_eq!(
        text_of(&check(&format!("{mattermost}/nobody")).await),
        "The chat service answers. Whether it knows this webhook shows with the first message."
    );
}

#[tokio::test]
async fn a_webhook_that_nobody_knows_is_broken() {
    let (slack, _) = slack().await;
    let (mattermost, _) = mattermost().await;
    let (discord, _) = discord().await;
    for (url, said) in [
        (format!("{slack}/revoked"), "404: no_service"),
        (format!("{slack}/archived"), "410: channel_is_archived"),
        (format!("{slack}/forbidden"), "403: action_prohibited"),
        (format!("{mattermost}/revoked"), "400: Invalid webhook."),
        (format!("{discord}/revoked/slack"), "404: Unknown Webhook"),
        (format!("{discord}/wrong/slack"), "401: Invalid Webhook Token"),
    ] {
        let refused = send(&url, &paid()).await.unwrap_err();
        assert!(matches!(refused, SendError::Broken { .. }), "{url}: {refused:?}");
        assert!(refused.to_string().contains(said), "{refused}");
        assert!(!refused.to_string().contains("revoked"), "the address is a secret: {refused}");
        if !url.starts_with(&mattermost) {
            let report = check(&url).await;
            assert_eq!(report.state(), CheckState::Refused, "{url}");
            assert_eq!(report.findings()[0].field.as_deref(), Some("url"));
        }
    }
    let locked = json!({ "url": format!("{mattermost}/good"), "channel": "#locked" });
    assert!(matches!(send_as(locked, &paid()).await, Err(SendError::Broken { .. })));
}

#[tokio::test]
async fn a_service_that_is_asked_too_much_says_when_to_come_back() {
    let discord = r#"{"message": "You are being rate limited.", "retry_after": 0.65, "global": false}"#;
    for (after, expected) in [
        ("30", Some(Duration::from_secs(30))),
        ("0.65", Some(Duration::from_millis(650))),
        ("soon", None),
        ("-1", None),
        ("1e300", None),
        ("NaN", None),
    ] {
        let url = always(429, Box::leak(Box::new([("retry-after", after)])), discord).await;
        let refused = send(&url, &paid()).await.unwrap_err();
        let SendError::Retry { reason, after: told } = refused else { panic!("{refused:?}") };
        assert_eq!(told, expected, "{after}");
        assert_eq!(reason, "the chat service asks for fewer messages (429: You are being rate limited.)");
        assert_eq!(check(&url).await.state(), CheckState::Unavailable);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_is_about_the_message_is_not() {
    for (status, body, again) in [
        (500, "rollup_error", true),
        (503, "<html>busy</html>", true),
        (501, r#"{"id": "web.incoming_webhook.disabled.app_error", "message": "Disabled."}"#, true),
        (302, "", true),
        (308, "", true),
        (400, "invalid_payload", false),
        (413, "too large", false),
        (422, "", false),
    ] {
        let url = always(status, &[("location", "http://127.0.0.1:9/")], body).await;
        let refused = send(&url, &paid()).await.unwrap_err();
        assert_eq!(matches!(refused, SendError::Retry { .. }), again, "{status}: {refused:?}");
        assert_eq!(matches!(refused, SendError::Refused { .. }), !again, "{status}: {refused:?}");
    }
}

#[tokio::test]
async fn what_a_service_says_is_kept_in_one_short_line() {
    let url = always(400, &[], format!("a\r\n\u{1b}[31mb \0{}", "é".repeat(5_000))).await;
    let refused = send(&url, &paid()).await.unwrap_err().to_string();
    assert!(refused.starts_with("the chat service refused the message (400: a [31mb éé"), "{refused}");
    assert!(refused.chars().count() < 300 && !refused.contains(char::is_control), "{refused:?}");
}

#[tokio::test]
async fn nobody_waits_for_a_service_that_hangs_or_talks_without_end() {
    let hanging = axum::Router::new().fallback(std::future::pending::<()>);
    let url = serve(hanging).await;
    let impatient = context_with(Outbound::new(true, Duration::from_millis(200)).unwrap());
    let (slack, delivery) = (Slack::<Shop>::new(), outrigger_integrations::DeliveryId::from_uuid(uuid::Uuid::nil()));
    let config_of = |url: &str| config(json!({ "url": url }));
    let refused = slack.send(&config_of(&url), &paid(), &delivery, &impatient).await.unwrap_err();
    assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
    let report = slack.check(&config_of(&url), &impatient).await;
    assert_eq!(report.state(), CheckState::Unavailable);
    assert_eq!(text_of(&report), "The chat service cannot be asked: no answer: it took too long.");

    let url = always(200, &[], "x".repeat(2 * 1024 * 1024)).await;
    let refused = slack.send(&config_of(&url), &paid(), &delivery, &context()).await.unwrap_err();
    assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
}

#[tokio::test]
async fn where_we_may_not_go_we_do_not_go() {
    let (slack_url, room) = slack().await;
    let strict = context_with(Outbound::new(false, Duration::from_secs(5)).unwrap());
    let delivery = outrigger_integrations::DeliveryId::from_uuid(uuid::Uuid::nil());
    for url in [format!("{slack_url}/good"), "https://127.0.0.1/services/x".into(), "https://localhost/x".into()] {
        let config = config(json!({ "url": url }));
        let refused = Slack::<Shop>::new().send(&config, &paid(), &delivery, &strict).await.unwrap_err();
        assert!(matches!(refused, SendError::Broken { .. }), "{url}: {refused:?}");
        let report = Slack::<Shop>::new().check(&config, &strict).await;
        assert_eq!(report.state(), CheckState::Refused, "{url}");
        assert_eq!(report.findings()[0].field.as_deref(), Some("url"));
    }
    assert!(room.messages().is_empty());
}

#[tokio::test]
async fn a_service_that_is_not_there_may_come_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert!(matches!(send(&url, &paid()).await, Err(SendError::Retry { .. })));
    assert_eq!(check(&url).await.state(), CheckState::Unavailable);
}

#[tokio::test]
async fn a_page_is_no_chat_service() {
    let url = always(405, &[], "<h1>Method Not Allowed</h1>").await;
    assert_eq!(check(&url).await.state(), CheckState::Refused);
    assert!(Slack::<Shop>::new().sample().is_some());
}
