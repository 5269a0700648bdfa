//! The pages in a host of their own, behind a real socket.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use ::http::request::Parts;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use outrigger_db::testing::TestDb;
use outrigger_db::{Jobs, KeyRing, Keys, ManualClock, SystemEntropy, Worker};
use outrigger_integrations::pages::{
    self, Action, Decision, Language, PagesOptions, Policy, ScopeFrom, Stranger, Subject,
};
use outrigger_integrations::{
    Actor, Catalog, ConfigId, ConfigStore, Context, Draft, Integration, Manager, Outbound, Scope, Values,
};
use serde_json::{Value, json};

use crate::integrations::{Board, Broken, ChatIntegration, Mail, Odd, Pager, Shop};

/// Who calls is what the header `x-user` says: `owner`, `viewer`, or `stranger@other`; a browser is the owner.
pub(crate) struct ShopPolicy;

pub(crate) struct User {
    name: String,
    account: String,
}

impl Policy for ShopPolicy {
    type Principal = User;

    async fn principal(&self, parts: &Parts) -> Result<User, Stranger> {
        let header = parts.headers.get("x-user").and_then(|user| user.to_str().ok());
        let known = header.or_else(|| parts.extensions.get::<DefaultUser>().map(|user| user.0));
        let user = known.filter(|user| *user != "nobody").ok_or(Stranger::Redirect("/sign-in".to_owned()))?;
        let (name, account) = user.split_once('@').unwrap_or((user, "7"));
        Ok(User { name: name.to_owned(), account: account.to_owned() })
    }

    fn actor(&self, user: &User) -> Actor {
        Actor::new(&user.name, &user.name)
    }

    async fn decide(&self, user: &User, action: Action, on: &Subject<'_>) -> Decision {
        match (on.scope, action) {
            (Scope::Account(id), _) if **id != *user.account => Decision::Hide,
            (_, Action::List | Action::View) => Decision::Allow,
            _ if user.name == "viewer" => Decision::Deny,
            _ => Decision::Allow,
        }
    }
}

#[derive(Clone)]
struct DefaultUser(&'static str);

pub(crate) struct App {
    pub(crate) url: String,
    pub(crate) manager: Manager<Shop>,
    pub(crate) scope: Scope,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) worker: Worker,
    _db: TestDb,
    _running: outrigger_integrations::Running,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl App {
    pub(crate) async fn start() -> App {
        let app = Self::tidy().await;
        app.manager.register(Odd).unwrap().keep();
        app
    }

    /// With nothing that looks odd on purpose.
    pub(crate) async fn tidy() -> App {
        let migrations = outrigger_db::migrations().into_iter().chain(outrigger_integrations::migrations());
        let db = TestDb::new(migrations.collect()).await;
        // The same moment in every picture.
        let clock = Arc::new(ManualClock::new("2026-05-04T09:30:00Z".parse().unwrap()));
        let entropy = Arc::new(SystemEntropy);
        let keys = Arc::new(Keys::fixed(KeyRing::generate(&*entropy)));
        let store = ConfigStore::new(db.db().clone(), keys, clock.clone(), entropy.clone());
        let outbound = Outbound::new(true, Duration::from_secs(5)).unwrap();
        let manager = Manager::builder()
            .store(store)
            .context(Context { outbound, clock: clock.clone(), entropy: entropy.clone() })
            .build();
        manager.register(ChatIntegration).unwrap().keep();
        manager.register(Pager).unwrap().keep();
        manager.register(Board).unwrap().keep();
        manager.register(Mail).unwrap().keep();
        manager.register(Broken).unwrap().keep();
        let worker = manager.jobs(Worker::new(Jobs::new(db.db().clone(), clock.clone(), entropy)));
        let running = manager.run();
        let (url, server) = serve(router(&manager)).await;
        Self { url, manager, scope: Scope::Account("7".into()), clock, worker, _db: db, _running: running, server }
    }

    /// The address of a page.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}/accounts/7/integrations{path}", self.url)
    }

    /// Saves a configuration past the pages.
    pub(crate) async fn add<I: Integration<Shop>>(&self, name: &str, enabled: bool, values: Value) -> ConfigId {
        let Value::Object(values): Value = values else { panic!("values are an object") };
        let draft = Draft::<Shop> { id: None, integration: I::ID, name: name.to_owned(), enabled, values, extra: () };
        self.manager.save(&self.scope, draft, None, &Actor::new("ann", "Ann")).await.unwrap().config.id
    }

    pub(crate) async fn add_chat(&self, name: &str) -> ConfigId {
        self.add::<ChatIntegration>(name, true, chat_values()).await
    }

    /// Saves a change past the pages, as another person.
    pub(crate) async fn change<T>(&self, id: ConfigId, change: impl FnOnce(&mut Values) -> T) {
        let mut draft = Draft::of(&self.manager.find(&self.scope, id).await.unwrap().unwrap());
        change(&mut draft.values);
        self.manager.save(&self.scope, draft, None, &Actor::new("ann", "Ann")).await.unwrap();
    }

    pub(crate) async fn stored(&self, id: ConfigId) -> Values {
        self.manager.find(&self.scope, id).await.unwrap().unwrap().values
    }
}

pub(crate) const WEBHOOK: &str = "https://chat.example.com/hooks/s3cr3t-0f-the-channel";

pub(crate) fn chat_values() -> Value {
    json!({ "webhook": WEBHOOK, "post_as": "Shop", "style": "short", "rules": { "mode": "always" } })
}

fn router(manager: &Manager<Shop>) -> Router {
    let accounts = PagesOptions::new(ShopPolicy, ScopeFrom::account_in_path("account")).language(language);
    let system = PagesOptions::new(ShopPolicy, ScopeFrom::fixed(Scope::System));
    Router::new()
        .nest("/accounts/{account}/integrations", pages::router(manager.clone(), accounts))
        .nest("/hooks", pages::hooks_router(manager.clone()))
        .nest("/admin/integrations", pages::router(manager.clone(), system))
        .layer(middleware::from_fn(async |mut request: Request, next: Next| {
            request.extensions_mut().insert(DefaultUser("owner"));
            next.run(request).await
        }))
}

/// A language in which every text stands in brackets, for who asks for `xx`.
fn language(parts: &Parts) -> Language {
    struct Brackets;
    impl Catalog for Brackets {
        fn find(&self, key: &str) -> Option<Cow<'_, str>> {
            Some(format!("⟦{key}⟧").into())
        }
    }
    match parts.headers.get("accept-language") {
        Some(asked) if asked == "xx" => {
            Language { tag: "xx".to_owned(), catalog: Arc::new(Brackets), ..Language::default() }
        }
        _ => Language::default(),
    }
}

pub(crate) async fn serve(router: Router) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, server)
}
