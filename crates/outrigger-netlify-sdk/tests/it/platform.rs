//! A platform with the sample installed.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::testing::TestDb;
use outrigger_db::{KeyRing, Keys, SystemClock, SystemEntropy};
use outrigger_integrations::Outbound;
use outrigger_netlify_sdk::{Artefact, RunnerOptions, ScriptLimits, integration};
use outrigger_platform::app::{App, SharedApp};
use outrigger_platform::config::Config;
use outrigger_platform::ops::accounts::create_first_account;
use outrigger_platform::ops::sign_in::create_sign_in_link;
use outrigger_platform::ops::sites::create_site;
use outrigger_platform::server;
use outrigger_platform::store::integration_tokens::IntegrationToken;
use outrigger_platform::store::tokens::Scope;
use outrigger_platform::store::{self, Store};
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) struct Platform {
    pub(crate) app: SharedApp,
    pub(crate) origin: String,
    pub(crate) account: String,
    pub(crate) site: String,
    /// With which the integration acts at the site.
    pub(crate) token: String,
    pub(crate) http: Client,
    cookie: String,
    stop: CancellationToken,
    // Last, so that the database is dropped after everything that uses it.
    _db: TestDb,
}

impl Platform {
    pub(crate) async fn start(artefact: &Artefact, change: impl FnOnce(&mut RunnerOptions)) -> Self {
        let db = TestDb::new(store::migrations()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config { listen: listener.local_addr().unwrap(), workers: 0, ..Config::default() };
        let origin = format!("http://{}", config.listen);
        let keys = Arc::new(Keys::fixed(KeyRing::generate(&SystemEntropy)));
        let store = Store::new(db.db().clone(), keys, Arc::new(SystemClock), Arc::new(SystemEntropy));
        let app = App::new(config, store, Outbound::new(true, Duration::from_secs(1)).unwrap());
        let mut options = RunnerOptions::new(origin.parse().unwrap());
        change(&mut options);
        app.surfaces.register(integration(artefact, options, ScriptLimits::default()).await.unwrap()).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(app.clone(), listener, stop.clone()));
        let first = create_first_account(&app, "acme", "Acme", "ada@example.com", None).await.unwrap();
        let site = create_site(&app, &first.account, "demo").await.unwrap();
        let token = app.store.integration_token(&IntegrationToken {
            integration: artefact.slug().clone(),
            account: first.account.id.clone(),
            site: Some(site.id.clone()),
            user: first.user.id.clone(),
            scope: Scope::Write,
            expires_at: app.store.integration_token_end(),
        });
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let link = create_sign_in_link(&app, &first.user).await.unwrap();
        let signed_in = http.post(link).header(ORIGIN, &origin).send().await.unwrap();
        let cookie = signed_in.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let (account, site) = (first.account.id.to_string(), site.id.to_string());
        Self { app, origin, account, site, token: token.unwrap(), http, cookie, stop, _db: db }
    }

    /// Calls a handler from outside.
    pub(crate) async fn call(&self, method: Method, handler: &str, body: &str) -> (StatusCode, Value) {
        let url = format!("{}/surfaces/cache/.netlify/functions/handler/{handler}", self.origin);
        let request = self.http.request(method, url).header("netlify-token", &self.token).body(body.to_owned());
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, handler: &str) -> Value {
        let (status, body) = self.call(Method::GET, handler, "").await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// A page of the surface, as Ada's browser gets it.
    pub(crate) async fn page(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.origin)).header(COOKIE, &self.cookie);
        let response = request.send().await.unwrap();
        let status = response.status();
        if status == StatusCode::SEE_OTHER {
            let to = response.headers()[LOCATION].to_str().unwrap().to_owned();
            return Box::pin(self.page(&to)).await;
        }
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        text
    }

    /// Presses a button of a page, without a script, and gives the page that follows.
    pub(crate) async fn press(&self, page: &str, event: &str, inputs: &[(&str, &str)]) -> String {
        let hidden = |name: &str| {
            let found = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
            found.1.split('"').next().unwrap().to_owned()
        };
        let (visit, step) = (hidden("visit"), hidden("step"));
        let mut fields = vec![("visit", visit.as_str()), ("step", step.as_str()), ("event", event)];
        fields.extend(inputs);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}/sites/demo/surfaces/cache", self.origin)).header(COOKIE, &self.cookie);
        let request = request.header(ORIGIN, &self.origin).body(body);
        let response = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        if response.status() == StatusCode::SEE_OTHER {
            let to = response.headers()[LOCATION].to_str().unwrap().to_owned();
            return self.page(&to).await;
        }
        response.text().await.unwrap()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
