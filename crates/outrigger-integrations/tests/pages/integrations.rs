//! A host with some integrations, as different as the pages have to cope with.

use std::collections::BTreeMap;
use std::time::Duration;

use outrigger_integrations::form::Choice as Option_;
use outrigger_integrations::rule::{Facts, Rules};
use outrigger_integrations::{
    About, CheckReport, Choice, ConfigOf, Context, DeliveryId, Fault, FieldFaults, Host, HttpUrl, Icon, Integration,
    IntegrationId, Secret, SendError, Sent, Settings, Start, Values,
};

#[derive(Debug)]
pub(crate) struct Shop;

impl Host for Shop {
    type Facts = OrderFacts;
    type Extra = ();
}

#[derive(Facts)]
pub(crate) struct OrderFacts {
    /// How much it costs.
    pub(crate) total: i64,
    #[fact(label = "Customer's country")]
    pub(crate) country: Option<String>,
    #[fact(label = "Products")]
    pub(crate) products: Vec<String>,
    #[fact(label = "Is a gift")]
    pub(crate) gift: bool,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Short,
    Long,
}

/// Everything a form can have.
#[derive(Settings, Clone)]
#[settings(validate = chat_rules)]
pub(crate) struct Chat {
    #[group(
        title = "Where to post",
        help = "Add an incoming webhook in the chat service, then paste its address here."
    )]
    #[field(label = "Webhook URL", placeholder = "https://chat.example.com/hooks/…")]
    /// Whoever has this address can post to the channel.
    pub(crate) webhook: Secret<HttpUrl>,
    #[field(label = "Workspace", options_from)]
    pub(crate) workspace: Option<String>,
    #[field(label = "Channel", options_from, depends_on(workspace))]
    /// Leave it empty for the webhook's own channel.
    pub(crate) channel: Option<String>,
    #[group(title = "How it looks")]
    #[field(label = "Post as", default = "Shop")]
    pub(crate) post_as: String,
    #[field(label = "Style", default = Style::Short)]
    pub(crate) style: Style,
    #[field(label = "Signature", shown_if(field = "style", is = "long"))]
    /// Put below each long message.
    pub(crate) signature: Option<String>,
    #[field(label = "Mention", placeholder = "@somebody")]
    /// Who is to be called.
    pub(crate) mention: Vec<String>,
    #[field(label = "Words to replace")]
    pub(crate) replace: BTreeMap<String, String>,
    #[field(label = "Wait before posting", default = Duration::from_secs(90))]
    pub(crate) wait: Duration,
    #[group(title = "Which orders", help = "Without conditions every order is posted.", wide)]
    #[field(label = "Orders")]
    pub(crate) rules: Rules<OrderFacts>,
}

fn chat_rules(chat: &Chat, faults: &mut FieldFaults) {
    if chat.mention.len() > 3 {
        faults.add("mention", "Three are enough.");
    }
}

pub(crate) struct ChatIntegration;

const CHAT_ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="11" fill="#5b4bd6"/><path d="M13 15.5A3.5 3.5 0 0 1 16.500 12h15a3.500 3.500 0 0 1 3.500 3.500v10a3.500 3.500 0 0 1-3.500 3.500H23l-7 6v-6h-.5A2.500 2.500 0 0 1 13 26.500z" fill="#fff"/></svg>"##;

impl Integration<Shop> for ChatIntegration {
    const ID: IntegrationId = IntegrationId::new("acme.chat");
    type Settings = Chat;
    type Message = String;

    fn about(&self) -> About {
        About::new("Team Chat", "Posts to a channel when orders come in, are paid or go wrong.")
            .icon(Icon::svg(CHAT_ICON))
            .docs_url("https://example.com/chat")
    }

    async fn check(&self, draft: &ConfigOf<Shop, Self>, _: &Context) -> CheckReport {
        match draft.settings.webhook.expose().as_str() {
            url if url.contains("down") => CheckReport::new().unavailable("The chat service did not answer in time."),
            url if url.contains("wrong") => CheckReport::new()
                .passed("The chat service answers.")
                .refused_field("webhook", "The chat service does not know this webhook."),
            _ => CheckReport::new().passed("The chat service answers.").passed("The webhook may post to its channel."),
        }
    }

    fn sample(&self) -> Option<String> {
        Some("A sample from your shop.".to_owned())
    }

    async fn send(
        &self,
        config: &ConfigOf<Shop, Self>,
        message: &String,
        _: &DeliveryId,
        _: &Context,
    ) -> Result<Sent, SendError> {
        if config.settings.post_as == "Nobody" {
            return Err(SendError::refused(format!("the channel is archived, so “{message}” was not taken")));
        }
        Ok(Sent { status: Some(200), summary: "ok".to_owned() })
    }

    async fn options(&self, field: &str, values: &Values, _: &Context) -> Result<Vec<Option_>, Fault> {
        match (field, values.get("workspace").and_then(|workspace| workspace.as_str())) {
            ("workspace", _) => Ok(vec![Option_::new("sales", "Sales"), Option_::new("ops", "Operations")]),
            (_, Some(workspace)) => {
                let of = |name: &str| Option_::new(format!("{workspace}-{name}"), format!("#{workspace}-{name}"));
                Ok(vec![of("general"), of("orders")])
            }
            (_, None) => Err(Fault::new("Choose a workspace first.")),
        }
    }
}

/// No icon, an id with a hyphen, a name with markup in it.
pub(crate) struct Odd;

#[derive(Settings, Clone)]
pub(crate) struct OddSettings {
    #[field(label = "<b>Label</b>")]
    pub(crate) text: Option<String>,
}

impl Integration<Shop> for Odd {
    const ID: IntegrationId = IntegrationId::new("odd-one_2.x");
    type Settings = OddSettings;
    type Message = ();

    fn about(&self) -> About {
        About::new("</script><script>alert(1)</script>", "\"'<&> odd")
    }
}

macro_rules! simple {
    ($name:ident, $settings:ident, $id:literal, $title:literal, $summary:literal) => {
        #[derive(Settings, Clone)]
        pub(crate) struct $settings {
            #[field(label = "API token")]
            /// Make one in your profile of the service.
            pub(crate) token: Secret<String>,
            #[field(label = "Project", placeholder = "shop-backend")]
            pub(crate) project: String,
        }

        pub(crate) struct $name;

        impl Integration<Shop> for $name {
            const ID: IntegrationId = IntegrationId::new($id);
            type Settings = $settings;
            type Message = ();

            fn about(&self) -> About {
                About::new($title, $summary)
            }
        }
    };
}

simple!(Pager, PagerSettings, "acme.pager", "Pager", "Calls whoever is on duty when payments fail.");
simple!(Board, BoardSettings, "acme.board", "Task Board", "Makes a card of each return and moves it along.");
simple!(Gone, GoneSettings, "acme.gone", "Gone", "Was there once.");
simple!(Mail, MailSettings, "acme.mail", "Mail Digest", "Sends one mail a day with what happened.");

/// Fails when it is started.
pub(crate) struct Broken;

#[derive(Settings, Clone)]
pub(crate) struct BrokenSettings {
    #[field(label = "Server")]
    pub(crate) server: Option<String>,
}

impl Integration<Shop> for Broken {
    const ID: IntegrationId = IntegrationId::new("acme.ledger");
    type Settings = BrokenSettings;
    type Message = ();

    fn about(&self) -> About {
        About::new("Ledger", "Books each payment into the accounting system.")
    }

    async fn start(&self, _: &mut Start<Shop, Self>) -> Result<(), Fault> {
        Err(Fault::new("The ledger's certificate has expired."))
    }
}
