//! Stand-ins that answer as the three services do.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use serde_json::{Value, json};

/// What a service has shown in its room.
#[derive(Clone, Default)]
pub(crate) struct Room(Arc<Mutex<Vec<Value>>>);

impl Room {
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    fn show(&self, message: Value) {
        self.0.lock().unwrap().push(message);
    }
}

/// Serves until the test's runtime ends. The URL has no slash at its end.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// Answers everything with this.
pub(crate) async fn always(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: impl Into<String>,
) -> String {
    let body = body.into();
    let answer = move || {
        let body = body.clone();
        async move {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
    };
    serve(Router::new().fallback(any(answer))).await
}

/// `/services/T0/B0/…`: `good` is known, `archived` leads to a room that is archived, `gone` has been revoked.
pub(crate) async fn slack() -> (String, Room) {
    async fn hook(State(room): State<Room>, Path(token): Path<String>, body: Bytes) -> Response {
        let word = |status, word: &'static str| (status, word).into_response();
        let Ok(message) = serde_json::from_slice::<Value>(&body) else {
            return word(StatusCode::BAD_REQUEST, "invalid_payload");
        };
        match token.as_str() {
            "good" => {}
            "archived" => return word(StatusCode::GONE, "channel_is_archived"),
            "forbidden" => return word(StatusCode::FORBIDDEN, "action_prohibited"),
            _ => return word(StatusCode::NOT_FOUND, "no_service"),
        }
        let attachments = message["attachments"].as_array().map_or(0, Vec::len);
        match (message["text"].as_str().unwrap_or_default(), attachments) {
            ("", 0) => return word(StatusCode::BAD_REQUEST, "no_text"),
            (_, 101..) => return word(StatusCode::BAD_REQUEST, "too_many_attachments"),
            _ => {}
        }
        room.show(message);
        word(StatusCode::OK, "ok")
    }
    let room = Room::default();
    let router = Router::new().route("/services/T0/B0/{token}", post(hook)).with_state(room.clone());
    (serve(router).await + "/services/T0/B0", room)
}

/// `/hooks/…`: `good` is known. It looks at the message before it looks for the webhook.
pub(crate) async fn mattermost() -> (String, Room) {
    fn fault(status: StatusCode, id: &str, message: &str) -> Response {
        let body = json!({
            "id": id,
            "message": message,
            "detailed_error": "",
            "request_id": "8hf1p1zdnbgzdcx5sk3mfqgs9c",
            "status_code": status.as_u16(),
        });
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
    async fn hook(State(room): State<Room>, Path(token): Path<String>, body: Bytes) -> Response {
        let Ok(message) = serde_json::from_slice::<Value>(&body) else {
            let text = "Unable to parse incoming data.";
            return fault(StatusCode::BAD_REQUEST, "web.incoming_webhook.parse.app_error", text);
        };
        if message["text"].as_str().unwrap_or_default().is_empty() && message["attachments"].is_null() {
            let text = "No text specified.";
            return fault(StatusCode::BAD_REQUEST, "web.incoming_webhook.text.app_error", text);
        }
        if token != "good" {
            return fault(StatusCode::BAD_REQUEST, "web.incoming_webhook.invalid.app_error", "Invalid webhook.");
        }
        if message["channel"] == "#locked" {
            let text = "You do not have the permission to post to this channel.";
            return fault(StatusCode::FORBIDDEN, "web.incoming_webhook.channel_locked.app_error", text);
        }
        room.show(message);
        (StatusCode::OK, "ok").into_response()
    }
    let room = Room::default();
    let router = Router::new().route("/hooks/{token}", post(hook)).with_state(room.clone());
    (serve(router).await + "/hooks", room)
}

/// `/api/webhooks/1/…/slack`: `good` is known. It counts characters.
pub(crate) async fn discord() -> (String, Room) {
    fn fault(status: StatusCode, code: u32, message: &str) -> Response {
        let body = json!({ "message": message, "code": code });
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
    async fn hook(State(room): State<Room>, Path(token): Path<String>, body: Bytes) -> Response {
        let Ok(message) = serde_json::from_slice::<Value>(&body) else {
            return fault(StatusCode::BAD_REQUEST, 50109, "The request body contains invalid JSON.");
        };
        match token.as_str() {
            "good" => {}
            "wrong" => return fault(StatusCode::UNAUTHORIZED, 50027, "Invalid Webhook Token"),
            _ => return fault(StatusCode::NOT_FOUND, 10015, "Unknown Webhook"),
        }
        let embeds = message["attachments"].as_array().cloned().unwrap_or_default();
        if message["text"].as_str().unwrap_or_default().is_empty() && embeds.is_empty() {
            return fault(StatusCode::BAD_REQUEST, 50006, "Cannot send an empty message");
        }
        let username = message["username"].as_str().unwrap_or("x");
        if embeds.len() > 10 || !embeds.iter().all(fits) || !(1..=80).contains(&username.chars().count()) {
            return fault(StatusCode::BAD_REQUEST, 50035, "Invalid Form Body");
        }
        room.show(message);
        (StatusCode::OK, "ok").into_response()
    }
    let room = Room::default();
    let router = Router::new().route("/api/webhooks/1/{token}/slack", post(hook)).with_state(room.clone());
    (serve(router).await + "/api/webhooks/1", room)
}

/// Discord's limits of an embed.
fn fits(embed: &Value) -> bool {
    let length = |value: &Value| value.as_str().unwrap_or_default().chars().count();
    let fields = embed["fields"].as_array().cloned().unwrap_or_default();
    let each = fields
        .iter()
        .all(|field| (1..=256).contains(&length(&field["title"])) && (1..=1024).contains(&length(&field["value"])));
    let of_fields: usize = fields.iter().map(|field| length(&field["title"]) + length(&field["value"])).sum();
    let (title, text) = (length(&embed["title"]), length(&embed["text"]));
    each && fields.len() <= 25 && title <= 256 && text <= 4096 && title + text + of_fields <= 6000
}
