//! What becomes of a message.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use outrigger_integrations::rule::{Condition, Operator};
use outrigger_integrations::*;

use super::bench::{Bench, Hook, HookSettings, Mood, Moods, PATH, Setup, TOKEN, scope};
use DeliveryState::{Cancelled, Dead, Delivered, Waiting};

#[tokio::test]
async fn an_event_reaches_the_configurations_that_want_it_and_no_others() {
    let bench = Bench::new().await;
    let all = bench.config("all").await;
    let rules = RuleSet::all([Condition::new("total", Operator::GreaterThan, 1000)]);
    let large = HookSettings { rules: Rules::new(rules), ..bench.settings("none") };
    let large = bench.config_of::<0>("large", "a", large).await;
    let elsewhere = bench.config_of::<0>("elsewhere", "b", bench.settings("none")).await;
    bench.started().await;
    bench.pay(1).await;
    bench.work().await;
    assert_eq!(bench.service.bodies(), ["order 1"]);
    assert_eq!((bench.states(all).await, bench.states(large).await), (vec![Delivered], vec![]));
    let other = bench.manager.deliveries(&scope("b"), elsewhere, &DeliveryFilter::default(), None, 9).await.unwrap();
    assert!(other.is_empty());

    let detail = bench.detail(bench.list(all).await[0].id).await;
    assert_eq!(detail.message, serde_json::json!({ "text": "order 1" }));
    let attempt = &detail.attempts[0];
    assert_eq!((attempt.outcome, attempt.status, &*attempt.summary), (AttemptOutcome::Delivered, Some(200), "ok"));
    assert_eq!(bench.service.asked()[0].id, detail.delivery.id.to_string());
    assert!(bench.manager.delivery(&scope("b"), detail.delivery.id).await.unwrap().is_none(), "another tenant's");
}

#[tokio::test]
async fn a_configuration_s_messages_arrive_in_order_and_wait_behind_one_that_is_tried_again() {
    let bench = Bench::new().await;
    let (slow, fine) = (bench.config("slow").await, bench.config_of::<0>("fine", "b", bench.settings("none")).await);
    bench.started().await;
    bench.service.will(&[503, 200, 500]);
    bench.pay(1).await;
    bench.work().await;
    let failed_at = bench.now();
    for number in 2..=3 {
        bench.pay(number).await;
        bench.work().await;
    }
    assert_eq!(bench.service.bodies(), ["order 1"], "the others wait");
    assert_eq!(bench.states(slow).await, [Waiting; 3]);
    let head = &bench.list(slow).await[0];
    assert_eq!(head.next_at.unwrap(), failed_at + Duration::from_secs(5));
    assert_eq!(head.reason.as_deref(), Some("503:"));
    // Somebody else's is not held up.
    bench.manager.send_sample(&scope("b"), fine).await.unwrap();
    bench.work().await;
    assert_eq!(bench.service.bodies(), ["order 1", "sample"]);
    let health = &bench.manager.health(&[slow]).await.unwrap()[&slow];
    assert_eq!((health.failures, health.failing_since), (1, Some(failed_at)));
    bench.pass(5);
    bench.work().await;
    bench.pass(15);
    bench.work().await;
    assert_eq!(bench.service.bodies(), ["order 1", "sample", "order 1", "order 1", "order 2", "order 3"]);
    let ids: Vec<_> = bench.service.asked().into_iter().filter(|asked| asked.body == "order 1").collect();
    assert!(ids.windows(2).all(|two| two[0] == two[1]), "one idempotency key");
    let health = &bench.manager.health(&[slow]).await.unwrap()[&slow];
    assert_eq!((health.failures, health.failing_since, health.delivered_at), (0, None, Some(bench.now())));
}

#[tokio::test]
async fn the_other_side_says_when_it_wants_to_be_asked_again() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    bench.service.will_say(429, Some(("retry-after", "120")), "");
    bench.service.will_say(503, Some(("retry-after", "999999999")), "");
    bench.pay(1).await;
    bench.work().await;
    assert_eq!(bench.list(config).await[0].next_at.unwrap(), bench.now() + Duration::from_secs(120));
    bench.pass(119);
    bench.work().await;
    assert_eq!(bench.service.bodies().len(), 1);
    bench.pass(1);
    bench.work().await;
    let six_hours = Duration::from_secs(6 * 60 * 60);
    assert_eq!(bench.list(config).await[0].next_at.unwrap(), bench.now() + six_hours, "within our limits");
}

