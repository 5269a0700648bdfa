//! Every page with sample contexts: it renders, it is whole, and nothing that people wrote is markup in it.

use askama::Template;
use axum::http::StatusCode;
use outrigger_db::{Clock, ManualClock, SeededEntropy};

use super::accounts::{AccountEnvPage, AccountPage, AccountsPage};
use super::authorize::{AuthorizePage, Question};
use super::error_pages::ErrorPage;
use super::layout::{Layout, Section};
use super::settings::{PasswordFaults, SettingsPage};
use super::sign_in::{SignInLinkPage, SignInPage};
use super::sites::{Card, OwnedSnippet, SiteEnvPage, SitePage, SnippetsPage, Variable, state_label};
use super::surfaces::{Offered, SurfacesPage};
use crate::auth::{AccountVisitor, SignedIn, SiteVisitor, SystemVisitor};
use crate::store::Time;
use crate::store::accounts::{Account, Role};
use crate::store::ids::{AccountId, SessionId, SiteId, SnippetId, TokenId, UserId};
use crate::store::instances::InstanceState;
use crate::store::sessions::{Session, Way};
use crate::store::sites::Site;
use crate::store::snippets::Snippet;
use crate::store::tokens::{Scope, Token};
use crate::store::users::User;
use crate::urls::OwnPath;

/// What people may call things.
const NAMES: [&str; 3] = ["Harbor", "<script>alert(1)</script>", "\"' onmouseover=alert(1) &amp; Ünï↯"];

/// Rows as the store gives them, all under one name.
struct Sample {
    name: &'static str,
    clock: ManualClock,
    entropy: SeededEntropy,
}

impl Sample {
    fn new(name: &'static str) -> Self {
        let clock = ManualClock::new("2026-01-01T12:00:00Z".parse().unwrap());
        Self { name, clock, entropy: SeededEntropy::new(1) }
    }

    fn text(&self) -> String {
        self.name.to_owned()
    }

    fn now(&self) -> Time {
        self.clock.now().into()
    }

    fn user(&self, operator: bool) -> User {
        User {
            id: UserId::generate(&self.clock, &self.entropy),
            email: self.text(),
            full_name: self.text(),
            password_hash: operator.then(|| "hash-of-password".to_owned()),
            operator,
            created_at: self.now(),
            last_login_at: None,
        }
    }

    fn session(&self, way: Way) -> Session {
        Session {
            id: SessionId::generate(&self.clock, &self.entropy),
            user_id: UserId::generate(&self.clock, &self.entropy),
            hash: "hash-of-session".to_owned(),
            way,
            user_agent: self.text(),
            address: self.text(),
            created_at: self.now(),
            last_used_at: self.now(),
            expires_at: self.now(),
        }
    }

    fn person(&self) -> SignedIn {
        SignedIn { user: self.user(true), session: self.session(Way::Link) }
    }

    fn account(&self) -> Account {
        let now = self.now();
        let id = AccountId::generate(&self.clock, &self.entropy);
        Account { id, slug: self.text(), name: self.text(), created_at: now, updated_at: now }
    }

    fn site(&self) -> Site {
        Site {
            id: SiteId::generate(&self.clock, &self.entropy),
            account_id: AccountId::generate(&self.clock, &self.entropy),
            name: self.text(),
            build_webhook_url: None,
            sealed_build_webhook_secret: Some("sealed-secret".to_owned()),
            origin_url: None,
            sealed_identity: Some("sealed-secret".to_owned()),
            function_hooks: None,
            created_at: self.now(),
            updated_at: self.now(),
        }
    }

    fn token(&self, expires_at: Option<Time>) -> Token {
        Token {
            id: TokenId::generate(&self.clock, &self.entropy),
            user_id: UserId::generate(&self.clock, &self.entropy),
            account_id: None,
            name: self.text(),
            hash: "hash-of-token".to_owned(),
            scope: Scope::Admin,
            created_at: self.now(),
            expires_at,
            last_used_at: expires_at,
            revoked_at: None,
        }
    }

    fn card(&self, state: InstanceState) -> Card {
        Card {
            title: self.text(),
            slug: self.text(),
            description: self.text(),
            state: state_label(state),
            reason: Some(self.text()),
            message: Some(self.text()),
            since: self.now(),
            url: self.text(),
            env: vec![self.text(), self.text()],
            snippets: 1,
        }
    }

