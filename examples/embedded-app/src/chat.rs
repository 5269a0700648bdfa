//! An integration written for the board: it tells a room of a chat service. `docs/guide-writing-integrations.md` quotes
//! this file.

// [guide: imports]
use http::{Method, StatusCode, header};
use outrigger_integrations::form::Choice;
use outrigger_integrations::{
    About, CheckReport, ConfigOf, Context, DeliveryId, Fault, Heard, HttpUrl, Icon, Integration, IntegrationId, Reply,
    Rules, Secret, SendError, Sent, Settings, Start, Values,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::events::{ReviewApproved, ReviewOpened};
use crate::host::{Board, ReviewFacts};
// [end]

// [guide: settings]
/// What one configuration says.
#[derive(Clone, Settings)]
pub struct ChatSettings {
    /// The address that the chat service gave you. Whoever knows it can post, so it is kept secret.
    #[group(title = "Where to post")]
    #[field(label = "Address", placeholder = "https://chat.example.com/hooks/…")]
    pub address: Secret<HttpUrl>,
    /// The rooms of this address.
    #[field(options_from, depends_on(address))]
    pub room: String,
    /// Stands in front of each message.
    #[group(title = "What to post")]
    #[field(default = "Board", max_len = 40)]
    pub signature: String,
    /// Leave it at "always" to hear of all reviews.
    #[field(label = "Which reviews")]
    pub rules: Rules<ReviewFacts>,
}
// [end]

// [guide: message]
/// What waits in the queue until it has been sent.
#[derive(Serialize, Deserialize)]
pub struct Message {
    text: String,
}
// [end]

// [guide: integration]
/// Tells a room of a chat service about reviews.
pub struct Chat;

impl Integration<Board> for Chat {
    const ID: IntegrationId = IntegrationId::new("board.chat");
    type Settings = ChatSettings;
    type Message = Message;

    fn about(&self) -> About {
        About::new("Team chat", "Tells a room when a review is opened or approved.").icon(Icon::svg(ICON))
    }
    // [end]

    // [guide: start]
    async fn start(&self, start: &mut Start<Board, Self>) -> Result<(), Fault> {
        start.on(async |heard: Heard<Board, Self, ReviewOpened>| {
            let review = &heard.event().review;
            let text = format!("{} asks for a review of “{}” ({})", review.author, review.title, review.repository);
            tell(&heard, text)
        });
        start.on(async |heard: Heard<Board, Self, ReviewApproved>| {
            let text = format!("{} approved “{}”", heard.event().by, heard.event().review.title);
            tell(&heard, text)
        });
        Ok(())
    }
    // [end]

    // [guide: send]
    async fn send(
        &self,
        config: &ConfigOf<Board, Self>,
        message: &Message,
        delivery: &DeliveryId,
        context: &Context,
    ) -> Result<Sent, SendError> {
        let ChatSettings { address, room, signature, .. } = &config.settings;
        let body = json!({ "room": room, "text": format!("{signature}: {}", message.text) });
        let request = context
            .outbound
            .request(Method::POST, address.expose().as_url().clone())
            .header("idempotency-key", delivery.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string());
        let reply = context.outbound.send(request).await?;
        match reply.status {
            status if status.is_success() => Ok(Sent { status: Some(status.as_u16()), summary: "posted".into() }),
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                Err(SendError::broken("the chat service knows no such address"))
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(SendError::retry(format!("the chat service answered {status}")))
            }
            status => Err(SendError::refused(format!("the chat service answered {status}"))),
        }
    }

    fn sample(&self) -> Option<Message> {
        Some(Message { text: "this is what a message looks like".into() })
    }
    // [end]

    // [guide: check]
    async fn check(&self, draft: &ConfigOf<Board, Self>, context: &Context) -> CheckReport {
        match rooms(draft.settings.address.expose(), context).await {
            Ok(rooms) if rooms.contains(&draft.settings.room) => CheckReport::new().passed("The room is there."),
            Ok(_) => CheckReport::new().refused_field("room", "There is no such room."),
            Err(Unknown::Address) => CheckReport::new().refused_field("address", "The service knows no such address."),
            Err(Unknown::Answer(why)) => CheckReport::new().unavailable(why),
        }
    }
    // [end]

    // [guide: options]
    async fn options(&self, field: &str, values: &Values, context: &Context) -> Result<Vec<Choice>, Fault> {
        let address = values.get("address").and_then(|address| address.as_str()).unwrap_or_default();
        let address: HttpUrl = address.parse().map_err(|_| Fault::new("Fill in the address first."))?;
        match rooms(&address, context).await {
            Ok(rooms) if field == "room" => {
                Ok(rooms.iter().map(|room| Choice::new(room.clone(), room.clone())).collect())
            }
            Ok(_) => Ok(Vec::new()),
            Err(Unknown::Address) => Err(Fault::new("The service knows no such address.")),
            Err(Unknown::Answer(why)) => Err(Fault::new(why)),
        }
    }
    // [end]
}

// [guide: tell]
/// One message to each configuration that wants the event.
fn tell<E: outrigger_integrations::Event<Board>>(heard: &Heard<Board, Chat, E>, text: String) -> Result<(), Fault> {
    heard.configs().iter().try_for_each(|config| heard.deliver(config, &Message { text: text.clone() }))
}
// [end]

// [guide: rooms]
/// Why nobody can say which rooms there are.
enum Unknown {
    Address,
    Answer(String),
}

#[derive(Deserialize)]
struct Rooms {
    rooms: Vec<String>,
}

/// Asks the service for the rooms of an address, which leaves nothing behind.
async fn rooms(address: &HttpUrl, context: &Context) -> Result<Vec<String>, Unknown> {
    let request = context.outbound.request(Method::GET, address.as_url().clone());
    let reply = context.outbound.send(request).await.map_err(|error| Unknown::Answer(error.to_string()))?;
    match reply {
        Reply { status: StatusCode::NOT_FOUND | StatusCode::GONE, .. } => Err(Unknown::Address),
        Reply { status, body, .. } if status.is_success() => {
            let rooms: Rooms = serde_json::from_slice(&body)
                .map_err(|_| Unknown::Answer("This does not answer like the chat service.".into()))?;
            Ok(rooms.rooms)
        }
        Reply { status, .. } => Err(Unknown::Answer(format!("The chat service answered {status}."))),
    }
}
// [end]

const ICON: &str = include_str!("chat.svg");
