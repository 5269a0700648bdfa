//! From the host's event to the room, on the engine that `DATABASE_URL` names or on SQLite.

use std::sync::Arc;

use outrigger_db::testing::TestDb;
use outrigger_db::{Jobs, KeyRing, Keys, Worker};
use outrigger_integrations::{
    Actor, ConfigId, ConfigStore, DeliveryFilter, DeliveryState, Draft, Integration as _, Manager, NoticeKind,
    RunState, Scope, Settings as _,
};
use outrigger_slack::{Slack, SlackSettings};
use serde_json::{Value, json};

use crate::host::{OrderPaid, Shop, context};
use crate::services::slack;

const SITE: &str = "harbor";

fn scope() -> Scope {
    Scope::Site(SITE.into())
}

async fn save(manager: &Manager<Shop>, name: &str, values: Value) -> ConfigId {
    let settings = SlackSettings::<Shop>::from_values(&serde_json::from_value(values).unwrap()).unwrap();
    let draft = Draft { enabled: true, ..Draft::new::<Slack<Shop>>(name, &settings, ()) };
    manager.save(&scope(), draft, None, &Actor::new("1", "Ada")).await.unwrap().config.id
}

#[tokio::test]
async fn an_event_reaches_the_room_and_a_webhook_that_is_gone_is_switched_off() {
    let mut migrations = outrigger_db::migrations();
    migrations.extend(outrigger_integrations::migrations());
    let test = TestDb::new(migrations).await;
    let context = context();
    let (clock, entropy) = (context.clock.clone(), context.entropy.clone());
    let ring = KeyRing::parse("k1 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n").unwrap();
    let store = ConfigStore::new(test.db().clone(), Arc::new(Keys::fixed(ring)), clock.clone(), entropy.clone());
    let manager = Manager::builder().store(store).context(context).build();
    let _slack = manager.register(Slack::<Shop>::new().telling::<OrderPaid>()).unwrap();
    let worker = manager.jobs(Worker::new(Jobs::new(test.db().clone(), clock, entropy)));
    let _running = manager.run();

    let (url, room) = slack().await;
    let large = json!({ "mode": "all", "conditions": [
        { "fact": "amount", "operator": "greater_than", "value": 1000 },
    ] });
    let all = save(&manager, "all", json!({ "url": format!("{url}/good") })).await;
    save(&manager, "large", json!({ "url": format!("{url}/good"), "rules": large })).await;
    let gone = save(&manager, "gone", json!({ "url": format!("{url}/revoked") })).await;
    manager.wait_until(|manager| manager.state(&Slack::<Shop>::ID) == RunState::Running).await;

    manager.dispatch(&OrderPaid { site: SITE.to_owned(), number: 7, amount: 20 }).await.unwrap();
    worker.run_due().await;
    let messages = room.messages();
    assert_eq!(messages.len(), 1, "one wants it and is known");
    assert_eq!(messages[0]["attachments"][0]["title"], "Order 7 was paid");
    let sent = manager.deliveries(&scope(), all, &DeliveryFilter::default(), None, 9).await.unwrap();
    assert_eq!(sent[0].state, DeliveryState::Delivered);

    assert!(!manager.find(&scope(), gone).await.unwrap().unwrap().enabled);
    let notices = manager.notices(&scope(), None, 9).await.unwrap();
    assert_eq!((notices.len(), notices[0].kind, notices[0].config), (1, NoticeKind::SwitchedOff, Some(gone)));
    assert_eq!(notices[0].reason, "the chat service does not accept this webhook (404: no_service)");
}
