//! What becomes of an instance.

use outrigger_db::Tx;
use outrigger_integrations::{Announce, Announcement, Event, Level, Scope};
use serde::{Deserialize, Serialize};

use super::{AccountRef, AddonRef, EventKind, PlatformFacts, PlatformHost, SiteRef, scopes_of, tell};
use crate::app::App;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::addons::Addon;
use crate::store::ids::InstanceId;
use crate::store::instances::{Instance, InstanceState};
use crate::store::sites::Site;
use crate::urls::Page;

/// An instance, with where it is and what it is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstanceSubject {
    pub instance_id: InstanceId,
    pub addon: AddonRef,
    pub account: AccountRef,
    pub site: SiteRef,
    /// The site's page in the dashboard.
    pub url: String,
}

/// An add-on is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstanceCreated {
    #[serde(flatten)]
    pub subject: InstanceSubject,
}

/// Something that was to be done with an add-on did not succeed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstanceFailed {
    #[serde(flatten)]
    pub subject: InstanceSubject,
    pub undertaking: Undertaking,
    /// Why, for people.
    pub reason: String,
}

/// What was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Undertaking {
    Create,
    Update,
    Delete,
}

/// An add-on has another configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstanceUpdated {
    #[serde(flatten)]
    pub subject: InstanceSubject,
}

/// An add-on is gone from its site.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstanceRemoved {
    #[serde(flatten)]
    pub subject: InstanceSubject,
}

impl InstanceSubject {
    /// Reads what an event says about an instance; `None` when it is gone. To be called before a transaction.
    pub(crate) async fn load(app: &App, id: &InstanceId) -> Result<Option<Self>, StoreError> {
        let Some(instance) = app.store.find_instance_anywhere(id).await? else { return Ok(None) };
        let site = app.store.find_site_anywhere(instance.site_id.as_str()).await?;
        let addon = app.store.addon(&instance.addon_id).await?;
        let (Some(site), Some(addon)) = (site, addon) else { return Ok(None) };
        let Some(account) = app.store.find_account_anywhere(site.account_id.as_str()).await? else { return Ok(None) };
        Ok(Some(Self::of(app, instance.id, &addon, &account, &site)))
    }

    pub(crate) fn of(app: &App, id: InstanceId, addon: &Addon, account: &Account, site: &Site) -> Self {
        let url = app.urls.absolute(&Page::Site(&site.name));
        Self { instance_id: id, addon: addon.into(), account: account.into(), site: site.into(), url }
    }

    fn scopes(&self) -> Vec<Scope> {
        scopes_of(&self.account, &self.site)
    }

    fn facts(&self, event: EventKind) -> PlatformFacts {
        let addon = Some(self.addon.slug.clone());
        PlatformFacts { addon, ..PlatformFacts::at(event, &self.account, &self.site) }
    }

    fn announce(&self, title: String) -> Announcement {
        Announcement::new(title).field("Account", &self.account.slug).field("Site", &self.site.name).url(&self.url)
    }
}

macro_rules! instance_event {
    ($event:ident, $name:literal) => {
        impl Event<PlatformHost> for $event {
            const NAME: &'static str = $name;

            fn scopes(&self) -> Vec<Scope> {
                self.subject.scopes()
            }

            fn facts(&self) -> PlatformFacts {
                self.subject.facts(EventKind::$event)
            }
        }
    };
}

instance_event!(InstanceCreated, "instance.created");
instance_event!(InstanceFailed, "instance.failed");
instance_event!(InstanceUpdated, "instance.updated");
instance_event!(InstanceRemoved, "instance.removed");

impl Announce<PlatformHost> for InstanceCreated {
    fn announcement(&self) -> Announcement {
        let InstanceSubject { addon, site, .. } = &self.subject;
        self.subject.announce(format!("{} was added to {}", addon.title, site.name)).level(Level::Success)
    }
}

impl Announce<PlatformHost> for InstanceFailed {
    fn announcement(&self) -> Announcement {
        let InstanceSubject { addon, site, .. } = &self.subject;
        let title = match self.undertaking {
            Undertaking::Create => format!("{} could not be added to {}", addon.title, site.name),
            Undertaking::Update => format!("{} on {} could not be changed", addon.title, site.name),
            Undertaking::Delete => format!("{} could not be removed from {}", addon.title, site.name),
        };
        self.subject.announce(title).text(&self.reason).level(Level::Error)
    }
}

impl Announce<PlatformHost> for InstanceUpdated {
    fn announcement(&self) -> Announcement {
        let InstanceSubject { addon, site, .. } = &self.subject;
        self.subject.announce(format!("{} on {} was changed", addon.title, site.name))
    }
}

impl Announce<PlatformHost> for InstanceRemoved {
    fn announcement(&self) -> Announcement {
        let InstanceSubject { addon, site, .. } = &self.subject;
        self.subject.announce(format!("{} was removed from {}", addon.title, site.name)).level(Level::Warning)
    }
}

/// Tells what it means that an instance came from one state into that of `now`, in the transaction that writes it.
pub(crate) async fn tell_change(
    app: &App,
    tx: &Tx,
    subject: InstanceSubject,
    before: InstanceState,
    now: &Instance,
) -> Result<(), StoreError> {
    use InstanceState::{Active, Deprovisioning, Failed, Provisioning, Unconfirmed, Updating};
    let undertaking = match (before, now.state) {
        (Provisioning, Active) => return tell(app, tx, &InstanceCreated { subject }).await,
        (Updating, Active) if now.reason.is_none() => return tell(app, tx, &InstanceUpdated { subject }).await,
        (Updating, Active) => Undertaking::Update,
        (Provisioning, Failed | Unconfirmed) => Undertaking::Create,
        (Deprovisioning, Unconfirmed) => Undertaking::Delete,
        _ => return Ok(()),
    };
    let reason = now.reason.clone().unwrap_or_default();
    tell(app, tx, &InstanceFailed { subject, undertaking, reason }).await
}

/// Tells that an instance is gone from its site, in the transaction that takes it off.
pub(crate) async fn tell_removal(app: &App, tx: &Tx, subject: InstanceSubject) -> Result<(), StoreError> {
    tell(app, tx, &InstanceRemoved { subject }).await
}
