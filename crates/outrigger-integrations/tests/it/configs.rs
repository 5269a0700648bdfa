//! Saving, editing, deleting; what is kept and what is told.

use std::time::Duration;

use outrigger_integrations::rule::{Condition, Operator};
use outrigger_integrations::*;
use serde_json::json;

use crate::host::*;

#[tokio::test]
async fn a_saved_configuration_has_what_was_given_and_the_stores_times() {
    let bed = Bed::stocked().await;
    let scope = site("1");
    let saved = bed.save(&scope, Draft { name: "  Orders ".into(), ..chat("") }).await;
    assert_eq!((saved.name.as_str(), saved.version, saved.enabled), ("Orders", 1, true));
    let made = saved.created_at;
    assert_eq!(saved.updated_at, made);

    bed.clock.advance(Duration::from_secs(60));
    let edited = bed.save(&scope, Draft { name: "Paid orders".into(), ..Draft::of(&saved) }).await;
    assert_eq!((edited.id, edited.version, edited.created_at), (saved.id, 2, made));
    assert_eq!(edited.updated_at.duration_since(made).as_secs(), 60, "an edit moves the time");

    let config = bed.manager.config::<Chat>(&scope, saved.id).unwrap();
    assert_eq!((config.name.as_str(), config.settings.channel.as_str()), ("Paid orders", "#orders"));
    assert_eq!(config.settings.webhook.expose(), "https://chat.example/hook/s3cret");
    assert_eq!((config.version, config.updated_at), (2, edited.updated_at));
}

#[tokio::test]
async fn a_draft_with_faults_is_not_saved() {
    let bed = Bed::stocked().await;
    let refused = |error: SaveError<Shop>| match error {
        SaveError::Faults(faults) => faults,
        other => panic!("{other}"),
    };
    let mut blank = chat(" ");
    blank.values.remove("webhook");
    let faults = refused(bed.manager.save(&site("1"), blank, None, &ada()).await.unwrap_err());
    assert_eq!((faults.of("name").len(), faults.of("webhook").len()), (1, 1));
    let account = Scope::Account("a".into());
    let faults = refused(bed.manager.save(&account, counter("c", 1), None, &ada()).await.unwrap_err());
    assert_eq!(faults.of_form().len(), 1, "it is not offered there");
    assert_eq!(bed.manager.counts(&site("1")).await.unwrap(), Counts::default());
}

#[tokio::test]
async fn the_second_of_two_editors_is_shown_what_the_first_saved() {
    let bed = Bed::stocked().await;
    let scope = site("1");
    let seen = bed.save(&scope, chat("c")).await;
    let first = Draft { name: "first".into(), ..Draft::of(&seen) };
    let second = Draft { name: "second".into(), ..Draft::of(&seen) };
    bed.manager.save(&scope, first, Some(seen.version), &ada()).await.unwrap();
    let error =
        bed.manager.save(&scope, second.clone(), Some(seen.version), &Actor::new("2", "Bob")).await.unwrap_err();
    let SaveError::Conflict { theirs, by } = error else { panic!("{error}") };
    assert_eq!((theirs.name.as_str(), theirs.version, by), ("first", 2, ada()));
    // Having seen it, Bob may insist.
    bed.manager.save(&scope, second, Some(theirs.version), &Actor::new("2", "Bob")).await.unwrap();
    assert_eq!(names(&bed.manager, &scope), ["second"]);
}

#[tokio::test]
async fn one_of_many_concurrent_editors_wins_and_all_others_are_told() {
    let bed = Bed::stocked().await;
    let scope = site("1");
    let seen = bed.save(&scope, chat("c")).await;
    let editors = (0..8).map(|n| {
        let draft = Draft { name: format!("editor {n}"), ..Draft::of(&seen) };
        let (manager, scope) = (bed.manager.clone(), scope.clone());
        async move { manager.save(&scope, draft, Some(1), &ada()).await }
    });
    let outcomes = futures_util::future::join_all(editors).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(SaveError::Conflict { .. }))));
}