#[tokio::test]
async fn what_is_refused_is_dead_at_once_and_what_fails_too_often_is_given_up() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    bench.service.will(&[400]);
    bench.pay(1).await;
    bench.work().await;
    assert_eq!(bench.states(config).await, [Dead]);
    assert!(bench.manager.notices(&scope("a"), None, 9).await.unwrap().is_empty(), "nobody is told of one message");

    bench.service.will(&[500; 12]);
    bench.pay(2).await;
    bench.pay(3).await;
    for _ in 0..12 {
        bench.work().await;
        bench.pass(6 * 60 * 60);
    }
    bench.work().await;
    // The third was tried after the second was given up, and is not lost.
    assert_eq!(bench.states(config).await, [Dead, Dead, Delivered]);
    let given_up = &bench.list(config).await[1];
    assert_eq!((given_up.attempts, given_up.reason.as_deref()), (12, Some("500:")));
    let notices = bench.manager.notices(&scope("a"), None, 9).await.unwrap();
    assert_eq!((notices.len(), notices[0].kind, notices[0].config), (1, NoticeKind::GivenUp, Some(config)));
}

#[tokio::test]
async fn a_broken_configuration_is_switched_off_with_a_notice_and_goes_on_where_it_was() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    let told: Arc<Mutex<Vec<Notice>>> = Arc::default();
    let listener = told.clone();
    let _panics = bench.manager.on_notice(|_| panic!("not our concern"));
    let guard = bench.manager.on_notice(move |notice| listener.lock().unwrap().push(notice.clone()));
    bench.service.will_say(410, None, "bye");
    bench.pay(1).await;
    bench.pay(2).await;
    bench.work().await;
    bench.pass(120);
    bench.work().await;
    assert_eq!(bench.service.bodies(), ["order 1"], "a switched-off configuration sends nothing");
    assert_eq!(bench.states(config).await, [Waiting, Waiting]);
    assert_eq!(bench.list(config).await[0].reason.as_deref(), Some("The configuration is disabled."));

    let stored = bench.manager.find(&scope("a"), config).await.unwrap().unwrap();
    assert!(!stored.enabled);
    let notices = bench.manager.notices(&scope("a"), None, 9).await.unwrap();
    assert_eq!(notices, *told.lock().unwrap());
    assert_eq!((notices[0].kind, notices[0].config), (NoticeKind::SwitchedOff, Some(config)));
    assert!(notices[0].reason.ends_with("is gone: bye") && !notices[0].reason.contains(PATH), "{}", notices[0].reason);
    assert!(bench.manager.notices(&scope("b"), None, 9).await.unwrap().is_empty());
    let history = bench.manager.history(&scope("a"), config, None, 50).await.unwrap();
    let last = history.changes.iter().max_by_key(|change| change.id).unwrap();
    assert_eq!((last.what, &*last.actor.id), (ChangeKind::Disabled, "system"));
    let health = &bench.manager.health(&[config]).await.unwrap()[&config];
    assert!(health.switched_off_at.is_some());

    drop(guard);
    bench.set_enabled(config, true).await;
    bench.work().await;
    assert_eq!(bench.service.bodies(), ["order 1", "order 1", "order 2"]);
    assert_eq!(bench.states(config).await, [Delivered, Delivered]);
    assert_eq!(bench.manager.health(&[config]).await.unwrap()[&config].switched_off_at, None);
}

#[tokio::test]
async fn messages_of_a_disabled_configuration_wait_and_those_of_a_deleted_one_are_cancelled() {
    let bench = Bench::new().await;
    let (config, other) = (bench.config("one").await, bench.config("two").await);
    bench.started().await;
    bench.service.will(&[500, 500]);
    bench.pay(1).await;
    bench.work().await;
    bench.set_enabled(config, false).await;
    bench.manager.delete(&scope("a"), other, &Actor::new("1", "Ada")).await.unwrap();
    bench.pass(60);
    bench.work().await;
    assert_eq!((bench.states(config).await, bench.states(other).await), (vec![Waiting], vec![Cancelled]));
    assert_eq!(bench.list(other).await[0].reason.as_deref(), Some("The configuration was deleted."));
    // Nobody has the settings any more, so nobody can tell what is secret in it.
    assert_eq!(bench.detail(bench.list(other).await[0].id).await.message, serde_json::Value::Null);
    // A month later nobody wants it.
    bench.pass(31 * 24 * 60 * 60);
    bench.work().await;
    assert_eq!(bench.states(config).await, [Cancelled]);
    assert_eq!(bench.service.bodies().len(), 2);
}

#[tokio::test]
async fn replaying_sends_the_same_message_again_under_the_same_id() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    bench.service.will(&[400, 400, 400]);
    for number in 1..=4 {
        bench.pay(number).await;
        bench.work().await;
        bench.pass(60);
    }
    assert_eq!(bench.states(config).await, [Dead, Dead, Dead, Delivered]);
    let list = bench.list(config).await;
    let second_died = list[1].finished_at.unwrap();
    assert!(matches!(bench.manager.replay(&scope("b"), list[0].id).await, Err(DeliverError::NotFound)));
    bench.manager.replay(&scope("a"), list[0].id).await.unwrap();
    assert!(matches!(bench.manager.replay(&scope("a"), list[0].id).await, Err(DeliverError::Waiting)));
    assert_eq!(bench.manager.replay_dead(&scope("a"), config, second_died).await.unwrap(), 2);
    assert_eq!(bench.manager.replay_dead(&scope("b"), config, second_died).await.unwrap(), 0);
    bench.manager.replay(&scope("a"), list[3].id).await.unwrap();
    bench.work().await;
    assert_eq!(bench.states(config).await, [Delivered; 4]);
    assert_eq!(bench.service.bodies()[4..], ["order 1", "order 2", "order 3", "order 4"]);
    let asked = bench.service.asked();
    assert_eq!(asked[0], asked[4]);
    assert_eq!(bench.detail(list[0].id).await.attempts.len(), 2, "the log keeps both");
}

