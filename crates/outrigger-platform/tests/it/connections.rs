//! Connecting an integration with an account at its service by OAuth, against a service that checks what OAuth says and
//! can be told to misbehave.

mod service;

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::SystemClock;
use outrigger_integrations::handler::{HandlerCall, HandlerContext, HandlerError, Handlers};
use outrigger_integrations::surface::build::*;
use outrigger_integrations::surface::{Element, NativeSurface, Route, SurfaceError, SurfaceIntegration, SurfaceState};
use outrigger_integrations::{About, Context, IntegrationId, Scope, ScopeKind};
use outrigger_platform::app::SharedApp;
use outrigger_platform::config::OAuthConfig;
use outrigger_platform::ops::services::PlatformServices;
use outrigger_platform::store::accounts::Role;
use reqwest::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use service::{CLIENT, Mood, SECRET, Service};
use url::Url;

use crate::dashboard::{Dashboard, Shown, Tab};
use crate::surfaces::press_at;

const DRIVE: IntegrationId = IntegrationId::new("drive");
const SURFACE: &str = "/sites/demo/surfaces/drive";
const CONNECT: &str = "/sites/demo/connections/drive";

/// The end of the token that it is called with: enough to know it by.
async fn whoami(_: Value, cx: HandlerContext<Value>) -> Result<Value, HandlerError> {
    let token = cx.caller.provider_token.as_ref().map(|token| token.expose_secret().to_owned());
    Ok(json!({ "token": token }))
}

/// Fails where the service says so.
async fn let_go(_: Value, cx: HandlerContext<Value>) -> Result<(), HandlerError> {
    match cx.caller.provider_token {
        Some(_) => Ok(()),
        None => Err(HandlerError::unavailable("There is no token to let go with.")),
    }
}

async fn ask(state: &mut SurfaceState) -> Result<(), SurfaceError> {
    let answer: Value = state.fetch(HandlerCall::post("whoami", &json!({}))).await.read().unwrap_or_default();
    Err(SurfaceError::told(answer["token"].as_str().unwrap_or("no token").to_owned()))
}

fn register(app: &SharedApp) {
    let card = connection("Drive", "Connect with Drive.", "You are connected with Drive.")
        .disconnect_warning("Your files stay where they are.");
    let elements: [Element; 2] = [card.into(), button("ask", "Ask").into()];
    let route = Route::new(elements).on_click("ask", |state| Box::pin(ask(state)));
    let surface = NativeSurface::new("drive", "Drive").route("/", route);
    let outbound = app.outbound.clone();
    let context = Context { outbound, clock: Arc::new(SystemClock), entropy: Arc::new(outrigger_db::SystemEntropy) };
    let handlers = Handlers::new(DRIVE, app.enablements.clone(), PlatformServices::of(app), context)
        .handler("whoami", whoami)
        .handler("on-disconnect", let_go);
    let integration = SurfaceIntegration {
        id: DRIVE,
        about: About::new("Drive", "Keeps files."),
        places: vec![ScopeKind::Site, ScopeKind::Account],
        program: Arc::new(surface),
        handlers: Arc::new(handlers),
        build_plugin: None,
        jobs: None,
    };
    app.surfaces.register(integration).unwrap();
}

fn config(service: &Service) -> OAuthConfig {
    let url = |path: &str| format!("{}{path}", service.origin).parse::<Url>().unwrap();
    OAuthConfig {
        authorize_url: url("/authorize"),
        token_url: url("/token"),
        revoke_url: Some(url("/revoke")),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned().into(),
        secret_in_body: false,
        scopes: vec!["files".to_owned(), "names".to_owned()],
    }
}

/// A platform whose integration `drive` is enabled at the site `demo`, and its service.
async fn start() -> (Dashboard, Service) {
    let service = Service::start().await;
    let oauth = config(&service);
    let test = Dashboard::with_config(|config| drop(config.oauth.insert("drive".to_owned(), oauth))).await;
    register(&test.app);
    test.app.enablements.enable(&scope(&test).await, &DRIVE, &json!({})).await.unwrap();
    (test, service)
}

async fn scope(test: &Dashboard) -> Scope {
    let site = test.app.store.find_site_anywhere("demo").await.unwrap().unwrap();
    Scope::Site(site.id.as_str().into())
}

