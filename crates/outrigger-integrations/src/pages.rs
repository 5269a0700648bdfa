//! The pages on which people configure integrations, and their JSON twins, as an axum router for any host.
//!
//! Nest [`router`] anywhere: the addresses of the pages follow from where it was nested, the scope of the
//! configurations from the mount ([`ScopeFrom`]), and who may do what from the host's [`Policy`]. Everything works
//! without JavaScript, and better with the one script that the router serves itself; nothing is inline, so a strict
//! `Content-Security-Policy` holds.
//!
//! Each page has a twin at the same address for programs, which send `Accept: application/json`.
//!
//! | Address | Methods | What |
//! |---|---|---|
//! | `/` | GET | the list: `?q=&integration=&state=&after=` |
//! | `/new` | GET | which integrations there are |
//! | `/new/{integration}` | GET, POST | the form of a new configuration |
//! | `/{config}` | GET, POST, PUT, DELETE | a configuration |
//! | `/{config}/delete` | GET, POST | asks before it is deleted |
//! | `/{config}/undo` | POST | takes the deletion back |
//! | `/{config}/enabled` | POST | switches it on or off |
//! | `/{config}/test`, `/new/{integration}/test` | POST | tries settings out without saving them |
//! | `/{config}/sample` | POST | sends the integration's sample |
//! | `/{config}/deliveries`, `/{config}/deliveries/{delivery}` | GET | what was sent, with each attempt |
//! | `/{config}/deliveries/{delivery}/replay` | POST | sends it again |
//! | `/{config}/runs` | GET | what the service does for it |
//! | `/{config}/history` | GET | who changed what |
//! | `/assets/…` | GET | style sheet, script, pictures |
//!
//! A write as JSON carries the version that it is based on, in `version` or `If-Match`; a stale one is answered 409.
//! Errors are `{ "code", "message", "fields"? }`.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::Path;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{self, MethodFilter, MethodRouter, get};
use axum::{Router, middleware};
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, Method, Request as HttpRequest, StatusCode, header};
use tower_http::csrf::{CsrfLayer, ProtectionError};

mod add;
mod assets;
mod chart;
mod config;
mod delete;
mod deliveries;
mod edit;
mod fields;
mod history;
mod hooks;
mod layout;
mod list;
mod options;
mod policy;
mod posted;
mod problem;
mod request;
mod runs;
mod say;
mod surface;
mod switch;
mod urls;
mod view;

pub use hooks::hooks_router;
pub use layout::{Layout, Page, PlainLayout};
pub use options::{Language, Names, PagesOptions};
pub use policy::{Action, Decision, PathParams, Policy, ScopeFrom, Stranger, Subject};
use problem::Problem;
use request::{Answer, Place, Request};
pub use surface::{SurfaceHost, SurfaceOptions, SurfaceRefusal, SurfaceVisitor, surface_router};
pub use urls::Urls;

use crate::{Host, Manager};

/// What all requests share.
struct Inner<H: Host, P: Policy> {
    manager: Manager<H>,
    options: PagesOptions<P>,
}

type Shared<H, P> = Arc<Inner<H, P>>;

/// The pages of this manager.
///
/// # Panics
/// When an origin that the options trust is none.
pub fn router<H: Host, P: Policy>(manager: Manager<H>, options: PagesOptions<P>) -> Router {
    let csrf = options.trusted_origins.iter().fold(CsrfLayer::new(), |layer, origin| {
        layer.add_trusted_origin(origin).expect("a trusted origin is a scheme and a host")
    });
    let pages = Arc::new(Inner { manager, options });
    let on = Handlers(pages.clone());
    let nothing_here = on.handler(|_, _| ready(Err(Problem::NotFound)));
    let wrong_method = on.handler(|_, _| ready(Err(Problem::WrongMethod)));
    let update = on.on(MethodFilter::POST.or(MethodFilter::PUT), edit::update);
    Router::new()
        .route("/", on.get(list::list))
        .route("/new", on.get(add::choose))
        .route("/new/{og_integration}", on.get(edit::new).merge(on.post(edit::create)))
        .route("/new/{og_integration}/test", on.post(edit::test_new))
        .route("/{og_config}", on.get(edit::show).merge(update).merge(on.on(MethodFilter::DELETE, delete::delete)))
        .route("/{og_config}/test", on.post(edit::test))
        .route("/{og_config}/delete", on.get(delete::ask).merge(on.post(delete::delete)))
        .route("/{og_config}/undo", on.post(delete::undo))
        .route("/{og_config}/enabled", on.post(switch::enable))
        .route("/{og_config}/sample", on.post(deliveries::sample))
        .route("/{og_config}/deliveries", on.get(deliveries::list))
        .route("/{og_config}/deliveries/{og_delivery}", on.get(deliveries::show))
        .route("/{og_config}/deliveries/{og_delivery}/replay", on.post(deliveries::replay))
        .route("/{og_config}/runs", on.get(runs::list))
        .route("/{og_config}/history", on.get(history::history))
        .route("/assets/{og_file}", get(asset_of(pages.clone())))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(csrf)
        .layer(middleware::from_fn(move |request: HttpRequest<Body>, next: Next| {
            explain_refusal(pages.clone(), request, next)
        }))
}

