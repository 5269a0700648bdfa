//! What a host may change about where the pages are and how they read.

use std::borrow::Cow;
use std::sync::Arc;

use ::http::request::Parts;
use outrigger_integrations::pages::{self, Language, Names, PagesOptions, ScopeFrom};
use outrigger_integrations::{Catalog, Scope, Text};

use crate::app::{App, ShopPolicy, serve};

/// Every text in capitals, so that one that is not from the catalog stands out.
struct Loud;

impl Catalog for Loud {
    fn find(&self, key: &str) -> Option<Cow<'_, str>> {
        Some(key.to_uppercase().into())
    }
}

async fn page(app: &App, options: PagesOptions<ShopPolicy>, path: &str) -> String {
    let router = axum::Router::new().nest("/inside", pages::router(app.manager.clone(), options));
    let (url, server) = serve(router).await;
    let client = reqwest::Client::builder().build().unwrap();
    let answer = client.get(format!("{url}/inside{path}")).header("x-user", "owner").send().await.unwrap();
    let page = answer.text().await.unwrap();
    server.abort();
    page
}

fn options() -> PagesOptions<ShopPolicy> {
    PagesOptions::new(ShopPolicy, ScopeFrom::fixed(Scope::Account("7".into())))
}

#[tokio::test]
async fn addresses_and_names_are_the_hosts() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    let names = Names { list: Text::plain("Connections"), intro: Some(Text::plain("What we are connected with.")) };
    let options = options()
        .base_path(|_: &Parts| "/outside/connections".to_owned())
        .names(names)
        .add_styles(["/own.css".to_owned()]);
    let list = page(&app, options, "").await;
    for shown in ["Connections", "What we are connected with.", "/own.css", &format!("/outside/connections/{id}")] {
        assert!(list.contains(shown), "{shown} is not in {list}");
    }
    assert!(!list.contains("\"/inside"), "{list}");
    let nested = page(&app, self::options(), "").await;
    assert!(nested.contains(&format!("\"/inside/{id}")), "{nested}");
}

#[tokio::test]
async fn texts_are_in_the_readers_language() {
    let app = App::start().await;
    app.add_chat("Orders").await;
    let language = |_: &Parts| Language { tag: "xx".to_owned(), right_to_left: true, catalog: Arc::new(Loud) };
    let list = page(&app, options().language(language), "").await;
    for shown in ["lang=\"xx\"", "dir=\"rtl\"", "ADD INTEGRATION", "INTEGRATIONS", "Orders"] {
        assert!(list.contains(shown), "{shown} is not in {list}");
    }
    assert!(!list.contains("Add integration"), "{list}");
    // The texts of the integration's form are in the catalog too.
    let form = page(&app, options().language(language), "/new/acme.chat").await;
    assert!(form.contains("SAVE") || form.contains("ADD"), "{form}");
    assert!(!form.contains(">Webhook"), "{form}");
}
