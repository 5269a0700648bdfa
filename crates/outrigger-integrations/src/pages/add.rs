//! Which integrations there are to add.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use super::Urls;
use super::policy::{Action, Policy};
use super::request::{Answer, Request, json as json_answer};
use super::say::Say;
use super::view::IconView;
use crate::{Host, IntegrationInfo};

struct Tile {
    id: String,
    url: String,
    icon: IconView,
    name: String,
    summary: String,
    /// What a search in the browser looks at.
    words: String,
}

#[derive(Template)]
#[template(path = "pages/add.html")]
struct AddPage<'a> {
    say: Say<'a>,
    urls: &'a Urls,
    list_title: String,
    q: String,
    tiles: Vec<Tile>,
}

/// `GET /new`
pub(super) async fn choose<H: Host, P: Policy>(request: Arc<Request<H, P>>, _: Body) -> Answer {
    request.allow(Action::Add, None, None).await?;
    let q = request.query("q").unwrap_or_default();
    let needle = q.to_lowercase();
    let matches = |tile: &Tile| needle.split_whitespace().all(|word| tile.words.contains(word));
    let tiles: Vec<_> = request.offered().iter().map(|info| tile(&request, info)).filter(matches).collect();
    if request.wants_json() {
        let tiles: Vec<_> = tiles.iter().map(as_json).collect();
        return Ok(json_answer(StatusCode::OK, &json!({ "integrations": tiles })));
    }
    let page = AddPage { say: request.say(), urls: request.urls(), list_title: request.list_title(), q, tiles };
    Ok(request.html(StatusCode::OK, &request.say().t("Add integration"), &page))
}

fn tile<H: Host, P: Policy>(request: &Request<H, P>, info: &IntegrationInfo) -> Tile {
    let say = request.say();
    let name = request.integration_name(&info.id, Some(info));
    let summary = info.about.as_ref().map(|about| say.text(&about.summary)).unwrap_or_default();
    Tile {
        id: info.id.to_string(),
        url: request.urls().add(&info.id),
        icon: request.icon(&info.id, Some(info)).big(),
        words: format!("{name} {summary} {}", info.id).to_lowercase(),
        name,
        summary,
    }
}

fn as_json(tile: &Tile) -> Value {
    json!({ "id": tile.id, "name": tile.name, "summary": tile.summary, "icon": tile.icon.picture, "url": tile.url })
}

impl<H: Host, P: Policy> Request<H, P> {
    /// The installed integrations that can be configured in this scope, by name.
    pub(super) fn offered(&self) -> Vec<IntegrationInfo> {
        let kind = self.scope.kind();
        let offers = |info: &IntegrationInfo| info.about.as_ref().is_some_and(|about| about.offers(kind));
        self.pages.manager.integrations().into_iter().filter(offers).collect()
    }
}
