//! Integrations that draw their own pages, at sites and accounts: which there are, and their surfaces.

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use outrigger_integrations::handler::{Caller, HandlerCall, HandlerCaller, HandlerError, HandlerReply};
use outrigger_integrations::pages::{
    self, Layout as SurfaceLayout, Stranger, SurfaceHost, SurfaceOptions, SurfaceRefusal, SurfaceVisitor,
    surface_router,
};
use outrigger_integrations::surface::{SurfaceIntegration, VisitContext, VisitSite};
use outrigger_integrations::{IntegrationId, Scope, ScopeKind};
use secrecy::SecretString;

use super::layout::{Layout, Section};
use super::{PageResult, page};
use crate::app::{App, SharedApp};
use crate::auth::{AccountVisitor, PageRefusal, SignedIn, SiteVisitor, path_value};
use crate::error::{ApiResult, not_found};
use crate::ops::connections;
use crate::store::accounts::{Account, Role};
use crate::store::integration_tokens::IntegrationToken;
use crate::store::tokens::Scope as TokenScope;
use crate::store::{Store, StoreError};
use crate::urls::Page;

/// The surfaces of sites and of accounts.
pub(crate) fn router(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .nest("/accounts/{account}/surfaces/{slug}", surfaces(app, Place::Account))
        .nest("/sites/{site}/surfaces/{slug}", surfaces(app, Place::Site))
}

#[derive(Clone, Copy)]
enum Place {
    Account,
    Site,
}

/// Somebody at a surface, and what surrounds it for them.
#[derive(Clone)]
struct Guest {
    integration: SurfaceIntegration,
    at: Visitor,
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one for each request, and it is not moved about")]
enum Visitor {
    Account(AccountVisitor),
    Site(SiteVisitor),
}

fn surfaces(app: &SharedApp, place: Place) -> Router<SharedApp> {
    let options = SurfaceOptions::default().layout(AroundSurfaces).trust_origin(app.urls.origin());
    let admit = move |State(app): State<SharedApp>, request: Request, next: Next| admit(app, place, request, next);
    surface_router(Surfaces(app.clone()), app.visits.clone(), options)
        .layer(from_fn_with_state(app.clone(), admit))
        .with_state(())
}

/// Finds out who comes and to what, before the surface does.
async fn admit(app: SharedApp, place: Place, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match Guest::find(&app, place, &mut parts).await {
        Ok(guest) => parts.extensions.insert(guest),
        Err(refusal) => return refusal.into_response(),
    };
    next.run(Request::from_parts(parts, body)).await
}

impl Guest {
    async fn find(app: &SharedApp, place: Place, parts: &mut Parts) -> Result<Self, PageRefusal> {
        let (at, kind) = match place {
            Place::Account => {
                (Visitor::Account(AccountVisitor::from_request_parts(parts, app).await?), ScopeKind::Account)
            }
            Place::Site => (Visitor::Site(SiteVisitor::from_request_parts(parts, app).await?), ScopeKind::Site),
        };
        let slug = path_value(parts, app, &["slug"]).await?;
        let found = app.surfaces.find(&slug).filter(|integration| integration.places.contains(&kind));
        Ok(Self { integration: found.ok_or_else(|| not_found(format!("integration `{slug}`")))?, at })
    }
}

impl Visitor {
    fn person(&self) -> &SignedIn {
        match self {
            Self::Account(visitor) => &visitor.person,
            Self::Site(visitor) => &visitor.person,
        }
    }

    fn role(&self) -> Role {
        match self {
            Self::Account(visitor) => visitor.role,
            Self::Site(visitor) => visitor.role,
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Self::Account(visitor) => Scope::Account(visitor.account.id.as_str().into()),
            Self::Site(visitor) => Scope::Site(visitor.site.id.as_str().into()),
        }
    }

    fn account(&self) -> &Account {
        match self {
            Self::Account(visitor) => &visitor.account,
            Self::Site(visitor) => &visitor.account,
        }
    }

