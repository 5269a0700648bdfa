//! What the receiver's answers mean, to a message and to a check.

use std::time::Duration;

use outrigger_integrations::{CheckReport, CheckState, Integration as _, SendError};
use outrigger_webhook::Webhook;

use crate::host::{SECRET, Shop, check, context, open, send_to};
use crate::receiver::{Receiver, always, serve};

#[tokio::test]
async fn success_has_many_numbers() {
    for status in [200, 201, 202, 204] {
        let url = always(status, None, String::new()).await;
        assert_eq!(send_to(&url, &open()).await.unwrap().status, Some(status));
    }
}

#[tokio::test]
async fn gone_is_for_good_and_nothing_else_is() {
    let url = always(410, None, "bye".into()).await;
    let refused = send_to(&url, &open()).await.unwrap_err();
    assert_eq!(refused, SendError::broken("the receiver says that this address is gone for good (410)"));
    assert_eq!(state(&check(&url, &open()).await), (CheckState::Refused, Some("url")));
    for status in [400, 401, 403, 404, 413, 422, 429, 500, 501, 503] {
        let url = always(status, None, "no".into()).await;
        let refused = send_to(&url, &open()).await.unwrap_err();
        assert_eq!(refused, SendError::retry(format!("the receiver answers {status}: no")));
    }
}

#[track_caller]
fn state(report: &CheckReport) -> (CheckState, Option<&str>) {
    (report.state(), report.findings()[0].field.as_deref())
}

#[tokio::test]
async fn the_receiver_says_when_to_come_back() {
    for (said, after) in [("120", Some(Duration::from_secs(120))), ("Fri, 31 Dec 2027 23:59:59 GMT", None), ("x", None)]
    {
        let url = always(503, Some(("retry-after", said.into())), String::new()).await;
        let Err(SendError::Retry { after: told, .. }) = send_to(&url, &open()).await else { panic!("{said}") };
        assert_eq!(told, after, "{said}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (receiver, elsewhere) = Receiver::knowing(SECRET).await;
    for status in [301, 302, 303, 307, 308] {
        let url = always(status, Some(("location", elsewhere.clone())), String::new()).await;
        let refused = send_to(&url, &open()).await.unwrap_err();
        assert!(matches!(refused, SendError::Retry { .. }), "{refused:?}");
        assert!(refused.to_string().contains("redirects"), "{refused}");
        check(&url, &open()).await;
    }
    assert!(receiver.heard().is_empty());
}

#[tokio::test]
async fn nobody_waits_for_a_receiver_that_hangs_or_talks_without_end() {
    let hanging = serve(axum::Router::new().fallback(std::future::pending::<()>)).await;
    let impatient = context(true, Duration::from_millis(200));
    assert!(matches!(send_to(&hanging, &impatient).await, Err(SendError::Retry { .. })));
    assert_eq!(check(&hanging, &impatient).await.state(), CheckState::Unavailable);
    let huge = always(200, None, "x".repeat(2 * 1024 * 1024)).await;
    let refused = send_to(&huge, &open()).await.unwrap_err();
    assert_eq!(refused, SendError::retry("the answer is larger than 1024 KiB"));
}

#[tokio::test]
async fn where_we_may_not_go_we_do_not_go() {
    let (receiver, url) = Receiver::knowing(SECRET).await;
    let strict = context(false, Duration::from_secs(5));
    for url in [&*url, "https://127.0.0.1:9/", "https://localhost:9/", "https://[::1]:9/", "https://169.254.169.254/"] {
        let refused = send_to(url, &strict).await.unwrap_err();
        assert!(matches!(refused, SendError::Broken { .. }), "{url}: {refused:?}");
        assert_eq!(state(&check(url, &strict).await), (CheckState::Refused, Some("url")), "{url}");
    }
    assert!(receiver.heard().is_empty());
}

#[tokio::test]
async fn a_check_sends_no_event() {
    let (receiver, url) = Receiver::knowing(SECRET).await;
    assert_eq!(check(&url, &open()).await.state(), CheckState::Passed);
    assert!(receiver.heard().is_empty());
    for (status, expected) in [
        (204, CheckState::Passed),
        (404, CheckState::Passed),
        (405, CheckState::Passed),
        (502, CheckState::Unavailable),
    ] {
        let url = always(status, None, String::new()).await;
        assert_eq!(check(&url, &open()).await.state(), expected, "{status}");
    }
}

#[tokio::test]
async fn what_the_receiver_says_is_kept_in_one_short_line() {
    let url = always(400, None, format!("a\r\n\u{1b}[31mb{}", "é".repeat(5_000))).await;
    let refused = send_to(&url, &open()).await.unwrap_err().to_string();
    assert!(refused.chars().count() < 300 && !refused.contains(char::is_control), "{refused:?}");
    assert!(Webhook::<Shop>::new().sample().is_some());
}
