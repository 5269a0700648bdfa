//! How events come to handlers.

use std::time::Duration;

use outrigger_integrations::rule::{Condition, Operator};
use outrigger_integrations::*;

use super::bench::{Bench, Hook, HookSettings, Mood, Moods, OrderPaid, Setup, scope};
use DeliveryState::Delivered;

fn paid(number: u32) -> OrderPaid {
    OrderPaid { site: "a".into(), number, total: 100 }
}

#[tokio::test]
async fn an_event_shares_the_fate_of_the_transaction_it_happened_in() {
    let bench = Bench::new().await;
    bench.config("one").await;
    bench.started().await;
    let tx = bench.test.db().begin().await.unwrap();
    bench.manager.emit(&tx, &paid(1)).await.unwrap();
    drop(tx);
    let tx = bench.test.db().begin().await.unwrap();
    bench.manager.emit(&tx, &paid(2)).await.unwrap();
    tx.commit().await.unwrap();
    bench.work().await;
    assert_eq!(bench.service.bodies(), ["order 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_fails_panics_or_hangs_is_called_again_and_holds_up_nobody() {
    for mood in [Mood::Fails, Mood::Panics, Mood::Hangs] {
        let mut setup = Setup::default();
        setup.policy.timeout = Duration::from_millis(200);
        let bench = Bench::with(setup).await;
        let bad = bench.config("bad").await;
        let good = bench.config_of::<1>("good", "a", bench.settings("none")).await;
        bench.started().await;
        bench.manager.wait_until(|manager| manager.state(&Hook::<1>::ID) == RunState::Running).await;
        bench.hook.be(Moods { handler: mood, ..Moods::default() });
        let event = bench.pay(1).await;
        bench.work().await;
        assert_eq!(bench.states(good).await, [Delivered], "{mood:?}");
        // What a handler handed over before it failed is not kept.
        assert!(bench.list(bad).await.is_empty(), "{mood:?}");
        let report = bench.manager.event_report(&scope("a"), event).await.unwrap().unwrap();
        let states: Vec<_> = report.hearings.iter().map(|hearing| (hearing.state, hearing.deliveries)).collect();
        assert_eq!(states, [(HearingState::Waiting, 0), (HearingState::Heard, 1)], "{mood:?}");
        bench.hook.be(Moods::default());
        bench.pass(5);
        bench.work().await;
        assert_eq!(bench.states(bad).await, [Delivered], "{mood:?}");
        assert_eq!(bench.service.bodies().len(), 2);
    }
}

#[tokio::test]
async fn a_handler_that_never_succeeds_is_given_up_with_a_notice() {
    let bench = Bench::new().await;
    bench.config("one").await;
    bench.started().await;
    bench.hook.be(Moods { handler: Mood::Fails, ..Moods::default() });
    let event = bench.pay(1).await;
    for _ in 0..13 {
        bench.work().await;
        bench.pass(6 * 60 * 60);
    }
    assert_eq!(bench.hook.handled.lock().unwrap().len(), 12);
    let report = bench.manager.event_report(&scope("a"), event).await.unwrap().unwrap();
    assert_eq!((report.hearings[0].state, report.hearings[0].attempts), (HearingState::Failed, 12));
    let notices = bench.manager.notices(&scope("a"), None, 9).await.unwrap();
    assert_eq!((notices.len(), notices[0].kind), (1, NoticeKind::EventFailed));
    assert!(bench.manager.event_report(&scope("b"), event).await.unwrap().is_none(), "another tenant's");
}

#[tokio::test]
async fn an_integration_that_does_not_start_hears_of_it_when_it_does() {
    let bench = Bench::new().await;
    bench.hook.be(Moods { start: Mood::Fails, ..Moods::default() });
    let config = bench.config("one").await;
    let failed = |manager: &Manager<_>| matches!(manager.state(&Hook::<0>::ID), RunState::Failed { .. });
    bench.manager.wait_until(failed).await;
    let event = bench.pay(1).await;
    bench.work().await;
    let report = bench.manager.event_report(&scope("a"), event).await.unwrap().unwrap();
    let reason = report.hearings[0].reason.as_deref().unwrap();
    assert_eq!(reason, "The integration does not start: no luck with starting");
    bench.hook.be(Moods::default());
    bench.manager.retry_now(&Hook::<0>::ID);
    bench.started().await;
    bench.pass(5);
    bench.work().await;
    assert_eq!(bench.states(config).await, [Delivered]);
}

#[tokio::test]
async fn what_an_integration_that_is_not_installed_misses_is_kept_and_then_reported() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.manager.send_sample(&scope("a"), config).await.unwrap();
    let (test, clock) = (bench.test, bench.clock);
    let without = Bench::on(test, clock, Setup { install: false, ..Setup::default() }).await;
    let event = without.pay(1).await;
    let reason = |report: EventReport| (report.hearings[0].state, report.hearings[0].reason.clone().unwrap());
    without.work().await;
    let report = without.manager.event_report(&scope("a"), event).await.unwrap().unwrap();
    assert_eq!(reason(report), (HearingState::Waiting, "The integration is not installed.".to_owned()));
    assert_eq!(without.list(config).await[0].reason.as_deref(), Some("The integration is not installed."));
    for _ in 0..4 {
        without.pass(24 * 60 * 60);
        without.work().await;
    }
    let report = without.manager.event_report(&scope("a"), event).await.unwrap().unwrap();
    assert_eq!(reason(report).0, HearingState::Failed);
    let notices = without.manager.notices(&scope("a"), None, 9).await.unwrap();
    assert_eq!((notices.len(), notices[0].kind), (1, NoticeKind::EventUnheard));
}

#[tokio::test]
async fn why_a_configuration_hears_of_an_event_can_be_asked() {
    let bench = Bench::new().await;
    let rules = RuleSet::all([Condition::new("total", Operator::GreaterThan, 1000)]);
    let picky = HookSettings { rules: Rules::new(rules), ..bench.settings("none") };
    let (all, picky) = (bench.config("all").await, bench.config_of::<0>("picky", "a", picky).await);
    bench.started().await;
    let explain = |site, config| bench.manager.explain_event(&scope(site), config, &paid(1));
    assert!(explain("a", all).is_wanted());
    assert!(matches!(explain("a", picky), Wanted::Rules(explanation) if !explanation.matches));
    assert!(matches!(explain("b", all), Wanted::NotFound));
    let elsewhere = OrderPaid { site: "b".into(), ..paid(1) };
    assert!(matches!(bench.manager.explain_event(&scope("a"), all, &elsewhere), Wanted::Elsewhere));
    bench.set_enabled(all, false).await;
    assert!(matches!(explain("a", all), Wanted::Disabled));
}
