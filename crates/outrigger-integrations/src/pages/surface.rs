//! Surfaces in a browser: an axum router for any host, drawn by the server.
//!
//! Nest [`surface_router`] anywhere, such as at `/sites/{site}/surfaces/{slug}`. Everything works without JavaScript, and
//! better with the script that the router serves itself; nothing is inline, and no script of an integration reaches the
//! browser.
//!
//! | Address | Methods | What |
//! |---|---|---|
//! | `/{path}` | GET | a page of the surface: a new visit, or that of `?visit=` |
//! | `/{path}` | POST | what somebody does on it: `visit`, `step`, `event`, and the inputs |
//! | `/-/assets/…` | GET | style sheet and script |
//!
//! Programs that send `Accept: application/json` get a [`VisitView`]. `event` is `click:ID`, `confirm:ID`, `submit:ID`,
//! `cancel:ID`, `change:ID`, `back:`; inputs are `i.ID`. Of the host itself are `enable`, `disable`, `disable!` or `disconnect`, `disconnect!`.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use serde_json::json;
use tower_http::csrf::CsrfLayer;
use url::form_urlencoded;

use super::request::{mounted_at, wants_json};
use super::say::Say;
use super::{Language, Layout, Page, PlainLayout, Stranger, Urls, assets};
use crate::handler::{HandlerCall, HandlerCaller};
use crate::surface::{Act, Event, SurfaceProgram, ViewError, VisitContext, VisitError, VisitId, VisitView, Visits};

mod draw;
mod highlight;

/// What people are asked to confirm about the integration itself; no id of an element begins so.
const DISABLE: &str = "$disable";
const DISCONNECT: &str = "$disconnect";

/// More than all inputs of a page may have.
const BODY_LIMIT: usize = 256 * 1024;

/// The host's answer to who comes, and to what.
pub trait SurfaceHost: Send + Sync + 'static {
    /// Who calls and what they find there. The parts have what the host's own middleware has put there, and the path
    /// parameters of the mount.
    ///
    /// # Errors
    /// [`Stranger`] for somebody the host does not know; [`NoSurface`](SurfaceRefusal::NoSurface) when there is nothing.
    fn visitor(&self, parts: &Parts) -> impl Future<Output = Result<SurfaceVisitor, SurfaceRefusal>> + Send;
}

/// Why there is no surface to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SurfaceRefusal {
    /// Somebody the host does not know.
    Stranger(Stranger),
    /// There is none, or none for them.
    NoSurface,
}

/// Somebody at a surface.
pub struct SurfaceVisitor {
    /// Whose visit it is: the person, the integration and the place together, so that a visit is found by nobody else and
    /// nowhere else.
    pub owner: String,
    /// What stands behind the surface.
    pub program: Arc<dyn SurfaceProgram>,
    /// Where and for whom it opens.
    pub context: VisitContext,
    /// Calls the integration's handlers.
    pub handlers: HandlerCaller,
    /// Whether they may do anything there but look.
    pub may_change: bool,
    /// Where people connect with an account at the service, if the host can do that.
    pub connect_url: Option<String>,
}

/// What the host decides about how surfaces look.
pub struct SurfaceOptions {
    layout: Arc<dyn Layout>,
    language: Arc<dyn Fn(&Parts) -> Language + Send + Sync>,
    trusted_origins: Vec<String>,
}

impl Default for SurfaceOptions {
    fn default() -> Self {
        let language = Arc::new(|_: &Parts| Language::default());
        Self { layout: Arc::new(PlainLayout), language, trusted_origins: Vec::new() }
    }
}

impl std::fmt::Debug for SurfaceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SurfaceOptions").finish_non_exhaustive()
    }
}

impl SurfaceOptions {
    /// In the host's own layout.
    #[must_use]
    pub fn layout(self, layout: impl Layout) -> Self {
        Self { layout: Arc::new(layout), ..self }
    }

    /// In the reader's language.
    #[must_use]
    pub fn language(self, language: impl Fn(&Parts) -> Language + Send + Sync + 'static) -> Self {
        Self { language: Arc::new(language), ..self }
    }

    /// Also for posts from this origin, such as `https://admin.example.com`.
    #[must_use]
    pub fn trust_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted_origins.push(origin.into());
        self
    }
}

struct Inner<S> {
    host: S,
    visits: Visits,
    options: SurfaceOptions,
}

