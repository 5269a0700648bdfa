//! What is logged.

use std::cell::RefCell;
use std::io::Write;

use serde_json::{Value, json};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::prelude::*;

use crate::app::TestApp;
use crate::provider::Fault;

thread_local! {
    /// Where the lines of this thread go; other tests run in other threads, and nobody wants theirs.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.as_mut().map(|log| log.extend_from_slice(text)));
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Debug lines and above. The subscriber is the process's, because one of a thread misses what other threads met first.
fn capture() {
    let wanted =
        dynamic_filter_fn(|line, _| *line.level() <= tracing::Level::DEBUG && LOG.with_borrow(Option::is_some));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| ThisThread).with_filter(wanted);
    tracing_subscriber::registry().with(lines).init();
    LOG.set(Some(Vec::new()));
}

/// The test's runtime has one thread, so what all its tasks log comes here.
#[tokio::test]
async fn no_log_line_holds_a_secret_whatever_goes_wrong() {
    capture();
    let test = TestApp::start().await;
    test.provider.set_env(json!({ "TEST_URL": "secret-yielded" }));
    let echo = json!({ "message": format!("no: secret-option {}", test.secret) }).to_string();
    test.provider.fail("POST /instances", [Fault::Answer(500, echo.clone()), Fault::Answer(422, echo)]);
    test.create(json!({ "plan": "small", "apiKey": "secret-option" })).await.refused(422);
    test.create(json!({ "plan": "small", "apiKey": "secret-option" })).await.expect(201);
    let body = json!([{ "key": "SECRET", "values": [{ "value": "secret-own" }] }]);
    test.post("/accounts/acme/env", body).await.expect(201);
    let webhook = json!({ "build_webhook_url": "http://127.0.0.1:9/?key=secret-address" });
    let site = test.patch(&test.site(""), webhook).await.expect(200);
    test.post(&test.site("/builds"), Value::Null).await.expect(200);
    let login = json!({ "email": "ada@example.com", "password": "secret-password", "token_name": "t" });
    test.post("/logins", login).await.refused(401);
    let sent = test.provider.seen("POST /instances").pop().unwrap();
    let (hook, callback) = (&sent.body["config"]["incoming_hook_url"], &sent.body["config"]["callback_url"]);
    for url in [hook, callback] {
        test.http().post(url.as_str().unwrap()).body("{}").send().await.unwrap();
    }

    let logged = String::from_utf8(LOG.take().unwrap()).unwrap();
    assert!(logged.contains("a step failed") && logged.contains("answered"), "the log is there: {logged}");
    let last = |url: &Value| url.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let jwt = sent.body["config"]["jwt"]["secret"].as_str().unwrap();
    let webhook = site["build_webhook_secret"].as_str().unwrap();
    for secret in ["secret-", &test.secret, &test.token, jwt, webhook, &last(hook), &last(callback)] {
        assert!(!logged.contains(secret), "`{secret}` is in the log:\n{logged}");
    }
}