    fn variable(&self) -> Variable {
        let (name, owner, contexts) = (self.text(), self.text(), self.text());
        Variable { name, owner, is_secret: true, contexts, updated_at: self.now() }
    }

    fn snippet(&self) -> OwnedSnippet {
        let snippet = Snippet {
            id: SnippetId::generate(&self.clock, &self.entropy),
            site_id: SiteId::generate(&self.clock, &self.entropy),
            instance_id: None,
            title: self.text(),
            position: "head".to_owned(),
            html: self.text(),
            enabled: true,
            share: 100,
            created_at: self.now(),
            updated_at: self.now(),
        };
        OwnedSnippet { snippet, owner: self.text() }
    }

    fn in_account(&self) -> Layout {
        let visitor = AccountVisitor { person: self.person(), account: self.account(), role: Role::Owner };
        Layout::in_account(self.name, Section::Sites, &visitor)
    }

    fn in_site(&self) -> Layout {
        let (person, account, site) = (self.person(), self.account(), self.site());
        Layout::in_site(self.name, Section::Env, &SiteVisitor { person, account, site, role: Role::Viewer })
    }

    fn for_person(&self) -> Layout {
        Layout::for_person(self.name, &self.person())
    }
}

/// Every page, in each of its shapes.
fn pages(sample: &Sample) -> Vec<(&'static str, String)> {
    let mut pages = without_a_place(sample);
    pages.extend(of_places(sample));
    pages.extend(of_a_person(sample));
    pages
}

fn without_a_place(sample: &Sample) -> Vec<(&'static str, String)> {
    let (name, next) = (sample.name, OwnPath::parse("/sites/x?y=%22%3E").unwrap());
    let layout = || Layout::for_anybody(name);
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    let error = |status, request_id| ErrorPage { layout: layout(), status, message: name, request_id }.render();
    let link = |link| SignInLinkPage { layout: layout(), link }.render();
    let first = SignInPage { layout: layout(), next: None, email: "", fault: None };
    let again = SignInPage { layout: layout(), next: Some(&next), email: name, fault: Some(name) };
    vec![
        ("error", error(failed, Some(name)).unwrap()),
        ("error without id", error(StatusCode::NOT_FOUND, None).unwrap()),
        ("sign in", first.render().unwrap()),
        ("sign in again", again.render().unwrap()),
        ("link", link(Some((name, name))).unwrap()),
        ("dead link", link(None).unwrap()),
    ]
}

fn of_places(sample: &Sample) -> Vec<(&'static str, String)> {
    let (in_account, in_site) = (|| sample.in_account(), || sample.in_site());
    let states = [
        InstanceState::Provisioning,
        InstanceState::Active,
        InstanceState::Updating,
        InstanceState::Deprovisioning,
        InstanceState::Failed,
        InstanceState::Unconfirmed,
        InstanceState::Detached,
    ];
    let account = |sites: Vec<(Site, String)>| {
        let more_after = sites.last().map(|(site, _)| site.id.clone());
        AccountPage { layout: in_account(), account: sample.account(), sites, more_after, first_page: true }.render()
    };
    let account_env =
        |variables| AccountEnvPage { layout: in_account(), account: sample.account(), variables }.render();
    let site = |cards| SitePage { layout: in_site(), site: sample.site(), url: sample.text(), cards }.render();
    let site_env = |variables| {
        SiteEnvPage { layout: in_site(), site: sample.site(), account_slug: sample.text(), variables }.render()
    };
    let snippets = |snippets| SnippetsPage { layout: in_site(), snippets }.render();
    vec![
        ("account", account(vec![(sample.site(), sample.text())]).unwrap()),
        ("empty account", account(vec![]).unwrap()),
        ("account's variables", account_env(vec![sample.variable()]).unwrap()),
        ("no account's variables", account_env(vec![]).unwrap()),
        ("site", site(states.map(|state| sample.card(state)).into()).unwrap()),
        ("empty site", site(vec![]).unwrap()),
        ("site's variables", site_env(vec![sample.variable()]).unwrap()),
        ("no site's variables", site_env(vec![]).unwrap()),
        ("snippets", snippets(vec![sample.snippet()]).unwrap()),
        ("no snippets", snippets(vec![]).unwrap()),
    ]
}

