//! A service with OAuth, over a real socket: it checks the client, the code, where people come back to, and PKCE.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Body;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

pub(super) const CLIENT: &str = "outrigger-client";
pub(super) const SECRET: &str = "a-secret-of-the-platform";

/// What it does when it is asked for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    /// `invalid_grant`.
    Refusing,
    /// `invalid_client`.
    Stranger,
    Html,
    /// 500.
    Broken,
    HangingUp,
}

#[derive(Debug)]
struct Seen {
    mood: Mood,
    /// Of each code that was not used: the challenge, and where people come back to.
    codes: HashMap<String, (String, String)>,
    scopes: String,
    given: u32,
    refreshes: u32,
    revoked: Vec<String>,
}

pub(super) struct Service {
    pub(super) origin: String,
    seen: Arc<Mutex<Seen>>,
}

impl Service {
    pub(super) async fn start() -> Self {
        let seen = Seen {
            mood: Mood::Good,
            codes: HashMap::new(),
            scopes: String::new(),
            given: 0,
            refreshes: 0,
            revoked: Vec::new(),
        };
        let seen = Arc::new(Mutex::new(seen));
        let app = axum::Router::new().route("/token", post(give_token)).route("/revoke", post(revoke));
        let app = app.with_state(seen.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { origin, seen }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    pub(super) fn set(&self, mood: Mood) {
        self.seen().mood = mood;
    }

    pub(super) fn asked_scopes(&self) -> String {
        self.seen().scopes.clone()
    }

    pub(super) fn refreshes(&self) -> u32 {
        self.seen().refreshes
    }

    pub(super) fn revoked(&self) -> Vec<String> {
        self.seen().revoked.clone()
    }

    /// Somebody who was sent here says yes, and is sent back: with the path and query of the platform.
    pub(super) async fn consent(&self, sent_to: &str) -> String {
        let (asked, mut back) = self.asked(sent_to);
        let mut seen = self.seen();
        let code = format!("code-{}", seen.codes.len() + seen.given as usize);
        seen.codes.insert(code.clone(), (asked["code_challenge"].clone(), asked["redirect_uri"].clone()));
        seen.scopes.clone_from(&asked["scope"]);
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked["state"]);
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// They say no.
    pub(super) fn deny(&self, sent_to: &str) -> String {
        let (asked, mut back) = self.asked(sent_to);
        back.query_pairs_mut().append_pair("error", "access_denied").append_pair("state", &asked["state"]);
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    fn asked(&self, sent_to: &str) -> (HashMap<String, String>, Url) {
        let url: Url = sent_to.parse().unwrap();
        assert!(sent_to.starts_with(&format!("{}/authorize?", self.origin)), "{sent_to}");
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let fixed = ["response_type", "client_id", "code_challenge_method"].map(|name| asked[name].as_str());
        assert_eq!(fixed, ["code", CLIENT, "S256"]);
        let back: Url = asked["redirect_uri"].parse().unwrap();
        assert_eq!((back.path(), back.query()), ("/connections/callback", None));
        (asked, back)
    }
}

fn is_client(headers: &HeaderMap) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    headers.get(header::AUTHORIZATION).is_some_and(|given| given.as_bytes() == expected.as_bytes())
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error, "error_description": "as it is" }))).into_response()
}

async fn give_token(
    State(seen): State<Arc<Mutex<Seen>>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let mut seen = seen.lock().unwrap();
    match seen.mood {
        Mood::Good => {}
        Mood::Refusing => return refusal(StatusCode::BAD_REQUEST, "invalid_grant"),
        Mood::Stranger => return refusal(StatusCode::UNAUTHORIZED, "invalid_client"),
        Mood::Html => return "<html>access-9</html>".into_response(),
        Mood::Broken => return (StatusCode::INTERNAL_SERVER_ERROR, "down").into_response(),
        Mood::HangingUp => {
            let broken = futures_util::stream::iter([Err::<&str, _>(std::io::Error::other("gone"))]);
            return Body::from_stream(broken).into_response();
        }
    }
    if !is_client(&headers) {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let is_right = match form["grant_type"].as_str() {
        "authorization_code" => seen.codes.remove(&form["code"]).is_some_and(|(challenge, back)| {
            let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
            proof == challenge && form["redirect_uri"] == back
        }),
        "refresh_token" => {
            seen.refreshes += 1;
            form["refresh_token"] == format!("refresh-{}", seen.given)
        }
        other => panic!("{other}"),
    };
    if !is_right {
        return refusal(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    seen.given += 1;
    let tokens = json!({
        "access_token": format!("access-{}", seen.given),
        "refresh_token": format!("refresh-{}", seen.given),
        "token_type": "bearer",
        "expires_in": 3600,
    });
    Json(tokens).into_response()
}

async fn revoke(
    State(seen): State<Arc<Mutex<Seen>>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> StatusCode {
    assert!(is_client(&headers));
    seen.lock().unwrap().revoked.push(form["token"].clone());
    StatusCode::OK
}
