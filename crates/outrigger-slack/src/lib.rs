#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod answer;
mod payload;

use http::Method;
use outrigger_integrations::rule::Rules;
use outrigger_integrations::{
    About, Announce, Announcement, CheckReport, ConfigOf, Context, DeliveryId, Fault, Host, HttpUrl, Icon, Integration,
    IntegrationId, Level, OutboundError, Reply, Secret, SendError, Sent, Settings, Start,
};
use serde_json::json;

/// What a configuration says.
#[derive(Settings)]
pub struct SlackSettings<H: Host> {
    /// The address that the chat service made for its room. Whoever knows it can write there, so it is kept as a
    /// secret. For Discord, add `/slack` to the end.
    #[group(title = "Where to")]
    #[field(label = "Webhook URL", placeholder = "https://hooks.slack.com/services/…")]
    pub url: Secret<HttpUrl>,
    /// Another room than the webhook's own, where the service allows that.
    #[field(label = "Channel", placeholder = "#deploys", max_len = 80)]
    pub channel: Option<String>,
    /// The name that the messages come from, where the service allows that.
    #[field(label = "Name", max_len = 80)]
    pub username: Option<String>,
    /// All events, unless you say which.
    #[group(title = "Which events", wide)]
    #[field(label = "Events")]
    pub rules: Rules<H::Facts>,
}

// By hand, as a derive would ask the same of `H`.
impl<H: Host> Clone for SlackSettings<H> {
    fn clone(&self) -> Self {
        Self {
            url: self.url.clone(),
            channel: self.channel.clone(),
            username: self.username.clone(),
            rules: self.rules.clone(),
        }
    }
}

/// The integration.
pub struct Slack<H: Host> {
    subscriptions: Vec<fn(&mut Start<H, Self>)>,
}

impl<H: Host> Default for Slack<H> {
    fn default() -> Self {
        Self { subscriptions: Vec::new() }
    }
}

impl<H: Host> Slack<H> {
    /// One that tells nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells of this event too.
    #[must_use]
    pub fn telling<E: Announce<H>>(mut self) -> Self {
        self.subscriptions.push(|start| {
            start.on::<E, _, _>(|heard| async move {
                let announcement = heard.event().announcement();
                heard.configs().iter().try_for_each(|config| heard.deliver(config, &announcement))
            });
        });
        self
    }
}

impl<H: Host> Integration<H> for Slack<H> {
    const ID: IntegrationId = IntegrationId::new("outrigger.slack");
    type Settings = SlackSettings<H>;
    type Message = Announcement;

    fn about(&self) -> About {
        About::new("Chat", "Posts to a room in Slack, Mattermost or Discord when something happens.")
            .icon(Icon::svg(include_str!("icon.svg")))
    }

    async fn start(&self, start: &mut Start<H, Self>) -> Result<(), Fault> {
        self.subscriptions.iter().for_each(|subscribe| subscribe(start));
        Ok(())
    }

    /// Sends a message without content: the services refuse it, and by how they do that they tell whether they know
    /// the webhook. Nobody in the room sees anything.
    async fn check(&self, draft: &ConfigOf<H, Self>, context: &Context) -> CheckReport {
        answer::to_check(post(&draft.settings, json!({}).to_string(), context).await)
    }

    async fn send(
        &self,
        config: &ConfigOf<H, Self>,
        message: &Announcement,
        _: &DeliveryId,
        context: &Context,
    ) -> Result<Sent, SendError> {
        let settings = &config.settings;
        let payload = payload::of(message, settings.channel.as_deref(), settings.username.as_deref());
        answer::to_message(post(settings, payload.to_string(), context).await)
    }

    fn sample(&self) -> Option<Announcement> {
        let sample = Announcement::new("A sample message")
            .text("If you can read this, messages arrive here.")
            .level(Level::Success)
            .field("Sent by", "the button “Send sample”");
        Some(sample)
    }
}

async fn post<H: Host>(settings: &SlackSettings<H>, body: String, context: &Context) -> Result<Reply, OutboundError> {
    let request = context
        .outbound
        .request(Method::POST, settings.url.expose().as_url().clone())
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body);
    context.outbound.send(request).await
}