/// Hands the manager to handlers of the host's own: `Extension<Manager<H>>` among their arguments.
///
/// ```
/// use axum::{Extension, Router, routing::get};
/// use outrigger_integrations::{Host, Manager, pages};
///
/// fn app<H: Host>(manager: Manager<H>) -> Router {
///     let count = |Extension(manager): Extension<Manager<H>>| async move { manager.integrations().len().to_string() };
///     Router::new().route("/count", get(count)).layer(pages::manager_layer(manager))
/// }
/// ```
pub fn manager_layer<H: Host>(manager: Manager<H>) -> axum::Extension<Manager<H>> {
    axum::Extension(manager)
}

/// Makes axum's handlers of ours.
struct Handlers<H: Host, P: Policy>(Shared<H, P>);

impl<H: Host, P: Policy> Handlers<H, P> {
    fn get<F, Fut>(&self, answer: F) -> MethodRouter
    where
        F: Fn(Arc<Request<H, P>>, Body) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.on(MethodFilter::GET, answer)
    }

    fn post<F, Fut>(&self, answer: F) -> MethodRouter
    where
        F: Fn(Arc<Request<H, P>>, Body) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.on(MethodFilter::POST, answer)
    }

    fn on<F, Fut>(&self, methods: MethodFilter, answer: F) -> MethodRouter
    where
        F: Fn(Arc<Request<H, P>>, Body) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        routing::on(methods, self.handler(answer))
    }

    fn handler<F, Fut>(
        &self,
        answer: F,
    ) -> impl Fn(HttpRequest<Body>) -> BoxFuture<'static, Response> + Clone + use<H, P, F, Fut>
    where
        F: Fn(Arc<Request<H, P>>, Body) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        let pages = self.0.clone();
        move |request| Box::pin(serve(pages.clone(), request, answer.clone()))
    }
}

/// Finds out who asks and where, and lets the handler answer.
async fn serve<H: Host, P: Policy, Fut: Future<Output = Answer>>(
    pages: Shared<H, P>,
    request: HttpRequest<Body>,
    answer: impl Fn(Arc<Request<H, P>>, Body) -> Fut,
) -> Response {
    let (parts, body) = request.into_parts();
    let place = Place::find(&pages, &parts);
    let request = match Request::accept(pages.clone(), parts.clone(), place.clone()).await {
        Ok(request) => Arc::new(request),
        Err(problem) => return problem.answer(&pages, &place, &parts),
    };
    match answer(request.clone(), body).await {
        Ok(response) => response,
        Err(problem) => problem.answer(&pages, &place, &request.parts),
    }
}

/// Files that are the same for everybody, so nobody is asked who they are.
fn asset_of<H: Host, P: Policy>(
    pages: Shared<H, P>,
) -> impl Fn(Path<HashMap<String, String>>, HttpRequest<Body>) -> BoxFuture<'static, Response> + Clone {
    move |Path(params), request| {
        let pages = pages.clone();
        Box::pin(async move {
            let name = params.get("og_file").map(String::as_str).unwrap_or_default();
            assets::own(name).or_else(|| pages.icon_file(name)).unwrap_or_else(|| {
                let (parts, _) = request.into_parts();
                Problem::NotFound.answer(&pages, &Place::find(&pages, &parts), &parts)
            })
        })
    }
}

/// Gives the answer to a post from elsewhere a page of its own.
async fn explain_refusal<H: Host, P: Policy>(pages: Shared<H, P>, request: HttpRequest<Body>, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let answer = next.run(HttpRequest::from_parts(parts.clone(), body)).await;
    if answer.extensions().get::<ProtectionError>().is_none() {
        return answer;
    }
    Problem::CrossSite.answer(&pages, &Place::find(&pages, &parts), &parts)
}

impl<H: Host, P: Policy> Inner<H, P> {
    /// A whole document around a page.
    fn document(&self, place: &Place, parts: &Parts, status: StatusCode, title: &str, body: &str) -> Response {
        let own = self.options.own_style.then(|| assets::style_url(&place.urls));
        let styles: Vec<String> = own.into_iter().chain(self.options.styles.iter().cloned()).collect();
        let page = Page {
            title,
            styles: &styles,
            plain_style: &assets::plain_style_url(&place.urls),
            scripts: &[assets::script_url(&place.urls)],
            body,
            language: &place.language,
        };
        html_response(self.options.layout.wrap(&page, parts), status, &*self.options.layout)
    }

    fn icon_file(&self, name: &str) -> Option<Response> {
        let (integration, hash) = assets::icon_asked_for(name)?;
        let about = self.manager.get(&integration.parse().ok()?).ok()?.about?;
        let svg = about.icon?.as_svg();
        assets::is_hash_of(hash, svg).then(|| assets::picture(svg))
    }
}

/// A whole document, as it is sent.
fn html_response(document: String, status: StatusCode, layout: &dyn Layout) -> Response {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if let Some(policy) = layout.content_security_policy()
        && let Ok(policy) = HeaderValue::from_str(policy)
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    request::no_store(&mut response);
    response
}

/// Templates are checked when they are compiled; what is left to fail is writing to memory.
fn render(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}
