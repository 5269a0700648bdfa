//! What the pages of one configuration have in common.

use super::assets;
use super::policy::{Action, Policy};
use super::problem::Problem;
use super::request::Request;
use super::view::{Head, IconView, Switch, Tab};
use crate::{ConfigId, Host, IntegrationId, IntegrationInfo, StoredConfig};

/// The parts of a configuration that have a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Settings,
    Deliveries,
    Runs,
    History,
}

impl<H: Host, P: Policy> Request<H, P> {
    /// The configuration that the path names, if it is in this scope and not deleted.
    pub(super) async fn stored(&self, id: ConfigId) -> Result<StoredConfig<H>, Problem> {
        let found = self.pages.manager.find(&self.scope, id).await?;
        found.filter(|config| config.deleted_at.is_none()).ok_or(Problem::NotFound)
    }

    /// What is known of an integration, also of one that is not installed any more.
    pub(super) fn info(&self, id: &IntegrationId) -> Option<IntegrationInfo> {
        self.pages.manager.get(id).ok()
    }

    pub(super) fn icon(&self, id: &IntegrationId, info: Option<&IntegrationInfo>) -> IconView {
        let about = info.and_then(|info| info.about.as_ref());
        let name = about.map_or_else(|| id.to_string(), |about| self.say().text(&about.name));
        let picture = about.and_then(|about| about.icon.as_ref());
        let picture = picture.map(|icon| assets::icon_url(self.urls(), id.as_str(), icon.as_svg()));
        IconView::new(picture, &name, id.as_str())
    }

    /// What people call an integration.
    pub(super) fn integration_name(&self, id: &IntegrationId, info: Option<&IntegrationInfo>) -> String {
        let about = info.and_then(|info| info.about.as_ref());
        about.map_or_else(|| id.to_string(), |about| self.say().text(&about.name))
    }

    /// What stands above everything about a stored configuration.
    pub(super) async fn head(&self, config: &StoredConfig<H>) -> Head {
        let info = self.info(&config.integration);
        let may_edit = self.may(Action::Edit, Some(&config.integration), Some(config.id)).await;
        Head {
            icon: self.icon(&config.integration, info.as_ref()).big(),
            title: config.name.clone(),
            crumb: config.name.clone(),
            is_new: false,
            summary: self.integration_name(&config.integration, info.as_ref()),
            docs_url: info.as_ref().and_then(|info| info.about.as_ref()?.docs_url),
            state: Some(self.state_of(config.enabled, self.pages.manager.problem(config.id).as_ref())),
            switch: may_edit.then(|| self.switch(config.id, config.enabled)),
        }
    }

    /// The button that switches a configuration on or off.
    pub(super) fn switch(&self, id: ConfigId, enabled: bool) -> Switch {
        let label = if enabled { self.say().t("Disable") } else { self.say().t("Enable") };
        Switch { url: self.urls().enabled(id), to: !enabled, label: label.into_owned() }
    }

    /// The tabs of a configuration.
    pub(super) fn tabs(&self, id: ConfigId, here: Part) -> Vec<Tab> {
        let (say, urls) = (self.say(), self.urls());
        let tab = |part, url, label: &'static str| Tab { url, label: say.t(label).into_owned(), here: part == here };
        vec![
            tab(Part::Settings, urls.config(id), "Settings"),
            tab(Part::Deliveries, urls.deliveries(id), "Deliveries"),
            tab(Part::Runs, urls.runs(id), "Runs"),
            tab(Part::History, urls.history(id), "History"),
        ]
    }
}
