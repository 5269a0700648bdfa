//! How a program gets a token: by a ticket that a person grants.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Dashboard, Tab};
use crate::app::{Answer, answer};

const NETLIFY_CLI: &str = "d6f37de6614df7ae58664cfca524744d73807a377f5ee71f1a254f78412e3750";

async fn ask(test: &Dashboard, method: Method, rest: &str) -> Answer {
    answer(test.program(method, &format!("/api/v1/oauth/tickets{rest}"))).await
}

async fn ticket(test: &Dashboard) -> String {
    let made = ask(test, Method::POST, &format!("?client_id={NETLIFY_CLI}")).await.expect(201);
    assert_eq!((&made["client_id"], &made["authorized"]), (&json!(NETLIFY_CLI), &json!(false)));
    made["id"].as_str().unwrap().to_owned()
}

async fn show(test: &Dashboard, id: &str) -> Answer {
    ask(test, Method::GET, &format!("/{id}")).await
}

async fn exchange(test: &Dashboard, id: &str) -> Answer {
    ask(test, Method::POST, &format!("/{id}/exchange")).await
}

fn question(id: &str) -> String {
    format!("/authorize?response_type=ticket&ticket={id}")
}

async fn decide(tab: &mut Tab<'_>, id: &str, decision: &str) -> super::Shown {
    tab.post("/authorize", &[("ticket", id), ("decision", decision)]).await
}

async fn user_of(test: &Dashboard, token: &str) -> Answer {
    answer(test.program(Method::GET, "/api/v1/user").bearer_auth(token)).await
}

#[tokio::test]
async fn a_person_allows_it_and_the_program_fetches_its_token_once() {
    let test = Dashboard::start().await;
    let id = ticket(&test).await;
    exchange(&test, &id).await.refused(409);
    let mut tab = test.tab();
    let back = format!("/sign-in?next=%2Fauthorize%3Fresponse_type%3Dticket%26ticket%3D{id}");
    tab.get(&question(&id)).await.leads_to(&back);
    let mut tab = test.signed_in(&test.ada).await;
    let asked = tab.get(&question(&id)).await.expect(200);
    for said in ["Netlify CLI", "ada@example.com", "127.0.0.1", "90 days", "Allow", "Deny"] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
    assert_eq!(show(&test, &id).await.expect(200)["authorized"], false, "looking grants nothing");
    assert!(decide(&mut tab, &id, "allow").await.expect(200).contains("Login allowed"));
    assert_eq!(show(&test, &id).await.expect(200)["authorized"], true);
    let tries = (0..4).map(|_| exchange(&test, &id));
    let (got, refused): (Vec<_>, Vec<_>) =
        futures_util::future::join_all(tries).await.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((got.len(), refused.len()), (1, 3));
    assert!(refused.into_iter().all(|answer| answer.status == 409));
    let body = &got[0].body;
    assert_eq!((&body["user_email"], &body["user_id"]), (&json!("ada@example.com"), &json!(test.ada.id)));
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(user_of(&test, token).await.expect(200)["email"], "ada@example.com");
    let listed = tab.get("/settings").await.expect(200);
    assert!(listed.contains("Netlify CLI, 1 January 2026") && listed.contains("works until 1 Apr 2026"), "{listed}");
    test.clock.advance(Duration::from_secs(91 * 24 * 60 * 60));
    user_of(&test, token).await.refused(401);
}

#[tokio::test]
async fn a_denied_program_is_told_so_at_once() {
    let test = Dashboard::start().await;
    let id = ticket(&test).await;
    let mut tab = test.signed_in(&test.ada).await;
    assert!(decide(&mut tab, &id, "deny").await.expect(200).contains("gets nothing"));
    assert_eq!(show(&test, &id).await.refused(403), "the login was denied in the browser");
    exchange(&test, &id).await.refused(403);
    decide(&mut tab, &id, "allow").await.expect(404);
    exchange(&test, &id).await.refused(403);
}

#[tokio::test]
async fn anything_but_allow_denies() {
    let test = Dashboard::start().await;
    let id = ticket(&test).await;
    let mut tab = test.signed_in(&test.ada).await;
    decide(&mut tab, &id, "Allow ").await.expect(200);
    exchange(&test, &id).await.refused(403);
}

#[tokio::test]
async fn a_ticket_expires_before_and_after_it_is_granted() {
    let test = Dashboard::start().await;
    let (open, granted) = (ticket(&test).await, ticket(&test).await);
    let mut tab = test.signed_in(&test.ada).await;
    decide(&mut tab, &granted, "allow").await.expect(200);
    test.clock.advance(Duration::from_secs(10 * 60));
    for id in [&open, &granted] {
        show(&test, id).await.refused(404);
        exchange(&test, id).await.refused(404);
        tab.get(&question(id)).await.expect(404);
        decide(&mut tab, id, "allow").await.expect(404);
    }
}

#[tokio::test]
async fn the_token_is_the_one_who_granted_its() {
    let test = Dashboard::start().await;
    let eve = test.user("eve@example.com", "evil", None).await;
    let id = ticket(&test).await;
    let mut eve = test.signed_in(&eve).await;
    decide(&mut eve, &id, "allow").await.expect(200);
    let mut ada = test.signed_in(&test.ada).await;
    ada.get(&question(&id)).await.expect(404);
    decide(&mut ada, &id, "allow").await.expect(404);
    let body = exchange(&test, &id).await.expect(201);
    assert_eq!(body["user_email"], "eve@example.com");
}

#[tokio::test]
async fn unknown_tickets_and_strange_programs() {
    let test = Dashboard::start().await;
    show(&test, "nothing").await.refused(404);
    exchange(&test, "nothing").await.refused(404);
    let mut tab = test.signed_in(&test.ada).await;
    tab.get(&question("%3Cscript%3E")).await.expect(404);
    tab.get("/authorize").await.expect(404);
    ask(&test, Method::POST, &format!("?client_id={}", "x".repeat(101))).await.refused(422);
    let made: Value = ask(&test, Method::POST, "?client_id=%3Cscript%3Ealert(1)").await.expect(201);
    let asked = tab.get(&question(made["id"].as_str().unwrap())).await.expect(200);
    assert!(asked.contains("&#60;script&#62;alert(1)") && !asked.contains("<script"), "{asked}");
    let made = ask(&test, Method::POST, "").await.expect(201);
    let asked = tab.get(&question(made["id"].as_str().unwrap())).await.expect(200);
    assert!(asked.contains("does not say what it is"), "{asked}");
}

#[tokio::test]
async fn one_address_makes_only_so_many_tickets() {
    let test = Dashboard::start().await;
    for _ in 0..30 {
        ticket(&test).await;
    }
    let refused = ask(&test, Method::POST, "").await;
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.refused(429).contains("from your address"));
    test.clock.advance(Duration::from_secs(16 * 60));
    ticket(&test).await;
}
