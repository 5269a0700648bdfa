//! What the pages show, and to whom.

use outrigger_addon::instances::SnippetPosition;
use outrigger_platform::ops::accounts::{NewUser, create_account, create_user};
use outrigger_platform::ops::sites::create_site;
use outrigger_platform::store::accounts::Role;
use outrigger_platform::store::env_vars::{EnvLevel, EnvValue, NewEnvVar};
use outrigger_platform::store::snippets::NewSnippet;
use reqwest::Method;
use sea_orm::ConnectionTrait as _;

use super::Dashboard;
use crate::app::answer;

#[tokio::test]
async fn another_accounts_pages_are_not_there() {
    let test = Dashboard::start().await;
    let eve = test.user("eve@example.com", "evil", None).await;
    let mut eve = test.signed_in(&eve).await;
    for path in [
        "/accounts/acme",
        "/accounts/acme/env",
        &format!("/accounts/{}", test.account.id),
        "/sites/demo",
        "/sites/demo/env",
        "/sites/demo/snippets",
    ] {
        let hidden = eve.get(path).await.expect(404);
        let missing = eve.get(&path.replace("acme", "none").replace("demo", "none")).await.expect(404);
        assert!(!hidden.contains("Acme"), "{hidden}");
        if !path.contains("acct_") {
            let blank = |text: &str| text.replace("acme", "").replace("demo", "").replace("none", "");
            assert_eq!(blank(&hidden), blank(&missing), "{path}");
        }
    }
    assert!(!eve.get("/").await.expect(200).contains("acme"));
    let mut ada = test.signed_in(&test.ada).await;
    ada.get("/sites/demo").await.expect(200);
}

#[tokio::test]
async fn nobody_sees_anything_without_signing_in() {
    let test = Dashboard::start().await;
    for path in ["/", "/settings", "/accounts/acme", "/accounts/none", "/sites/demo", "/sites/none", "/authorize"] {
        let next = path.replace('/', "%2F");
        test.tab().get(path).await.leads_to(&format!("/sign-in?next={next}"));
    }
    test.tab().post("/settings/sessions/end", &[]).await.leads_to("/sign-in");
}

#[tokio::test]
async fn pages_say_what_to_do_next_where_there_is_nothing() {
    let test = Dashboard::start().await;
    let mut tab = test.signed_in(&test.ada).await;
    assert!(tab.get("/sites/demo").await.expect(200).contains("outrigger addons create ADD-ON --site demo"));
    assert!(tab.get("/sites/demo/env").await.expect(200).contains("outrigger env set NAME VALUE --site demo"));
    assert!(tab.get("/sites/demo/snippets").await.expect(200).contains("No snippets"));
    let empty = create_account(&test.app, "empty", "Empty").await.unwrap();
    let new = NewUser {
        email: "pat@example.com",
        full_name: "",
        password: None,
        operator: false,
        member_of: Some((&empty, Role::Viewer)),
    };
    let pat = create_user(&test.app, new).await.unwrap();
    let mut pat = test.signed_in(&pat).await;
    assert!(pat.get("/accounts/empty").await.expect(200).contains("outrigger sites create NAME --account empty"));
    assert!(pat.get("/accounts/empty/env").await.expect(200).contains("No variables"));
    assert!(pat.get("/").await.expect(200).contains("pat@example.com"), "who has no name is called by the address");
    let new = NewUser { email: "new@example.com", full_name: "New", password: None, operator: false, member_of: None };
    let new = create_user(&test.app, new).await.unwrap();
    assert!(test.signed_in(&new).await.get("/").await.expect(200).contains("You belong to no account yet"));
}

#[tokio::test]
async fn names_are_text_and_nothing_else() {
    let test = Dashboard::start().await;
    let evil = "<script>alert(1)</script>\"'><img src=x>";
    let account = create_account(&test.app, "evil", evil).await.unwrap();
    let new = NewUser {
        email: "eve@example.com",
        full_name: evil,
        password: None,
        operator: false,
        member_of: Some((&account, Role::Owner)),
    };
    let eve = create_user(&test.app, new).await.unwrap();
    let site = create_site(&test.app, &account, "evil-site").await.unwrap();
    let tx = test.app.store.begin().await.unwrap();
    let new = NewSnippet { title: evil.to_owned(), position: SnippetPosition::Head, html: evil.to_owned() };
    test.app.store.insert_snippet(&site.id, &tx, None, new).await.unwrap();
    test.app.store.commit(tx).await.unwrap();
    let mut tab = test.signed_in(&eve).await;
    let typed = format!("/sign-in/link/{}", url::form_urlencoded::byte_serialize(evil.as_bytes()).collect::<String>());
    for path in [
        "/",
        "/accounts/evil",
        "/accounts/evil/env",
        "/sites/evil-site",
        "/sites/evil-site/snippets",
        "/settings",
        "/sites/%3Cscript%3E",
        &typed,
    ] {
        let text = tab.get(path).await.text;
        for raw in ["<script", "<img src=x", "Browser/1 <b>"] {
            assert!(!text.contains(raw), "{path}: {text}");
        }
    }
    let shown = test.tab().sign_in(evil, "wrong horse battery").await.expect(401);
    assert!(!shown.contains("<script") && !shown.contains("\"'>"), "{shown}");
}

