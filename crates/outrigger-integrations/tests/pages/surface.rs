//! Surfaces over sockets, without a script and in a real browser.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use outrigger_db::{Clock, ManualClock, SystemEntropy};
use outrigger_integrations::handler::{HandlerCaller, HandlerReply};
use outrigger_integrations::pages::{
    Stranger, SurfaceHost, SurfaceOptions, SurfaceRefusal, SurfaceVisitor, surface_router,
};
use outrigger_integrations::surface::{SurfaceProgram, VisitContext, VisitLimits, Visits};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::app::serve;
use crate::chromium::Chromium;

mod sample;

/// A host that knows people by a header.
struct Shop {
    program: Arc<dyn SurfaceProgram>,
    enabled: Arc<std::sync::atomic::AtomicBool>,
}

impl SurfaceHost for Shop {
    async fn visitor(&self, parts: &Parts) -> Result<SurfaceVisitor, SurfaceRefusal> {
        let user = parts.headers.get("x-user").map_or("ann", |user| user.to_str().unwrap());
        if user == "nobody" {
            return Err(SurfaceRefusal::Stranger(Stranger::Redirect("/sign-in".to_owned())));
        }
        let enabled = self.enabled.clone();
        let is_enabled = enabled.load(std::sync::atomic::Ordering::Relaxed);
        let handlers = HandlerCaller::new(move |call| {
            let enabled = enabled.clone();
            Box::pin(async move {
                let status = match call.name.as_str() {
                    "connect" => {
                        let body: Value = serde_json::from_slice(&call.body).unwrap();
                        if body["key"] == "right" { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
                    }
                    "on-enable" | "on-disable" => {
                        assert!(call.query.contains(&("siteId".to_owned(), "7".to_owned())));
                        enabled.store(call.name == "on-enable", std::sync::atomic::Ordering::Relaxed);
                        StatusCode::OK
                    }
                    _ => StatusCode::NOT_FOUND,
                };
                HandlerReply::json(status, &json!({}))
            })
        });
        let context = VisitContext {
            site: Some(outrigger_integrations::surface::VisitSite {
                id: "7".to_owned(),
                name: "shop".to_owned(),
                url: "https://shop.example".parse().unwrap(),
            }),
            account: "1".to_owned(),
            token: "short-lived".to_owned().into(),
            provider_token: None,
            server_url: "https://cache.example".parse().unwrap(),
            is_connected: false,
            is_enabled,
            plugins: Vec::new(),
        };
        let may_change = user != "viewer";
        let program = self.program.clone();
        Ok(SurfaceVisitor {
            owner: format!("{user}/7/cache"),
            program,
            context,
            handlers,
            may_change,
            connect_url: None,
        })
    }
}

struct Bed {
    url: String,
    clock: ManualClock,
    visits: Visits,
    client: Client,
    _server: tokio::task::JoinHandle<()>,
}

impl Bed {
    async fn start() -> Self {
        Self::with_limits(VisitLimits::default()).await
    }

    async fn with_limits(limits: VisitLimits) -> Self {
        let clock = ManualClock::new("2026-01-01T12:00:00Z".parse().unwrap());
        let visits = Visits::new(Arc::new(clock.clone()), Arc::new(SystemEntropy), limits);
        let host = Shop { program: Arc::new(sample::surface()), enabled: Arc::new(true.into()) };
        let router = surface_router(host, visits.clone(), SurfaceOptions::default());
        let (url, server) = serve(axum::Router::new().nest("/shop/cache", router)).await;
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { url: format!("{url}/shop/cache"), clock, visits, client, _server: server }
    }

    /// A page, for a program.
    async fn view(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.url)).header("accept", "application/json");
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap().text().await.unwrap()
    }

    /// Does something on the page that was seen, and gives the next one.
    async fn act(&self, view: &Value, event: &str, inputs: &[(&str, &str)]) -> Value {
        let answer = self.post(view, event, inputs, "ann").await;
        assert_eq!(answer.status(), StatusCode::OK, "{event}");
        answer.json().await.unwrap()
    }

    async fn post(&self, view: &Value, event: &str, inputs: &[(&str, &str)], user: &str) -> reqwest::Response {
        let step = view["step"].to_string();
        let known = [("visit", view["id"].as_str().unwrap()), ("step", step.as_str()), ("event", event)];
        let body: Vec<(String, String)> = known
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .chain(inputs.iter().map(|(id, value)| (format!("i.{id}"), (*value).to_owned())))
            .collect();
        let path = view["path"].as_str().unwrap().trim_end_matches('/');
        let request = self.client.post(format!("{}{path}", self.url)).header("accept", "application/json");
        request.header("x-user", user).body(form(&body)).send().await.unwrap()
    }
}