/// Goes to the service, which consents, and gives the path on which the service sends people back.
async fn consent(tab: &mut Tab<'_>, service: &Service) -> String {
    let away = tab.get(CONNECT).await;
    assert_eq!(away.status, 303, "{}", away.text);
    assert_eq!((away.header("cache-control"), away.header("referrer-policy")), ("no-store", "no-referrer"));
    service.consent(away.header("location")).await
}

async fn connect(tab: &mut Tab<'_>, service: &Service) -> Shown {
    let back = consent(tab, service).await;
    tab.get(&back).await
}

/// What the handler says with which token it is called.
async fn token(tab: &mut Tab<'_>) -> String {
    let page = tab.get(SURFACE).await.expect(200);
    let page = press_at(SURFACE, tab, &page, "click:ask", &[]).await;
    let shown = page.split("og-notice-bad").nth(1).unwrap_or_else(|| panic!("{page}"));
    let known = ["no token", "access-1", "access-2", "access-3"];
    known.iter().find(|known| shown.contains(**known)).unwrap_or_else(|| panic!("{shown}")).to_string()
}

async fn is_connected(tab: &mut Tab<'_>) -> bool {
    tab.get(SURFACE).await.expect(200).contains("You are connected with Drive.")
}

#[tokio::test]
async fn somebody_connects_uses_and_disconnects() {
    let (test, service) = start().await;
    let mut ada = test.signed_in(&test.ada).await;
    let page = ada.get(SURFACE).await.expect(200);
    assert!(page.contains("Connect with Drive.") && page.contains(&format!("href=\"{CONNECT}\"")), "{page}");
    assert_eq!(token(&mut ada).await, "no token");

    connect(&mut ada, &service).await.leads_to(SURFACE);
    assert_eq!(service.asked_scopes(), "files names");
    assert!(is_connected(&mut ada).await);
    assert_eq!(token(&mut ada).await, "access-1");

    let page = ada.get(SURFACE).await.expect(200);
    let page = press_at(SURFACE, &mut ada, &page, "disconnect", &[]).await;
    assert!(page.contains("Your files stay where they are."), "{page}");
    let page = press_at(SURFACE, &mut ada, &page, "disconnect!", &[]).await;
    assert!(page.contains("Connect with Drive."), "{page}");
    assert_eq!(service.revoked(), ["refresh-1"]);
    assert_eq!(token(&mut ada).await, "no token");

    connect(&mut ada, &service).await.leads_to(SURFACE);
    let page = ada.get(SURFACE).await.expect(200);
    let page = press_at(SURFACE, &mut ada, &page, "disable", &[]).await;
    let page = press_at(SURFACE, &mut ada, &page, "disable!", &[]).await;
    assert!(page.contains("not enabled here yet"), "{page}");
    assert_eq!(service.revoked(), ["refresh-1", "refresh-2"], "with the integration goes its connection");
}

#[tokio::test]
async fn a_token_that_ends_is_changed_for_another_one_once() {
    let (test, service) = start().await;
    let mut ada = test.signed_in(&test.ada).await;
    connect(&mut ada, &service).await.leads_to(SURFACE);
    test.clock.advance(Duration::from_secs(59 * 60 + 30));
    let (mut one, mut two) = (test.signed_in(&test.ada).await, test.signed_in(&test.ada).await);
    let both = tokio::join!(token(&mut one), token(&mut two));
    assert_eq!(both, ("access-2".to_owned(), "access-2".to_owned()));
    assert_eq!(service.refreshes(), 1);

    // An outage is not the end of a connection; while the token lasts it is used.
    service.set(Mood::Broken);
    test.clock.advance(Duration::from_secs(59 * 60 + 30));
    assert_eq!(token(&mut one).await, "access-2");
    test.clock.advance(Duration::from_secs(5 * 60));
    assert_eq!(token(&mut one).await, "no token");
    assert!(is_connected(&mut one).await);
    service.set(Mood::Good);
    assert_eq!(token(&mut one).await, "access-3");

    service.set(Mood::Refusing);
    test.clock.advance(Duration::from_secs(2 * 60 * 60));
    assert!(!is_connected(&mut one).await, "the service ended it");
}

