//! An integration with pages of its own, at sites: who sees it, and what its handlers may do there.

use std::sync::Arc;

use outrigger_db::SystemClock;
use outrigger_integrations::handler::{EnvSetting, HandlerCall, HandlerContext, HandlerError, Handlers};
use outrigger_integrations::surface::build::*;
use outrigger_integrations::surface::{Element, NativeSurface, Route, SurfaceError, SurfaceIntegration, SurfaceState};
use outrigger_integrations::{About, Context, IntegrationId, ScopeKind};
use outrigger_platform::app::SharedApp;
use outrigger_platform::ops::services::PlatformServices;
use outrigger_platform::store::accounts::Role;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::dashboard::{Dashboard, Tab};

const CACHE: IntegrationId = IntegrationId::new("cache");

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    names: Vec<String>,
}

#[derive(Deserialize)]
struct Add {
    name: String,
    value: String,
}

/// Sets a variable first, then notes that it did: what comes half-way is done again.
async fn add(input: Add, cx: HandlerContext<Kept>) -> Result<Value, HandlerError> {
    let mut kept = cx.client.get().await?;
    let setting = EnvSetting { name: input.name.clone(), value: input.value, is_secret: true };
    cx.client.set_env(vec![setting]).await?;
    kept.context.names.retain(|name| *name != input.name);
    kept.context.names.push(input.name);
    cx.client.update(&kept.context, kept.version).await?;
    Ok(json!({ "names": kept.context.names }))
}

async fn forget(_: Value, cx: HandlerContext<Kept>) -> Result<(), HandlerError> {
    let kept = cx.client.get().await?;
    cx.client.delete_env(kept.context.names).await
}

async fn submit(state: &mut SurfaceState) -> Result<(), SurfaceError> {
    let body = json!({ "name": state.form_input("add", "name"), "value": state.form_input("add", "value") });
    let reply = state.fetch(HandlerCall::post("add", &body)).await;
    let answer: Value = reply.read().unwrap_or_default();
    if !reply.is_ok() {
        return Err(SurfaceError::told(answer["error"].as_str().unwrap_or_default()));
    }
    state.show("done");
    Ok(())
}

fn register(app: &SharedApp) {
    let form = form("add", "Add").with(input_text("name", "Name")).with(input_password("value", "Value"));
    let elements: [Element; 3] =
        [form.into(), alert("info", "It is there.").id("done").hidden().into(), disable_integration("Cache").into()];
    let surface = NativeSurface::new("cache", "Cache")
        .route("/", Route::new(elements).on_submit("add", |state| Box::pin(submit(state))));
    let outbound = app.outbound.clone();
    let context = Context { outbound, clock: Arc::new(SystemClock), entropy: Arc::new(outrigger_db::SystemEntropy) };
    let handlers = Handlers::new(CACHE, app.enablements.clone(), PlatformServices::of(app), context)
        .handler("add", add)
        .handler("on-disable", forget);
    let integration = SurfaceIntegration {
        id: CACHE,
        about: About::new("Cache", "Keeps things at hand."),
        places: vec![ScopeKind::Site],
        program: Arc::new(surface),
        handlers: Arc::new(handlers),
        build_plugin: None,
        jobs: None,
    };
    app.surfaces.register(integration.clone()).unwrap();
    assert!(app.surfaces.register(integration).is_err(), "a slug has one integration");
}

/// What a hidden field of a page says.
fn value(page: &str, name: &str) -> String {
    let rest = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name} in {page}")).1;
    rest.split('"').next().unwrap().to_owned()
}

/// Presses a button of a page of this surface, and gives the page that follows.
pub(crate) async fn press_at(
    surface: &str,
    tab: &mut Tab<'_>,
    page: &str,
    event: &str,
    inputs: &[(&str, &str)],
) -> String {
    let (visit, step) = (value(page, "visit"), value(page, "step"));
    let mut fields = vec![("visit", visit.as_str()), ("step", step.as_str()), ("event", event)];
    fields.extend(inputs);
    let shown = tab.post(surface, &fields).await;
    if shown.status == StatusCode::SEE_OTHER {
        let to = shown.headers["location"].to_str().unwrap().to_owned();
        return tab.get(&to).await.text;
    }
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    shown.text
}