fn form<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The element with this id.
fn element<'a>(view: &'a Value, id: &str) -> &'a Value {
    fn find<'a>(elements: &'a Value, id: &str) -> Option<&'a Value> {
        elements
            .as_array()?
            .iter()
            .find_map(|element| if element["id"] == id { Some(element) } else { find(&element["contents"], id) })
    }
    find(&view["elements"], id).unwrap_or_else(|| panic!("there is no `{id}` in {view:#}"))
}

const RIGHT: [(&str, &str); 4] =
    [("connect_name", "orders"), ("connect_key", "right"), ("connect_region", "eu"), ("connect_port", "6379")];

#[tokio::test]
async fn callbacks_of_every_kind_do_what_they_say() {
    let bed = Bed::start().await;
    let view = bed.view("").await;
    assert_eq!((&view["path"], &view["listening"]), (&json!("/"), &json!(["pick"])));
    let view = bed.act(&view, "change:pick", &[("pick", "b")]).await;
    assert_eq!(element(&view, "snippet")["code"], "const cache = open(\"b\");");
    assert_eq!(element(&view, "snippet")["display"], "visible");
    let view = bed.act(&view, "cancel:connect", &[]).await;
    assert_eq!(element(&view, "connect")["display"], "hidden");
    // Each navigation begins with the page as it was written.
    let view = bed.act(&view, "click:add", &[]).await;
    assert_eq!(view["path"], "/add");
    let view = bed.act(&view, "click:back", &[]).await;
    assert!(element(&view, "connect").get("display").is_none());
    assert_eq!(element(&view, "snippet")["display"], "hidden");
    let view = bed.act(&view, "submit:connect", &RIGHT).await;
    assert_eq!(element(&view, "hint")["display"], "hidden", "what the visit keeps is kept");
}

#[tokio::test]
async fn a_form_says_what_is_wrong_and_where() {
    let bed = Bed::start().await;
    let view = bed.view("").await;
    let view = bed.act(&view, "submit:connect", &[("connect_name", "ORDERS"), ("connect_region", "mars")]).await;
    let faults = json!({
        "connect_name": "Small letters only.", "connect_key": "This must not be blank.", "connect_region": "Choose one.",
    });
    assert_eq!(view["faults"], faults);
    let mut wrong = RIGHT;
    wrong[1].1 = "wrong";
    let view = bed.act(&view, "submit:connect", &wrong).await;
    assert_eq!(view["error"], json!({ "element": "connect", "text": "The service does not know this key." }));
    // What was typed is still there, but for the secret.
    assert_eq!((&view["inputs"]["connect_name"], view["inputs"].get("connect_key")), (&json!("orders"), None));
    assert!(!view.to_string().contains("wrong"), "{view:#}");
}

#[tokio::test]
async fn people_agree_before_something_is_lost_and_a_second_click_does_nothing() {
    let bed = Bed::start().await;
    let view = bed.view("").await;
    let asked = bed.act(&view, "click:wipe", &[]).await;
    assert_eq!(asked["confirming"], "wipe");
    assert_eq!(element(&asked, "down")["display"], "hidden");
    let back = bed.act(&asked, "back:", &[]).await;
    assert_eq!(back["confirming"], Value::Null);
    let asked = bed.act(&back, "click:wipe", &[]).await;
    let done = bed.act(&asked, "confirm:wipe", &[]).await;
    assert_eq!(element(&done, "down")["display"], "visible");
    let again = bed.act(&asked, "confirm:wipe", &[]).await;
    assert_eq!(again["step"], done["step"], "that page is past");
    // Nobody presses what they do not see, or what is not there.
    for event in ["click:break", "click:nothing", "submit:wipe", "change:connect", "nonsense:x", "click:"] {
        let after = bed.act(&done, event, &[]).await;
        assert_eq!(after["error"], Value::Null, "{event}");
    }
}

