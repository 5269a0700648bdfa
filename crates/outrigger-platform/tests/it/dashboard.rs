//! The pages over real sockets, as a browser asks for them.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::testing::TestDb;
use outrigger_db::{KeyRing, Keys, ManualClock, SystemEntropy};
use outrigger_integrations::Outbound;
use outrigger_platform::app::{App, SharedApp};
use outrigger_platform::config::Config;
use outrigger_platform::ops::accounts::{NewUser, create_account, create_first_account, create_user};
use outrigger_platform::ops::sign_in::create_sign_in_link;
use outrigger_platform::ops::sites::create_site;
use outrigger_platform::server;
use outrigger_platform::store::accounts::{Account, Role};
use outrigger_platform::store::users::User;
use outrigger_platform::store::{self, Store};
use reqwest::header::{ACCEPT, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE, USER_AGENT};
use reqwest::{Client, RequestBuilder, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod chromium;
mod pages;
mod sessions;
mod sign_in;
mod tickets;

/// A platform whose clock stands still, with the account `acme` of Ada, an operator, and its site `demo`.
pub(crate) struct Dashboard {
    pub(crate) app: SharedApp,
    pub(crate) clock: ManualClock,
    pub(crate) origin: String,
    pub(crate) account: Account,
    pub(crate) ada: User,
    http: Client,
    stop: CancellationToken,
    // Last, so that the database is dropped after everything that uses it.
    pub(crate) db: TestDb,
}

/// A browser: it keeps one cookie and follows no redirect by itself.
pub(crate) struct Tab<'a> {
    dashboard: &'a Dashboard,
    pub(crate) cookie: Option<String>,
}

/// What the browser got.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Dashboard {
    pub(crate) async fn start() -> Self {
        Self::with_config(|_| {}).await
    }

    pub(crate) async fn with_config(change: impl FnOnce(&mut Config)) -> Self {
        let db = TestDb::new(store::migrations()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config { listen: listener.local_addr().unwrap(), workers: 0, ..Config::default() };
        change(&mut config);
        let origin = format!("http://{}", config.listen);
        let clock = ManualClock::new("2026-01-01T12:00:00Z".parse().unwrap());
        let keys = Arc::new(Keys::fixed(KeyRing::generate(&SystemEntropy)));
        let store = Store::new(db.db().clone(), keys, Arc::new(clock.clone()), Arc::new(SystemEntropy));
        let app = App::new(config, store, Outbound::new(true, Duration::from_secs(1)).unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(app.clone(), listener, stop.clone()));
        let first = create_first_account(&app, "acme", "Acme", "ada@example.com", None).await.unwrap();
        create_site(&app, &first.account, "demo").await.unwrap();
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { app, clock, origin, account: first.account, ada: first.user, http, stop, db }
    }

    /// A user, who is a member of an account that may have to be made.
    pub(crate) async fn user(&self, email: &str, account: &str, password: Option<&str>) -> User {
        let account = match self.app.store.find_account_anywhere(account).await.unwrap() {
            Some(account) => account,
            None => create_account(&self.app, account, account).await.unwrap(),
        };
        let member_of = Some((&account, Role::Developer));
        let new = NewUser { email, full_name: "Somebody", password, operator: false, member_of };
        create_user(&self.app, new).await.unwrap()
    }

    /// The path of a one-time link.
    pub(crate) async fn link(&self, user: &User) -> String {
        let link = create_sign_in_link(&self.app, user).await.unwrap();
        let public = self.app.urls.origin().to_owned();
        link.strip_prefix(&public).unwrap().to_owned()
    }

    pub(crate) fn tab(&self) -> Tab<'_> {
        Tab { dashboard: self, cookie: None }
    }

    /// A browser in which the user is signed in.
    pub(crate) async fn signed_in(&self, user: &User) -> Tab<'_> {
        let mut tab = self.tab();
        let link = self.link(user).await;
        tab.post(&link, &[]).await.leads_to("/");
        tab
    }

    /// A request of a program, not of a browser.
    pub(crate) fn program(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin))
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Tab<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Shown {
        let request = self.dashboard.program(reqwest::Method::GET, path);
        self.send(request).await
    }

    /// Sends a form of our own page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let request = self.form(path, fields).header("sec-fetch-site", "same-origin");
        let origin = self.dashboard.origin.clone();
        self.send(request.header(ORIGIN, origin)).await
    }

    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.dashboard.program(reqwest::Method::POST, path);
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Shown {
        self.post("/sign-in", &[("email", email), ("password", password)]).await
    }

    pub(crate) async fn send(&mut self, mut request: RequestBuilder) -> Shown {
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
        let response = request.header(ACCEPT, accept).header(USER_AGENT, "Browser/1 <b>").send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(set) = headers.get(SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        Shown { status, headers, text: response.text().await.unwrap() }
    }
}

impl Shown {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        self.text
    }

    #[track_caller]
    pub(crate) fn leads_to(&self, path: &str) {
        assert_eq!(self.status, 303, "{}", self.text);
        assert_eq!(self.headers[LOCATION], path);
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }
}
