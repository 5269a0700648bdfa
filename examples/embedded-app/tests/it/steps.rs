//! What the guide promises, step by step, over real sockets.

use http::StatusCode;
use outrigger_integrations::{ListFilter, Scope};

use crate::bench::{Bench, Browser, within};
use embedded_app::chat::Chat;

const NEW_CHAT: &str = "/admin/integrations/new/board.chat";

/// What a browser posts for a new chat.
fn new_chat<'a>(name: &'a str, address: &'a str, room: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("do", "save"),
        ("name", name),
        ("enabled", "true"),
        ("x.owner", "ada"),
        ("s.address", address),
        ("s.room", room),
        ("s.signature", "Board"),
        ("s.rules.mode", "always"),
    ]
}

async fn open_review(browser: &Browser, title: &str, repository: &str, branch: &str) -> String {
    let answer = browser.post("/", &[("title", title), ("repository", repository), ("branch", branch)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.location
}

fn names(list: &serde_json::Value) -> Vec<&str> {
    list["configs"].as_array().unwrap().iter().map(|config| config["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_of_integrations_is_there() {
    let bench = Bench::new().await;
    let ada = bench.board.browser("ada").await;
    let list = ada.get("/admin/integrations").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(list.body.contains("Reviews of main") && list.body.contains("Team chat"), "{}", list.body);
    // In the board's own layout.
    assert!(list.body.contains("/board.css") && list.body.contains(">My integrations</a>"));
    let tiles = ada.get("/admin/integrations/new").await;
    assert!(tiles.body.contains("Tells a room when a review is opened or approved."), "{}", tiles.body);
    bench.board.end().await;
}

#[tokio::test]
async fn a_configuration_is_saved_and_an_event_reaches_the_chat_service() {
    let bench = Bench::new().await;
    bench.said(4).await;
    let ada = bench.board.browser("ada").await;
    let form = ada.get(NEW_CHAT).await;
    // The board's column, the defaults and the rules are in the form.
    for shown in ["name=\"x.owner\"", "value=\"Board\"", "name=\"s.rules.mode\"", "Which reviews"] {
        assert!(form.body.contains(shown), "{shown} is not in {}", form.body);
    }
    let saved = ada.post(NEW_CHAT, &new_chat("All reviews", &bench.chat_url, "random")).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    // The secret is in no page.
    assert!(!ada.get(&saved.location).await.body.contains("s3cret-hook"));

    let cleo = bench.board.browser("cleo").await;
    open_review(&cleo, "Splice the ropes", "tiller", "ropes").await;
    let said = bench.said(5).await;
    assert_eq!(said[4].text, "Board: cleo asks for a review of “Splice the ropes” (tiller)");
    assert_eq!(said[4].room, "random");
    bench.board.end().await;
}

#[tokio::test]
async fn rules_keep_away_what_nobody_wants() {
    let bench = Bench::new().await;
    // Of the sample's three reviews, two are for main, which is what the administrator's configuration wants; two are
    // ben's, of which ben's own hears.
    let said = bench.said(4).await;
    let mut heard: Vec<_> = said.iter().map(|post| (post.room.as_str(), post.text.contains("anchor"))).collect();
    heard.sort_unstable();
    assert_eq!(heard, [("random", false), ("random", false), ("reviews", false), ("reviews", false)]);
    // Nothing else is on its way: what comes next comes right after.
    let cleo = bench.board.browser("cleo").await;
    open_review(&cleo, "Not for main", "tiller", "other").await;
    open_review(&cleo, "For main", "tiller", "main").await;
    let said = bench.said(5).await;
    assert!(said[4].text.contains("For main"), "{said:?}");
    bench.board.end().await;
}

#[tokio::test]
async fn an_approval_is_an_event_too() {
    let bench = Bench::new().await;
    let cleo = bench.board.browser("cleo").await;
    bench.said(4).await;
    let review = open_review(&cleo, "A new mast", "tiller", "main").await;
    let ada = bench.board.browser("ada").await;
    assert_eq!(ada.post(&format!("{review}/approve"), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(ada.post(&format!("{review}/approve"), &[]).await.status, StatusCode::CONFLICT);
    let texts: Vec<_> = bench.said(6).await.into_iter().skip(4).map(|post| post.text).collect();
    assert!(texts.iter().any(|text| text == "Board: ada approved “A new mast”"), "{texts:?}");
    bench.board.end().await;
}

#[tokio::test]
async fn a_check_refuses_what_cannot_work_and_options_come_from_the_service() {
    let bench = Bench::new().await;
    let ada = bench.board.browser("ada").await;
    let refused = ada.post(NEW_CHAT, &new_chat("Nowhere", &bench.chat_url, "attic")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(refused.body.contains("There is no such room."), "{}", refused.body);
    let gone = bench.chat_url.replace("/hooks/", "/nothing/");
    let refused = ada.post(NEW_CHAT, &new_chat("Nowhere", &gone, "random")).await;
    assert!(refused.body.contains("The service knows no such address."), "{}", refused.body);

    let choices = bench.board.app.manager;
    let values = serde_json::json!({ "address": bench.chat_url });
    let id = "board.chat".parse().unwrap();
    let choices = choices.options(&Scope::System, &id, "room", values.as_object().unwrap()).await.unwrap();
    assert_eq!(choices.iter().map(|choice| &*choice.value).collect::<Vec<_>>(), ["reviews", "random"]);
}

#[tokio::test]
async fn each_person_has_only_their_own() {
    let bench = Bench::new().await;
    let (ada, ben) = (bench.board.browser("ada").await, bench.board.browser("ben").await);
    assert_eq!(names(&ben.get_json("/my/integrations").await), ["Tell me about mine"]);
    assert_eq!(names(&ada.get_json("/my/integrations").await), [""; 0]);
    assert_eq!(names(&ada.get_json("/admin/integrations").await), ["Reviews of main"]);

    let id = ben.get_json("/my/integrations").await["configs"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ben.get(&format!("/my/integrations/{id}")).await.status, StatusCode::OK);
    // Neither by its address in one's own pages, nor in those of administrators.
    assert_eq!(ada.get(&format!("/my/integrations/{id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.get(&format!("/admin/integrations/{id}")).await.status, StatusCode::NOT_FOUND);
    let deleted = ada.post(&format!("/my/integrations/{id}/delete"), &[]).await;
    assert_eq!(deleted.status, StatusCode::NOT_FOUND);

    assert_eq!(ben.get("/admin/integrations").await.status, StatusCode::FORBIDDEN);
    assert_eq!(ben.post(NEW_CHAT, &new_chat("Mine", &bench.chat_url, "random")).await.status, StatusCode::FORBIDDEN);
    let stranger = bench.board.stranger().get("/my/integrations").await;
    assert_eq!((stranger.status, stranger.location.as_str()), (StatusCode::SEE_OTHER, "/sign-in"));
    bench.board.end().await;
}

#[tokio::test]
async fn a_second_process_sees_a_change_without_a_request() {
    let bench = Bench::new().await;
    let other = bench.other_process().await;
    let ada = bench.board.browser("ada").await;
    let saved = ada.post(NEW_CHAT, &new_chat("From the first", &bench.chat_url, "random")).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let there = |name: &'static str| {
        move |manager: &outrigger_integrations::Manager<_>| {
            manager.configs::<Chat>(&Scope::System).any(|config| config.name == name)
        }
    };
    within(other.app.manager.wait_until(there("From the first"))).await;
    other.end().await;
    bench.board.end().await;
}

#[tokio::test]
async fn the_boards_column_is_stored_and_follows_its_person() {
    let bench = Bench::new().await;
    let manager = &bench.board.app.manager;
    let list = manager.list(&Scope::System, &ListFilter::default()).await.unwrap();
    let id = list.items[0].id;
    let stored = manager.find(&Scope::System, id).await.unwrap().unwrap();
    assert_eq!(stored.extra.owner.as_deref(), Some("ada"));
    bench.board.app.people.remove("ada").await.unwrap();
    assert!(manager.find(&Scope::System, id).await.unwrap().is_none());
    // The database itself removed it, and the snapshot follows.
    within(manager.wait_until(|manager| manager.configs::<Chat>(&Scope::System).next().is_none())).await;
    bench.board.end().await;
}

#[tokio::test]
async fn an_owner_that_does_not_exist_is_refused() {
    let bench = Bench::new().await;
    let ada = bench.board.browser("ada").await;
    let mut posted = new_chat("Nobody's", &bench.chat_url, "random");
    posted[3].1 = "nobody";
    let refused = ada.post(NEW_CHAT, &posted).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(refused.body.contains("There is no such entry."), "{}", refused.body);
    assert_eq!(names(&ada.get_json("/admin/integrations").await), ["Reviews of main"]);
    bench.board.end().await;
}

#[tokio::test]
async fn news_and_review_share_their_fate() {
    let bench = Bench::new().await;
    bench.said(4).await;
    let cleo = bench.board.browser("cleo").await;
    let review = open_review(&cleo, "Closed at once", "tiller", "side").await;
    assert_eq!(cleo.post(&format!("{review}/close"), &[]).await.status, StatusCode::SEE_OTHER);
    // Nothing was approved, so nothing is said of it.
    assert_eq!(cleo.post(&format!("{review}/approve"), &[]).await.status, StatusCode::CONFLICT);
    open_review(&cleo, "The next", "tiller", "main").await;
    assert!(bench.said(5).await[4].text.contains("The next"));
    bench.board.end().await;
}