#[tokio::test]
async fn a_callback_that_panics_hangs_or_goes_in_a_circle_leaves_the_page_as_it_was() {
    let limits = VisitLimits::default();
    let limits = {
        let mut short = limits;
        short.callback = Duration::from_millis(200);
        short
    };
    let bed = Bed::with_limits(limits).await;
    let view = bed.view("/bad").await;
    for event in ["click:panic", "click:hang"] {
        let view = bed.act(&view_of(&bed, &view).await, event, &[]).await;
        assert!(view["error"]["text"].as_str().is_some_and(|text| text.contains("Try again")), "{view:#}");
        assert!(element(&view, "rest").get("display").is_none(), "{event}");
        assert!(!view.to_string().contains("secret"));
    }
    let circle = bed.view("/circle").await;
    assert!(circle["error"]["text"].as_str().unwrap().contains("Something is wrong"));
    // Others see nothing of it.
    assert_eq!(bed.view("").await["error"], Value::Null);
}

/// The present page of the visit.
async fn view_of(bed: &Bed, view: &Value) -> Value {
    let path = view["path"].as_str().unwrap().trim_end_matches('/');
    bed.view(&format!("{path}?visit={}", view["id"].as_str().unwrap())).await
}

#[tokio::test]
async fn visits_are_their_owners_end_and_are_bounded() {
    let limits = {
        let mut few = VisitLimits::default();
        few.visits = 3;
        few
    };
    let bed = Bed::with_limits(limits).await;
    let view = bed.view("").await;
    // Somebody else with its id gets a visit of their own.
    let answer = bed.post(&view, "click:add", &[], "eve").await;
    let theirs: Value = answer.json().await.unwrap();
    assert_ne!(theirs["id"], view["id"]);
    assert_eq!(view_of(&bed, &view).await["step"], view["step"], "nothing happened");
    assert_eq!(bed.post(&view, "click:add", &[], "viewer").await.status(), StatusCode::FORBIDDEN);
    let request = bed.client.get(&bed.url).header("x-user", "nobody");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::SEE_OTHER);
    for _ in 0..10 {
        bed.clock.advance(Duration::from_secs(1));
        bed.view("").await;
    }
    assert_eq!(bed.visits.count(), 3);
    bed.clock.advance(Duration::from_secs(31 * 60));
    let last = bed.view("").await;
    assert_eq!(bed.visits.count(), 1, "who rested too long made room");
    bed.clock.advance(Duration::from_secs(31 * 60));
    let anew = bed.act(&last, "click:add", &[]).await;
    assert_eq!((anew["path"].as_str(), anew["step"].as_u64()), (Some("/"), Some(1)), "it begins anew");
    let now = bed.clock.now();
    assert!(now > "2026-01-01T13:00:00Z".parse().unwrap());
    let big = "x".repeat(100 * 1024);
    let view = bed.act(&anew, "submit:connect", &[("connect_name", &big)]).await;
    assert_eq!(view["step"], anew["step"], "more than inputs may have is not taken");
}

#[tokio::test]
async fn without_a_script_whole_pages_do_the_same() {
    let bed = Bed::start().await;
    let page = bed.page("").await;
    for shown in ["<strong>this</strong>", "name=\"i.connect_name\"", "Connect it", "data-unscripted", "Wipe it"] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    assert!(!page.contains("It is <strong>down"), "hidden");
    let value = |name: &str| {
        let rest = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
        rest.split('"').next().unwrap().to_owned()
    };
    let (visit, step) = (value("visit"), value("step"));
    let body = [("visit", visit.as_str()), ("step", &step), ("event", "click:add")];
    let answer = bed.client.post(&bed.url).body(form(&body)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = answer.headers()["location"].to_str().unwrap();
    assert_eq!(to, format!("/shop/cache/add?visit={visit}"));
    assert!(bed.page(&to["/shop/cache".len()..]).await.contains("Add one here."));
    let elsewhere =
        bed.client.post(&bed.url).body(form(&body)).header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whatever_is_written_nothing_of_it_becomes_a_part_of_the_page() {
    let bed = Bed::start().await;
    let page = bed.page("/hostile").await;
    for never in ["<img", "<script>", "href=\"javascript", "onerror=alert(1)>\""] {
        assert!(!page.contains(never), "{never} is in {page}");
    }
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "{page}");
    // All that is like a tag is one of ours.
    let tags = page.split('<').skip(1).map(|tag| tag.trim_start_matches('/').split([' ', '>']).next().unwrap());
    for tag in tags {
        assert!(tag != "img" && (tag != "script" || page.matches("<script src=").count() == 1), "<{tag}>");
    }
}

#[tokio::test]
async fn an_integration_is_enabled_and_disabled_by_the_hosts_own_controls() {
    let bed = Bed::start().await;
    let view = bed.view("").await;
    let asked = bed.act(&view, "disable", &[]).await;
    assert_eq!(asked["confirming"], "$disable");
    let answer = bed.post(&asked, "disable!", &[], "ann").await;
    assert_eq!(
        (answer.status(), &answer.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/shop/cache".parse().unwrap())
    );
    let page = bed.page("").await;
    assert!(page.contains("not enabled here yet") && !page.contains("Connect it"), "{page}");
    let view = bed.view("").await;
    assert_eq!(bed.post(&view, "enable", &[], "ann").await.status(), StatusCode::SEE_OTHER);
    assert!(bed.page("").await.contains("Connect it"));
    // Connecting is not possible here, and says so at the page.
    let view = bed.view("").await;
    let failed = bed.act(&view, "disconnect!", &[]).await;
    assert!(failed["error"]["text"].as_str().unwrap().contains("nothing was changed"));
}

/// What the SDK writes of the same surface has to be the same, but for the order of keys.
#[test]
fn the_definition_is_the_golden_one() {
    let surface = sample::surface();
    let mut definition = serde_json::to_value(surface.definition()).unwrap();
    let routes = definition["surfaces"][0]["routes"].as_object_mut().unwrap();
    routes.retain(|path, _| path == "/");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages/surface/all-elements.json");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, format!("{definition:#}\n")).unwrap();
    }
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(definition, golden, "{definition:#}");
    let read: outrigger_integrations::surface::SurfaceDefinition = serde_json::from_value(golden).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), definition, "reading and writing changes nothing");
}

