//! What belongs to another account is not there; what a token may not do, it cannot.

use outrigger_platform::ops::accounts::{NewUser, create_account, create_token, create_user};
use outrigger_platform::store::accounts::Role;
use outrigger_platform::store::tokens::{NewToken, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

async fn user(test: &TestApp, email: &str, account: &str, role: Role, scope: Scope) -> String {
    let account = match test.app.store.find_account_anywhere(account).await.unwrap() {
        Some(account) => account,
        None => create_account(&test.app, account, account).await.unwrap(),
    };
    let new = NewUser { email, full_name: email, password: None, operator: false, member_of: Some((&account, role)) };
    let user = create_user(&test.app, new).await.unwrap();
    let new = NewToken { account: None, name: "t".to_owned(), scope, expires_at: None };
    create_token(&test.app, &user.id, new).await.unwrap().1
}

async fn send(test: &TestApp, token: &str, method: Method, path: &str) -> Answer {
    let body = (method != Method::GET && method != Method::DELETE).then(|| json!({ "config": {}, "name": "x" }));
    test.send_to(test.origin(), method, path, body, token).await
}

#[tokio::test]
async fn another_accounts_things_are_not_found_on_every_address() {
    let test = TestApp::start().await;
    let id = test.create(json!({ "plan": "small" })).await.expect(201)["id"].as_str().unwrap().to_owned();
    let stranger = user(&test, "eve@example.com", "evil", Role::Owner, Scope::Admin).await;
    let instance = test.instances(&format!("/{id}"));
    for (method, path) in [
        (Method::GET, test.site("")),
        (Method::PATCH, test.site("")),
        (Method::DELETE, test.site("")),
        (Method::GET, test.site("/env")),
        (Method::GET, test.site("/snippets")),
        (Method::GET, test.site("/build_hooks")),
        (Method::GET, test.site("/deliveries")),
        (Method::GET, test.site("/service-instances")),
        (Method::POST, test.instances("")),
        (Method::GET, instance.clone()),
        (Method::PUT, instance.clone()),
        (Method::DELETE, instance.clone()),
        (Method::POST, format!("{instance}/detach")),
        (Method::GET, "/accounts/acme".to_owned()),
        (Method::GET, format!("/accounts/acme/env?site_id={}", test.site_id)),
        (Method::GET, format!("/accounts/evil/env?site_id={}", test.site_id)),
        (Method::GET, "/acme/sites".to_owned()),
    ] {
        send(&test, &stranger, method, &path).await.refused(404);
    }
    assert_eq!(send(&test, &stranger, Method::GET, "/sites").await.expect(200), json!([]));
    assert_eq!(test.provider.count(), 1);
}

/// Every operation on every address that names a site or an account, with the values of this test in it.
fn addresses(test: &TestApp, instance: &str) -> Vec<(Method, String)> {
    let document = serde_json::to_value(outrigger_platform::router::openapi()).unwrap();
    let mut addresses = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(below) = path.strip_prefix("/api/v1") else { continue };
        if !["{site_id}", "{account_id}", "{account_slug}"].iter().any(|name| below.contains(name)) {
            continue;
        }
        let filled = below
            .replace("{site_id}", &test.site_id)
            .replace("{account_id}", "acme")
            .replace("{account_slug}", "acme")
            .replace("{addon}", "test")
            .replace("{instance_id}", instance);
        let filled =
            filled.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/");
        for method in operations.as_object().unwrap().keys() {
            addresses.push((method.to_uppercase().parse().unwrap(), filled.clone()));
        }
    }
    assert!(addresses.len() > 30, "{addresses:?}");
    addresses
}

