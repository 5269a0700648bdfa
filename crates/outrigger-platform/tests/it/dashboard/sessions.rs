//! How long a session lasts, who ends it, and what a person sets for themselves.

use std::time::Duration;

use super::{Dashboard, Tab};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PASSWORD: &str = "correct horse battery";

#[track_caller]
fn is_signed_out(shown: &super::Shown) {
    shown.leads_to("/sign-in?next=%2F");
}

/// The addresses of the page's forms that contain a text.
fn forms(page: &str, part: &str) -> Vec<String> {
    let actions = page.split("action=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    actions.filter(|action| action.contains(part)).collect()
}

async fn settings(tab: &mut Tab<'_>) -> String {
    tab.get("/settings").await.expect(200)
}

#[tokio::test]
async fn an_idle_session_ends_after_a_week_and_any_after_a_month() {
    let test = Dashboard::start().await;
    let mut idle = test.signed_in(&test.ada).await;
    let mut busy = test.signed_in(&test.ada).await;
    for _ in 0..4 {
        test.clock.advance(6 * DAY);
        busy.get("/").await.expect(200);
    }
    is_signed_out(&idle.get("/").await);
    test.clock.advance(6 * DAY);
    is_signed_out(&busy.get("/").await);
    assert!(test.app.store.sessions_of_user(&test.ada.id).await.unwrap().is_empty());
    assert_eq!(test.app.store.prune_sign_ins_anywhere().await.unwrap(), 2);
}

#[tokio::test]
async fn what_has_not_ended_is_not_pruned() {
    let test = Dashboard::start().await;
    let mut tab = test.signed_in(&test.ada).await;
    let link = test.link(&test.ada).await;
    test.app.store.count_attempt_anywhere("account:x").await.unwrap();
    assert_eq!(test.app.store.prune_sign_ins_anywhere().await.unwrap(), 0);
    tab.get(&link).await.expect(200);
    test.clock.advance(DAY);
    assert_eq!(test.app.store.prune_sign_ins_anywhere().await.unwrap(), 2, "the link and the attempt");
    tab.get("/").await.expect(200);
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let test = Dashboard::start().await;
    let mut tab = test.signed_in(&test.ada).await;
    let kept = tab.cookie.clone();
    let out = tab.post("/sign-out", &[]).await;
    out.leads_to("/sign-in");
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(tab.cookie, None);
    tab.cookie = kept;
    is_signed_out(&tab.get("/").await);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let test = Dashboard::start().await;
    let mut here = test.signed_in(&test.ada).await;
    test.clock.advance(Duration::from_millis(1));
    let mut there = test.signed_in(&test.ada).await;
    test.clock.advance(Duration::from_millis(1));
    let mut third = test.signed_in(&test.ada).await;
    let page = settings(&mut here).await;
    let ends = forms(&page, "/settings/sessions/sess_");
    assert_eq!(ends.len(), 3);
    assert_eq!(page.matches("this one").count(), 1);
    let eve = test.user("eve@example.com", "evil", None).await;
    let mut eve = test.signed_in(&eve).await;
    eve.post(&ends[1], &[]).await.expect(404);
    there.get("/").await.expect(200);
    here.post(&ends[1], &[]).await.leads_to("/settings?done=session");
    is_signed_out(&there.get("/").await);
    here.post("/settings/sessions/end", &[]).await.leads_to("/sign-in");
    is_signed_out(&third.get("/").await);
    assert_eq!(here.cookie, None);
    eve.get("/").await.expect(200);
}

#[tokio::test]
async fn a_password_is_set_after_a_link_and_changed_with_the_old_one() {
    let test = Dashboard::start().await;
    let mut tab = test.signed_in(&test.ada).await;
    let mut other = test.signed_in(&test.ada).await;
    let short = tab.post("/settings/password", &[("new_password", "short")]).await.expect(422);
    assert!(short.contains("at least 10 characters") && short.contains("aria-invalid"), "{short}");
    tab.post("/settings/password", &[("new_password", PASSWORD)]).await.leads_to("/settings?done=password");
    assert!(tab.get("/settings?done=password").await.expect(200).contains("Your password is set"));
    is_signed_out(&other.get("/").await);
    other.sign_in("ada@example.com", PASSWORD).await.leads_to("/");
    let another = "another horse battery";
    let without = other.post("/settings/password", &[("new_password", another)]).await.expect(422);
    assert!(without.contains("That is not the password you have now."), "{without}");
    let fields = [("current_password", PASSWORD), ("new_password", another)];
    other.post("/settings/password", &fields).await.leads_to("/settings?done=password");
    is_signed_out(&tab.get("/").await);
    tab.sign_in("ada@example.com", PASSWORD).await.expect(401);
}

#[tokio::test]
async fn who_came_by_a_link_long_ago_has_to_say_the_password() {
    let test = Dashboard::start().await;
    let pat = test.user("pat@example.com", "acme", Some(PASSWORD)).await;
    let mut tab = test.signed_in(&pat).await;
    assert!(!settings(&mut tab).await.contains("current_password"));
    test.clock.advance(Duration::from_secs(31 * 60));
    assert!(settings(&mut tab).await.contains("current_password"));
    tab.post("/settings/password", &[("new_password", "another horse battery")]).await.expect(422);
}

#[tokio::test]
async fn tokens_are_listed_and_revoked_by_their_owner_only() {
    let test = Dashboard::start().await;
    let mut tab = test.signed_in(&test.ada).await;
    let page = settings(&mut tab).await;
    assert!(page.contains("first token"), "{page}");
    let revoke = forms(&page, "/settings/tokens/").remove(0);
    let eve = test.user("eve@example.com", "evil", None).await;
    test.signed_in(&eve).await.post(&revoke, &[]).await.expect(404);
    tab.post(&revoke, &[]).await.leads_to("/settings?done=token");
    assert!(settings(&mut tab).await.contains("None."));
}