#[test]
fn what_is_not_known_is_kept() {
    let strange = json!({
        "type": "hologram", "id": "x", "if": { "truthy": "a", "then": { "display": "hidden" } }, "beams": 7,
    });
    let element: outrigger_integrations::surface::Element = serde_json::from_value(strange.clone()).unwrap();
    assert_eq!(serde_json::to_value(element).unwrap(), strange);
    let future = json!({ "type": "button", "id": "x", "title": "X", "glow": true, "variant": "neon" });
    let element: outrigger_integrations::surface::Element = serde_json::from_value(future.clone()).unwrap();
    assert_eq!(serde_json::to_value(element).unwrap(), future);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_browser() {
    let Some(browser) = Chromium::start().await else { return };
    let bed = Bed::start().await;
    let picture = async |name: &str| {
        if let Some(folder) = std::env::var_os("OUTRIGGER_PICTURES") {
            browser.picture(&std::path::PathBuf::from(folder).join(format!("surface-{name}.png"))).await;
        }
    };
    browser.screen(1100, 1900, 1.0).await;
    browser.goto(bed.url.clone()).await;
    browser.heading("Cache").await;
    picture("all").await;
    // Choosing is enough.
    browser.choose("#e-pick", "b").await;
    browser.wait_for("#e-snippet").await;
    assert_eq!(browser.text("#e-snippet").await, "const cache = open(\"b\");");
    browser.click("[data-copy=e-snippet]").await;
    let label = "document.querySelector('[data-copy=e-snippet]').textContent";
    while browser.ask(label).await != json!("Copied") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Keys only: a form with faults, then with a wrong key.
    browser.tab_to("#e-connect-name").await;
    browser.press("ORDERS").await;
    browser.press(thirtyfour::Key::Enter + "").await;
    browser.wait_for("#e-connect-name[aria-invalid]:focus").await;
    assert_eq!(browser.text("#e-connect-name-help .og-fault").await, "Small letters only.");
    picture("faults").await;
    browser.fill("#e-connect-name", "orders").await;
    browser.fill("#e-connect-key", "wrong").await;
    browser.choose("#e-connect-region", "eu").await;
    browser.click("#e-connect-save").await;
    browser.wait_for("#e-connect .og-notice-bad:focus").await;
    assert_eq!(browser.text("#e-connect .og-notice-bad").await, "The service does not know this key.");
    browser.fill("#e-connect-key", "right").await;
    browser.click("#e-connect-save").await;
    browser.gone(".og-notice-info").await;
    browser.click("#e-wipe").await;
    browser.wait_for("[role=alertdialog]:focus").await;
    picture("confirm").await;
    browser.click("#e-wipe-yes").await;
    browser.wait_for(".og-surface-section .og-notice-bad").await;
    browser.click("#e-add").await;
    browser.wait_for("#e-back").await;
    browser.click("#e-back").await;
    browser.click("#og-disable").await;
    browser.click("#og-disable-yes").await;
    browser.wait_for("#og-enable").await;
    picture("enable").await;
    browser.end().await;
}
