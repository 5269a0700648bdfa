//! The registry, plugins, and integrations that are gone.

use outrigger_integrations::*;

use crate::host::*;

#[tokio::test]
async fn an_id_is_registered_once_and_iteration_is_sorted_by_name() {
    let bed = Bed::new().await;
    let first = bed.manager.register(Chat::default()).unwrap();
    let again = bed.manager.register(Chat::default()).unwrap_err();
    assert_eq!(again, RegisterError::Duplicate(Chat::ID));
    bed.manager.register(Counter).unwrap().keep();
    let ids = |manager: &Manager<Shop>| manager.integrations().into_iter().map(|info| info.id).collect::<Vec<_>>();
    // `Counter` comes before `Plaudertasche`, whatever their ids are.
    assert_eq!(ids(&bed.manager), [Counter::ID, Chat::ID]);
    assert_eq!(bed.manager.get(&Chat::ID).unwrap().name(), "Plaudertasche");
    drop(first);
    assert_eq!(bed.manager.get(&Chat::ID).unwrap_err(), NotRegistered(Chat::ID));
    assert_eq!(bed.manager.form(&Chat::ID).unwrap_err().to_string(), "no integration `shop.chat` is registered");
    bed.manager.register(Chat::default()).expect("the id is free again").keep();
}

/// Djblets answers with an error page for these.
#[tokio::test]
async fn an_integration_without_icon_and_with_a_hyphen_in_its_id_is_like_any_other() {
    let bed = Bed::stocked().await;
    let info = bed.manager.get(&Counter::ID).unwrap();
    assert!(info.about.unwrap().icon.is_none());
    let saved = bed.save(&site("1"), counter("c", 1)).await;
    assert_eq!(bed.manager.list(&site("1"), &ListFilter::default()).await.unwrap().items[0].id, saved.id);
    let unknown = "no.such-thing".parse().unwrap();
    assert_eq!(bed.manager.get(&unknown).unwrap_err(), NotRegistered(unknown));
}

#[tokio::test]
async fn managers_know_nothing_of_each_other() {
    let (one, other) = (Bed::stocked().await, Bed::new().await);
    one.save(&Scope::System, chat("c")).await;
    assert!(other.manager.integrations().is_empty());
    other.manager.register(Chat::default()).unwrap().keep();
    assert!(names(&other.manager, &Scope::System).is_empty());
}

#[tokio::test]
async fn registering_makes_no_query_and_starts_nothing() {
    let bed = Bed::new().await;
    let manager = real_manager(outrigger_db::Db::connect(bed.test.url()).await.unwrap());
    // A closed pool would fail any query.
    manager.store().db().clone().close().await;
    let chat = Chat::default();
    let registration = manager.register(chat.clone()).unwrap();
    assert_eq!(manager.state(registration.id()), RunState::Idle);
    assert_eq!(chat.starts(), 0);
}

struct Extra;

impl Integration<Shop> for Extra {
    const ID: IntegrationId = IntegrationId::new("plugin.extra");
    type Settings = CounterSettings;
    type Message = ();

    fn about(&self) -> About {
        About::new("Extra", "Comes with a plugin.")
    }
}

enum Pack {
    Good,
    Clashes,
    Panics,
}

impl Plugin<Shop> for Pack {
    fn name(&self) -> String {
        "pack".into()
    }

