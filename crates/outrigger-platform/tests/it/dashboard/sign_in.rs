//! Signing in: links, passwords, and what others try with them.

use std::time::Duration;

use super::Dashboard;

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn a_link_waits_for_a_person_and_works_once() {
    let test = Dashboard::start().await;
    let link = test.link(&test.ada).await;
    let mut tab = test.tab();
    for _ in 0..3 {
        let asked = tab.get(&link).await.expect(200);
        assert!(asked.contains("ada@example.com") && asked.contains("<button>Sign in</button>"), "{asked}");
    }
    assert_eq!(tab.cookie, None, "looking at the link signs nobody in");
    tab.post(&link, &[]).await.leads_to("/");
    let home = tab.get("/").await.expect(200);
    assert!(home.contains("Acme") && home.contains("You have no password yet"), "{home}");
    let mut late = test.tab();
    late.get(&link).await.expect(404);
    late.post(&link, &[]).await.expect(404);
    assert_eq!(late.cookie, None);
}

#[tokio::test]
async fn a_link_is_short_lived_and_cannot_be_read_in_the_database() {
    let test = Dashboard::start().await;
    let link = test.link(&test.ada).await;
    let secret = link.rsplit('/').next().unwrap();
    assert!(test.app.store.find_sign_in_link_anywhere(secret).await.unwrap().is_some());
    test.clock.advance(Duration::from_secs(31 * 60));
    let mut tab = test.tab();
    let refused = tab.post(&link, &[]).await.expect(404);
    assert!(refused.contains("outrigger users sign-in-link"), "it says what to do next: {refused}");
    assert_eq!(tab.cookie, None);
}

#[tokio::test]
async fn of_many_who_use_a_link_at_once_one_is_signed_in() {
    let test = Dashboard::start().await;
    let link = test.link(&test.ada).await;
    let tries = (0..5).map(|_| async {
        let mut tab = test.tab();
        tab.post(&link, &[]).await.status
    });
    let statuses = futures_util::future::join_all(tries).await;
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let test = Dashboard::start().await;
    test.user("pat@example.com", "acme", Some(PASSWORD)).await;
    let mut tab = test.tab();
    let wrong = tab.sign_in("pat@example.com", "wrong horse battery").await.expect(401);
    let unknown = tab.sign_in("nobody@example.com", "wrong horse battery").await.expect(401);
    let without = tab.sign_in("ada@example.com", "wrong horse battery").await.expect(401);
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("E-mail address or password is wrong."), "{wrong}");
    let same = |text: &str, email: &str| text.replace(email, "EMAIL");
    assert_eq!(same(&wrong, "pat@example.com"), same(&unknown, "nobody@example.com"));
    assert_eq!(same(&wrong, "pat@example.com"), same(&without, "ada@example.com"));
    assert_eq!(tab.cookie, None);
    tab.sign_in(" Pat@Example.com ", PASSWORD).await.leads_to("/");
    tab.get("/").await.expect(200);
    tab.get("/sign-in").await.leads_to("/");
}

#[tokio::test]
async fn guessing_is_slowed_down_for_all_nodes_together() {
    let test = Dashboard::start().await;
    test.user("pat@example.com", "acme", Some(PASSWORD)).await;
    let mut tab = test.tab();
    tab.sign_in("pat@example.com", "wrong horse battery").await.expect(401);
    // As other nodes would count.
    for _ in 0..9 {
        test.app.store.count_attempt_anywhere("account:pat@example.com").await.unwrap();
    }
    let refused = tab.sign_in("PAT@example.com", PASSWORD).await;
    assert_eq!(refused.header("retry-after"), "901");
    let text = refused.expect(429);
    assert!(text.contains("Too many attempts to sign in as this user; try again in 901 s"), "{text}");
    let answer = test.program(reqwest::Method::POST, "/api/v1/logins");
    let body = serde_json::json!({ "email": "pat@example.com", "password": PASSWORD, "token_name": "x" });
    assert_eq!(answer.json(&body).send().await.unwrap().status(), 429, "the API counts with the pages");
    test.clock.advance(Duration::from_secs(15 * 60 + 1));
    tab.sign_in("pat@example.com", PASSWORD).await.leads_to("/");
}

#[tokio::test]
async fn one_address_cannot_try_many_users() {
    let test = Dashboard::start().await;
    test.user("pat@example.com", "acme", Some(PASSWORD)).await;
    for _ in 0..50 {
        test.app.store.count_attempt_anywhere("address:127.0.0.1").await.unwrap();
    }
    let text = test.tab().sign_in("pat@example.com", PASSWORD).await.expect(429);
    assert!(text.contains("from your address"), "{text}");
}

