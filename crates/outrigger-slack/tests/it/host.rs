//! A host with one event, and the integration in it.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::{ManualClock, SystemEntropy};
use outrigger_integrations::{
    Announce, Announcement, CheckReport, Config, ConfigOf, Context, DeliveryId, Event, Facts, Host, Integration,
    Outbound, Scope, SendError, Sent, Settings,
};
use outrigger_slack::{Slack, SlackSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) struct Shop;

#[derive(Facts)]
pub(crate) struct OrderFacts {
    pub(crate) amount: i64,
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

pub(crate) fn config(values: Value) -> ConfigOf<Shop, Slack<Shop>> {
    let values = serde_json::from_value(values).unwrap();
    let settings = SlackSettings::from_values(&values).unwrap_or_else(|faults| panic!("{faults}"));
    Config::unsaved(Slack::<Shop>::ID, Scope::System, settings, ())
}

/// With private addresses allowed, and little patience.
pub(crate) fn context() -> Context {
    context_with(Outbound::new(true, Duration::from_secs(10)).unwrap())
}

pub(crate) fn context_with(outbound: Outbound) -> Context {
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
    Context { outbound, clock: Arc::new(clock), entropy: Arc::new(SystemEntropy) }
}

pub(crate) async fn check(url: &str) -> CheckReport {
    Slack::<Shop>::new().check(&config(json!({ "url": url })), &context()).await
}

pub(crate) async fn send(url: &str, message: &Announcement) -> Result<Sent, SendError> {
    send_as(json!({ "url": url }), message).await
}

pub(crate) async fn send_as(settings: Value, message: &Announcement) -> Result<Sent, SendError> {
    let delivery = DeliveryId::from_uuid(uuid::Uuid::nil());
    Slack::<Shop>::new().send(&config(settings), message, &delivery, &context()).await
}