    /// What the integration may do here in the visitor's name, for the next while.
    fn token(&self, store: &Store, integration: &IntegrationId) -> Result<SecretString, StoreError> {
        let site = match self {
            Self::Account(_) => None,
            Self::Site(visitor) => Some(visitor.site.id.clone()),
        };
        let token = store.integration_token(&IntegrationToken {
            integration: integration.clone(),
            account: self.account().id.clone(),
            site,
            user: self.person().user.id.clone(),
            scope: if self.role() >= Role::Developer { TokenScope::Write } else { TokenScope::Read },
            expires_at: store.integration_token_end(),
        });
        token.map(Into::into)
    }

    async fn caller(&self, app: &App, integration: &IntegrationId) -> Result<Caller, StoreError> {
        let site = match self {
            Self::Account(_) => None,
            Self::Site(visitor) => Some(visitor.site.id.to_string()),
        };
        let user = Some(self.person().user.id.to_string());
        let token = Some(self.token(&app.store, integration)?);
        let connected = connections::current(app, &self.scope(), integration).await?;
        let provider_token = connected.and_then(|connected| connected.token);
        Ok(Caller { account: self.account().id.to_string(), site, user, token, provider_token })
    }

    /// Where they connect the integration, if that is set up and can be done now.
    fn connect_url(&self, app: &App, integration: &IntegrationId) -> Option<String> {
        let slug = integration.as_str();
        app.config.oauth.contains_key(slug).then(|| match self {
            Self::Account(visitor) => Page::AccountConnection(&visitor.account.slug, slug).to_string(),
            Self::Site(visitor) => Page::SiteConnection(&visitor.site.name, slug).to_string(),
        })
    }

    async fn context(&self, app: &App, integration: &IntegrationId, is_enabled: bool) -> ApiResult<VisitContext> {
        let site = match self {
            Self::Account(_) => None,
            Self::Site(visitor) => {
                let url = app.urls.site(&visitor.site).parse().map_err(crate::error::internal)?;
                Some(VisitSite { id: visitor.site.id.to_string(), name: visitor.site.name.clone(), url })
            }
        };
        let connected = connections::current(app, &self.scope(), integration).await?;
        Ok(VisitContext {
            site,
            account: self.account().id.to_string(),
            token: self.token(&app.store, integration)?,
            is_connected: connected.is_some(),
            provider_token: connected.and_then(|connected| connected.token),
            server_url: app.urls.integration(integration).parse().map_err(crate::error::internal)?,
            is_enabled,
            plugins: Vec::new(),
        })
    }
}

struct Surfaces(SharedApp);

impl SurfaceHost for Surfaces {
    async fn visitor(&self, parts: &Parts) -> Result<SurfaceVisitor, SurfaceRefusal> {
        let guest = parts.extensions.get::<Guest>().cloned();
        let Guest { integration, at } = guest.ok_or(SurfaceRefusal::Stranger(Stranger::Refuse))?;
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a surface cannot be shown");
            SurfaceRefusal::NoSurface
        };
        let scope = at.scope();
        let enabled = self.0.enablements.find(&scope, &integration.id).await.map_err(|error| failed(&error))?;
        let context = at.context(&self.0, &integration.id, enabled.is_some()).await;
        let context = context.map_err(|error| failed(&error.message()))?;
        Ok(SurfaceVisitor {
            owner: format!("{}/{scope}/{}", at.person().session.id, integration.id),
            program: integration.program.clone(),
            context,
            may_change: at.role() >= Role::Developer,
            connect_url: at.connect_url(&self.0, &integration.id),
            handlers: handlers(self.0.clone(), integration, at),
        })
    }
}

