//! The script's pages, beside those of its twin in Rust.

use std::sync::{Arc, Mutex};

use outrigger_db::{SystemClock, SystemEntropy};
use outrigger_integrations::handler::{HandlerCall, HandlerCaller, HandlerReply};
use outrigger_integrations::surface::{
    Act, Event, SurfaceProgram, VisitContext, VisitLimits, VisitSite, VisitView, Visits,
};
use outrigger_netlify_sdk::{Artefact, ScriptLimits, ScriptSurface};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{sample, twin};

/// Visits of surfaces, whose handlers note what they were asked.
pub(crate) struct Visitor {
    pub(crate) visits: Visits,
    pub(crate) asked: Arc<Mutex<Vec<HandlerCall>>>,
}

fn context() -> VisitContext {
    VisitContext {
        site: Some(VisitSite {
            id: "7".to_owned(),
            name: "shop".to_owned(),
            url: "https://shop.example".parse().unwrap(),
        }),
        account: "1".to_owned(),
        token: "short-lived".to_owned().into(),
        provider_token: None,
        server_url: "https://host.example/surfaces/cache".parse().unwrap(),
        is_connected: false,
        is_enabled: true,
        plugins: Vec::new(),
    }
}

fn answer(call: &HandlerCall) -> HandlerReply {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    match call.name.as_str() {
        "status" => HandlerReply::json(StatusCode::OK, &json!({ "siteId": "7" })),
        "connect" if body["key"] == "right" => HandlerReply::json(StatusCode::OK, &json!({})),
        "echo" => {
            let text = String::from_utf8_lossy(&call.body);
            HandlerReply::json(StatusCode::CREATED, &json!({ "text": text, "query": call.query }))
        }
        _ => HandlerReply::json(StatusCode::UNAUTHORIZED, &json!({})),
    }
}

impl Visitor {
    pub(crate) fn new() -> Self {
        let visits = Visits::new(Arc::new(SystemClock), Arc::new(SystemEntropy), VisitLimits::default());
        Self { visits, asked: Arc::default() }
    }

    pub(crate) async fn open(&self, program: &Arc<dyn SurfaceProgram>, path: &str) -> VisitView {
        let asked = self.asked.clone();
        let handlers = HandlerCaller::new(move |call| {
            let reply = answer(&call);
            asked.lock().unwrap().push(call);
            Box::pin(std::future::ready(reply))
        });
        self.visits.open("ann", program.clone(), context(), handlers, path).await.unwrap()
    }

    pub(crate) async fn act(&self, view: &VisitView, event: Event, inputs: &[(&str, &str)]) -> VisitView {
        let inputs = inputs.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
        let act = Act { step: view.step, event, confirmed: true, inputs };
        self.visits.act("ann", view.id, act).await.unwrap()
    }

    pub(crate) async fn click(&self, view: &VisitView, button: &str) -> VisitView {
        self.act(view, Event::Click(button.to_owned()), &[]).await
    }
}

pub(crate) fn script(artefact: &Artefact) -> Arc<dyn SurfaceProgram> {
    Arc::new(ScriptSurface::new(artefact, ScriptLimits::default()))
}

fn definition_of(program: &Arc<dyn SurfaceProgram>) -> Value {
    serde_json::to_value(program.definition()).unwrap()
}

/// What people see and may do, without what names the visit.
fn seen(view: &VisitView) -> Value {
    let mut seen = serde_json::to_value(view).unwrap();
    seen.as_object_mut().unwrap().remove("id");
    seen
}

