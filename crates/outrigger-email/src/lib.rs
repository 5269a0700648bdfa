#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod compose;
mod failure;
mod smtp;

use outrigger_integrations::rule::Rules;
use outrigger_integrations::{
    About, Announce, Announcement, CheckReport, Choice, ConfigOf, Context, DeliveryId, EmailAddress, Fault,
    FieldFaults, Host, Icon, Integration, IntegrationId, Level, Secret, SendError, Sent, Settings, Start,
};

/// What a configuration says.
#[derive(Settings)]
#[settings(validate = check_sign_in)]
pub struct EmailSettings<H: Host> {
    /// The server that takes the messages.
    #[group(title = "Server")]
    #[field(label = "Host", placeholder = "smtp.example.com", max_len = 253)]
    pub host: String,
    /// Usually 587 with STARTTLS and 465 with TLS.
    #[field(label = "Port", default = 587, min = 1, max = 65535)]
    pub port: u16,
    /// How the connection is protected. Without protection anybody on the way can read the messages, and no password
    /// is sent.
    #[field(label = "Protection", default = Protection::StartTls)]
    pub protection: Protection,
    /// Empty if the server asks for none.
    #[field(label = "User name", max_len = 255)]
    pub username: Option<String>,
    /// To be entered again when the server or the user name changes.
    #[field(label = "Password", bound_to(host, port, protection, username))]
    pub password: Option<Secret<String>>,
    /// The address that the messages come from.
    #[group(title = "Messages")]
    #[field(label = "From")]
    pub from: EmailAddress,
    /// Whom to tell.
    #[field(label = "To", min_len = 1, max_len = 50)]
    pub to: Vec<EmailAddress>,
    /// Stands before each subject, so that people can sort.
    #[field(label = "Subject prefix", placeholder = "[harbor]", max_len = 60)]
    pub subject_prefix: Option<String>,
    /// All events, unless you say which.
    #[group(title = "Which events", wide)]
    #[field(label = "Events")]
    pub rules: Rules<H::Facts>,
}

// By hand, as a derive would ask the same of `H`.
impl<H: Host> Clone for EmailSettings<H> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            port: self.port,
            protection: self.protection,
            username: self.username.clone(),
            password: self.password.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            subject_prefix: self.subject_prefix.clone(),
            rules: self.rules.clone(),
        }
    }
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Protection {
    /// Begins in plain text and changes to TLS before anything else, or fails.
    #[choice(label = "STARTTLS")]
    StartTls,
    /// TLS from the first byte.
    #[choice(label = "TLS")]
    Tls,
    /// None: for a server on the same machine or in the same network.
    #[choice(label = "None")]
    None,
}

fn check_sign_in<H: Host>(settings: &EmailSettings<H>, faults: &mut FieldFaults) {
    if settings.username.is_some() != settings.password.is_some() {
        faults.add("password", "A user name and a password go together.");
    }
    if settings.password.is_some() && settings.protection == Protection::None {
        faults.add("protection", "A password needs a protected connection.");
    }
}

/// The integration.
pub struct Email<H: Host> {
    subscriptions: Vec<fn(&mut Start<H, Self>)>,
}

impl<H: Host> Default for Email<H> {
    fn default() -> Self {
        Self { subscriptions: Vec::new() }
    }
}

impl<H: Host> Email<H> {
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

impl<H: Host> Integration<H> for Email<H> {
    const ID: IntegrationId = IntegrationId::new("outrigger.email");
    type Settings = EmailSettings<H>;
    type Message = Announcement;

    fn about(&self) -> About {
        About::new("E-mail", "Writes to people when something happens.").icon(Icon::svg(include_str!("icon.svg")))
    }

    async fn start(&self, start: &mut Start<H, Self>) -> Result<(), Fault> {
        self.subscriptions.iter().for_each(|subscribe| subscribe(start));
        Ok(())
    }

    /// Connects and signs in, and sends nothing.
    async fn check(&self, draft: &ConfigOf<H, Self>, context: &Context) -> CheckReport {
        failure::report(smtp::check(&draft.settings, &context.outbound).await)
    }

    async fn send(
        &self,
        config: &ConfigOf<H, Self>,
        message: &Announcement,
        delivery: &DeliveryId,
        context: &Context,
    ) -> Result<Sent, SendError> {
        let mail = compose::mail(&config.settings, message, delivery, context.clock.now())?;
        Ok(smtp::send(&config.settings, &context.outbound, &mail).await?)
    }

    fn sample(&self) -> Option<Announcement> {
        Some(
            Announcement::new("A sample message")
                .text("If you can read this, messages arrive here.")
                .level(Level::Success),
        )
    }
}
