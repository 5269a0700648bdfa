//! A board behind a socket, a chat service behind another, and browsers.

use std::sync::Arc;
use std::time::Duration;

use embedded_app::app::{self, App};
use embedded_app::chat_service::{ChatService, Post};
use embedded_app::{sample, store};
use http::{StatusCode, header};
use outrigger_db::testing::TestDb;
use outrigger_db::{Db, KeyRing, Keys};
use reqwest::redirect::Policy;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const KEYS: &str = "k1 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n";

/// One process of the board.
pub(crate) struct Board {
    pub url: String,
    pub app: App,
    stop: CancellationToken,
    served: JoinHandle<anyhow::Result<()>>,
}

impl Board {
    async fn start(db: Db) -> Board {
        let app = App::new(db, Arc::new(Keys::fixed(KeyRing::parse(KEYS).unwrap()))).unwrap();
        let (listener, url) = listen().await;
        let stop = CancellationToken::new();
        let served = tokio::spawn(app::serve(app.clone(), listener, stop.clone()));
        Board { url, app, stop, served }
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
    }

    /// A browser in which this person has signed in.
    pub(crate) async fn browser(&self, person: &str) -> Browser {
        let browser = self.stranger();
        let signed_in = browser.post("/sign-in", &[("person", person)]).await;
        assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
        Browser { cookie: Some(signed_in.cookie.unwrap()), ..browser }
    }

    pub(crate) fn stranger(&self) -> Browser {
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Browser { url: self.url.clone(), client, cookie: None }
    }
}

/// A database, a chat service, and a board on them.
pub(crate) struct Bench {
    pub test: TestDb,
    pub chat: ChatService,
    pub chat_url: String,
    pub board: Board,
}

impl Bench {
    pub(crate) async fn new() -> Bench {
        let test = TestDb::new(store::migrations()).await;
        let chat = ChatService::default();
        let (listener, url) = listen().await;
        tokio::spawn(axum::serve(listener, chat.clone().router()).into_future());
        let board = Board::start(test.db().clone()).await;
        let chat_url = format!("{url}/hooks/s3cret-hook");
        sample::fill(&board.app, &chat_url).await.unwrap();
        Bench { test, chat, chat_url, board }
    }

    /// Another process on the same database.
    pub(crate) async fn other_process(&self) -> Board {
        Board::start(Db::connect(self.test.url()).await.unwrap()).await
    }

    /// What the chat service has heard, once there is so much of it.
    pub(crate) async fn said(&self, posts: usize) -> Vec<Post> {
        within(self.chat.wait_for(posts)).await
    }
}

pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

pub(crate) struct Browser {
    url: String,
    client: reqwest::Client,
    cookie: Option<String>,
}

pub(crate) struct Answer {
    pub status: StatusCode,
    pub location: String,
    pub body: String,
    cookie: Option<String>,
}

impl Browser {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.url)).header(header::ACCEPT, "text/html")).await
    }

    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.url)).header(header::ACCEPT, "application/json");
        serde_json::from_str(&self.send(request).await.body).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs);
        let request = self.client.post(format!("{}{path}", self.url)).header("sec-fetch-site", "same-origin");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.header(header::ACCEPT, "text/html").body(body.finish())).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Answer {
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response = request.send().await.unwrap();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let cookie = header(header::SET_COOKIE).map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned());
        let (status, location) = (response.status(), header(header::LOCATION).unwrap_or_default());
        Answer { status, location, cookie, body: response.text().await.unwrap() }
    }
}

/// What should happen soon does, or the test fails.
#[track_caller]
pub(crate) fn within<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        let done = tokio::time::timeout(Duration::from_secs(20), future).await;
        done.unwrap_or_else(|_| panic!("nothing happened for 20 s at {place}"))
    }
}