#[tokio::test]
async fn variables_are_named_and_their_values_never_shown() {
    let test = Dashboard::start().await;
    let site = test.app.store.find_site_anywhere("demo").await.unwrap().unwrap();
    let site_level = EnvLevel { account: test.account.id.clone(), site: Some(site.id) };
    let account_level = EnvLevel { account: test.account.id.clone(), site: None };
    for level in [&site_level, &account_level] {
        for (name, is_secret) in [("API_KEY", true), ("COLOR", false)] {
            let value = EnvValue {
                id: None,
                context: "all".to_owned(),
                context_parameter: String::new(),
                value: "hunter2-value".to_owned(),
            };
            let new = NewEnvVar {
                name: name.to_owned(),
                scopes: vec![],
                is_secret,
                values: vec![value],
                owner: None,
                updated_by: None,
            };
            let tx = test.app.store.begin().await.unwrap();
            test.app.store.insert_env_var(level, &tx, new).await.unwrap();
            test.app.store.commit(tx).await.unwrap();
        }
    }
    let mut tab = test.signed_in(&test.ada).await;
    for path in ["/sites/demo/env", "/accounts/acme/env"] {
        let text = tab.get(path).await.expect(200);
        assert!(text.contains("API_KEY") && text.contains("COLOR") && text.contains("all contexts"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(text.matches(">secret<").count(), 1, "{text}");
    }
}

#[tokio::test]
async fn long_lists_of_sites_are_parted() {
    let test = Dashboard::start().await;
    for number in 0..60 {
        test.clock.advance(std::time::Duration::from_millis(1));
        create_site(&test.app, &test.account, &format!("site-{number:02}")).await.unwrap();
    }
    let mut tab = test.signed_in(&test.ada).await;
    let first = tab.get("/accounts/acme").await.expect(200);
    assert!(first.contains("site-59") && first.contains("site-10") && !first.contains("site-09"), "{first}");
    let older = first.split("href=\"").find(|rest| rest.contains("?after=")).unwrap().split('"').next().unwrap();
    let second = tab.get(older).await.expect(200);
    assert!(second.contains("site-09") && second.contains("/sites/demo\"") && !second.contains("site-10"), "{second}");
    assert!(!second.contains("Older sites"));
}

#[tokio::test]
async fn every_page_tells_the_browser_to_load_run_and_frame_nothing_foreign() {
    let test = Dashboard::start().await;
    let mut tab = test.signed_in(&test.ada).await;
    for path in ["/", "/settings", "/sites/demo", "/sites/none", "/no/such/page", "/sign-in/link/x"] {
        let shown = tab.get(path).await;
        let policy = shown.header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(shown.header("x-content-type-options"), "nosniff");
        assert_eq!(shown.header("referrer-policy"), "same-origin");
        assert_eq!(shown.header("x-frame-options"), "DENY");
        assert_eq!(shown.header("cache-control"), "no-store");
        for inline in ["<style", "style=\"", "<script", "onclick", "onload"] {
            assert!(!shown.text.contains(inline), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn the_stylesheet_may_be_kept_for_ever_and_another_version_is_another_file() {
    let test = Dashboard::start().await;
    let page = test.tab().get("/sign-in").await.expect(200);
    let href = page.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let css = test.tab().get(&href).await;
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert!(css.header("cache-control").contains("immutable"));
    assert!(css.expect(200).contains("prefers-color-scheme: dark"));
    test.tab().get("/assets/dashboard.0000000000000000.css").await.expect(404);
    test.tab().get("/assets/..%2Fdashboard.rs").await.expect(404);
}

#[tokio::test]
async fn errors_are_pages_for_people_and_json_for_programs() {
    let test = Dashboard::start().await;
    let page = test.tab().get("/no/such/page").await.expect(404);
    assert!(page.contains("<h1>There is nothing here</h1>") && page.contains("Go to the start"), "{page}");
    let program = answer(test.program(Method::GET, "/no/such/page")).await;
    program.refused(404);
    let api = test.tab().get("/api/v1/sites").await;
    assert_eq!(api.header("content-type"), "application/json", "the API answers in its own way, whoever asks");
    let page = test.tab().get("/sign-out").await.expect(405);
    assert!(page.contains("does not take that method"), "{page}");
    let broken = test.tab().send(test.tab().form("/sign-in", &[("email", "x")])).await.expect(422);
    assert!(broken.contains("This did not work"), "{broken}");
}

#[tokio::test]
async fn a_failure_of_ours_gives_its_request_id_and_nothing_else() {
    let test = Dashboard::start().await;
    let mut tab = test.signed_in(&test.ada).await;
    test.db.db().conn().execute_unprepared("drop table session").await.unwrap();
    let failed = tab.get("/").await;
    let id = failed.header("x-request-id").to_owned();
    let text = failed.expect(500);
    assert!(text.contains("Something failed on our side") && text.contains(&id), "{text}");
    assert!(!text.contains("session"), "{text}");
}
