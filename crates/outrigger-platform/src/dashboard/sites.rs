//! A site: its add-ons, variables and snippets.

use askama::Template;
use axum::extract::State;

use super::layout::{Layout, Section};
use super::{PageResult, page};
use crate::app::{App, SharedApp};
use crate::auth::SiteVisitor;
use crate::error::ApiResult;
use crate::store::Time;
use crate::store::env_vars::{EnvLevel, EnvVar};
use crate::store::instances::{Instance, InstanceState};
use crate::store::sites::Site;
use crate::store::snippets::Snippet;
use crate::urls::Page;

/// An add-on in use, as the page shows it.
pub(super) struct Card {
    pub(super) title: String,
    pub(super) slug: String,
    pub(super) description: String,
    pub(super) state: StateLabel,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) since: Time,
    /// Where the site's visitors reach it.
    pub(super) url: String,
    /// Names of the variables that it yields.
    pub(super) env: Vec<String>,
    pub(super) snippets: usize,
}

/// A state in people's words, with what stands for it in the stylesheet.
pub(super) struct StateLabel {
    pub(super) text: &'static str,
    pub(super) class: &'static str,
}

/// A variable without its values.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) is_secret: bool,
    /// The deploy contexts that it has values for.
    pub(super) contexts: String,
    pub(super) updated_at: Time,
}

/// A snippet and who yields it.
pub(super) struct OwnedSnippet {
    pub(super) snippet: Snippet,
    pub(super) owner: String,
}

#[derive(Template)]
#[template(path = "site.html")]
pub(super) struct SitePage {
    pub(super) layout: Layout,
    pub(super) site: Site,
    pub(super) url: String,
    pub(super) cards: Vec<Card>,
}

#[derive(Template)]
#[template(path = "site_env.html")]
pub(super) struct SiteEnvPage {
    pub(super) layout: Layout,
    pub(super) site: Site,
    pub(super) account_slug: String,
    pub(super) variables: Vec<Variable>,
}

#[derive(Template)]
#[template(path = "snippets.html")]
pub(super) struct SnippetsPage {
    pub(super) layout: Layout,
    pub(super) snippets: Vec<OwnedSnippet>,
}

pub(super) fn state_label(state: InstanceState) -> StateLabel {
    let (text, class) = match state {
        InstanceState::Active => ("Active", "good"),
        InstanceState::Provisioning => ("Being set up", "busy"),
        InstanceState::Updating => ("Being updated", "busy"),
        InstanceState::Deprovisioning => ("Being removed", "busy"),
        InstanceState::Failed => ("Failed", "bad"),
        InstanceState::Unconfirmed => ("Unconfirmed", "bad"),
        InstanceState::Detached => ("Detached", "past"),
    };
    StateLabel { text, class }
}

/// The add-ons of a site, failed ones and tombstones too.
pub async fn show_site(State(app): State<SharedApp>, visitor: SiteVisitor) -> PageResult {
    let url = app.urls.site(&visitor.site);
    let cards = cards(&app, &visitor, &url).await?;
    let layout = Layout::in_site("Add-ons", Section::Addons, &visitor);
    Ok(page(&SitePage { layout, site: visitor.site, url, cards })?)
}

async fn cards(app: &App, visitor: &SiteVisitor, url: &str) -> ApiResult<Vec<Card>> {
    let found = app.store.instances_of_site(&visitor.site.id).await?;
    let addons = app.store.addons_by_id(found.iter().map(|instance| instance.addon_id.clone())).await?;
    let env = app.store.env_vars(&level_of(visitor)).await?;
    let snippets = app.store.snippets_of_site(&visitor.site.id).await?;
    let mut cards = Vec::with_capacity(found.len());
    for instance in found {
        let Some(addon) = addons.iter().find(|addon| addon.id == instance.addon_id) else { continue };
        let Instance { id, state, reason, message, state_since, .. } = instance;
        cards.push(Card {
            title: addon.title.clone(),
            slug: addon.slug.clone(),
            description: addon.description.clone(),
            state: state_label(state),
            reason,
            message,
            since: state_since,
            url: format!("{url}{}", addon.service_path()),
            env: env.iter().filter(|var| var.owner_id() == Some(&id)).map(|var| var.name.clone()).collect(),
            snippets: snippets.iter().filter(|snippet| snippet.instance_id.as_ref() == Some(&id)).count(),
        });
    }
    Ok(cards)
}

fn level_of(visitor: &SiteVisitor) -> EnvLevel {
    EnvLevel { account: visitor.account.id.clone(), site: Some(visitor.site.id.clone()) }
}

/// Who sets a variable or yields a snippet, given the slug of the add-on if it is one.
fn owner_name(addon: Option<&str>) -> String {
    addon.map_or_else(|| "people".to_owned(), |slug| format!("add-on {slug}"))
}

/// The variables of a site itself, without their values.
pub async fn show_site_env(State(app): State<SharedApp>, visitor: SiteVisitor) -> PageResult {
    let variables = variables(app.store.env_vars(&level_of(&visitor)).await?);
    let layout = Layout::in_site("Variables", Section::Env, &visitor);
    Ok(page(&SiteEnvPage { layout, site: visitor.site, account_slug: visitor.account.slug, variables })?)
}

pub(super) fn variables(vars: Vec<EnvVar>) -> Vec<Variable> {
    let mut variables = Vec::with_capacity(vars.len());
    for var in vars {
        let contexts = var.values.iter().map(|value| match value.context.as_str() {
            "all" => "all contexts".to_owned(),
            "branch" => format!("branch {}", value.context_parameter),
            other => other.to_owned(),
        });
        variables.push(Variable {
            owner: owner_name(var.owner.as_ref().map(|owner| owner.addon.as_str())),
            contexts: contexts.collect::<Vec<_>>().join(", "),
            name: var.name,
            is_secret: var.is_secret,
            updated_at: var.updated_at,
        });
    }
    variables
}

/// The snippets of a site, in the order they go into a page.
pub async fn show_snippets(State(app): State<SharedApp>, visitor: SiteVisitor) -> PageResult {
    let found = app.store.snippets_of_site(&visitor.site.id).await?;
    let owners = app.store.owners_of_snippets(&visitor.site.id, &found).await?;
    let owned = |snippet: Snippet| OwnedSnippet {
        owner: owner_name(snippet.instance_id.as_ref().and_then(|id| owners.get(id)).map(String::as_str)),
        snippet,
    };
    let snippets = found.into_iter().map(owned).collect();
    Ok(page(&SnippetsPage { layout: Layout::in_site("Snippets", Section::Snippets, &visitor), snippets })?)
}
