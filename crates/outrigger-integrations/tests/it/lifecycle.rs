//! Start and stop: only when needed, never in anybody's way.

use std::time::Duration;

use outrigger_integrations::*;

use crate::host::*;

fn is_failed(manager: &Manager<Shop>, reason: &str) -> bool {
    matches!(manager.state(&Chat::ID), RunState::Failed { reason: found, .. } if found.contains(reason))
}

fn runs(manager: &Manager<Shop>) -> bool {
    manager.state(&Chat::ID) == RunState::Running
}

fn is_idle(manager: &Manager<Shop>) -> bool {
    manager.state(&Chat::ID) == RunState::Idle
}

async fn bed(chat: &Chat) -> (Bed, Registration<Shop>, Running) {
    let bed = Bed::new().await;
    let registration = bed.manager.register(chat.clone()).unwrap();
    let running = bed.manager.run();
    (bed, registration, running)
}

#[tokio::test]
async fn it_runs_while_a_configuration_is_enabled_and_its_guards_go_with_it() {
    let chat_integration = Chat::default();
    let (bed, _registration, _running) = bed(&chat_integration).await;
    let manager = &bed.manager;
    let off = bed.save(&site("1"), Draft { enabled: false, ..chat("c") }).await;
    assert!(is_idle(manager), "a disabled configuration starts nothing");
    manager.set_enabled(&site("1"), off.id, true, &ada()).await.unwrap();
    within(manager.wait_until(runs)).await;
    assert_eq!((chat_integration.starts(), chat_integration.guards()), (1, 1));

    // A second one changes nothing, nor does the end of the first.
    let second = bed.save(&site("2"), chat("d")).await;
    manager.delete(&site("1"), off.id, &ada()).await.unwrap();
    assert!(runs(manager));
    manager.set_enabled(&site("2"), second.id, false, &ada()).await.unwrap();
    within(manager.wait_until(is_idle)).await;
    assert_eq!((chat_integration.starts(), chat_integration.stops(), chat_integration.guards()), (1, 1, 0));
}

#[tokio::test]
async fn a_start_that_fails_panics_or_hangs_is_a_state_and_is_tried_again() {
    for (behaviour, reason) in [
        (Behaviour::Fails, "the chat is closed"),
        (Behaviour::Panics, "the start panicked: chat went mad"),
        (Behaviour::Hangs, "the start took longer than"),
    ] {
        let chat_integration = Chat::default();
        chat_integration.behave(behaviour);
        let (bed, _registration, _running) = bed(&chat_integration).await;
        let manager = &bed.manager;
        let saved = bed.save(&site("1"), chat("c")).await;
        within(manager.wait_until(|manager| is_failed(manager, reason))).await;
        assert_eq!(chat_integration.guards(), 0, "what it had before it failed is gone");
        let RunState::Failed { since, retry_at, .. } = manager.state(&Chat::ID) else { continue };
        assert!(retry_at >= since);

        // Nobody else notices: pages list, others run, saves are saved.
        assert!(matches!(manager.problem(saved.id), Some(Problem::NotStarted(_)) | None));
        assert_eq!(manager.list(&site("1"), &ListFilter::default()).await.unwrap().items.len(), 1);
        manager.register(Counter).unwrap().keep();
        bed.save(&site("1"), counter("n", 1)).await;
        within(manager.wait_until(|manager| manager.state(&Counter::ID) == RunState::Running)).await;

        chat_integration.behave(Behaviour::Well);
        within(manager.wait_until(runs)).await;
        assert_eq!(chat_integration.guards(), 1);
    }
}

#[tokio::test]
async fn a_failed_one_that_nobody_wants_any_more_rests() {
    let chat_integration = Chat::default();
    chat_integration.behave(Behaviour::Fails);
    let (bed, _registration, _running) = bed(&chat_integration).await;
    let saved = bed.save(&site("1"), chat("c")).await;
    within(bed.manager.wait_until(|manager| is_failed(manager, ""))).await;
    bed.manager.set_enabled(&site("1"), saved.id, false, &ada()).await.unwrap();
    within(bed.manager.wait_until(is_idle)).await;
    assert_eq!(chat_integration.stops(), 0, "it never ran");
}

