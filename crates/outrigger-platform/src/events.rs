//! What happens on the platform, as integrations hear of it. Each event is handed to the manager in the transaction in
//! which it happened. The events are public: their JSON is what a webhook gets.

use outrigger_db::Tx;
use outrigger_integrations::{Announce, Announcement, Event, Facts, Host, Level, Scope};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::addons::Addon;
use crate::store::ids::{AccountId, SiteId};
use crate::store::sites::Site;
use crate::urls::Page;

mod instance;

pub use instance::{InstanceCreated, InstanceFailed, InstanceRemoved, InstanceSubject, InstanceUpdated, Undertaking};
pub(crate) use instance::{tell_change, tell_removal};

/// The platform, as the framework of integrations sees it.
pub struct PlatformHost;

impl Host for PlatformHost {
    type Facts = PlatformFacts;
    type Extra = ();
}

/// What the rules of a configuration may ask about an event.
#[derive(Debug, Facts)]
pub struct PlatformFacts {
    /// What happened.
    pub event: EventKind,
    /// The slug of the account.
    pub account: Option<String>,
    /// The name of the site.
    pub site: Option<String>,
    /// The slug of the add-on.
    #[fact(label = "Add-on")]
    pub addon: Option<String>,
    /// The branch that is to be built.
    pub branch: Option<String>,
}

/// Which event it is; the names are those of [`Event::NAME`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Facts)]
pub enum EventKind {
    #[fact(name = "instance.created", label = "An add-on was added")]
    InstanceCreated,
    #[fact(name = "instance.failed", label = "Something failed with an add-on")]
    InstanceFailed,
    #[fact(name = "instance.updated", label = "An add-on was changed")]
    InstanceUpdated,
    #[fact(name = "instance.removed", label = "An add-on was removed")]
    InstanceRemoved,
    #[fact(name = "site.created", label = "A site was made")]
    SiteCreated,
    #[fact(name = "build.requested", label = "A build was asked for")]
    BuildRequested,
    #[fact(name = "key.rotated", label = "There is a new key")]
    KeyRotated,
}

/// The account that something belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountRef {
    pub id: AccountId,
    pub slug: String,
}

/// The site that something belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SiteRef {
    pub id: SiteId,
    pub name: String,
}

/// An add-on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddonRef {
    pub slug: String,
    pub title: String,
}

/// A site was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SiteCreated {
    pub account: AccountRef,
    pub site: SiteRef,
    /// Its page in the dashboard.
    pub url: String,
}

/// A build of a site was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BuildRequested {
    pub account: AccountRef,
    pub site: SiteRef,
    /// Who or what asks.
    pub title: String,
    /// Which branch; blank for the site's own.
    pub branch: String,
    /// The site's page in the dashboard.
    pub url: String,
}

/// There is a new key: the secret that signs requests to an add-on, or the one that seals the platform's secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyRotated {
    /// Whose secret it is; none for the key that seals.
    pub addon: Option<AddonRef>,
}

impl From<&Account> for AccountRef {
    fn from(account: &Account) -> Self {
        Self { id: account.id.clone(), slug: account.slug.clone() }
    }
}

impl From<&Site> for SiteRef {
    fn from(site: &Site) -> Self {
        Self { id: site.id.clone(), name: site.name.clone() }
    }
}

impl From<&Addon> for AddonRef {
    fn from(addon: &Addon) -> Self {
        Self { slug: addon.slug.clone(), title: addon.title.clone() }
    }
}

impl PlatformFacts {
    fn of(event: EventKind) -> Self {
        Self { event, account: None, site: None, addon: None, branch: None }
    }

    fn at(event: EventKind, account: &AccountRef, site: &SiteRef) -> Self {
        Self { account: Some(account.slug.clone()), site: Some(site.name.clone()), ..Self::of(event) }
    }
}

/// The configurations of an account hear of what happens at its sites.
fn scopes_of(account: &AccountRef, site: &SiteRef) -> Vec<Scope> {
    vec![Scope::Account(account.id.as_str().into()), Scope::Site(site.id.as_str().into())]
}

impl SiteCreated {
    pub(crate) fn of(app: &App, account: &Account, site: &Site) -> Self {
        Self { account: account.into(), site: site.into(), url: app.urls.absolute(&Page::Site(&site.name)) }
    }
}

impl Event<PlatformHost> for SiteCreated {
    const NAME: &'static str = "site.created";

    fn scopes(&self) -> Vec<Scope> {
        scopes_of(&self.account, &self.site)
    }

    fn facts(&self) -> PlatformFacts {
        PlatformFacts::at(EventKind::SiteCreated, &self.account, &self.site)
    }
}

impl Announce<PlatformHost> for SiteCreated {
    fn announcement(&self) -> Announcement {
        Announcement::new(format!("Site {} was made", self.site.name))
            .field("Account", &self.account.slug)
            .url(&self.url)
            .level(Level::Success)
    }
}

impl BuildRequested {
    pub(crate) fn of(app: &App, account: &Account, site: &Site, title: &str, branch: &str) -> Self {
        Self {
            account: account.into(),
            site: site.into(),
            title: title.to_owned(),
            branch: branch.to_owned(),
            url: app.urls.absolute(&Page::Site(&site.name)),
        }
    }
}

impl Event<PlatformHost> for BuildRequested {
    const NAME: &'static str = "build.requested";

    fn scopes(&self) -> Vec<Scope> {
        scopes_of(&self.account, &self.site)
    }

    fn facts(&self) -> PlatformFacts {
        let branch = Some(self.branch.clone()).filter(|branch| !branch.is_empty());
        PlatformFacts { branch, ..PlatformFacts::at(EventKind::BuildRequested, &self.account, &self.site) }
    }
}

impl Announce<PlatformHost> for BuildRequested {
    fn announcement(&self) -> Announcement {
        let asked = Announcement::new(format!("A build of {} was asked for", self.site.name))
            .field("Asked by", &self.title)
            .url(&self.url);
        if self.branch.is_empty() { asked } else { asked.field("Branch", &self.branch) }
    }
}

impl Event<PlatformHost> for KeyRotated {
    const NAME: &'static str = "key.rotated";

    /// Keys are the concern of those who run the platform.
    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::System]
    }

    fn facts(&self) -> PlatformFacts {
        let addon = self.addon.as_ref().map(|addon| addon.slug.clone());
        PlatformFacts { addon, ..PlatformFacts::of(EventKind::KeyRotated) }
    }
}

impl Announce<PlatformHost> for KeyRotated {
    fn announcement(&self) -> Announcement {
        match &self.addon {
            Some(addon) => Announcement::new(format!("Add-on {} has a new signing secret", addon.title))
                .text("Its partner has to know it before the old one is no longer in use.")
                .level(Level::Warning),
            None => Announcement::new("The platform's secrets are sealed with a new key")
                .text("Keep a copy of the key file; restart every node before the old keys are pruned.")
                .level(Level::Warning),
        }
    }
}

/// Hands an event to the integrations, in the transaction in which it happened.
pub(crate) async fn tell<E: Event<PlatformHost>>(app: &App, tx: &Tx, event: &E) -> Result<(), StoreError> {
    app.manager.emit(tx, event).await?;
    Ok(())
}

/// Tells the operators' integrations that the secrets are sealed with a new key.
pub async fn tell_key_rotated(app: &App) -> Result<(), StoreError> {
    app.manager.dispatch(&KeyRotated { addon: None }).await?;
    Ok(())
}