fn of_a_person(sample: &Sample) -> Vec<(&'static str, String)> {
    let name = sample.name;
    let accounts = |accounts, bare| {
        AccountsPage { layout: sample.for_person(), accounts, no_password: bare, operator: bare }.render().unwrap()
    };
    let roles = [Role::Owner, Role::Developer, Role::Viewer];
    let authorize = |question| AuthorizePage { layout: sample.for_person(), email: name, question }.render().unwrap();
    let asked = Question::Asked { ticket: name, client: sample.text(), address: name, since: sample.now() };
    let settings = |full: bool| {
        let sessions = vec![(sample.session(Way::Password), full), (sample.session(Way::Link), false)];
        let tokens = vec![sample.token(None), sample.token(Some(sample.now()))];
        let faults = PasswordFaults { wrong_current: true, new: Some(sample.text()), whole: Some(sample.text()) };
        let page = SettingsPage {
            layout: sample.for_person(),
            user: &sample.user(full),
            sessions,
            tokens: if full { tokens } else { vec![] },
            needs_current: full,
            done: full.then_some("done"),
            faults: if full { faults } else { PasswordFaults::default() },
        };
        page.render().unwrap()
    };
    vec![
        ("accounts", accounts(roles.map(|role| (sample.account(), role)).into(), true)),
        ("no accounts", accounts(vec![], false)),
        ("authorize", authorize(asked)),
        ("authorize, gone", authorize(Question::Gone)),
        ("authorize, allowed", authorize(Question::Allowed { client: sample.text() })),
        ("authorize, denied", authorize(Question::Denied { client: sample.text() })),
        ("settings", settings(true)),
        ("empty settings", settings(false)),
        ("services", services(sample, true)),
        ("no services", services(sample, false)),
    ]
}

fn services(sample: &Sample, some: bool) -> String {
    let offered = |enabled| Offered { name: sample.text(), summary: sample.text(), href: "/x".to_owned(), enabled };
    let offered = if some { vec![offered(true), offered(false)] } else { Vec::new() };
    SurfacesPage { layout: sample.for_person(), offered }.render().unwrap()
}

/// What every page has, and what none has.
fn check(page: &str, name: &str, html: &str) {
    let once = ["<!doctype html>", "<html lang=\"en\">", "<title>", "<h1>", "<main id=\"content\"", "class=\"skip\""];
    for part in once {
        assert_eq!(html.matches(part).count(), 1, "{page} ({name}): {part}");
    }
    for never in ["<script", " style=", "hash-of", "sealed-", "\" onmouseover", "&amp; Ü"] {
        assert!(!html.contains(never), "{page} ({name}) has {never}: {html}");
    }
    for element in ["main", "header", "nav", "form", "button", "a", "li", "ul", "section", "article", "div", "p"] {
        let opened = html.matches(&format!("<{element}>")).count() + html.matches(&format!("<{element} ")).count();
        let closed = html.matches(&format!("</{element}>")).count();
        assert_eq!(opened, closed, "{page} ({name}): <{element}>");
    }
    for field in html.split("<input ").skip(1) {
        let field = field.split('>').next().unwrap();
        let id = field.split("id=\"").nth(1).and_then(|rest| rest.split('"').next());
        let labelled = id.is_some_and(|id| html.contains(&format!("<label for=\"{id}\">")));
        assert!(labelled || field.contains("type=\"hidden\""), "{page}: no label for {field}");
    }
}

#[test]
fn every_page_renders_whole_whatever_things_are_called() {
    for name in NAMES {
        let sample = Sample::new(name);
        for (page, html) in pages(&sample) {
            check(page, name, &html);
        }
    }
}

#[test]
fn every_template_has_a_sample() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    // Two are parts of others, and one is around pages that are not ours.
    let others = ["layout.html", "variables.html", "framed.html"].len();
    let templates = std::fs::read_dir(folder).unwrap().count() - others;
    let pages = pages(&Sample::new("Harbor"));
    let shapes_of_one = 14;
    assert_eq!(templates, pages.len() - shapes_of_one, "a page is missing among the samples");
}

#[test]
fn the_layout_takes_the_pages_of_another_router() {
    let sample = Sample::new("Harbor");
    let layout = Layout::in_system("Integrations", &SystemVisitor(sample.person()))
        .stylesheet("/integrations/style.css")
        .script("/integrations/script.js");
    let html = layout.document("<h1>Theirs</h1>");
    assert!(html.contains("<title>Integrations · Platform · Outrigger</title>"), "{html}");
    assert!(html.matches("<h1>").count() == 1 && html.contains("<h1>Theirs</h1>"), "{html}");
    assert!(
        html.contains("href=\"/integrations/style.css\"") && html.contains("src=\"/integrations/script.js\" defer")
    );
}
