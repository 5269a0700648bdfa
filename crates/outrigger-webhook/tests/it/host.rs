//! A host with one event, and the integration in it.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::{SystemClock, SystemEntropy};
use outrigger_integrations::{
    CheckReport, Config, ConfigOf, Context, DeliveryId, Event, Facts, Host, Integration, Outbound, Scope, SendError,
    Sent, Settings,
};
use outrigger_webhook::{Envelope, Webhook, WebhookSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwQQ9w";

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

pub(crate) fn settings(values: Value) -> WebhookSettings<Shop> {
    WebhookSettings::from_values(&serde_json::from_value(values).unwrap()).unwrap_or_else(|faults| panic!("{faults}"))
}

pub(crate) fn config(values: Value) -> ConfigOf<Shop, Webhook<Shop>> {
    Config::unsaved(Webhook::<Shop>::ID, Scope::System, settings(values), ())
}

/// Receivers compare with the time that it is.
pub(crate) fn context(allow_private: bool, timeout: Duration) -> Context {
    let outbound = Outbound::new(allow_private, timeout).unwrap();
    Context { outbound, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
}

pub(crate) fn open() -> Context {
    context(true, Duration::from_secs(10))
}

pub(crate) fn delivery() -> DeliveryId {
    DeliveryId::from_uuid(uuid::Uuid::from_u128(7))
}

pub(crate) fn message() -> Envelope {
    let timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    Envelope { kind: "order.paid".into(), timestamp, data: json!({ "number": 7, "who": "Zoë" }) }
}

pub(crate) async fn send_to(url: &str, context: &Context) -> Result<Sent, SendError> {
    let config = config(json!({ "url": url, "secret": SECRET }));
    Webhook::<Shop>::new().send(&config, &message(), &delivery(), context).await
}

pub(crate) async fn check(url: &str, context: &Context) -> CheckReport {
    Webhook::<Shop>::new().check(&config(json!({ "url": url, "secret": SECRET })), context).await
}
