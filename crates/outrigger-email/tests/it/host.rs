//! A host with one event, and the integration in it.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::{ManualClock, SystemEntropy};
use outrigger_email::{Email, EmailSettings};
use outrigger_integrations::{
    Announce, Announcement, CheckReport, Config, ConfigOf, Context, DeliveryId, Event, Facts, FieldFaults, Host,
    Integration, Outbound, Scope, SendError, Sent, Settings,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) struct Shop;

#[derive(Facts)]
pub(crate) struct OrderFacts {
    amount: i64,
}

impl Host for Shop {
    type Facts = OrderFacts;
    type Extra = ();
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct OrderPaid {
    pub(crate) site: String,
    pub(crate) number: u32,
    pub(crate) amount: i64,
}

impl Event<Shop> for OrderPaid {
    const NAME: &'static str = "order.paid";

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Site(self.site.as_str().into())]
    }

    fn facts(&self) -> OrderFacts {
        OrderFacts { amount: self.amount }
    }
}

impl Announce<Shop> for OrderPaid {
    fn announcement(&self) -> Announcement {
        Announcement::new(format!("Order {} was paid", self.number))
    }
}

/// Settings for a server at this port without protection, changed so.
pub(crate) fn values(port: u16, changes: Value) -> Value {
    let mut values = json!({
        "host": "localhost",
        "port": port,
        "protection": "none",
        "from": "shop@example.com",
        "to": ["ada@example.com"],
    });
    let all = values.as_object_mut().unwrap();
    all.extend(changes.as_object().unwrap().clone());
    values
}

pub(crate) fn settings(values: Value) -> Result<EmailSettings<Shop>, FieldFaults> {
    EmailSettings::from_values(&serde_json::from_value(values).unwrap())
}

pub(crate) fn config(values: Value) -> ConfigOf<Shop, Email<Shop>> {
    let settings = settings(values).unwrap_or_else(|faults| panic!("{faults}"));
    Config::unsaved(Email::<Shop>::ID, Scope::System, settings, ())
}

pub(crate) fn context(allow_private: bool, timeout: Duration) -> Context {
    let outbound = Outbound::new(allow_private, timeout).unwrap();
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
    Context { outbound, clock: Arc::new(clock), entropy: Arc::new(SystemEntropy) }
}

pub(crate) fn open() -> Context {
    context(true, Duration::from_secs(10))
}

pub(crate) fn delivery(number: u128) -> DeliveryId {
    DeliveryId::from_uuid(uuid::Uuid::from_u128(number))
}

pub(crate) async fn send(values: Value, message: &Announcement) -> Result<Sent, SendError> {
    Email::<Shop>::new().send(&config(values), message, &delivery(7), &open()).await
}

pub(crate) async fn check(values: Value) -> CheckReport {
    Email::<Shop>::new().check(&config(values), &open()).await
}
