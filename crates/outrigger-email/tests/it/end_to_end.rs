//! From the host's event to the mailbox, on the engine that `DATABASE_URL` names or on SQLite.

use std::sync::Arc;

use outrigger_db::testing::TestDb;
use outrigger_db::{Jobs, KeyRing, Keys, Worker};
use outrigger_email::Email;
use outrigger_integrations::{
    Actor, ConfigId, ConfigStore, DeliveryFilter, Draft, Integration as _, Manager, NoticeKind, RunState, Scope,
};
use serde_json::{Value, json};

use crate::host::{OrderPaid, Shop, open, settings, values};
use crate::server::{Script, Server};

const SITE: &str = "harbor";

fn scope() -> Scope {
    Scope::Site(SITE.into())
}

async fn save(manager: &Manager<Shop>, name: &str, values: Value) -> ConfigId {
    let settings = settings(values).unwrap();
    let draft = Draft { enabled: true, ..Draft::new::<Email<Shop>>(name, &settings, ()) };
    manager.save(&scope(), draft, None, &Actor::new("1", "Ada")).await.unwrap().config.id
}

#[tokio::test]
async fn an_event_reaches_the_mailbox_and_a_configuration_that_must_sign_in_is_switched_off() {
    let mut migrations = outrigger_db::migrations();
    migrations.extend(outrigger_integrations::migrations());
    let test = TestDb::new(migrations).await;
    let context = open();
    let (clock, entropy) = (context.clock.clone(), context.entropy.clone());
    let ring = KeyRing::parse("k1 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n").unwrap();
    let store = ConfigStore::new(test.db().clone(), Arc::new(Keys::fixed(ring)), clock.clone(), entropy.clone());
    let manager = Manager::builder().store(store).context(context).build();
    let _email = manager.register(Email::<Shop>::new().telling::<OrderPaid>()).unwrap();
    let worker = manager.jobs(Worker::new(Jobs::new(test.db().clone(), clock, entropy)));
    let _running = manager.run();

    let (kind, strict) =
        (Server::start(Script::default()).await, Server::start(Script::saying("MAIL", "530 sign in first")).await);
    let here = save(&manager, "here", values(kind.port, json!({}))).await;
    let refused = save(&manager, "strict", values(strict.port, json!({}))).await;
    manager.wait_until(|manager| manager.state(&Email::<Shop>::ID) == RunState::Running).await;

    manager.dispatch(&OrderPaid { site: SITE.to_owned(), number: 7, amount: 20 }).await.unwrap();
    worker.run_due().await;
    let mails = kind.mails();
    assert_eq!((mails.len(), mails[0].header("Subject").as_deref()), (1, Some("Order 7 was paid")));
    let sent = manager.deliveries(&scope(), here, &DeliveryFilter::default(), None, 9).await.unwrap();
    assert_eq!(mails[0].header("Message-ID"), Some(format!("<{}@example.com>", sent[0].id)));

    assert!(strict.mails().is_empty());
    assert!(!manager.find(&scope(), refused).await.unwrap().unwrap().enabled);
    let notices = manager.notices(&scope(), None, 9).await.unwrap();
    assert_eq!((notices.len(), notices[0].kind, notices[0].config), (1, NoticeKind::SwitchedOff, Some(refused)));
}