#[tokio::test]
async fn every_call_is_blind_to_other_scopes_and_integrations() {
    let bed = Bed::stocked().await;
    let (mine, theirs) = (site("1"), site("2"));
    let manager = &bed.manager;
    let saved = bed.save(&mine, chat("c")).await;
    assert!(manager.find(&theirs, saved.id).await.unwrap().is_none());
    assert!(manager.export(&theirs, saved.id).await.unwrap().is_none());
    assert!(manager.history(&theirs, saved.id, None, 10).await.unwrap().changes.is_empty());
    assert!(manager.config::<Chat>(&theirs, saved.id).is_none());
    assert!(manager.config::<Counter>(&mine, saved.id).is_none());
    assert!(manager.list(&theirs, &ListFilter::default()).await.unwrap().items.is_empty());
    assert!(manager.list(&Scope::System, &ListFilter::default()).await.unwrap().items.is_empty());
    let facts = OrderFacts { total: 1, country: "DK".into() };
    assert!(manager.explain(&theirs, saved.id, &facts).is_none());
    assert!(matches!(manager.delete(&theirs, saved.id, &ada()).await, Err(EditError::NotFound)));
    assert!(matches!(manager.set_enabled(&theirs, saved.id, false, &ada()).await, Err(EditError::NotFound)));
    let edit = manager.save(&theirs, Draft::of(&saved), None, &ada()).await;
    assert!(matches!(edit, Err(SaveError::NotFound)));
    let other = Draft { id: Some(saved.id), ..counter("c", 1) };
    assert!(matches!(manager.save(&mine, other, None, &ada()).await, Err(SaveError::NotFound)));
}