/// The surfaces that this host has.
///
/// # Panics
/// When an origin that the options trust is none.
pub fn surface_router<S: SurfaceHost>(host: S, visits: Visits, options: SurfaceOptions) -> Router {
    let csrf = options.trusted_origins.iter().fold(CsrfLayer::new(), |layer, origin| {
        layer.add_trusted_origin(origin).expect("a trusted origin is a scheme and a host")
    });
    let inner = Arc::new(Inner { host, visits, options });
    let (show, act) = (inner.clone(), inner);
    let show = move |request| {
        let inner = show.clone();
        async move { inner.show(request).await }
    };
    let act = move |request| {
        let inner = act.clone();
        async move { inner.act(request).await }
    };
    let page = get(show).post(act);
    Router::new()
        .route("/", page.clone())
        .route("/{*og_path}", page)
        .route("/-/assets/{og_file}", get(|Path(params): Path<Vec<(String, String)>>| async move { asset(&params) }))
        .layer(csrf)
}

fn asset(params: &[(String, String)]) -> Response {
    let file = params.iter().find(|(name, _)| name == "og_file").map_or("", |(_, file)| file);
    assets::own(file).unwrap_or_else(|| status(StatusCode::NOT_FOUND))
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn redirect(to: &str) -> Response {
    let mut response = status(StatusCode::SEE_OTHER);
    match HeaderValue::from_str(to) {
        Ok(to) => drop(response.headers_mut().insert(header::LOCATION, to)),
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}

/// Where a request is.
struct Place {
    /// What comes before the paths of the surface.
    base: String,
    /// The path within it.
    path: String,
    wants_json: bool,
    language: Language,
}

impl Place {
    fn find(options: &SurfaceOptions, parts: &Parts) -> Self {
        let path = parts.uri.path();
        let base = mounted_at(parts).trim_end_matches('/').to_owned();
        let path = if path.is_empty() { "/" } else { path };
        let language = (options.language)(parts);
        Self { base, path: path.to_owned(), wants_json: wants_json(&parts.headers), language }
    }

    fn url(&self, path: &str) -> String {
        let path = if path == "/" { "" } else { path };
        let url = format!("{}{path}", self.base);
        if url.is_empty() { "/".to_owned() } else { url }
    }
}

impl<S: SurfaceHost> Inner<S> {
    async fn show(&self, request: Request<Body>) -> Response {
        let (parts, _) = request.into_parts();
        let place = Place::find(&self.options, &parts);
        let visitor = match self.host.visitor(&parts).await {
            Ok(visitor) => visitor,
            Err(refusal) => return refused(&refusal, &place),
        };
        let query = parts.uri.query().unwrap_or_default();
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "visit");
        let asked: Option<VisitId> = asked.and_then(|(_, id)| id.parse().ok());
        let known = match asked {
            Some(id) => self.visits.show(&visitor.owner, id).await.ok(),
            None => None,
        };
        match known {
            Some(view) => self.answer(&place, &parts, &visitor, &view, false),
            None => self.open(&place, &parts, &visitor, asked.is_some()).await,
        }
    }

    async fn open(&self, place: &Place, parts: &Parts, visitor: &SurfaceVisitor, again: bool) -> Response {
        let SurfaceVisitor { owner, program, context, handlers, .. } = visitor;
        let opened = self.visits.open(owner, program.clone(), context.clone(), handlers.clone(), &place.path).await;
        match opened {
            Ok(view) => self.answer(place, parts, visitor, &view, again),
            Err(VisitError::NotOpened(error)) => {
                tracing::warn!(integration = %program.definition().integration_slug, %error, "a surface does not open");
                self.problem(place, parts, &error.public())
            }
            Err(VisitError::Gone) => status(StatusCode::NOT_FOUND),
        }
    }

    async fn act(&self, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let place = Place::find(&self.options, &parts);
        let visitor = match self.host.visitor(&parts).await {
            Ok(visitor) => visitor,
            Err(refusal) => return refused(&refusal, &place),
        };
        if !visitor.may_change {
            return status(StatusCode::FORBIDDEN);
        }
        let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
            return status(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let posted = Posted::read(&body);
        let (Some(id), Some(step)) = (posted.visit, posted.step) else { return status(StatusCode::BAD_REQUEST) };
        match self.deed(&visitor, id, step, posted).await {
            Some(Ok(view)) => self.answer(&place, &parts, &visitor, &view, false),
            // Whoever rested too long begins anew, where they were.
            Some(Err(_)) => self.open(&place, &parts, &visitor, true).await,
            // Something about the integration itself has changed, so the visit is over.
            None => redirect(&place.url("/")),
        }
    }

    /// Does what somebody wants. `None` when it ended the visit.
    async fn deed(
        &self,
        visitor: &SurfaceVisitor,
        id: VisitId,
        step: u64,
        posted: Posted,
    ) -> Option<Result<VisitView, VisitError>> {
        let owner = &visitor.owner;
        let (verb, element) = posted.event.split_once(':').unwrap_or((&posted.event, ""));
        let element = element.to_owned();
        let event = match verb {
            "click" | "confirm" => Event::Click(element),
            "submit" => Event::Submit(element),
            "cancel" => Event::Cancel(element),
            "change" => Event::Change(element),
            "disable" => return Some(self.visits.ask(owner, id, step, Some(DISABLE.to_owned())).await),
            "disconnect" => return Some(self.visits.ask(owner, id, step, Some(DISCONNECT.to_owned())).await),
            "enable" | "disable!" | "disconnect!" => return self.control(visitor, id, step, verb).await,
            _ => return Some(self.visits.ask(owner, id, step, None).await),
        };
        let act = Act { step, event, confirmed: verb == "confirm", inputs: posted.inputs };
        Some(self.visits.act(owner, id, act).await)
    }

    /// Enables, disables or disconnects the integration. The visit is over then: what its pages are about has changed.
    async fn control(
        &self,
        visitor: &SurfaceVisitor,
        id: VisitId,
        step: u64,
        verb: &str,
    ) -> Option<Result<VisitView, VisitError>> {
        let name = match verb {
            "enable" => "on-enable",
            "disable!" => "on-disable",
            _ => "on-disconnect",
        };
        if call(visitor, name).await {
            return None;
        }
        let view = self.visits.ask(&visitor.owner, id, step, None).await;
        let text = "This did not succeed, and nothing was changed. Try again.".to_owned();
        Some(view.map(|view| VisitView { error: Some(ViewError { element: None, text }), ..view }))
    }

    fn answer(
        &self,
        place: &Place,
        parts: &Parts,
        visitor: &SurfaceVisitor,
        view: &VisitView,
        again: bool,
    ) -> Response {
        if place.wants_json {
            return json_response(&json!(view));
        }
        if let Some(url) = &view.leave_to {
            return redirect(url.as_str());
        }
        if view.path != place.path {
            return redirect(&format!("{}?visit={}", place.url(&view.path), view.id));
        }
        let body = draw::page(view, visitor, place, again);
        let title = &visitor.program.definition().friendly_name;
        self.document(place, parts, StatusCode::OK, title, &body)
    }

    fn problem(&self, place: &Place, parts: &Parts, text: &str) -> Response {
        if place.wants_json {
            let mut response = json_response(&json!({ "code": "unavailable", "message": text }));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return response;
        }
        let body = draw::problem(text);
        self.document(place, parts, StatusCode::SERVICE_UNAVAILABLE, text, &body)
    }

    fn document(&self, place: &Place, parts: &Parts, status: StatusCode, title: &str, body: &str) -> Response {
        let urls = Urls::new(format!("{}/-", place.base));
        let page = Page {
            title,
            styles: &[assets::style_url(&urls)],
            plain_style: &assets::plain_style_url(&urls),
            scripts: &[assets::script_url(&urls)],
            body,
            language: &place.language,
        };
        super::html_response(self.options.layout.wrap(&page, parts), status, &*self.options.layout)
    }
}

/// Calls one of the handlers that the host's own controls stand for, and says whether it went well.
async fn call(visitor: &SurfaceVisitor, name: &str) -> bool {
    let context = &visitor.context;
    let site = context.site.as_ref().map(|site| site.id.as_str());
    let mut call = HandlerCall::post(name, &json!({ "siteId": site, "teamId": context.account }));
    call.query = site.map(|site| ("siteId".to_owned(), site.to_owned())).into_iter().collect();
    call.query.push(("teamId".to_owned(), context.account.clone()));
    let reply = visitor.handlers.call(call).await;
    if !reply.is_ok() {
        let status = reply.status.as_u16();
        tracing::warn!(handler = name, status, "a handler of the host's own controls failed");
    }
    reply.is_ok()
}

fn refused(refusal: &SurfaceRefusal, place: &Place) -> Response {
    match refusal {
        SurfaceRefusal::NoSurface => status(StatusCode::NOT_FOUND),
        SurfaceRefusal::Stranger(Stranger::Redirect(to)) if !place.wants_json => redirect(to),
        SurfaceRefusal::Stranger(_) => status(StatusCode::UNAUTHORIZED),
    }
}

fn json_response(body: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What was posted.
struct Posted {
    visit: Option<VisitId>,
    step: Option<u64>,
    event: String,
    inputs: Vec<(String, String)>,
}

impl Posted {
    fn read(body: &[u8]) -> Self {
        let mut posted = Self { visit: None, step: None, event: String::new(), inputs: Vec::new() };
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "visit" => posted.visit = value.parse().ok(),
                "step" => posted.step = value.parse().ok(),
                "event" => posted.event = value.into_owned(),
                name => posted.inputs.extend(name.strip_prefix("i.").map(|id| (id.to_owned(), value.into_owned()))),
            }
        }
        posted
    }
}

/// What the pages say while they are drawn.
fn say(place: &Place) -> Say<'_> {
    Say::new(&*place.language.catalog)
}
