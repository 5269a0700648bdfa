//! The pages of the framework of integrations, once for each account, each site and the platform, inside our layout.

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use outrigger_integrations::pages::{
    self, Action, Decision, Layout as IntegrationsLayout, PagesOptions, Policy, ScopeFrom, Stranger, Subject,
};
use outrigger_integrations::{Actor, Scope};

use super::layout::{Layout, Section};
use crate::app::SharedApp;
use crate::auth::{
    AccountContext, AccountReader, AccountVisitor, Operator, PageRefusal, SignedIn, SiteContext, SiteReader,
    SiteVisitor, SystemVisitor,
};
use crate::store::accounts::Role;
use crate::store::tokens;
use crate::store::users::User;

/// Where pages are mounted; the parameters are those of the extractors in `auth`.
pub(crate) const MOUNTS: [&str; 3] =
    ["/accounts/{account}/integrations", "/sites/{site}/integrations", "/system/integrations"];

/// The pages of accounts, of sites, and of the platform for its operators.
pub(crate) fn router(app: &SharedApp) -> Router<SharedApp> {
    let [account, site, system] = MOUNTS;
    Router::new()
        .nest(account, pages(app, Place::Account))
        .nest(site, pages(app, Place::Site))
        .nest(system, pages(app, Place::System))
}

/// What the pages are about.
#[derive(Clone, Copy)]
enum Place {
    Account,
    Site,
    System,
}

/// Somebody who may at least look, and what surrounds the pages for them. Only a person in a browser needs the latter.
#[derive(Clone)]
struct Visit {
    scope: Scope,
    actor: Actor,
    may_change: bool,
    around: Option<Around>,
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one for each request, and it is not moved about")]
enum Around {
    Account(AccountVisitor),
    Site(SiteVisitor),
    System(SystemVisitor),
}

fn pages(app: &SharedApp, place: Place) -> Router<SharedApp> {
    let scope = ScopeFrom::request(|_, visit: &Visit| Some(visit.scope.clone()));
    let options = PagesOptions::new(VisitPolicy, scope).layout(AroundPages).trust_origin(app.urls.origin());
    let visit = move |State(app): State<SharedApp>, request: Request, next: Next| visit(app, place, request, next);
    pages::router(app.manager.clone(), options).layer(from_fn_with_state(app.clone(), visit)).with_state(())
}

/// Finds out who comes, before the pages do: a person by the session, a program by its token.
async fn visit(app: SharedApp, place: Place, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match Visit::find(&app, place, &mut parts).await {
        Ok(visit) => parts.extensions.insert(visit),
        Err(refusal) => return refusal.into_response(),
    };
    next.run(Request::from_parts(parts, body)).await
}

impl Visit {
    async fn find(app: &SharedApp, place: Place, parts: &mut Parts) -> Result<Self, PageRefusal> {
        if parts.headers.contains_key(axum::http::header::AUTHORIZATION) {
            return Self::of_program(app, place, parts).await;
        }
        Ok(match place {
            Place::Account => {
                let visitor = AccountVisitor::from_request_parts(parts, app).await?;
                let scope = Scope::Account(visitor.account.id.as_str().into());
                Self::of_person(scope, &visitor.person, visitor.role).around(Around::Account(visitor))
            }
            Place::Site => {
                let visitor = SiteVisitor::from_request_parts(parts, app).await?;
                let scope = Scope::Site(visitor.site.id.as_str().into());
                Self::of_person(scope, &visitor.person, visitor.role).around(Around::Site(visitor))
            }
            Place::System => {
                let visitor = SystemVisitor::from_request_parts(parts, app).await?;
                Self::of_person(Scope::System, &visitor.0, Role::Owner).around(Around::System(visitor))
            }
        })
    }

    async fn of_program(app: &SharedApp, place: Place, parts: &mut Parts) -> Result<Self, PageRefusal> {
        let (scope, user, may) = match place {
            Place::Account => {
                let AccountReader(AccountContext { caller, account, scope }) =
                    AccountReader::from_request_parts(parts, app).await?;
                (Scope::Account(account.id.as_str().into()), caller.user, scope)
            }
            Place::Site => {
                let SiteReader(SiteContext { caller, site, scope, .. }) =
                    SiteReader::from_request_parts(parts, app).await?;
                (Scope::Site(site.id.as_str().into()), caller.user, scope)
            }
            Place::System => {
                let Operator(caller) = Operator::from_request_parts(parts, app).await?;
                (Scope::System, caller.user, tokens::Scope::Admin)
            }
        };
        Ok(Self { scope, actor: actor(&user), may_change: may >= tokens::Scope::Write, around: None })
    }

    fn of_person(scope: Scope, person: &SignedIn, role: Role) -> Self {
        Self { scope, actor: actor(&person.user), may_change: role >= Role::Developer, around: None }
    }

    fn around(self, around: Around) -> Self {
        Self { around: Some(around), ..self }
    }
}

fn actor(user: &User) -> Actor {
    let name = if user.full_name.trim().is_empty() { &user.email } else { &user.full_name };
    Actor::new(user.id.as_str(), name)
}

/// Who may look at the place may look at its configurations; who may change its add-ons may change these too.
struct VisitPolicy;

impl Policy for VisitPolicy {
    type Principal = Visit;

    async fn principal(&self, parts: &Parts) -> Result<Visit, Stranger> {
        parts.extensions.get::<Visit>().cloned().ok_or(Stranger::Refuse)
    }

    fn actor(&self, visit: &Visit) -> Actor {
        visit.actor.clone()
    }

    async fn decide(&self, visit: &Visit, action: Action, on: &Subject<'_>) -> Decision {
        if *on.scope != visit.scope {
            return Decision::Hide;
        }
        match action {
            Action::List | Action::View => Decision::Allow,
            _ if visit.may_change => Decision::Allow,
            _ => Decision::Deny,
        }
    }
}

struct AroundPages;

impl IntegrationsLayout for AroundPages {
    fn wrap(&self, page: &pages::Page<'_>, parts: &Parts) -> String {
        let around = parts.extensions.get::<Visit>().and_then(|visit| visit.around.as_ref());
        let layout = match around {
            Some(Around::Account(visitor)) => Layout::in_account(page.title, Section::Integrations, visitor),
            Some(Around::Site(visitor)) => Layout::in_site(page.title, Section::Integrations, visitor),
            Some(Around::System(visitor)) => Layout::in_system(page.title, visitor),
            None => Layout::for_anybody(page.title),
        };
        let layout = page.styles.iter().fold(layout, |layout, href| layout.stylesheet(href));
        page.scripts.iter().fold(layout, |layout, src| layout.script(src)).document(page.body)
    }
}