#[tokio::test]
async fn enabled_ones_are_given_oldest_first_and_one_scope_at_a_time() {
    let bed = Bed::stocked().await;
    for name in ["z", "a", "m"] {
        bed.clock.advance(Duration::from_millis(1));
        bed.save(&site("1"), chat(name)).await;
    }
    bed.save(&site("1"), Draft { enabled: false, ..chat("off") }).await;
    bed.save(&site("2"), chat("elsewhere")).await;
    bed.save(&site("1"), counter("other integration", 1)).await;
    assert_eq!(names(&bed.manager, &site("1")), ["z", "a", "m"]);
    let found: Vec<_> = bed.manager.configs::<Chat>(&site("1")).filter(|config| config.name == "a").collect();
    assert_eq!(found.len(), 1);
    // What one has is what all have, and nobody can change it.
    let (one, other) = (bed.manager.configs::<Chat>(&site("1")).next(), bed.manager.configs::<Chat>(&site("1")).next());
    assert!(std::sync::Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
}

#[tokio::test]
async fn values_that_nobody_knows_are_kept_and_reported() {
    let bed = Bed::stocked().await;
    let scope = site("1");
    let mut draft = chat("c");
    draft.values.insert("from_the_future".into(), json!([1, 2]));
    let saved = bed.manager.save(&scope, draft, None, &ada()).await.unwrap();
    assert_eq!(saved.unknown, ["from_the_future"]);
    assert_eq!(bed.manager.unknown(saved.config.id), ["from_the_future"]);
    // An edit by somebody whose form does not have it.
    let edited = bed.save(&scope, Draft { id: Some(saved.config.id), ..chat("d") }).await;
    assert_eq!(edited.values["from_the_future"], json!([1, 2]));
}

#[tokio::test]
async fn settings_of_an_earlier_version_are_migrated_when_they_are_read() {
    let bed = Bed::stocked().await;
    let scope = site("1");
    let old = bed.save(&scope, chat("old")).await;
    let broken = bed.save(&scope, chat("broken")).await;
    let newer = bed.save(&scope, chat("newer")).await;
    let store = |id: ConfigId, version: u32, settings: &str| {
        format!("UPDATE integration_config SET settings_version = {version}, settings = '{settings}' WHERE id = '{id}'")
    };
    bed.foreign(&store(old.id, 1, r##"{"room": "#old"}"##)).await;
    bed.foreign(&store(broken.id, 1, r##"{}"##)).await;
    bed.foreign(&store(newer.id, 3, r##"{}"##)).await;
    bed.manager.refresh().await.unwrap();
    assert_eq!(names(&bed.manager, &scope), ["old"], "the others are left out, and hide nothing");
    assert_eq!(bed.manager.config::<Chat>(&scope, old.id).unwrap().settings.channel, "#old");
    let found = bed.manager.find(&scope, old.id).await.unwrap().unwrap();
    assert_eq!((found.settings_version, &found.values["channel"]), (2, &json!("#old")));
    let problem = |id| bed.manager.problem(id).unwrap().to_string();
    assert!(problem(broken.id).contains("it has no room"), "{}", problem(broken.id));
    assert!(problem(newer.id).contains("version 3"), "{}", problem(newer.id));
}

#[tokio::test]
async fn secrets_are_sealed_for_their_place_and_shown_nowhere() {
    let bed = Bed::stocked().await;
    let scope = site("1");
    let (one, other) = (bed.save(&scope, chat("one")).await, bed.save(&scope, chat("other")).await);
    assert!(!format!("{one:?} {:?}", Draft::of(&one)).contains("s3cret"));
    let config = bed.manager.config::<Chat>(&scope, one.id).unwrap();
    assert!(!serde_json::to_string(&config.settings).unwrap().contains("s3cret"));

    // Somebody copies the sealed text of one into the other: it stays shut.
    bed.foreign(&format!(
        "UPDATE integration_config SET secrets = (SELECT secrets FROM integration_config WHERE id = '{}') WHERE id = '{}'",
        one.id, other.id
    ))
    .await;
    bed.manager.refresh().await.unwrap();
    assert_eq!(names(&bed.manager, &scope), ["one"]);
    assert!(
        matches!(bed.manager.find(&scope, other.id).await, Err(StoreError::Sealed { field, .. }) if field == "webhook")
    );
}

#[tokio::test]
async fn the_history_says_who_did_what_when_without_secrets() {
    let bed = Bed::stocked().await;
    let scope = site("1");
    let bob = Actor::new("2", "Bob");
    let manager = &bed.manager;
    let saved = bed.save(&scope, chat("c")).await;
    bed.clock.advance(Duration::from_secs(1));
    let mut edit = Draft { name: "d".into(), ..Draft::of(&saved) };
    edit.values.insert("webhook".into(), json!("https://chat.example/hook/n3w"));
    edit.extra.team = Some("sales".into());
    manager.save(&scope, edit, None, &bob).await.unwrap();
    manager.set_enabled(&scope, saved.id, false, &bob).await.unwrap();
    manager.set_enabled(&scope, saved.id, false, &bob).await.expect("again, which changes nothing");
    manager.set_enabled(&scope, saved.id, true, &bob).await.unwrap();
    manager.delete(&scope, saved.id, &ada()).await.unwrap();
    manager.undo_delete(&scope, saved.id, &ada()).await.unwrap();

    let page = manager.history(&scope, saved.id, None, 4).await.unwrap();
    let kinds: Vec<_> = page.changes.iter().map(|change| change.what).collect();
    assert_eq!(kinds, [ChangeKind::Restored, ChangeKind::Deleted, ChangeKind::Enabled, ChangeKind::Disabled]);
    let page = manager.history(&scope, saved.id, page.next, 4).await.unwrap();
    let [edited, created] = &page.changes[..] else { panic!("{page:?}") };
    assert_eq!((created.what, &created.actor, page.next), (ChangeKind::Created, &ada(), None));
    assert_eq!((edited.what, &edited.actor, edited.version), (ChangeKind::Changed, &bob, 2));
    assert_eq!(edited.at.duration_since(created.at).as_secs(), 1);
    let diff: Vec<_> = edited.diff.iter().map(|change| (change.field.as_str(), change.after.clone())).collect();
    assert_eq!(diff, [("name", json!("d")), ("extra.team", json!("sales")), ("settings.webhook", json!("***"))]);
    assert!(!format!("{page:?}").contains("https://"));
}

#[tokio::test]
async fn a_deleted_configuration_can_be_had_back_until_it_is_purged() {
    let bed = Bed::stocked().await;
    let (scope, manager) = (site("1"), &bed.manager);
    let saved = bed.save(&scope, chat("c")).await;
    manager.delete(&scope, saved.id, &ada()).await.unwrap();
    assert!(names(manager, &scope).is_empty() && manager.config::<Chat>(&scope, saved.id).is_none());
    assert!(matches!(manager.delete(&scope, saved.id, &ada()).await, Err(EditError::NotFound)), "it is gone");
    let edit = manager.save(&scope, Draft::of(&saved), None, &ada()).await;
    assert!(matches!(edit, Err(SaveError::NotFound)));
    let deleted = ListFilter { state: ListState::Deleted, ..ListFilter::default() };
    assert_eq!(manager.list(&scope, &deleted).await.unwrap().items.len(), 1);
    assert_eq!(manager.counts(&scope).await.unwrap().deleted, 1);

    bed.clock.advance(Duration::from_secs(29 * 24 * 3600));
    assert_eq!(manager.purge_deleted().await.unwrap(), 0);
    manager.undo_delete(&scope, saved.id, &ada()).await.unwrap();
    assert_eq!(names(manager, &scope), ["c"]);
    assert!(matches!(manager.undo_delete(&scope, saved.id, &ada()).await, Err(EditError::NotFound)));

    manager.delete(&scope, saved.id, &ada()).await.unwrap();
    bed.clock.advance(Duration::from_secs(31 * 24 * 3600));
    assert_eq!(manager.purge_deleted().await.unwrap(), 1);
    assert!(matches!(manager.undo_delete(&scope, saved.id, &ada()).await, Err(EditError::NotFound)));
    assert!(manager.find(&scope, saved.id).await.unwrap().is_none());
    let history = manager.history(&scope, saved.id, None, 10).await.unwrap();
    assert_eq!(history.changes[0].what, ChangeKind::Purged);
}

#[tokio::test]
async fn a_save_in_the_hosts_transaction_shares_its_fate() {
    let bed = Bed::stocked().await;
    let (scope, manager) = (site("1"), &bed.manager);
    let tx = bed.test.db().begin().await.unwrap();
    manager.save_in(&tx, &scope, chat("lost"), None, &ada()).await.unwrap();
    drop(tx);
    let tx = bed.test.db().begin().await.unwrap();
    manager.save_in(&tx, &scope, chat("kept"), None, &ada()).await.unwrap();
    tx.commit().await.unwrap();
    manager.refresh().await.unwrap();
    assert_eq!(names(manager, &scope), ["kept"]);
}

#[tokio::test]
async fn the_hosts_columns_are_typed_filtered_by_and_follow_their_rows() {
    let bed = Bed::stocked().await;
    let (scope, manager) = (site("1"), &bed.manager);
    let owned = |owner, team: &str| Owned { owner, team: Some(team.into()) };
    bed.save(&scope, Draft { extra: owned(Some(1), "sales"), ..chat("ada's") }).await;
    bed.save(&scope, Draft { extra: owned(Some(2), "sales"), ..chat("bob's") }).await;
    bed.save(&scope, chat("nobody's")).await;
    let found = async |column: &str, value: serde_json::Value| {
        let filter = ListFilter { extra: Values::from_iter([(column.to_owned(), value)]), ..ListFilter::default() };
        let page = manager.list(&scope, &filter).await.unwrap();
        page.items.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    assert_eq!(found("owner", json!(1)).await, ["ada's"]);
    assert_eq!(found("team", json!("sales")).await, ["ada's", "bob's"]);
    assert_eq!(found("owner", json!(null)).await, ["nobody's"]);
    assert!(found("no_such_column", json!(1)).await.is_empty());
    let mine: Vec<_> = manager.configs::<Chat>(&scope).filter(|config| config.extra.owner == Some(2)).collect();
    assert_eq!(mine.len(), 1);

    // The person goes, by the host's own statement, and what belongs to them with them.
    bed.foreign("DELETE FROM person WHERE id = 1").await;
    manager.refresh().await.unwrap();
    assert_eq!(names(manager, &scope), ["bob's", "nobody's"]);
}

#[test]
fn the_sql_of_the_hosts_columns_can_be_printed() {
    let sql = extra_sql::<Owned>(outrigger_db::Engine::Postgres).join(";\n");
    assert!(sql.contains(
        "ALTER TABLE integration_config ADD COLUMN extra_owner BIGINT REFERENCES person(id) ON DELETE CASCADE"
    ));
    assert!(sql.contains("ADD COLUMN extra_team TEXT COLLATE \"C\""));
    let sql = extra_sql::<Owned>(outrigger_db::Engine::Sqlite).join(";\n");
    assert!(sql.contains("CREATE INDEX integration_config_extra_team ON integration_config (extra_team)"));
}

#[tokio::test]
async fn rules_are_explained_and_broken_ones_are_seen() {
    let bed = Bed::stocked().await;
    let (scope, manager) = (site("1"), &bed.manager);
    let with_rules = |rules: RuleSet| {
        let mut draft = chat("c");
        draft.values.insert("rules".into(), rules.to_json());
        draft
    };
    let danish = bed.save(&scope, with_rules(RuleSet::all([Condition::new("country", Operator::Is, "DK")]))).await;
    let facts = |country: &str| OrderFacts { total: 5, country: country.into() };
    assert!(manager.explain(&scope, danish.id, &facts("DK")).unwrap().matches);
    assert!(!manager.explain(&scope, danish.id, &facts("SE")).unwrap().matches);
    assert_eq!(manager.problem(danish.id), None);

    let rules = r#"{"mode":"all","conditions":[{"fact":"colour","operator":"is","value":"red"}]}"#;
    bed.foreign(&format!(
        "UPDATE integration_config SET settings = '{{\"channel\":\"x\",\"rules\":{rules}}}' WHERE id = '{}'",
        danish.id
    ))
    .await;
    manager.refresh().await.unwrap();
    let problem = manager.problem(danish.id).unwrap().to_string();
    assert!(problem.contains("colour"), "{problem}");
}

#[tokio::test]
async fn a_rotation_of_keys_seals_every_secret_anew() {
    let bed = Bed::stocked().await;
    let saved = bed.save(&site("1"), chat("c")).await;
    bed.save(&site("1"), counter("no secret", 1)).await;
    let old = outrigger_db::KeyRing::parse(KEYS).unwrap();
    let new = old.with_new_key(&outrigger_db::SystemEntropy);
    let store = |ring| {
        let (clock, entropy) =
            (std::sync::Arc::new(bed.clock.clone()), std::sync::Arc::new(outrigger_db::SystemEntropy));
        let keys = std::sync::Arc::new(outrigger_db::Keys::fixed(ring));
        ConfigStore::<Shop>::new(bed.test.db().clone(), keys, clock, entropy)
    };
    assert_eq!(store(new.clone()).reseal_anywhere().await.unwrap(), 1);
    assert_eq!(store(new.clone()).reseal_anywhere().await.unwrap(), 0, "nothing is left to do");
    let manager =
        Manager::builder().store(store(new.without_old_keys())).context(bed.manager.context().clone()).build();
    let found = manager.find(&site("1"), saved.id).await.unwrap().unwrap();
    assert_eq!(found.values["webhook"], "https://chat.example/hook/s3cret");
}

#[tokio::test]
async fn a_worker_purges_by_itself() {
    let bed = Bed::stocked().await;
    let manager = &bed.manager;
    let saved = bed.save(&site("1"), chat("c")).await;
    manager.delete(&site("1"), saved.id, &ada()).await.unwrap();
    bed.clock.advance(Duration::from_secs(31 * 24 * 3600));
    manager.schedule().await.unwrap();
    manager.schedule().await.expect("again, which makes no second job");
    let (store, stop) = (manager.store(), tokio_util::sync::CancellationToken::new());
    let clock = std::sync::Arc::new(bed.clock.clone());
    let jobs = outrigger_db::Jobs::new(store.db().clone(), clock, std::sync::Arc::new(outrigger_db::SystemEntropy));
    let purges = outrigger_db::JobFilter { kind: Some("integrations_purge_deleted".into()), ..Default::default() };
    assert_eq!(jobs.list(&purges, None, 10).await.unwrap().len(), 1);
    let worker = manager.jobs(outrigger_db::Worker::new(jobs));
    let _running = manager.run();
    let before = manager.freshness().generation;
    let purged = manager.wait_until(|manager| manager.freshness().generation > before);
    tokio::select! {
        () = worker.run(stop.clone()) => {}
        () = within(purged) => {}
    }
    assert!(manager.find(&site("1"), saved.id).await.unwrap().is_none());
}

/// An integration whose own code panics wherever a request could meet it.
struct Mad;

#[derive(Clone, Settings)]
#[settings(validate = panic_on_one)]
struct MadSettings {
    step: i64,
}

fn panic_on_one(settings: &MadSettings, _: &mut FieldFaults) {
    assert_ne!(settings.step, 1, "it does not like 1");
}

impl Integration<Shop> for Mad {
    const ID: IntegrationId = IntegrationId::new("shop.mad");
    type Settings = MadSettings;
    type Message = ();

    fn about(&self) -> About {
        About::new("Mad", "Panics.")
    }
}

#[tokio::test]
async fn a_validation_that_panics_is_a_fault_of_the_form() {
    let bed = Bed::stocked().await;
    bed.manager.register(Mad).unwrap().keep();
    let draft = |step| Draft::new::<Mad>("m", &MadSettings { step }, Owned::default());
    bed.manager.save(&site("1"), draft(2), None, &ada()).await.unwrap();
    let error = bed.manager.save(&site("1"), draft(1), None, &ada()).await.unwrap_err();
    assert!(matches!(error, SaveError::Faults(faults) if faults.of_form().len() == 1));
}
