//! How configurations are shown, and what it costs to look at them.

use std::sync::Arc;

use outrigger_integrations::*;

use crate::host::*;

#[tokio::test]
async fn a_configuration_says_its_name_and_its_integration_installed_or_not() {
    let bed = Bed::new().await;
    let registration = bed.manager.register(Chat::default()).unwrap();
    bed.manager.refresh().await.unwrap();
    let stored = bed.save(&site("1"), chat("Orders")).await;
    assert_eq!(stored.to_string(), "Orders (shop.chat)");
    assert_eq!(bed.manager.config::<Chat>(&site("1"), stored.id).unwrap().to_string(), "Orders (shop.chat)");
    // Lists name the integration as it introduces itself, and by its id when nobody does.
    let named = |manager: &Manager<Shop>| {
        let all = manager.integrations();
        all.iter().find(|info| info.id == Chat::ID).map(IntegrationInfo::name)
    };
    assert_eq!(named(&bed.manager).as_deref(), Some("Plaudertasche"));
    drop(registration);
    assert_eq!(named(&bed.manager).as_deref(), Some("shop.chat"));
    assert_eq!(bed.manager.find(&site("1"), stored.id).await.unwrap().unwrap().to_string(), "Orders (shop.chat)");
}

#[tokio::test]
async fn looking_configurations_up_asks_the_database_nothing_whatever_is_asked_for() {
    let bed = Bed::stocked().await;
    let stored = bed.save(&site("1"), chat("Orders")).await;
    bed.save(&site("1"), Draft { enabled: false, ..chat("Off") }).await;
    // A closed pool would fail any query.
    bed.manager.store().db().clone().close().await;
    for round in 0..500 {
        assert_eq!(names(&bed.manager, &site("1")), ["Orders"]);
        assert!(bed.manager.config::<Chat>(&site("1"), stored.id).is_some());
        // Nothing is kept of what was asked for in vain.
        assert!(names(&bed.manager, &site(&format!("unknown-{round}"))).is_empty());
        assert!(bed.manager.config::<Chat>(&site(&format!("unknown-{round}")), stored.id).is_none());
    }
}

#[tokio::test]
async fn a_draft_is_saved_when_it_is_saved_and_off_until_it_is_switched_on() {
    let bed = Bed::stocked().await;
    let draft = Draft::new::<Counter>("Steps", &CounterSettings { step: 1 }, Owned::default());
    assert!(draft.id.is_none() && !draft.enabled);
    assert_eq!(bed.manager.counts(&site("1")).await.unwrap(), Counts::default());
    let saved = bed.save(&site("1"), draft).await;
    assert!(!saved.enabled);
    assert_eq!(bed.manager.find(&site("1"), saved.id).await.unwrap().unwrap().id, saved.id);
}

#[tokio::test]
async fn a_column_that_points_at_nothing_is_a_fault_of_its_field() {
    let bed = Bed::stocked().await;
    let stranger = Draft { extra: Owned { owner: Some(99), team: None }, ..chat("c") };
    let SaveError::Extra(faults) = bed.manager.save(&site("1"), stranger, None, &ada()).await.unwrap_err() else {
        panic!("the fault is the column's")
    };
    assert_eq!(faults.of("owner").len(), 1);
    let known = Draft { extra: Owned { owner: Some(1), team: None }, ..chat("c") };
    bed.save(&site("1"), known).await;
}

#[tokio::test]
async fn a_configuration_cannot_be_of_an_integration_that_nobody_registered() {
    let bed = Bed::new().await;
    let refused = bed.manager.save(&site("1"), chat("c"), None, &ada()).await.unwrap_err();
    assert!(matches!(refused, SaveError::NotInstalled), "{refused:?}");
    let registration = bed.manager.register(Chat::default()).unwrap();
    assert!(!registration.unregister().await.was_running);
    // Whoever has no registration can unregister nothing: there is no call that takes an id.
    assert!(bed.manager.get(&Chat::ID).is_err());
}

#[tokio::test]
async fn a_database_without_the_tables_is_said_and_breaks_nothing() {
    let test = outrigger_db::testing::TestDb::new(outrigger_db::migrations()).await;
    let manager = real_manager(test.db().clone());
    manager.register(Chat::default()).unwrap().keep();
    let running = manager.run();
    within(manager.wait_until(|manager| manager.freshness().stale.is_some())).await;
    assert!(matches!(manager.list(&site("1"), &ListFilter::default()).await, Err(StoreError::Database(_))));
    assert!(names(&manager, &site("1")).is_empty());
    // Once they are there, it goes on by itself.
    test.db().migrate(all_migrations()).await.unwrap();
    within(manager.wait_until(|manager| manager.freshness().stale.is_none())).await;
    manager.save(&site("1"), chat("c"), None, &ada()).await.unwrap();
    running.end().await;
}

#[tokio::test]
async fn a_change_is_read_once_and_what_did_not_change_is_not_read_again() {
    let bed = Bed::stocked().await;
    let scope = site("1");
    let (changed, untouched) = (bed.save(&scope, chat("a")).await, bed.save(&scope, chat("b")).await);
    bed.manager.refresh().await.unwrap();
    let config = |id| bed.manager.config::<Chat>(&scope, id).unwrap();
    let (before, kept) = (config(changed.id), config(untouched.id));
    bed.save(&scope, Draft { name: "c".into(), ..Draft::of(&changed) }).await;
    bed.manager.refresh().await.unwrap();
    let after = config(changed.id);
    assert!(!Arc::ptr_eq(&before, &after) && Arc::ptr_eq(&kept, &config(untouched.id)));
    assert_eq!((before.name.as_str(), after.name.as_str()), ("a", "c"), "who has the old one keeps it");
    // However often the database is asked for news.
    for _ in 0..9 {
        bed.manager.refresh().await.unwrap();
        assert!(Arc::ptr_eq(&after, &config(changed.id)) && Arc::ptr_eq(&kept, &config(untouched.id)));
    }
}
