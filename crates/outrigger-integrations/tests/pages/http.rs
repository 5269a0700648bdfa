//! The pages over HTTP.

use ::http::{Method, StatusCode, header};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::app::{App, WEBHOOK, chat_values};
use crate::integrations::{ChatIntegration, Odd, Pager};

fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn send(request: RequestBuilder) -> (StatusCode, String) {
    let response: Response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

async fn get(app: &App, path: &str) -> (StatusCode, String) {
    send(client().get(app.at(path))).await
}

async fn get_json(app: &App, path: &str) -> (StatusCode, Value) {
    let (status, body) = send(client().get(app.at(path)).header(header::ACCEPT, "application/json")).await;
    (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

async fn send_json(app: &App, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = client().request(method, app.at(path)).header(header::ACCEPT, "application/json");
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
    let (status, body) = send(request).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Posts a form as a browser on the page does.
fn post(app: &App, path: &str, pairs: &[(&str, &str)]) -> RequestBuilder {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(pairs);
    let request = client().post(app.at(path)).header("sec-fetch-site", "same-origin");
    request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.finish())
}

const NEW_CHAT: &[(&str, &str)] = &[
    ("do", "save"),
    ("name", "Orders"),
    ("enabled", "true"),
    ("s.webhook", WEBHOOK),
    ("s.post_as", "Shop"),
    ("s.style", "short"),
    ("s.wait.amount", "2"),
    ("s.wait.unit", "minutes"),
    ("s.mention.0", "@ann"),
    ("s.mention.1", ""),
    ("s.replace.0.key", "EUR"),
    ("s.replace.0.value", "€"),
    ("s.rules.mode", "all"),
    ("s.rules.0.fact", "total"),
    ("s.rules.0.operator", "greater_than"),
    ("s.rules.0.value", "100"),
    ("s.rules.1.fact", "country"),
    ("s.rules.1.operator", "one_of"),
    ("s.rules.1.value", "DE\r\nDK"),
];

fn changed<'a>(pairs: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = pairs.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    kept.chain(changes).copied().collect()
}

#[tokio::test]
async fn an_empty_list_invites() {
    let app = App::start().await;
    let (status, page) = get(&app, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("No integrations yet") && page.contains("/accounts/7/integrations/new"), "{page}");
    let (status, json) = get_json(&app, "").await;
    assert_eq!((status, json), (StatusCode::OK, json!({ "configs": [], "next": null })));
}

#[tokio::test]
async fn the_list_survives_what_it_shows() {
    let app = App::start().await;
    let evil = "</td><script>alert('x')</script> & “quoted”";
    app.add::<Odd>(evil, true, json!({ "text": "<img src=x onerror=alert(1)>" })).await;
    let (status, page) = get(&app, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("<script>alert"), "{page}");
    // No icon: a tile with a letter.
    assert!(page.contains("og-tile"), "{page}");
    let (_, json) = get_json(&app, "").await;
    assert_eq!(json["configs"][0]["name"], evil);
    assert_eq!(json["configs"][0]["integration"], "odd-one_2.x");
    let id = json["configs"][0]["id"].as_str().unwrap();
    let (status, page) = get(&app, &format!("/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        !page.contains("<img src=x") && !page.contains("<b>Label</b>") && !page.contains("<script>alert"),
        "{page}"
    );
    let (status, _) = get(&app, "/new/odd-one_2.x").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn all_misses_are_404() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    let missing = "cfg_0193f3a0b5c77aaa8bbb0123456789ab";
    let paths = [
        "/new/acme.nothing",
        "/new/%3Cscript%3E",
        "/new/acme.chat/test/more",
        "/42",
        &format!("/{missing}"),
        &format!("/{missing}/delete"),
        &format!("/{missing}/history"),
        "/nowhere/at/all",
        "/assets/pages-0.css",
        "/assets/icon-acme.chat-0.svg",
    ];
    for path in paths {
        assert_eq!(get(&app, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    // Another account's, by its owner and by this one's.
    let foreign = format!("{}/accounts/8/integrations/{id}", app.url);
    assert_eq!(send(client().get(&foreign)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(send(client().get(&foreign).header("x-user", "bob@8")).await.0, StatusCode::NOT_FOUND);
    let (status, json) = get_json(&app, &format!("/{missing}")).await;
    assert_eq!((status, &json["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let at_admin = format!("{}/admin/integrations/{id}", app.url);
    assert_eq!(send(client().get(at_admin)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn wrong_methods_bodies_and_types_say_so() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    assert_eq!(send(client().delete(app.at("/new"))).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(client().get(app.at(&format!("/{id}/undo")))).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let text = client().post(app.at("/new/acme.chat")).header(header::CONTENT_TYPE, "text/plain").body("x");
    assert_eq!(send(text).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = post(&app, "/new/acme.chat", &[("name", &"x".repeat(300 * 1024))]);
    assert_eq!(send(large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, json) = send_json(&app, Method::POST, "/new/acme.chat", &json!([1])).await;
    assert_eq!((status, &json["code"]), (StatusCode::BAD_REQUEST, &json!("malformed")));
}

#[tokio::test]
async fn posts_from_elsewhere_are_refused() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        for (method, path) in [(Method::POST, format!("/{id}/delete")), (Method::DELETE, format!("/{id}"))] {
            let request = client().request(method, app.at(&path)).header(name, value);
            let (status, page) = send(request).await;
            assert_eq!(status, StatusCode::FORBIDDEN);
            assert!(page.contains("another site"), "{page}");
        }
    }
    let same = client().delete(app.at(&format!("/{id}"))).header("sec-fetch-site", "same-origin");
    assert_eq!(send(same).await.0, StatusCode::NO_CONTENT);
    let again = client().delete(app.at(&format!("/{id}")));
    assert_eq!(send(again).await.0, StatusCode::NOT_FOUND);
    assert_eq!(send(client().delete(app.at("/new/acme.chat"))).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_policy_decides() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    let viewer = |request: RequestBuilder| send(request.header("x-user", "viewer"));
    let (status, page) = viewer(client().get(app.at(""))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("og-add") && !page.contains("/delete") && !page.contains("/enabled"), "{page}");
    let (status, page) = viewer(client().get(app.at(&format!("/{id}")))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("og-save") && !page.contains("og-delete"), "{page}");
    for path in ["/new", "/new/acme.chat"] {
        assert_eq!(viewer(client().get(app.at(path))).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    for path in [format!("/{id}"), format!("/{id}/test"), format!("/{id}/delete"), format!("/{id}/undo")] {
        let (status, _) = viewer(post(&app, &path, NEW_CHAT)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(viewer(client().delete(app.at(&format!("/{id}")))).await.0, StatusCode::FORBIDDEN);
    // Who is not known is led to the sign-in, a program is told.
    let response = client().get(app.at("")).header("x-user", "nobody").send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/sign-in".parse().unwrap())
    );
    let program = client().get(app.at("")).header("x-user", "nobody").header(header::ACCEPT, "application/json");
    assert_eq!(send(program).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_is_saved_and_shown_again_without_its_secret() {
    let app = App::start().await;
    let (status, page) = get(&app, "/new/acme.chat").await;
    assert_eq!(status, StatusCode::OK);
    // Defaults are there from the start.
    assert!(page.contains("name=\"s.post_as\" value=\"Shop\""), "{page}");
    let response = post(&app, "/new/acme.chat", NEW_CHAT).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{}", response.text().await.unwrap());
    let to = response.headers()["location"].to_str().unwrap().to_owned();
    let id = to.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let stored = app.stored(id.parse().unwrap()).await;
    assert_eq!(stored["webhook"], WEBHOOK);
    assert_eq!(stored["mention"], json!(["@ann"]));
    assert_eq!(stored["replace"], json!({ "EUR": "€" }));
    assert_eq!(stored["rules"]["conditions"][0]["value"], 100);
    assert_eq!(stored["rules"]["conditions"][1]["value"], json!(["DE", "DK"]));
    let (_, page) = send(client().get(format!("{}{to}", app.url))).await;
    assert!(page.contains("Added.") && !page.contains("s3cr3t"), "{page}");
    let (_, json) = get_json(&app, &format!("/{id}")).await;
    assert!(!json.to_string().contains("s3cr3t"), "{json}");
    // A blank secret keeps what is stored.
    let pairs = changed(NEW_CHAT, &[("s.webhook", ""), ("version", "1"), ("s.post_as", "Till")]);
    let (status, page) = send(post(&app, &format!("/{id}"), &pairs)).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let stored = app.stored(id.parse().unwrap()).await;
    assert_eq!((&stored["webhook"], &stored["post_as"]), (&json!(WEBHOOK), &json!("Till")));
    let (_, history) = get_json(&app, &format!("/{id}/history")).await;
    assert_eq!(history["changes"][0]["actor"]["name"], "owner");
    assert!(!history.to_string().contains("s3cr3t"), "{history}");
    let (status, page) = get(&app, &format!("/{id}/history")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Post as") && page.contains("Till"), "{page}");
}

#[tokio::test]
async fn faults_are_told_at_the_field_and_above() {
    let app = App::start().await;
    let pairs = changed(NEW_CHAT, &[("name", " "), ("s.webhook", "not a url")]);
    let (status, page) = send(post(&app, "/new/acme.chat", &pairs)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("Enter a name.") && page.contains("href=\"#f-name\""), "{page}");
    assert!(page.contains("href=\"#f-s-webhook\"") && page.contains("aria-describedby=\"f-s-webhook-fault"), "{page}");
    // What was right is still there.
    assert!(page.contains("value=\"@ann\"") && page.contains("value=\"EUR\""), "{page}");
    assert!(!page.contains("not a url"), "a secret is not shown again, right or wrong: {page}");
    let body = json!({ "name": "", "settings": { "webhook": "no" } });
    let (status, json) = send_json(&app, Method::POST, "/new/acme.chat", &body).await;
    assert_eq!((status, &json["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid")));
    assert!(json["fields"]["name"].is_array() && json["fields"]["settings.webhook"].is_array(), "{json}");
}

#[tokio::test]
async fn a_check_that_fails_saves_nothing_but_can_be_saved_switched_off() {
    let app = App::start().await;
    for bad in ["https://chat.example.com/down", "https://chat.example.com/wrong"] {
        let pairs = changed(NEW_CHAT, &[("s.webhook", bad)]);
        let (status, page) = send(post(&app, "/new/acme.chat", &pairs)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("og-save-disabled"), "{page}");
        let json = json!({ "name": "Orders", "enabled": true, "settings": { "webhook": bad } });
        let (status, answer) = send_json(&app, Method::POST, "/new/acme.chat", &json).await;
        assert_eq!((status, &answer["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("refused")), "{answer}");
    }
    assert_eq!(get_json(&app, "").await.1["configs"], json!([]));
    let pairs = changed(NEW_CHAT, &[("s.webhook", "https://chat.example.com/down"), ("do", "save-disabled")]);
    assert_eq!(send(post(&app, "/new/acme.chat", &pairs)).await.0, StatusCode::SEE_OTHER);
    assert_eq!(get_json(&app, "").await.1["configs"][0]["enabled"], false);
}

#[tokio::test]
async fn a_test_saves_nothing_and_says_what_came_of_it() {
    let app = App::start().await;
    let (status, page) = send(post(&app, "/new/acme.chat", &changed(NEW_CHAT, &[("do", "test")]))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("It works") && page.contains("The chat service answers."), "{page}");
    assert_eq!(get_json(&app, "").await.1["configs"], json!([]));
    let id = app.add_chat("Orders").await;
    let (status, report) = send_json(&app, Method::POST, &format!("/{id}/test"), &json!({})).await;
    assert_eq!((status, &report["state"]), (StatusCode::OK, &json!("passed")), "{report}");
    let wrong = json!({ "settings": { "webhook": "https://chat.example.com/wrong" } });
    let (_, report) = send_json(&app, Method::POST, &format!("/{id}/test"), &wrong).await;
    assert_eq!(report["state"], "refused", "{report}");
}

#[tokio::test]
async fn who_is_second_sees_what_the_first_saved_and_loses_nothing() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    let theirs = changed(NEW_CHAT, &[("version", "1"), ("s.webhook", ""), ("s.post_as", "Ann's bot")]);
    assert_eq!(send(post(&app, &format!("/{id}"), &theirs)).await.0, StatusCode::SEE_OTHER);
    let mine = changed(NEW_CHAT, &[("version", "1"), ("s.webhook", ""), ("s.post_as", "My bot"), ("name", "Mine")]);
    let (status, page) = send(post(&app, &format!("/{id}"), &mine)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(page.contains("owner saved this while you were editing"), "{page}");
    assert!(page.contains("My bot") && page.contains("Ann&#39;s bot") && page.contains("value=\"Mine\""), "{page}");
    // Nothing of theirs is lost either.
    assert_eq!(app.stored(id).await["post_as"], "Ann's bot");
    let take = changed(&mine, &[("version", "2"), ("conflict", "owner"), ("do", ""), ("take", "s.post_as")]);
    let (status, page) = send(post(&app, &format!("/{id}"), &take)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("My bot"), "{page}");
    let again = changed(&mine, &[("version", "2"), ("conflict", "owner")]);
    assert_eq!(send(post(&app, &format!("/{id}"), &again)).await.0, StatusCode::SEE_OTHER);
    assert_eq!(app.stored(id).await["post_as"], "My bot");
    // As JSON, with the version either way.
    let stale = json!({ "name": "x", "version": 1 });
    let (status, json) = send_json(&app, Method::PUT, &format!("/{id}"), &stale).await;
    assert_eq!(
        (status, &json["code"], &json["theirs"]["version"]),
        (StatusCode::CONFLICT, &json!("conflict"), &json!(3))
    );
    let (status, _) = send_json(&app, Method::PUT, &format!("/{id}"), &json!({ "name": "x" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let fresh = client().put(app.at(&format!("/{id}"))).header(header::ACCEPT, "application/json");
    let fresh = fresh.header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, "\"3\"");
    let (status, body) = send(fresh.body(r#"{ "name": "By hand" }"#)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(app.stored(id).await["post_as"], "My bot", "what is not named stays");
}

#[tokio::test]
async fn rows_are_added_and_removed_without_a_script() {
    let app = App::start().await;
    let rows = |page: &str| {
        page.matches("name=\"s.mention.").count()
            - page.matches(".remove\" value=\"true\" data-swap=\"og-config\" id=\"f-s-mention").count()
    };
    let press = |pairs: Vec<(&'static str, &'static str)>| {
        let request = post(&app, "/new/acme.chat", &pairs);
        async move { send(request).await }
    };
    let (status, page) = press(changed(NEW_CHAT, &[("do", ""), ("add-row", "s.mention")])).await;
    assert_eq!((status, rows(&page)), (StatusCode::OK, 2), "{page}");
    let (_, page) =
        press(changed(NEW_CHAT, &[("do", ""), ("s.mention.1", "@bob"), ("s.mention.0.remove", "true")])).await;
    assert!(page.contains("@bob") && !page.contains("@ann"), "{page}");
    let (_, page) = press(changed(NEW_CHAT, &[("do", ""), ("add-row", "s.rules")])).await;
    assert!(page.contains("s.rules.2.fact"), "{page}");
    assert!(!page.contains("og-faults"), "a form that is not sent yet has no faults: {page}");
}

#[tokio::test]
async fn choices_come_from_the_service_and_depend_on_each_other() {
    let app = App::start().await;
    let press = |pairs: Vec<(&'static str, &'static str)>| {
        let request = post(&app, "/new/acme.chat", &pairs);
        async move { send(request).await.1 }
    };
    let page = press(changed(NEW_CHAT, &[("do", ""), ("refresh", "s.workspace")])).await;
    assert!(page.contains("Operations"), "{page}");
    let page = press(changed(NEW_CHAT, &[("do", ""), ("refresh", "s.channel")])).await;
    assert!(page.contains("Choose a workspace first."), "{page}");
    let chosen = [("do", ""), ("loaded", "workspace"), ("s.workspace", "ops"), ("refresh", "s.channel")];
    let page = press(changed(NEW_CHAT, &chosen)).await;
    assert!(page.contains("#ops-orders") && page.contains("Sales"), "{page}");
}

#[tokio::test]
async fn deleted_configurations_can_be_had_back() {
    let app = App::start().await;
    let id = app.add_chat("Orders & more").await;
    let (status, page) = get(&app, &format!("/{id}/delete")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Delete “Orders &#38; more”?") && page.contains("Team Chat"), "{page}");
    let response = post(&app, &format!("/{id}/delete"), &[]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let to = response.headers()["location"].to_str().unwrap().to_owned();
    let (_, page) = send(client().get(format!("{}{to}", app.url))).await;
    assert!(page.contains("was deleted.") && page.contains(&format!("/{id}/undo")), "{page}");
    assert_eq!(get(&app, &format!("/{id}")).await.0, StatusCode::NOT_FOUND);
    let (_, page) = get(&app, "?state=deleted").await;
    assert!(page.contains("Restore"), "{page}");
    assert_eq!(send(post(&app, &format!("/{id}/undo"), &[])).await.0, StatusCode::SEE_OTHER);
    assert_eq!(get(&app, &format!("/{id}")).await.0, StatusCode::OK);
    assert_eq!(send(post(&app, &format!("/{id}/undo"), &[])).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_is_searched_filtered_and_paged() {
    let app = App::start().await;
    for n in 0..55 {
        app.add::<Odd>(&format!("Number {n:02}"), n % 2 == 0, json!({})).await;
    }
    app.add::<Pager>("Night shift", false, json!({ "token": "t", "project": "p" })).await;
    let (_, first) = get_json(&app, "").await;
    assert_eq!(first["configs"].as_array().unwrap().len(), 50);
    let next = first["next"].as_str().unwrap().strip_prefix("/accounts/7/integrations").unwrap();
    let (_, second) = get_json(&app, next).await;
    assert_eq!(second["configs"].as_array().unwrap().len(), 6);
    assert_eq!(second["next"], Value::Null);
    let names = |json: Value| -> Vec<String> {
        json["configs"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(get_json(&app, "?q=night").await.1), ["Night shift"]);
    assert_eq!(names(get_json(&app, "?integration=acme.pager&state=disabled").await.1), ["Night shift"]);
    assert_eq!(names(get_json(&app, "?integration=acme.pager&state=enabled").await.1), [""; 0]);
    for nonsense in ["?state=purple", "?integration=%00", "?after=zzz"] {
        assert_eq!(get_json(&app, nonsense).await.1["configs"], json!([]), "{nonsense}");
        assert!(get(&app, nonsense).await.1.contains("Nothing matches"), "{nonsense}");
    }
}

#[tokio::test]
async fn switching_works_from_the_list_and_as_json() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    let (status, _) = send(post(&app, &format!("/{id}/enabled"), &[("enabled", "false")])).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (status, json) = send_json(&app, Method::POST, &format!("/{id}/enabled"), &json!({ "enabled": true })).await;
    assert_eq!((status, &json["enabled"]), (StatusCode::OK, &json!(true)));
    let (status, _) = send_json(&app, Method::POST, &format!("/{id}/enabled"), &json!({})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nothing_on_a_page_is_inline_and_files_are_kept_for_ever() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    for path in ["", "/new", "/new/acme.chat", &format!("/{id}"), &format!("/{id}/delete"), &format!("/{id}/history")] {
        let response = client().get(app.at(path)).send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let page = response.text().await.unwrap();
        assert!(!page.contains(" style=") && !page.contains(" onclick=") && !page.contains("<style"), "{path}: {page}");
        for file in page.split('"').filter(|part| part.contains("/assets/")) {
            let response = client().get(format!("{}{file}", app.url)).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{file}");
            assert!(response.headers()["cache-control"].to_str().unwrap().contains("immutable"), "{file}");
        }
    }
}

#[tokio::test]
async fn what_is_not_installed_is_listed_and_can_be_deleted() {
    let app = App::start().await;
    let registration = app.manager.register(crate::integrations::Gone).unwrap();
    let id =
        app.add::<crate::integrations::Gone>("Left over", true, json!({ "token": "s3cr3t", "project": "p" })).await;
    registration.unregister().await;
    let (status, page) = get(&app, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Left over") && page.contains("Not installed"), "{page}");
    let (status, page) = get(&app, &format!("/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("is not installed") && !page.contains("s3cr3t"), "{page}");
    let (status, _) = send(post(&app, &format!("/{id}/enabled"), &[("enabled", "true")])).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _) = send(post(&app, &format!("/{id}/enabled"), &[("enabled", "false")])).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(send(client().delete(app.at(&format!("/{id}")))).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_integration_that_does_not_start_is_shown_with_its_reason() {
    let app = App::start().await;
    app.add::<crate::integrations::Broken>("Books", true, json!({})).await;
    let failed = |manager: &outrigger_integrations::Manager<_>| {
        manager.integrations().iter().any(|info| matches!(info.state, outrigger_integrations::RunState::Failed { .. }))
    };
    app.manager.wait_until(failed).await;
    let (status, page) = get(&app, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("og-state-failed") && page.contains("certificate has expired"), "{page}");
    let (_, json) = get_json(&app, "?state=failed").await;
    assert_eq!(json["configs"][0]["name"], "Books");
}

#[tokio::test]
async fn values_of_another_version_are_kept_and_told() {
    let app = App::start().await;
    let mut values = chat_values();
    values["from_the_future"] = json!("kept");
    let id = app.add::<ChatIntegration>("Orders", true, values).await;
    let (_, page) = get(&app, &format!("/{id}")).await;
    assert!(page.contains("<code>from_the_future</code>"), "{page}");
    let pairs = changed(NEW_CHAT, &[("version", "1"), ("s.webhook", "")]);
    assert_eq!(send(post(&app, &format!("/{id}"), &pairs)).await.0, StatusCode::SEE_OTHER);
    assert_eq!(app.stored(id).await["from_the_future"], "kept");
}

#[tokio::test]
async fn what_was_sent_is_shown_with_its_attempts_and_sent_again() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    let (status, page) = get(&app, &format!("/{id}/deliveries")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Nothing was sent") && page.contains("<svg"), "{page}");
    assert!(get(&app, &format!("/{id}")).await.1.contains("og-sample"));
    let response = post(&app, &format!("/{id}/sample"), &[]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    app.worker.run_due().await;
    let (_, json) = get_json(&app, &format!("/{id}/deliveries")).await;
    let delivery = json["deliveries"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!((&json["deliveries"][0]["state"], json["days"].as_array().unwrap().len()), (&json!("delivered"), 14));
    let path = format!("/{id}/deliveries/{delivery}");
    let (status, page) = get(&app, &path).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("A sample from your shop.") && page.contains("200 · ok"), "{page}");
    let viewer = post(&app, &format!("{path}/replay"), &[]).header("x-user", "viewer");
    assert_eq!(send(viewer).await.0, StatusCode::FORBIDDEN);
    assert_eq!(send(post(&app, &format!("{path}/replay"), &[])).await.0, StatusCode::SEE_OTHER);
    assert_eq!(send(post(&app, &format!("{path}/replay"), &[])).await.0, StatusCode::CONFLICT);
    app.worker.run_due().await;
    let (_, json) = get_json(&app, &path).await;
    assert_eq!(json["attempts"].as_array().unwrap().len(), 2);
    assert!(get(&app, "").await.1.contains("Delivered"));
    // Under another configuration it does not exist.
    let other = app.add_chat("Other").await;
    assert_eq!(get(&app, &format!("/{other}/deliveries/{delivery}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, &format!("/{id}/deliveries/dlv_1")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, &format!("/{id}/runs")).await.0, StatusCode::OK);
    let pager = app.add::<Pager>("Pager", true, json!({ "token": "t", "project": "p" })).await;
    assert_eq!(send(post(&app, &format!("/{pager}/sample"), &[])).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_hook_that_nobody_declared_tells_nothing() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    let answer = |address: String| {
        let url = format!("{}/hooks/{address}", app.url);
        send(client().post(url).header("origin", "https://elsewhere.example").body("{}"))
    };
    let known = answer(id.to_string()).await;
    assert!(known.0.is_client_error());
    assert_eq!(answer("cfg_0193f3a0b5c77aaa8bbb0123456789ab".to_owned()).await, known);
    assert_eq!(answer("x".to_owned()).await, known);
}

/// Whatever a page says can be said in another language.
#[tokio::test]
async fn every_text_is_looked_up() {
    let app = App::start().await;
    let id = app.add_chat("⟦Orders⟧").await;
    let paths = [
        "",
        "/new",
        "/new/acme.chat",
        &format!("/{id}"),
        &format!("/{id}/delete"),
        &format!("/{id}/history"),
        &format!("/{id}/deliveries"),
        &format!("/{id}/runs"),
        "/nowhere",
    ];
    for path in paths {
        let request = client().get(app.at(path)).header("accept-language", "xx");
        let (_, page) = send(request).await;
        for said in texts(&page) {
            let own = said.contains('⟦')
                || !said.chars().any(char::is_alphabetic)
                || said.starts_with("acme.")
                || said.chars().count() == 1;
            // What the integration and its people wrote, and what machines read.
            let written =
                ["ann", "Ann", "UTC", "May", "Apr", "Shop", "chat.example.com"].iter().any(|word| said.contains(word));
            assert!(own || written, "`{said}` on {path}");
        }
    }
}

/// The texts between the tags of a page.
fn texts(page: &str) -> Vec<String> {
    // What was changed is what people wrote.
    let parts = page.split('<').filter(|part| !part.starts_with("ins>") && !part.starts_with("del>"));
    let between = parts.filter_map(|part| part.split_once('>')).map(|(_, text)| text.trim());
    between.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn each_page_has_a_twin_for_programs_at_its_own_address() {
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    for path in
        ["", "/new", "/new/acme.chat", "/{id}", "/{id}/delete", "/{id}/deliveries", "/{id}/runs", "/{id}/history"]
    {
        let path = path.replace("{id}", &id.to_string());
        let (status, page) = get(&app, &path).await;
        assert!(status == StatusCode::OK && page.starts_with("<!doctype html>"), "{path}: {page}");
        let (status, twin) = get_json(&app, &path).await;
        assert!(status == StatusCode::OK && twin.is_object(), "{path}: {twin}");
    }
    let (_, found) = get_json(&app, "/new?q=chat").await;
    assert_eq!(found["integrations"].as_array().unwrap().len(), 1, "{found}");
}
