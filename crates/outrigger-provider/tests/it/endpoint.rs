//! The provider's other two doors: the proxied endpoint and the login.

use axum::extract::{FromRef, State};
use axum::routing::get;
use axum::{Form, Json, Router};
use outrigger_addon::signature::sign;
use outrigger_provider::{ProviderError, ProxiedRequest, SsoLogin, UpdateRequest, Verifier};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{NOW, Platform, SECRET, UUID, answer, clock, secrets};

/// A state of which the verifier is a part.
#[derive(Clone)]
struct App {
    verifier: Verifier,
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Verifier {
        app.verifier.clone()
    }
}

async fn whoami(request: ProxiedRequest) -> Json<Value> {
    Json(json!({ "id": request.instance_id, "uuid": request.uuid, "site": request.site_url }))
}

async fn log_in(State(app): State<App>, Form(login): Form<SsoLogin>) -> Result<String, ProviderError> {
    Ok(app.verifier.verify_sso(&login.token, Some("notes"))?.remote_id)
}

async fn platform() -> Platform {
    let app = App { verifier: Verifier::new(secrets(), clock) };
    let login = get(async || SsoLogin::page("/login?a=1&b=\"2\"")).post(log_in);
    Platform::before(Router::new().route("/", get(whoami)).route("/login", login).with_state(app)).await
}

#[tokio::test]
async fn a_proxied_request_is_known_by_its_signature_alone() {
    let platform = platform().await;
    let claims = json!({ "exp": NOW + 60, "id": "n-1", "netlify_id": UUID, "site_url": "https://a.example" });
    let request = platform
        .bare(Method::GET, "/")
        .header("X-NF-SIGN", sign(&claims, SECRET))
        .header("X-NF-ID", "forged")
        .header("X-NF-SITE-URL", "https://forged.example");
    let seen = json!({ "id": "n-1", "uuid": UUID, "site": "https://a.example" });
    assert_eq!(answer(request.send().await.unwrap()).await, (200, seen));

    let refused = async |signature: Option<String>| {
        let mut request = platform.bare(Method::GET, "/").header("X-NF-ID", "n-1");
        if let Some(signature) = signature {
            request = request.header("X-NF-SIGN", signature);
        }
        answer(request.send().await.unwrap()).await.0
    };
    assert_eq!(refused(None).await, 401);
    assert_eq!(refused(Some(sign(&claims, "other"))).await, 401);
    assert_eq!(refused(Some(sign(&json!({ "exp": NOW + 60 }), SECRET))).await, 401);
}

#[tokio::test]
async fn a_login_counts_for_its_own_add_on_until_it_ends() {
    let platform = platform().await;
    let log_in = async |claims: Value| {
        let request = platform.bare(Method::POST, "/login").header("Content-Type", "application/x-www-form-urlencoded");
        let response = request.body(format!("token={}", sign(&claims, SECRET))).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let claims =
        |aud: Value, exp: i64| json!({ "site_id": "s", "account_id": "a", "remote_id": "n-1", "aud": aud, "exp": exp });
    assert_eq!(log_in(claims(json!("notes"), NOW + 60)).await, (200, "n-1".to_owned()));
    assert_eq!(log_in(claims(json!("other"), NOW + 60)).await.0, 401);
    assert_eq!(log_in(claims(Value::Null, NOW + 60)).await.0, 401);
    assert_eq!(log_in(claims(json!("notes"), NOW - 60)).await.0, 401);

    let verifier = Verifier::new(secrets(), clock);
    let anyone = sign(&claims(Value::Null, NOW + 60), SECRET);
    assert_eq!(verifier.verify_sso(&anyone, None).unwrap().remote_id, "n-1");
}

#[tokio::test]
async fn the_login_page_posts_to_its_action_and_nowhere_else() {
    let page = platform().await.bare(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
    assert!(page.contains(r#"<form method="post" action="/login?a=1&amp;b=&quot;2&quot;">"#), "{page}");
}

#[test]
fn what_may_be_secret_is_not_shown() {
    let login: SsoLogin = serde_json::from_value(json!({ "token": "hush" })).unwrap();
    let update = UpdateRequest { config: [("key".to_owned(), json!("hush"))].into_iter().collect() };
    let shown = format!("{login:?} {update:?} {:?}", Verifier::new(secrets(), clock));
    assert!(!shown.contains("hush") && !shown.contains(SECRET), "{shown}");
}