#[tokio::test]
async fn a_success_clears_the_account_and_costs_the_address_nothing() {
    let test = Dashboard::start().await;
    test.user("pat@example.com", "acme", Some(PASSWORD)).await;
    test.tab().sign_in("pat@example.com", "wrong horse battery").await.expect(401);
    test.tab().sign_in("pat@example.com", PASSWORD).await.leads_to("/");
    let count = async |subject: &str| test.app.store.count_attempt_anywhere(subject).await.unwrap().count;
    assert_eq!(count("account:pat@example.com").await, 1);
    assert_eq!(count("address:127.0.0.1").await, 2);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_address_is_the_one_it_adds() {
    let test = Dashboard::with_config(|config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let mut tab = test.tab();
    let link = test.link(&test.ada).await;
    let request = tab.form(&link, &[]).header("x-forwarded-for", "203.0.113.9, 192.0.2.7");
    tab.send(request).await.leads_to("/");
    assert!(tab.get("/settings").await.expect(200).contains("192.0.2.7"));
}

#[tokio::test]
async fn after_signing_in_one_comes_to_where_one_wanted_to_go_on_this_platform_only() {
    let test = Dashboard::start().await;
    test.user("pat@example.com", "acme", Some(PASSWORD)).await;
    test.tab().get("/sites/demo?x=1").await.leads_to("/sign-in?next=%2Fsites%2Fdemo%3Fx%3D1");
    let asked = test.tab().get("/sign-in?next=%2Fsites%2Fdemo%3Fx%3D1").await.expect(200);
    assert!(asked.contains(r#"name="next" value="/sites/demo?x=1""#), "{asked}");
    for (next, there) in [
        ("/sites/demo?x=1", "/sites/demo?x=1"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
    ] {
        let fields = [("email", "pat@example.com"), ("password", PASSWORD), ("next", next)];
        let mut tab = test.tab();
        tab.post("/sign-in", &fields).await.leads_to(there);
        let query = url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
        tab.get(&format!("/sign-in?next={query}")).await.leads_to(there);
    }
    let asked = test.tab().get("/sign-in?next=%2F%2Fevil.example").await.expect(200);
    assert!(!asked.contains("evil"), "{asked}");
}

#[tokio::test]
async fn a_session_that_was_there_before_is_not_the_one_that_is_signed_in() {
    let test = Dashboard::start().await;
    let eve = test.user("eve@example.com", "evil", None).await;
    let planted = test.signed_in(&eve).await.cookie.unwrap();
    let mut victim = test.tab();
    victim.cookie = Some(planted.clone());
    let link = test.link(&test.ada).await;
    victim.post(&link, &[]).await.leads_to("/");
    assert_ne!(victim.cookie.as_ref(), Some(&planted));
    let mut eve = test.tab();
    eve.cookie = Some(planted);
    eve.get("/").await.leads_to("/sign-in?next=%2F");
    let mut made_up = test.tab();
    made_up.cookie = Some("outrigger=chosen-by-somebody-else".to_owned());
    let link = test.link(&test.ada).await;
    made_up.post(&link, &[]).await.leads_to("/");
    assert_ne!(made_up.cookie.as_deref(), Some("outrigger=chosen-by-somebody-else"));
}

#[tokio::test]
async fn another_sites_page_cannot_send_our_forms() {
    let test = Dashboard::start().await;
    let mut tab = test.signed_in(&test.ada).await;
    let link = test.link(&test.ada).await;
    for path in ["/sign-out", "/settings/sessions/end", "/settings/password", "/authorize", "/sign-in", link.as_str()] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let request = tab.form(path, &[("new_password", PASSWORD)]).header(name, value);
            let refused = tab.send(request).await;
            let text = refused.expect(403);
            assert!(text.contains("from a page of another site"), "{path} {name}: {text}");
        }
    }
    tab.get("/").await.expect(200);
    tab.post(&link, &[]).await.leads_to("/");
}

#[tokio::test]
async fn the_cookie_is_for_this_host_only_and_no_script_reads_it() {
    let test = Dashboard::start().await;
    let link = test.link(&test.ada).await;
    let set = test.tab().post(&link, &[]).await;
    let cookie = set.header("set-cookie");
    assert!(cookie.starts_with("outrigger=") && cookie.contains("; HttpOnly; SameSite=Lax;"), "{cookie}");
    assert!(!cookie.contains("Domain"), "{cookie}");
    let public = Some("https://app.example/".parse().unwrap());
    let test = Dashboard::with_config(|config| config.public_url = public).await;
    let link = test.link(&test.ada).await;
    let set = test.tab().post(&link, &[]).await;
    let cookie = set.header("set-cookie");
    assert!(cookie.starts_with("__Host-outrigger=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age="), "{cookie}");
}