#[tokio::test]
async fn secrets_are_in_nothing_that_is_kept() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    let encoded: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
    bench.service.will_say(500, None, format!("unknown token {TOKEN} / {encoded}\nat /hook/{PATH}"));
    bench.pay(1).await;
    bench.work().await;
    bench.hook.be(Moods { send: Mood::Panics, ..Moods::default() });
    bench.pass(5);
    bench.work().await;
    bench.hook.be(Moods { send: Mood::Fails, handler: Mood::Fails, ..Moods::default() });
    let event = bench.pay(2).await;
    bench.pass(15);
    bench.work().await;
    let detail = bench.detail(bench.list(config).await[0].id).await;
    let summaries: Vec<&str> = detail.attempts.iter().map(|attempt| &*attempt.summary).collect();
    assert_eq!(summaries[0], "500: unknown token *** / *** at ***");
    assert_eq!(summaries[1], "sending panicked: mad about ***");
    assert_eq!(summaries[2], "no luck with ***");
    let report = bench.manager.event_report(&scope("a"), event).await.unwrap().unwrap();
    assert_eq!(report.hearings[0].reason.as_deref(), Some("no luck with ***"));
    assert_eq!(bench.manager.health(&[config]).await.unwrap()[&config].reason.as_deref(), Some("no luck with ***"));
}

#[tokio::test]
async fn a_message_with_a_secret_in_it_is_sealed_and_shown_without_it() {
    let bench = Bench::new().await;
    let id = bench.config("one").await;
    let config = bench.manager.config::<Hook<0>>(&scope("a"), id).unwrap();
    let tx = bench.test.db().begin().await.unwrap();
    let message = super::bench::Post { text: format!("login with {TOKEN}") };
    let delivery = bench.manager.deliver::<Hook<0>>(&tx, &config, &message).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.detail(delivery).await.message, serde_json::json!({ "text": "login with ***" }));
    assert_eq!(bench.manager.reseal_deliveries().await.unwrap(), 0, "sealed with the newest key already");
    use sea_orm::{ConnectionTrait, Statement};
    let conn = bench.test.db().conn();
    let sql = Statement::from_string(conn.get_database_backend(), "SELECT sealed_message FROM integration_delivery");
    let stored: String = conn.query_one_raw(sql).await.unwrap().unwrap().try_get("", "sealed_message").unwrap();
    assert!(!stored.contains("login"), "{stored}");
    bench.started().await;
    bench.work().await;
    assert_eq!(bench.service.bodies(), [format!("login with {TOKEN}")]);
}

#[tokio::test]
async fn a_rate_limit_spreads_the_messages_of_a_configuration() {
    let limit = Some(RateLimit::new(2, Duration::from_secs(60)));
    let hook = Hook { limit, messages: 5, ..Hook::default() };
    let bench = Bench::with(Setup { hook, ..Setup::default() }).await;
    let config = bench.config("one").await;
    bench.started().await;
    bench.pay(1).await;
    bench.work().await;
    assert_eq!(bench.service.bodies().len(), 2);
    assert_eq!(bench.list(config).await[2].reason.as_deref(), Some("Waits for the rate limit."));
    for sent in 3..=5 {
        bench.pass(29);
        assert_eq!(bench.work().await, 0);
        bench.pass(1);
        bench.work().await;
        assert_eq!(bench.service.bodies().len(), sent);
    }
    assert_eq!(bench.service.bodies()[4], "order 1, 4", "in order");
    assert!(bench.list(config).await.iter().all(|delivery| delivery.attempts == 1), "waiting is no attempt");
}

#[tokio::test]
async fn a_message_that_takes_for_ever_is_cut_off_and_tried_again() {
    let mut setup = Setup::default();
    setup.policy.timeout = Duration::from_millis(50);
    let bench = Bench::with(setup).await;
    let config = bench.config("one").await;
    bench.started().await;
    bench.pay(1).await;
    bench.hook.be(Moods { send: Mood::Hangs, ..Moods::default() });
    bench.work().await;
    assert_eq!(bench.list(config).await[0].reason.as_deref(), Some("sending took longer than 50ms"));
    bench.hook.be(Moods::default());
    bench.pass(5);
    bench.work().await;
    assert_eq!(bench.states(config).await, [Delivered]);
}