async fn press(tab: &mut Tab<'_>, page: &str, event: &str, inputs: &[(&str, &str)]) -> String {
    press_at("/sites/demo/surfaces/cache", tab, page, event, inputs).await
}

#[tokio::test]
async fn a_site_gets_an_integration_that_sets_its_variables_and_takes_them_away() {
    let test = Dashboard::start().await;
    register(&test.app);
    let mut tab = test.signed_in(&test.ada).await;
    let list = tab.get("/sites/demo/surfaces").await.text;
    assert!(list.contains("Keeps things at hand.") && !list.contains("Enabled"), "{list}");
    assert!(tab.get("/accounts/acme/surfaces").await.text.contains("No services yet"), "it is for sites");
    assert_eq!(tab.get("/accounts/acme/surfaces/cache").await.status, StatusCode::NOT_FOUND);
    assert_eq!(tab.get("/sites/demo/surfaces/constructor").await.status, StatusCode::NOT_FOUND);

    let page = tab.get("/sites/demo/surfaces/cache").await.text;
    assert!(page.contains("not enabled here yet"), "{page}");
    let page = press(&mut tab, &page, "enable", &[]).await;
    let page = press(&mut tab, &page, "submit:add", &[("i.add_name", "no name"), ("i.add_value", "v")]).await;
    assert!(page.contains("og-notice-bad") && !page.contains("It is there."), "{page}");
    let page = press(&mut tab, &page, "submit:add", &[("i.add_name", "CACHE_URL"), ("i.add_value", "v")]).await;
    assert!(page.contains("It is there."), "{page}");
    assert!(tab.get("/sites/demo/env").await.text.contains("CACHE_URL"));
    assert!(tab.get("/sites/demo/surfaces").await.text.contains("Enabled"));

    let page = press(&mut tab, &page, "disable", &[]).await;
    let page = press(&mut tab, &page, "disable!", &[]).await;
    assert!(page.contains("not enabled here yet"), "{page}");
    assert!(!tab.get("/sites/demo/env").await.text.contains("CACHE_URL"));
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_and_strangers_find_nothing() {
    let test = Dashboard::start().await;
    register(&test.app);
    let mut ada = test.signed_in(&test.ada).await;
    let page = ada.get("/sites/demo/surfaces/cache").await.text;
    let page = press(&mut ada, &page, "enable", &[]).await;

    let eve = test.user("eve@example.com", "evil", None).await;
    let mut eve = test.signed_in(&eve).await;
    assert_eq!(eve.get("/sites/demo/surfaces").await.status, StatusCode::NOT_FOUND);
    assert_eq!(eve.get("/sites/demo/surfaces/cache").await.status, StatusCode::NOT_FOUND);
    let (visit, step) = (value(&page, "visit"), value(&page, "step"));
    let fields = [("visit", visit.as_str()), ("step", &step), ("event", "disable!")];
    assert_eq!(eve.post("/sites/demo/surfaces/cache", &fields).await.status, StatusCode::NOT_FOUND);

    let vera = test.user("vera@example.com", "acme", None).await;
    let tx = test.app.store.begin().await.unwrap();
    test.app.store.set_member(&test.account.id, &tx, &vera.id, Role::Viewer).await.unwrap();
    test.app.store.commit(tx).await.unwrap();
    let mut vera = test.signed_in(&vera).await;
    let page = vera.get("/sites/demo/surfaces/cache").await;
    assert_eq!(page.status, StatusCode::OK);
    let (visit, step) = (value(&page.text, "visit"), value(&page.text, "step"));
    let fields = [("visit", visit.as_str()), ("step", &step), ("event", "disable!")];
    assert_eq!(vera.post("/sites/demo/surfaces/cache", &fields).await.status, StatusCode::FORBIDDEN);
    // Signed out there is the way to sign in.
    let mut nobody = test.tab();
    assert_eq!(nobody.get("/sites/demo/surfaces/cache").await.status, StatusCode::SEE_OTHER);
}
