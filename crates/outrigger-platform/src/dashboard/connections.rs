//! The way to a service's consent and back, for the card `connection` on the surface of an integration.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use outrigger_integrations::{IntegrationId, Scope};

use crate::app::{App, SharedApp};
use crate::auth::{AccountVisitor, PageRefusal, SignedIn, SiteVisitor};
use crate::error::{ApiResult, forbidden, not_found};
use crate::ops::connections::{self, Returned};
use crate::store::accounts::Role;
use crate::store::ids::{AccountId, SessionId};
use crate::urls::Page;

/// Sends somebody to the service of an integration of an account.
pub(crate) async fn connect_account(
    State(app): State<SharedApp>,
    visitor: AccountVisitor,
    Path((_, slug)): Path<(String, String)>,
) -> Result<Response, PageRefusal> {
    let scope = Scope::Account(visitor.account.id.as_str().into());
    go(&app, &scope, &slug, visitor.role, &visitor.person.session.id).await
}

/// Sends somebody to the service of an integration of a site.
pub(crate) async fn connect_site(
    State(app): State<SharedApp>,
    visitor: SiteVisitor,
    Path((_, slug)): Path<(String, String)>,
) -> Result<Response, PageRefusal> {
    let scope = Scope::Site(visitor.site.id.as_str().into());
    go(&app, &scope, &slug, visitor.role, &visitor.person.session.id).await
}

async fn go(app: &App, scope: &Scope, slug: &str, role: Role, session: &SessionId) -> Result<Response, PageRefusal> {
    check_role(role)?;
    let integration = app.surfaces.find(slug).filter(|integration| integration.places.contains(&scope.kind()));
    let integration: IntegrationId = integration.ok_or_else(|| not_found(format!("integration `{slug}`")))?.id;
    let url = connections::begin(app, scope, &integration, session).await?;
    Ok(leave(Redirect::to(url.as_str())))
}

/// Somebody comes back from a service.
pub(crate) async fn come_back(
    State(app): State<SharedApp>,
    person: SignedIn,
    Query(returned): Query<Returned>,
) -> Result<Response, PageRefusal> {
    let back = connections::read(&app, returned, &person.session.id)?;
    let surface = check_place(&app, &person, &back.scope, &back.integration).await?;
    connections::finish(&app, back).await?;
    Ok(leave(Redirect::to(&surface)))
}

/// The surface that somebody left; what they may do there can have changed meanwhile.
async fn check_place(app: &App, person: &SignedIn, scope: &Scope, slug: &IntegrationId) -> ApiResult<String> {
    let missing = || not_found("the place that was to be connected");
    let (account, page) = match scope {
        Scope::Account(id) => {
            let account = app.store.find_account_anywhere(id).await?.ok_or_else(missing)?;
            let page = Page::AccountSurface(&account.slug, slug.as_str()).to_string();
            (account.id, page)
        }
        Scope::Site(id) => {
            let site = app.store.find_site_anywhere(id).await?.ok_or_else(missing)?;
            let page = Page::SiteSurface(&site.name, slug.as_str()).to_string();
            (site.account_id, page)
        }
        _ => return Err(missing()),
    };
    let role = role(app, &account, person).await?.ok_or_else(missing)?;
    check_role(role)?;
    Ok(page)
}

async fn role(app: &App, account: &AccountId, person: &SignedIn) -> ApiResult<Option<Role>> {
    Ok(app.store.role_in_account(account, &person.user.id).await?)
}

fn check_role(role: Role) -> ApiResult<()> {
    if role < Role::Developer {
        return Err(forbidden("connecting an integration needs the role developer"));
    }
    Ok(())
}

/// Codes and states stand in addresses here: nobody keeps them, and no page that comes next is told.
fn leave(to: Redirect) -> Response {
    let mut response = to.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
