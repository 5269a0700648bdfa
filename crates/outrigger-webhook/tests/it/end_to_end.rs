//! From the host's event to the receiver, on the engine that `DATABASE_URL` names or on SQLite.

use std::sync::Arc;

use jiff::Timestamp;
use outrigger_db::testing::TestDb;
use outrigger_db::{Jobs, KeyRing, Keys, Worker};
use outrigger_integrations::{
    Actor, ConfigId, ConfigStore, DeliveryFilter, Draft, Integration as _, Manager, NoticeKind, RunState, Scope,
};
use outrigger_webhook::Webhook;
use serde_json::{Value, json};

use crate::host::{OrderPaid, SECRET, Shop, open, settings};
use crate::receiver::{Receiver, always};

const SITE: &str = "harbor";

fn scope() -> Scope {
    Scope::Site(SITE.into())
}

async fn save(manager: &Manager<Shop>, name: &str, values: Value) -> ConfigId {
    let draft = Draft { enabled: true, ..Draft::new::<Webhook<Shop>>(name, &settings(values), ()) };
    manager.save(&scope(), draft, None, &Actor::new("1", "Ada")).await.unwrap().config.id
}

#[tokio::test]
async fn an_event_arrives_signed_and_a_receiver_that_is_gone_is_switched_off() {
    let mut migrations = outrigger_db::migrations();
    migrations.extend(outrigger_integrations::migrations());
    let test = TestDb::new(migrations).await;
    let context = open();
    let (clock, entropy) = (context.clock.clone(), context.entropy.clone());
    let ring = KeyRing::parse("k1 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n").unwrap();
    let store = ConfigStore::new(test.db().clone(), Arc::new(Keys::fixed(ring)), clock.clone(), entropy.clone());
    let manager = Manager::builder().store(store).context(context).build();
    let _webhook = manager.register(Webhook::<Shop>::new().sending::<OrderPaid>()).unwrap();
    let worker = manager.jobs(Worker::new(Jobs::new(test.db().clone(), clock.clone(), entropy)));
    let _running = manager.run();

    let (receiver, url) = Receiver::knowing(SECRET).await;
    let here = save(&manager, "here", json!({ "url": url, "secret": SECRET })).await;
    let gone_url = always(410, None, String::new()).await;
    let gone = save(&manager, "gone", json!({ "url": gone_url, "secret": SECRET })).await;
    manager.wait_until(|manager| manager.state(&Webhook::<Shop>::ID) == RunState::Running).await;

    let before = clock.now();
    manager.dispatch(&OrderPaid { site: SITE.to_owned(), number: 7, amount: 20 }).await.unwrap();
    let after = clock.now();
    worker.run_due().await;
    let heard = receiver.heard();
    let sent = manager.deliveries(&scope(), here, &DeliveryFilter::default(), None, 9).await.unwrap();
    assert_eq!(heard[0].header("webhook-id"), sent[0].id.to_string());
    let body = heard[0].json();
    assert_eq!(body["type"], "order.paid");
    assert_eq!(body["data"], json!({ "site": SITE, "number": 7, "amount": 20 }));
    // When it happened, and not when it was sent; the store keeps milliseconds.
    let at: Timestamp = body["timestamp"].as_str().unwrap().parse().unwrap();
    assert!((before.as_millisecond()..=after.as_millisecond()).contains(&at.as_millisecond()), "{at}");

    assert!(!manager.find(&scope(), gone).await.unwrap().unwrap().enabled);
    let notices = manager.notices(&scope(), None, 9).await.unwrap();
    assert_eq!((notices.len(), notices[0].kind, notices[0].config), (1, NoticeKind::SwitchedOff, Some(gone)));
}