/// Calls the handlers for a visitor. A visit may be long, so each call has a token of its own.
fn handlers(app: SharedApp, integration: SurfaceIntegration, at: Visitor) -> HandlerCaller {
    HandlerCaller::new(move |call| {
        let (app, integration, at) = (app.clone(), integration.clone(), at.clone());
        Box::pin(async move {
            let reply = call_handler(&app, &integration, &at, call).await;
            reply.unwrap_or_else(|error| HandlerError::failed(error.to_string()).reply())
        })
    })
}

/// The integration lets go of what it has at the service first: it needs the connection for that.
async fn call_handler(
    app: &App,
    integration: &SurfaceIntegration,
    at: &Visitor,
    call: HandlerCall,
) -> Result<HandlerReply, StoreError> {
    let caller = at.caller(app, &integration.id).await?;
    let (scope, id) = (at.scope(), &integration.id);
    let ending = match ENDING.contains(&call.name.as_str()) {
        true => app.enablements.connection(&scope, id).await?,
        false => None,
    };
    let reply = integration.handlers.call(call, caller).await;
    if let Some(kept) = ending.filter(|_| reply.is_ok()) {
        connections::end(app, &scope, id, &kept).await?;
    }
    Ok(reply)
}

/// The handlers of the host's own controls that end a connection (contract integration-api, section 7).
const ENDING: [&str; 2] = ["on-disable", "on-disconnect"];

struct AroundSurfaces;

impl SurfaceLayout for AroundSurfaces {
    fn wrap(&self, page: &pages::Page<'_>, parts: &Parts) -> String {
        let layout = match parts.extensions.get::<Guest>().map(|guest| &guest.at) {
            Some(Visitor::Account(visitor)) => Layout::in_account(page.title, Section::Services, visitor),
            Some(Visitor::Site(visitor)) => Layout::in_site(page.title, Section::Services, visitor),
            None => Layout::for_anybody(page.title),
        };
        let layout = page.styles.iter().fold(layout, |layout, href| layout.stylesheet(href));
        page.scripts.iter().fold(layout, |layout, src| layout.script(src)).document(page.body)
    }
}

/// One integration that can be enabled, or is.
pub(super) struct Offered {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) href: String,
    pub(super) enabled: bool,
}

#[derive(Template)]
#[template(path = "surfaces.html")]
pub(super) struct SurfacesPage {
    pub(super) layout: Layout,
    pub(super) offered: Vec<Offered>,
}

/// The integrations with pages of their own that an account can have.
pub(crate) async fn list_of_account(State(app): State<SharedApp>, visitor: AccountVisitor) -> PageResult {
    let scope = Scope::Account(visitor.account.id.as_str().into());
    let href = |slug: &str| Page::AccountSurface(&visitor.account.slug, slug).to_string();
    let offered = offered(&app, &scope, href).await?;
    Ok(page(&SurfacesPage { layout: Layout::in_account("Services", Section::Services, &visitor), offered })?)
}

/// The integrations with pages of their own that a site can have.
pub(crate) async fn list_of_site(State(app): State<SharedApp>, visitor: SiteVisitor) -> PageResult {
    let scope = Scope::Site(visitor.site.id.as_str().into());
    let href = |slug: &str| Page::SiteSurface(&visitor.site.name, slug).to_string();
    let offered = offered(&app, &scope, href).await?;
    Ok(page(&SurfacesPage { layout: Layout::in_site("Services", Section::Services, &visitor), offered })?)
}

async fn offered(app: &App, scope: &Scope, href: impl Fn(&str) -> String) -> ApiResult<Vec<Offered>> {
    let enabled = app.enablements.list(scope).await.map_err(crate::store::StoreError::from)?;
    let offer = |integration: SurfaceIntegration| Offered {
        name: integration.about.name.to_string(),
        summary: integration.about.summary.to_string(),
        href: href(integration.id.as_str()),
        enabled: enabled.iter().any(|enabled| enabled.integration == integration.id),
    };
    Ok(app.surfaces.at(scope.kind()).into_iter().map(offer).collect())
}