    fn install(self, registrar: &mut Registrar<'_, Shop>) -> Result<(), InstallError> {
        registrar.register(Extra)?;
        match self {
            Pack::Good => {}
            Pack::Clashes => registrar.register(Counter)?,
            Pack::Panics => panic!("no plugin"),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_plugin_is_installed_wholly_or_not_at_all_and_its_failure_is_its_status() {
    let bed = Bed::stocked().await;
    let status = |manager: &Manager<Shop>| manager.plugins().into_iter().map(|plugin| plugin.state).next();
    for (pack, reason) in
        [(Pack::Clashes, "an integration `shop.counter-2` is registered already"), (Pack::Panics, "it panicked")]
    {
        assert_eq!(bed.manager.install(pack).unwrap_err().to_string(), reason);
        assert!(bed.manager.get(&Extra::ID).is_err());
        assert_eq!(status(&bed.manager), Some(PluginState::Failed(reason.into())));
    }
    let installed = bed.manager.install(Pack::Good).unwrap();
    assert!(bed.manager.get(&Extra::ID).is_ok());
    assert_eq!(status(&bed.manager), Some(PluginState::Installed(vec![Extra::ID])));
    drop(installed);
    assert!(bed.manager.get(&Extra::ID).is_err() && bed.manager.plugins().is_empty());

    bed.manager.shutdown(std::time::Duration::from_secs(1)).await;
    assert_eq!(bed.manager.install(Pack::Good).unwrap_err(), RegisterError::ShutDown.into());
}

#[tokio::test]
async fn configurations_of_a_missing_integration_are_listed_switched_off_exported_and_deleted() {
    let bed = Bed::new().await;
    let registration = bed.manager.register(Chat::default()).unwrap();
    let scope = site("1");
    let saved = bed.save(&scope, Draft { extra: Owned { owner: Some(1), team: None }, ..chat("orphan") }).await;
    assert!(registration.unregister().await.fault.is_none());

    let manager = &bed.manager;
    let info = manager.integrations().pop().unwrap();
    assert_eq!((info.name().as_str(), info.about.is_none(), info.configs), ("shop.chat", true, 1));
    let row = manager.list(&scope, &ListFilter::default()).await.unwrap().items.pop().unwrap();
    assert_eq!((row.to_string().as_str(), row.problem), ("orphan (shop.chat)", Some(Problem::NotInstalled)));
    assert!(names(manager, &scope).is_empty(), "nobody can read it");

    let export = serde_json::to_value(manager.export(&scope, saved.id).await.unwrap().unwrap()).unwrap();
    assert_eq!(export["settings"]["webhook"], "***");
    assert_eq!(export["settings"]["channel"], "#orders");
    assert_eq!(export["extra"]["owner"], 1);
    assert!(!export.to_string().contains("s3cret"));

    assert!(!manager.set_enabled(&scope, saved.id, false, &ada()).await.unwrap().enabled);
    let on = manager.set_enabled(&scope, saved.id, true, &ada()).await;
    assert!(matches!(on, Err(EditError::NotInstalled)));
    assert!(matches!(manager.save(&scope, chat("new"), None, &ada()).await, Err(SaveError::NotInstalled)));
    manager.delete(&scope, saved.id, &ada()).await.unwrap();
    assert!(manager.integrations().is_empty());

    // It comes back with all it had.
    manager.undo_delete(&scope, saved.id, &ada()).await.unwrap();
    manager.set_enabled(&scope, saved.id, false, &ada()).await.unwrap();
    let registration = manager.register(Chat::default()).unwrap();
    manager.set_enabled(&scope, saved.id, true, &ada()).await.unwrap();
    let config = manager.config::<Chat>(&scope, saved.id).unwrap();
    assert_eq!(config.settings.webhook.expose(), "https://chat.example/hook/s3cret");
    drop(registration);
}

#[tokio::test]
async fn an_integration_that_comes_back_reads_what_another_had_read_before() {
    let bed = Bed::new().await;
    let running = bed.manager.run();
    let first = bed.manager.register(Chat::default()).unwrap();
    bed.save(&site("1"), chat("c")).await;
    assert_eq!(names(&bed.manager, &site("1")), ["c"]);
    first.unregister().await;
    assert!(names(&bed.manager, &site("1")).is_empty());
    let _second = bed.manager.register(Chat::default()).unwrap();
    within(bed.manager.wait_until(|manager| names(manager, &site("1")) == ["c"])).await;
    running.end().await;
}