#[tokio::test]
async fn guards_go_whatever_a_stop_does() {
    for (behaviour, reason) in [
        (Behaviour::Well, None),
        (Behaviour::Fails, Some("the chat is closed")),
        (Behaviour::Panics, Some("the stop panicked: chat went mad")),
        (Behaviour::Hangs, Some("the stop took longer than 300ms")),
    ] {
        let chat_integration = Chat::default();
        let (bed, registration, _running) = bed(&chat_integration).await;
        bed.save(&site("1"), chat("c")).await;
        within(bed.manager.wait_until(runs)).await;
        chat_integration.behave(behaviour);
        let report = within(registration.unregister()).await;
        assert_eq!(report.fault.map(|fault| fault.to_string()).as_deref(), reason);
        assert!(report.was_running);
        assert_eq!((chat_integration.guards(), chat_integration.stops()), (0, 1));
    }
}

#[tokio::test]
async fn dropping_a_registration_stops_the_integration() {
    let chat_integration = Chat::default();
    let (bed, registration, _running) = bed(&chat_integration).await;
    bed.save(&site("1"), chat("c")).await;
    within(bed.manager.wait_until(runs)).await;
    drop(registration);
    within(bed.manager.wait_until(|_| chat_integration.guards() == 0)).await;
    assert!(bed.manager.get(&Chat::ID).is_err());
}

#[tokio::test]
async fn a_shutdown_stops_all_within_its_deadline_and_for_good() {
    let chat_integration = Chat::default();
    let (bed, _registration, _running) = bed(&chat_integration).await;
    bed.save(&site("1"), chat("c")).await;
    within(bed.manager.wait_until(runs)).await;
    chat_integration.behave(Behaviour::Hangs);
    let reports = within(bed.manager.shutdown(Duration::from_millis(50))).await;
    assert_eq!(reports[&Chat::ID].fault.as_ref().unwrap().to_string(), "it did not stop in time");
    assert_eq!(chat_integration.guards(), 0);
    assert!(bed.manager.integrations().iter().all(|info| info.about.is_none()));
    assert_eq!(bed.manager.register(Counter).unwrap_err(), RegisterError::ShutDown);
    assert_eq!(bed.manager.list(&site("1"), &ListFilter::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_check_or_options_that_fail_panic_or_hang_are_an_answer() {
    let bed = Bed::new().await;
    let chat_integration = Chat::default();
    bed.manager.register(chat_integration.clone()).unwrap().keep();
    let passed = bed.manager.check(&site("1"), &chat("c")).await.unwrap();
    assert_eq!(passed.state(), CheckState::Passed);
    let options = bed.manager.options(&site("1"), &Chat::ID, "channel", &Values::new()).await.unwrap();
    assert_eq!(options[0].value, "#general");
    for (behaviour, reason) in [
        (Behaviour::Fails, "the chat is closed"),
        (Behaviour::Panics, "panicked: chat went mad"),
        (Behaviour::Hangs, "took longer than 300ms"),
    ] {
        chat_integration.behave(behaviour);
        let report = within(bed.manager.check(&site("1"), &chat("c"))).await.unwrap();
        assert_eq!(report.state(), CheckState::Unavailable);
        assert!(report.findings()[0].text.to_string().contains(reason));
        let fault = within(bed.manager.options(&site("1"), &Chat::ID, "channel", &Values::new())).await.unwrap_err();
        assert!(fault.to_string().contains(reason), "{fault}");
    }
    let blank = Draft { name: "  ".into(), ..chat("c") };
    let faults = bed.manager.check(&site("1"), &blank).await.unwrap_err();
    assert_eq!(faults.of("name").len(), 1);
}
