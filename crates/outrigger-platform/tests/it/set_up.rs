//! First accounts, users and tokens: all of what one command asks for, or nothing.

use outrigger_platform::ops::accounts::{NewUser, create_first_account, create_user_with_token};
use outrigger_platform::store::ids::UserId;
use outrigger_platform::store::tokens::{NewToken, Scope};

use crate::app::TestApp;

fn token(name: &str) -> NewToken {
    NewToken { account: None, name: name.to_owned(), scope: Scope::Admin, expires_at: None }
}

fn user(email: &str) -> NewUser<'_> {
    NewUser { email, full_name: "Bob", password: None, operator: false, member_of: None }
}

async fn users(test: &TestApp) -> Vec<UserId> {
    test.app.store.users_anywhere(None, 10).await.unwrap().into_iter().map(|user| user.id).collect()
}

#[tokio::test]
async fn a_set_up_that_fails_half_way_leaves_nothing_and_can_be_run_again() {
    let test = TestApp::start().await;
    // The account comes before the user, and the user's address is taken.
    let failed = create_first_account(&test.app, "second", "Second", "ada@example.com", None).await;
    assert!(failed.unwrap_err().message().contains("e-mail"));
    assert!(test.app.store.find_account_anywhere("second").await.unwrap().is_none());
    let made = create_first_account(&test.app, "second", "Second", "bob@example.com", None).await.unwrap();
    let found = test.app.store.find_valid_token(&made.token).await.unwrap().unwrap();
    assert_eq!(found.user_id, made.user.id);
}

#[tokio::test]
async fn a_user_whose_token_cannot_be_made_is_not_made_either() {
    let test = TestApp::start().await;
    let before = users(&test).await;
    create_user_with_token(&test.app, user("bob@example.com"), token(" ")).await.unwrap_err();
    assert_eq!(users(&test).await, before);
    let (made, _, secret) = create_user_with_token(&test.app, user("bob@example.com"), token("first")).await.unwrap();
    assert_eq!(test.app.store.find_valid_token(&secret).await.unwrap().unwrap().user_id, made.id);
}

#[tokio::test]
async fn names_that_no_page_could_show_are_refused() {
    let test = TestApp::start().await;
    for email in ["nobody", "a@b\0", "a b@example.com", &format!("{}@example.com", "a".repeat(300))] {
        let refused = create_user_with_token(&test.app, user(email), token("first")).await.unwrap_err();
        assert!(refused.message().contains("email"), "{email:?}: {}", refused.message());
    }
    for (slug, name) in [("ok", "a\0b"), ("ok", " "), ("NO", "ok")] {
        create_first_account(&test.app, slug, name, "c@example.com", None).await.unwrap_err();
    }
}
