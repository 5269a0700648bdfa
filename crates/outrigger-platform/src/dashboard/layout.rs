//! What surrounds every page: head, header, navigation. Pages of other routers go into it too.

use askama::Template;

use super::assets::{self, Asset};
use crate::auth::{AccountVisitor, SignedIn, SiteVisitor, SystemVisitor};
use crate::urls::Page;

/// The part of its place that a page belongs to; it is marked in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Sites,
    Addons,
    Env,
    Snippets,
    Integrations,
    Services,
    /// None of those that the navigation has.
    Other,
}

/// One entry of the navigation.
#[derive(Debug, Clone)]
pub struct Entry {
    pub label: String,
    pub href: String,
    pub current: bool,
}

/// What surrounds a page.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The page's name, for its title and first heading.
    pub(super) title: String,
    /// What the title and heading are about, such as the site.
    pub(super) place: Option<String>,
    /// What the signed-in person is called.
    pub(super) person: Option<String>,
    /// The way here from the start.
    pub(super) trail: Vec<Entry>,
    /// The sections of this place.
    pub(super) tabs: Vec<Entry>,
    pub(super) stylesheets: Vec<String>,
    pub(super) scripts: Vec<String>,
}

impl Layout {
    /// For a page that needs nobody to be signed in.
    pub fn for_anybody(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            place: None,
            person: None,
            trail: Vec::new(),
            tabs: Vec::new(),
            stylesheets: vec![Page::Asset(assets::name(Asset::Stylesheet)).to_string()],
            scripts: Vec::new(),
        }
    }

    /// For a page about the person.
    pub fn for_person(title: impl Into<String>, person: &SignedIn) -> Self {
        let user = &person.user;
        let name = if user.full_name.trim().is_empty() { &user.email } else { &user.full_name };
        Self { person: Some(name.clone()), ..Self::for_anybody(title) }
    }

    /// For a page of the whole platform.
    pub fn in_system(title: impl Into<String>, SystemVisitor(person): &SystemVisitor) -> Self {
        Self { place: Some("Platform".to_owned()), ..Self::for_person(title, person) }
    }

    /// For a page of an account.
    pub fn in_account(title: impl Into<String>, section: Section, visitor: &AccountVisitor) -> Self {
        let slug = &visitor.account.slug;
        let tabs = [
            (Section::Sites, "Sites", Page::Account(slug)),
            (Section::Env, "Variables", Page::AccountEnv(slug)),
            (Section::Integrations, "Integrations", Page::AccountIntegrations(slug)),
            (Section::Services, "Services", Page::AccountSurfaces(slug)),
        ];
        Self {
            place: Some(visitor.account.name.clone()),
            trail: vec![entry("Accounts", Page::Home)],
            tabs: entries(&tabs, section),
            ..Self::for_person(title, &visitor.person)
        }
    }

    /// For a page of a site.
    pub fn in_site(title: impl Into<String>, section: Section, visitor: &SiteVisitor) -> Self {
        let name = &visitor.site.name;
        let tabs = [
            (Section::Addons, "Add-ons", Page::Site(name)),
            (Section::Env, "Variables", Page::SiteEnv(name)),
            (Section::Snippets, "Snippets", Page::SiteSnippets(name)),
            (Section::Integrations, "Integrations", Page::SiteIntegrations(name)),
            (Section::Services, "Services", Page::SiteSurfaces(name)),
        ];
        let account = entry(&visitor.account.name, Page::Account(&visitor.account.slug));
        Self {
            place: Some(name.clone()),
            trail: vec![entry("Accounts", Page::Home), account],
            tabs: entries(&tabs, section),
            ..Self::for_person(title, &visitor.person)
        }
    }

    /// Adds a stylesheet of our own origin after the dashboard's.
    pub fn stylesheet(mut self, href: impl Into<String>) -> Self {
        self.stylesheets.push(href.into());
        self
    }

    /// Adds a script of our own origin. It is deferred; pages have to work without it.
    pub fn script(mut self, src: impl Into<String>) -> Self {
        self.scripts.push(src.into());
        self
    }

    /// The document around a page that has its own first heading.
    pub(super) fn document(&self, body: &str) -> String {
        let document = Framed { layout: self, body }.render();
        document.unwrap_or_else(|error| {
            tracing::error!(%error, "the layout does not render");
            body.to_owned()
        })
    }

    /// What stands in the browser's tab.
    pub(super) fn full_title(&self) -> String {
        match &self.place {
            Some(place) if *place != self.title => format!("{} · {place} · Outrigger", self.title),
            _ => format!("{} · Outrigger", self.title),
        }
    }

    pub(super) fn mark(&self) -> Page<'static> {
        Page::Asset(assets::name(Asset::Mark))
    }
}

fn entry(label: &str, page: Page<'_>) -> Entry {
    Entry { label: label.to_owned(), href: page.to_string(), current: false }
}

fn entries(tabs: &[(Section, &str, Page<'_>)], section: Section) -> Vec<Entry> {
    tabs.iter().map(|(own, label, page)| Entry { current: *own == section, ..entry(label, *page) }).collect()
}

#[derive(Template)]
#[template(path = "framed.html")]
struct Framed<'a> {
    layout: &'a Layout,
    body: &'a str,
}
