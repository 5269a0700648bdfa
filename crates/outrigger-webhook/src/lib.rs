#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod answer;

use http::Method;
use jiff::Timestamp;
use outrigger_integrations::rule::Rules;
use outrigger_integrations::webhook_signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecret, sign};
use outrigger_integrations::{
    About, CheckReport, ConfigOf, Context, DeliveryId, Event, Fault, FieldFaults, Host, HttpUrl, Icon, Integration,
    IntegrationId, Secret, SendError, Sent, Settings, Start,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a configuration says.
#[derive(Settings)]
#[settings(validate = check_secrets)]
pub struct WebhookSettings<H: Host> {
    /// Where the events go. Many such addresses hold a token, so it is kept as a secret.
    #[group(title = "Where to")]
    #[field(label = "URL", placeholder = "https://example.com/hooks/outrigger")]
    pub url: Secret<HttpUrl>,
    /// Signs each message; the receiver has to know it too. `whsec_` and 24 to 64 random bytes in base64, as
    /// `echo whsec_$(openssl rand -base64 32)` prints it.
    #[group(title = "Signature")]
    #[field(label = "Signing secret", placeholder = "whsec_…", min_len = 38, max_len = 94)]
    pub secret: Secret<String>,
    /// While the receiver changes to a new secret: the one before, which signs too.
    #[field(label = "Previous signing secret", placeholder = "whsec_…", min_len = 38, max_len = 94)]
    pub previous_secret: Option<Secret<String>>,
    /// All events, unless you say which.
    #[group(title = "Which events", wide)]
    #[field(label = "Events")]
    pub rules: Rules<H::Facts>,
}

fn check_secrets<H: Host>(settings: &WebhookSettings<H>, faults: &mut FieldFaults) {
    let secrets = [("secret", Some(&settings.secret)), ("previous_secret", settings.previous_secret.as_ref())];
    for (field, secret) in secrets {
        if secret.is_some_and(|secret| secret.expose().parse::<WebhookSecret>().is_err()) {
            faults.add(field, "This has to be `whsec_` and 24 to 64 bytes in base64.");
        }
    }
}

impl<H: Host> WebhookSettings<H> {
    fn signing_secrets(&self) -> Result<Vec<WebhookSecret>, SendError> {
        let secrets = [Some(&self.secret), self.previous_secret.as_ref()].into_iter().flatten();
        let parsed: Result<Vec<WebhookSecret>, _> = secrets.map(|secret| secret.expose().parse()).collect();
        parsed.map_err(|_| SendError::broken("the signing secret is not valid: enter it again"))
    }
}

// By hand, as a derive would ask the same of `H`.
impl<H: Host> Clone for WebhookSettings<H> {
    fn clone(&self) -> Self {
        Self {
            url: self.url.clone(),
            secret: self.secret.clone(),
            previous_secret: self.previous_secret.clone(),
            rules: self.rules.clone(),
        }
    }
}

/// What is sent: an event with its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The name of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The event.
    pub data: Value,
}

/// The integration.
pub struct Webhook<H: Host> {
    subscriptions: Vec<fn(&mut Start<H, Self>)>,
}

impl<H: Host> Default for Webhook<H> {
    fn default() -> Self {
        Self { subscriptions: Vec::new() }
    }
}

impl<H: Host> Webhook<H> {
    /// One that sends nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends this event too.
    #[must_use]
    pub fn sending<E: Event<H>>(mut self) -> Self {
        self.subscriptions.push(|start| {
            start.on::<E, _, _>(|heard| async move {
                let data = serde_json::to_value(heard.event())
                    .map_err(|error| Fault::new(format!("`{}` cannot be written as JSON: {error}", E::NAME)))?;
                let envelope = Envelope { kind: E::NAME.to_owned(), timestamp: heard.at(), data };
                heard.configs().iter().try_for_each(|config| heard.deliver(config, &envelope))
            });
        });
        self
    }
}

impl<H: Host> Integration<H> for Webhook<H> {
    const ID: IntegrationId = IntegrationId::new("outrigger.webhook");
    type Settings = WebhookSettings<H>;
    type Message = Envelope;

    fn about(&self) -> About {
        About::new("Webhook", "Sends events as signed JSON to a URL of yours.")
            .icon(Icon::svg(include_str!("icon.svg")))
    }

    async fn start(&self, start: &mut Start<H, Self>) -> Result<(), Fault> {
        self.subscriptions.iter().for_each(|subscribe| subscribe(start));
        Ok(())
    }

    /// Asks the server which methods it takes there, which leaves nothing behind.
    async fn check(&self, draft: &ConfigOf<H, Self>, context: &Context) -> CheckReport {
        let url = draft.settings.url.expose().as_url().clone();
        answer::to_check(context.outbound.send(context.outbound.request(Method::OPTIONS, url)).await)
    }

    async fn send(
        &self,
        config: &ConfigOf<H, Self>,
        message: &Envelope,
        delivery: &DeliveryId,
        context: &Context,
    ) -> Result<Sent, SendError> {
        let body = serde_json::to_string(message).map_err(|error| SendError::refused(error.to_string()))?;
        let (id, now) = (delivery.to_string(), context.clock.now().as_second());
        let signature = sign(&config.settings.signing_secrets()?, &id, now, body.as_bytes());
        let request = context
            .outbound
            .request(Method::POST, config.settings.url.expose().as_url().clone())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(ID_HEADER, &id)
            .header(TIMESTAMP_HEADER, now.to_string())
            .header(SIGNATURE_HEADER, signature)
            .body(body);
        answer::to_message(context.outbound.send(request).await)
    }

    fn sample(&self) -> Option<Envelope> {
        let data = serde_json::json!({ "text": "If you can read this, events arrive here." });
        Some(Envelope { kind: "sample".to_owned(), timestamp: Timestamp::UNIX_EPOCH, data })
    }
}