#[tokio::test]
async fn no_address_tells_a_stranger_that_a_site_or_an_account_is_there() {
    let test = TestApp::start().await;
    let id = test.create(json!({ "plan": "small" })).await.expect(201)["id"].as_str().unwrap().to_owned();
    let stranger = user(&test, "eve@example.com", "evil", Role::Owner, Scope::Admin).await;
    for (method, path) in addresses(&test, &id) {
        let answer = send(&test, &stranger, method.clone(), &path).await;
        assert_eq!(answer.status, 404, "{method} {path}: {:#}", answer.body);
        test.send_to(test.origin(), method, &path, None, "wrong").await.refused(401);
    }
    assert_eq!(test.provider.count(), 1);
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_at_any_address() {
    let test = TestApp::start().await;
    let id = test.create(json!({ "plan": "small" })).await.expect(201)["id"].as_str().unwrap().to_owned();
    let viewer = user(&test, "v@example.com", "acme", Role::Viewer, Scope::Admin).await;
    for (method, path) in addresses(&test, &id) {
        // A plan changes nothing.
        if method != Method::GET && !path.ends_with("/plan") {
            let answer = send(&test, &viewer, method.clone(), &path).await;
            assert_eq!(answer.status, 403, "{method} {path}: {:#}", answer.body);
        }
    }
}

#[tokio::test]
async fn roles_and_scopes_limit_each_other() {
    let test = TestApp::start().await;
    let viewer = user(&test, "v@example.com", "acme", Role::Viewer, Scope::Admin).await;
    let reader = user(&test, "r@example.com", "acme", Role::Owner, Scope::Read).await;
    for token in [&viewer, &reader] {
        send(&test, token, Method::GET, &test.site("")).await.expect(200);
        send(&test, token, Method::POST, &test.instances("")).await.refused(403);
        send(&test, token, Method::DELETE, &test.site("")).await.refused(403);
    }
    test.create(json!({ "plan": "small" })).await.expect(201);
    let seen = send(&test, &reader, Method::GET, &test.site("/service-instances")).await.expect(200);
    assert!(seen[0].get("auth_url").is_none(), "a sign-in link is for those who may change things");
    let developer = user(&test, "d@example.com", "acme", Role::Developer, Scope::Admin).await;
    send(&test, &developer, Method::POST, "/services").await.refused(403);
}

#[tokio::test]
async fn tokens_are_made_shown_once_limited_and_revoked() {
    let test = TestApp::start().await;
    let body = json!({ "name": "ci", "scope": "read", "account": "acme", "expires_in": 3600 });
    let made = test.post("/tokens", body).await.expect(201);
    let secret = made["token"].as_str().unwrap();
    send(&test, secret, Method::GET, &test.site("")).await.expect(200);
    send(&test, secret, Method::GET, "/tokens").await.refused(403);
    let listed = test.get("/tokens").await.expect(200);
    assert!(listed.as_array().unwrap().iter().all(|token| token.get("token").is_none()));
    test.delete(&format!("/tokens/{}", made["id"].as_str().unwrap())).await.expect(204);
    send(&test, secret, Method::GET, &test.site("")).await.refused(401);
    for body in
        [json!({ "name": "", "scope": "read" }), json!({ "name": "x", "scope": "god" }), json!({ "scope": "read" })]
    {
        test.post("/tokens", body).await.refused(422);
    }
    test.post("/tokens", json!({ "name": "x", "scope": "read", "account": "evil" })).await.refused(422);
}

#[tokio::test]
async fn without_a_good_token_there_is_nothing() {
    let test = TestApp::start().await;
    for token in ["", "ort_wrong", "x"] {
        send(&test, token, Method::GET, "/user").await.refused(401);
    }
    let none = test.http().get(format!("{}/api/v1/user", test.origin()));
    crate::app::answer(none).await.refused(401);
}

#[tokio::test]
async fn signing_in_with_a_password_gives_a_token_and_is_limited() {
    let config = outrigger_platform::config::Config { logins_per_minute: 3, ..crate::app::config() };
    let test = TestApp::with_config(config).await;
    let account = test.app.store.find_account_anywhere("acme").await.unwrap().unwrap();
    let new = NewUser {
        email: "Pat@Example.com",
        full_name: "Pat",
        password: Some("correct horse battery"),
        operator: false,
        member_of: Some((&account, Role::Developer)),
    };
    create_user(&test.app, new).await.unwrap();
    let login = async |password: &str| {
        let body = json!({ "email": "pat@example.com", "password": password, "token_name": "laptop" });
        test.post("/logins", body).await
    };
    let token = login("correct horse battery").await.expect(201)["token"].as_str().unwrap().to_owned();
    let me = send(&test, &token, Method::GET, "/user").await.expect(200);
    assert_eq!(me["full_name"], "Pat");
    assert_ne!(me["last_login"], Value::Null);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(login("wrong horse battery").await.status.as_u16());
    }
    assert!(statuses.starts_with(&[401, 401]) && statuses.ends_with(&[429]), "{statuses:?}");
}
