//! Who may do what: the host's answer.

use std::future::{Future, ready};
use std::sync::Arc;

use http::request::Parts;

use crate::{Actor, ConfigId, IntegrationId, Scope};

/// The host's rules: who calls, and what they may do. One policy answers for every page, and nothing else does; the
/// same one can stand behind several mounts, such as one for administrators and one for each account.
///
/// ```
/// use http::request::Parts;
/// use outrigger_integrations::pages::{Action, Decision, Policy, Stranger, Subject};
/// use outrigger_integrations::{Actor, Scope};
///
/// struct Members;
///
/// struct Member {
///     name: String,
///     account: String,
///     is_owner: bool,
/// }
///
/// impl Policy for Members {
///     type Principal = Member;
///
///     async fn principal(&self, parts: &Parts) -> Result<Member, Stranger> {
///         // A middleware of the host has looked at the cookie.
///         let name = parts.extensions.get::<String>().cloned().ok_or(Stranger::Redirect("/sign-in".into()))?;
///         Ok(Member { name, account: "7".into(), is_owner: true })
///     }
///
///     fn actor(&self, member: &Member) -> Actor {
///         Actor::new(&member.name, &member.name)
///     }
///
///     async fn decide(&self, member: &Member, action: Action, on: &Subject<'_>) -> Decision {
///         match (on.scope, action) {
///             (Scope::Account(id), _) if **id != *member.account => Decision::Hide,
///             (Scope::Account(_), Action::List | Action::View) => Decision::Allow,
///             (Scope::Account(_), _) if member.is_owner => Decision::Allow,
///             _ => Decision::Deny,
///         }
///     }
/// }
/// ```
pub trait Policy: Send + Sync + 'static {
    /// Somebody the host knows.
    type Principal: Send + Sync + 'static;

    /// Who calls. The parts have what the host's own middleware has put there.
    ///
    /// # Errors
    /// [`Stranger`] for somebody the host does not know.
    fn principal(&self, parts: &Parts) -> impl Future<Output = Result<Self::Principal, Stranger>> + Send;

    /// Under which name their changes are kept.
    fn actor(&self, principal: &Self::Principal) -> Actor;

    /// Whether they may do this. Unless the host says otherwise, nobody may do anything.
    fn decide(
        &self,
        principal: &Self::Principal,
        action: Action,
        on: &Subject<'_>,
    ) -> impl Future<Output = Decision> + Send {
        let _ = (principal, action, on);
        ready(Decision::Deny)
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// See which configurations there are.
    List,
    /// See one, with its deliveries and its history.
    View,
    /// Make one.
    Add,
    /// Change one, or switch it on or off.
    Edit,
    /// Delete one, or take that back.
    Delete,
    /// Try one out, or ask its service for choices: something is sent.
    Test,
    /// Send something once more.
    Replay,
}

/// To what they want to do it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Where. It is the scope of the mount.
    pub scope: &'a Scope,
    /// The integration, where it is about one.
    pub integration: Option<&'a IntegrationId>,
    /// The configuration, where it is about one. It need not exist.
    pub config: Option<ConfigId>,
}

/// What the host answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They may.
    Allow,
    /// They may not, and are told so: 403.
    Deny,
    /// They may not even know that it exists: 404.
    Hide,
}

/// What becomes of somebody the host does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// A browser is led there, to sign in; a program gets 401.
    Redirect(String),
    /// 401.
    Refuse,
}

type ScopeOf<P> = dyn Fn(&Parts, &P) -> Option<Scope> + Send + Sync;

/// How the scope of a request follows from where the host has mounted the pages. A request without a scope is answered
/// 404.
pub struct ScopeFrom<P>(Arc<ScopeOf<P>>);

impl<P> Clone for ScopeFrom<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: 'static> ScopeFrom<P> {
    /// Always the same, such as [`Scope::System`] for the administrators of an installation.
    pub fn fixed(scope: Scope) -> Self {
        Self::request(move |_, _| Some(scope.clone()))
    }

    /// The account whose id is this parameter of the path: `account` for pages nested at
    /// `/accounts/{account}/integrations`.
    pub fn account_in_path(parameter: &'static str) -> Self {
        Self::path(parameter, Scope::Account)
    }

    /// The site whose id is this parameter of the path.
    pub fn site_in_path(parameter: &'static str) -> Self {
        Self::path(parameter, Scope::Site)
    }

    /// The person whose id is this parameter of the path.
    pub fn user_in_path(parameter: &'static str) -> Self {
        Self::path(parameter, Scope::User)
    }

    /// Whatever follows from the request and who sent it; [`PathParams`] are among the extensions of the parts.
    pub fn request(scope: impl Fn(&Parts, &P) -> Option<Scope> + Send + Sync + 'static) -> Self {
        Self(Arc::new(scope))
    }

    fn path(parameter: &'static str, scope: fn(Box<str>) -> Scope) -> Self {
        Self::request(move |parts, _| {
            let params = parts.extensions.get::<PathParams>()?;
            params.get(parameter).filter(|id| !id.is_empty()).map(|id| scope(id.into()))
        })
    }

    pub(super) fn find(&self, parts: &Parts, principal: &P) -> Option<Scope> {
        (self.0)(parts, principal)
    }
}

/// The parameters of a request's path, those of the host's mount among them.
#[derive(Clone, Debug, Default)]
pub struct PathParams(pub(super) Vec<(String, String)>);

impl PathParams {
    /// The parameter with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
