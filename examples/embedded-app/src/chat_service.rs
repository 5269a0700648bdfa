//! A stand-in for a chat service, so that the example has somebody to talk to and the tests have a wire to look at.
//!
//! An address is `…/hooks/{anything}`. `GET` says which rooms it has; `POST` of `{"room": …, "text": …}` says something.

use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::extract::{OriginalUri, State};
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::web::document;

/// The rooms that there are.
pub const ROOMS: [&str; 2] = ["reviews", "random"];
/// How much is remembered.
const MOST: usize = 100;

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    pub room: String,
    pub text: String,
}

/// The service.
#[derive(Clone)]
pub struct ChatService {
    posts: Arc<Mutex<Vec<Post>>>,
    turns: watch::Sender<()>,
}

impl Default for ChatService {
    fn default() -> Self {
        Self { posts: Arc::default(), turns: watch::Sender::new(()) }
    }
}

impl ChatService {
    /// What was said, the oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so much was said.
    pub async fn wait_for(&self, posts: usize) -> Vec<Post> {
        let mut turns = self.turns.subscribe();
        loop {
            let said = self.posts();
            if said.len() >= posts || turns.changed().await.is_err() {
                return said;
            }
        }
    }

    pub fn router(self) -> Router {
        Router::new().route("/", get(show)).route("/hooks/{hook}", get(rooms).post(say)).with_state(self)
    }
}

#[derive(Template)]
#[template(path = "chat.html")]
struct ChatPage {
    address: String,
    posts: Vec<Post>,
}

async fn show(State(service): State<ChatService>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Html<String> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let address = format!("http://{host}{}/hooks/demo", uri.path().trim_end_matches('/'));
    let body = ChatPage { address, posts: service.posts().into_iter().rev().collect() }.render().unwrap_or_default();
    Html(document("Chat room", None, &[], &[], &body))
}

async fn rooms() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "rooms": ROOMS }))
}

async fn say(State(service): State<ChatService>, Json(post): Json<Post>) -> (StatusCode, &'static str) {
    if !ROOMS.contains(&post.room.as_str()) {
        return (StatusCode::BAD_REQUEST, "no such room");
    }
    let mut posts = service.posts.lock().unwrap_or_else(PoisonError::into_inner);
    if posts.len() == MOST {
        posts.remove(0);
    }
    posts.push(post);
    drop(posts);
    service.turns.send_replace(());
    (StatusCode::OK, "ok")
}