#[tokio::test]
async fn the_definition_is_the_twins_element_by_element() {
    let Some(artefact) = sample::artefact().await else { return };
    let (script, native) = (definition_of(&script(&artefact)), definition_of(&(Arc::new(twin::surface()) as Arc<_>)));
    let routes = |definition: &Value| definition["surfaces"][0]["routes"].clone();
    let kinds = routes(&script)["/"].to_string();
    for kind in [
        "section",
        "card",
        "form",
        "text",
        "link",
        "button",
        "unordered-list",
        "ordered-list",
        "input-text",
        "input-password",
        "select",
        "alert",
        "connection",
        "disable-integration",
        "code-snippet",
    ] {
        assert!(kinds.contains(&format!("\"type\":\"{kind}\"")), "the sample lacks {kind}");
    }
    for route in ["/", "/add"] {
        assert_eq!(routes(&script)[route], routes(&native)[route], "{route}");
    }
    assert_eq!((&script["friendlyName"], &script["integrationSlug"]), (&json!("Cache"), &json!("cache")));
    assert_eq!((&script["sdkVersion"], &script["useIdentity"]), (&json!("1.21.0"), &json!(true)));
    let written = std::fs::read_to_string(artefact.folder().join("static/ui/integration-ui.json")).unwrap();
    assert_eq!(script, serde_json::from_str::<Value>(&written).unwrap(), "nothing of it is lost");
}

/// What it is called, what somebody does, and what is in the inputs then.
type Step = (&'static str, Event, &'static [(&'static str, &'static str)]);

#[tokio::test]
async fn whatever_somebody_does_leads_to_the_twins_page() {
    let Some(artefact) = sample::artefact().await else { return };
    let visitor = Visitor::new();
    let programs: [Arc<dyn SurfaceProgram>; 2] = [script(&artefact), Arc::new(twin::surface())];
    let (mut one, mut other) = (visitor.open(&programs[0], "/").await, visitor.open(&programs[1], "/").await);
    assert_eq!(seen(&one), seen(&other), "opened");
    assert_eq!(one.listening, ["connect_region", "pick"]);
    let text = serde_json::to_string(&one.elements).unwrap();
    assert!(text.contains("**7** of 1"), "the handler was asked: {text}");

    const WRONG: [(&str, &str); 3] = [("connect_name", "orders"), ("connect_key", "wrong"), ("connect_region", "eu")];
    const RIGHT: [(&str, &str); 3] = [("connect_name", "orders"), ("connect_key", "right"), ("connect_region", "us")];
    let submit = || Event::Submit("connect".to_owned());
    let steps: [Step; 8] = [
        ("a region", Event::Change("connect_region".into()), &[("connect_region", "us")]),
        ("a cache", Event::Change("pick".into()), &[("pick", "b")]),
        ("nothing filled in", submit(), &[]),
        ("a wrong key", submit(), &WRONG),
        ("a right key", submit(), &RIGHT),
        ("gone on", Event::Click("add-cache".into()), &[]),
        ("gone back", Event::Click("back".into()), &[]),
        ("wiped", Event::Click("wipe".into()), &[]),
    ];
    let mut errors = 0;
    for (what, event, inputs) in steps {
        one = visitor.act(&one, event.clone(), inputs).await;
        other = visitor.act(&other, event, inputs).await;
        assert_eq!(seen(&one), seen(&other), "{what}");
        errors += usize::from(one.error.as_ref().is_some_and(|error| error.text.contains("does not know this key")));
    }
    assert_eq!((errors, one.elements.len()), (1, 2));
    let one = visitor.visits.navigate("ann", one.id, "/add").await.unwrap();
    let other = visitor.visits.navigate("ann", other.id, "/add").await.unwrap();
    let (one, other) = (visitor.click(&one, "out").await, visitor.click(&other, "out").await);
    assert_eq!(seen(&one), seen(&other));
    assert_eq!(one.leave_to.unwrap().as_str(), "https://example.com/docs");
}

#[tokio::test]
async fn an_address_that_the_script_builds_itself_reaches_the_handler() {
    let Some(artefact) = sample::artefact().await else { return };
    let visitor = Visitor::new();
    let view = visitor.open(&script(&artefact), "/add").await;
    let view = visitor.click(&view, "by-hand").await;
    let text = serde_json::to_string(&view.elements).unwrap();
    assert!(text.contains("201 ") && text.contains("Grüße"), "{text} {:?}", view.error);
    let call = visitor.asked.lock().unwrap().pop().unwrap();
    assert_eq!(call.query, [("siteId".into(), "7".into()), ("teamId".into(), "1".into())]);
    assert_eq!(call.headers["netlify-token"], "short-lived");
}