#[tokio::test]
async fn an_attempt_counts_once_for_who_began_it_and_not_for_long() {
    let (test, service) = start().await;
    let mut ada = test.signed_in(&test.ada).await;
    let refused = async |tab: &mut Tab<'_>, back: &str, says: &str| {
        let page = tab.get(back).await;
        assert!(page.status.is_client_error() && page.text.contains(says), "{} {}", page.status, page.text);
    };
    for nonsense in ["/connections/callback", "/connections/callback?state=x&code=y"] {
        refused(&mut ada, nonsense, "is over, or was begun elsewhere").await;
    }
    let back = consent(&mut ada, &service).await;
    let mut elsewhere = test.signed_in(&test.ada).await;
    refused(&mut elsewhere, &back, "begun elsewhere").await;
    ada.get(&back).await.leads_to(SURFACE);
    refused(&mut ada, &back, "was used").await;

    let first = consent(&mut ada, &service).await;
    let second = consent(&mut ada, &service).await;
    refused(&mut ada, &first, "another one was begun").await;
    ada.get(&second).await.leads_to(SURFACE);

    let late = consent(&mut ada, &service).await;
    test.clock.advance(Duration::from_secs(11 * 60));
    refused(&mut ada, &late, "is over").await;
    assert!(is_connected(&mut ada).await, "what was there before is still there");
}

#[tokio::test]
async fn what_goes_wrong_at_the_service_is_told_and_nothing_is_kept() {
    let (test, service) = start().await;
    let mut ada = test.signed_in(&test.ada).await;
    let denied = service.deny(ada.get(CONNECT).await.header("location"));
    let page = ada.get(&denied).await;
    assert!(page.status == 400 && page.text.contains("access was denied"), "{}", page.text);
    for (mood, says) in [
        (Mood::Refusing, "did not accept its own answer"),
        (Mood::Stranger, "does not know this platform"),
        (Mood::Html, "could not be understood"),
        (Mood::Broken, "could not be understood"),
        (Mood::HangingUp, "cannot be reached"),
    ] {
        service.set(mood);
        let page = connect(&mut ada, &service).await;
        assert!(page.status == StatusCode::BAD_GATEWAY && page.text.contains(says), "{mood:?} {}", page.text);
        assert!(!page.text.contains("access-") && !page.text.contains(SECRET));
        assert!(!is_connected(&mut ada).await, "{mood:?}");
    }
    service.set(Mood::Good);
    connect(&mut ada, &service).await.leads_to(SURFACE);
}

#[tokio::test]
async fn who_may_not_change_the_place_connects_nothing_there() {
    let (test, service) = start().await;
    let eve = test.user("eve@example.com", "evil", None).await;
    let mut eve = test.signed_in(&eve).await;
    assert_eq!(eve.get(CONNECT).await.status, StatusCode::NOT_FOUND);
    let vera = test.user("vera@example.com", "acme", None).await;
    let mut tab = test.signed_in(&vera).await;
    let back = consent(&mut tab, &service).await;
    let tx = test.app.store.begin().await.unwrap();
    test.app.store.set_member(&test.account.id, &tx, &vera.id, Role::Viewer).await.unwrap();
    test.app.store.commit(tx).await.unwrap();
    assert_eq!(tab.get(&back).await.status, StatusCode::FORBIDDEN, "she was demoted on her way");
    assert_eq!(tab.get(CONNECT).await.status, StatusCode::FORBIDDEN);
    let page = tab.get(SURFACE).await.expect(200);
    assert!(page.contains("You may not connect it.") && !page.contains(CONNECT), "{page}");
    assert!(!is_connected(&mut tab).await);
}

#[tokio::test]
async fn without_a_client_or_where_it_is_not_enabled_nobody_is_sent_anywhere() {
    let test = Dashboard::start().await;
    register(&test.app);
    assert_eq!(test.app.missing_oauth(), ["nobody can connect `drive`: the settings have no [oauth.drive]"]);
    test.app.enablements.enable(&scope(&test).await, &DRIVE, &json!({})).await.unwrap();
    let mut ada = test.signed_in(&test.ada).await;
    assert_eq!(ada.get(CONNECT).await.status, StatusCode::NOT_FOUND);
    let page = ada.get(SURFACE).await.expect(200);
    assert!(page.contains("Connecting is not set up on this platform."), "{page}");

    let (test, _) = start().await;
    assert!(test.app.missing_oauth().is_empty());
    test.app.enablements.disable(&scope(&test).await, &DRIVE).await.unwrap();
    let mut ada = test.signed_in(&test.ada).await;
    assert_eq!(ada.get(CONNECT).await.status, StatusCode::CONFLICT);
}
