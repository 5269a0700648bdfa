//! Routes, statuses and bodies of the management API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Platform, UUID, answer, create_request};

const ID: &str = "f/2e65dd70523d48d88826a93229d7ec01";
const PATH: &str = "/instances/f%2F2e65dd70523d48d88826a93229d7ec01";

#[tokio::test]
async fn an_instance_is_made_shown_changed_and_taken_away() {
    let platform = Platform::before_provider(Fixture::default()).await;
    let call = async |method, config: Option<Value>| {
        let request = platform.signed(method, PATH);
        let request = match config {
            Some(config) => request.json(&json!({ "config": config })),
            None => request,
        };
        answer(request.send().await.unwrap()).await
    };
    assert_eq!(call(Method::GET, None).await.0, 404);

    let made = json!({ "id": ID, "state": "active", "config": { "name": "one" } });
    assert_eq!(answer(platform.create(json!({ "name": "one" })).await).await, (201, made.clone()));
    let again = platform.signed(Method::POST, "/instances/").json(&create_request(json!({ "name": "one" })));
    assert_eq!(answer(again.send().await.unwrap()).await, (201, made));

    let shown = |name: &str| (200, json!({ "config": { "name": name }, "state": "active" }));
    assert_eq!(call(Method::GET, None).await, shown("one"));
    assert_eq!(call(Method::PUT, Some(json!({ "name": "two" }))).await, shown("two"));
    assert_eq!(call(Method::GET, None).await, shown("two"));
    assert_eq!(call(Method::DELETE, None).await, (204, Value::Null));
    assert_eq!(call(Method::DELETE, None).await, (404, json!({ "code": 404, "message": "there is no such instance" })));
}

#[tokio::test]
async fn the_manifest_has_a_tag_that_spares_sending_it_again() {
    let platform = Platform::before_provider(Fixture::default()).await;
    let first = platform.signed(Method::GET, "/manifest").send().await.unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.headers()["content-type"], "application/json");
    assert_eq!(answer(first).await, (200, json!({ "name": "Fixture", "description": "Does what it is told." })));

    let check = async |path: &str, known: &str, expected: u16| {
        let response = platform.signed(Method::GET, path).header("If-None-Match", known).send().await.unwrap();
        assert_eq!(response.headers()["etag"], tag.as_str());
        assert_eq!(response.status(), expected, "{path} {known}");
    };
    check("/", &tag, 304).await;
    check("/manifest", &format!("\"other\", W/{tag}"), 304).await;
    check("/manifest", "*", 304).await;
    check("/manifest", "\"other\"", 200).await;
}

#[tokio::test]
async fn what_is_still_being_made_answers_202() {
    let platform = Platform::before_provider(Fixture { by_uuid: true, ..Fixture::default() }).await;
    let order = json!({ "do": "provision" });
    assert_eq!(answer(platform.create(order.clone()).await).await.0, 202);
    for path in [PATH.to_owned(), format!("/instances/by-uuid/{UUID}")] {
        let (status, body) = answer(platform.signed(Method::GET, &path).send().await.unwrap()).await;
        assert_eq!((status, &body["state"]), (202, &json!("provisioning")), "{path}");
    }
    let update = platform.signed(Method::PUT, PATH).json(&json!({ "config": order }));
    assert_eq!(answer(update.send().await.unwrap()).await.0, 202);
}

#[tokio::test]
async fn each_error_has_its_status_and_no_inner_cause_is_told() {
    let platform = Platform::before_provider(Fixture::default()).await;
    for (order, status, message) in [
        ("gone", 410, "the instance is gone"),
        ("invalid", 422, "there is no such region"),
        ("conflict", 409, "the name is taken"),
        ("busy", 503, "busy; try again in 3 s"),
        ("break", 500, "the add-on had an internal error; its operator finds the cause in its log"),
        ("forget the id", 500, "the add-on had an internal error; its operator finds the cause in its log"),
    ] {
        let response = platform.create(json!({ "do": order })).await;
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(retry_after.as_deref(), (order == "busy").then_some("3"), "{order}");
        assert_eq!(answer(response).await, (status, json!({ "code": status, "message": message })), "{order}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_or_no_request_is_refused_with_the_reason() {
    let platform = Platform::before_provider(Fixture::default()).await;
    let post =
        async |body: String| answer(platform.signed(Method::POST, "/instances").body(body).send().await.unwrap()).await;
    let (status, body) = post(" ".repeat((1 << 20) + 1)).await;
    assert_eq!((status, &body["code"]), (413, &json!(413)));
    let (status, body) = post("{".to_owned()).await;
    assert_eq!((status, &body["code"]), (422, &json!(422)));
    assert_eq!(post("{}".to_owned()).await.1["message"], "the request cannot be used: uuid: is missing",);
}

#[tokio::test]
async fn a_lost_instance_is_found_and_removed_by_its_uuid_where_that_is_declared() {
    let path = format!("/instances/by-uuid/{UUID}");
    for by_uuid in [false, true] {
        let platform = Platform::before_provider(Fixture { by_uuid, ..Fixture::default() }).await;
        let call = async |method, path: &str| answer(platform.signed(method, path).send().await.unwrap()).await;
        assert_eq!(call(Method::GET, &path).await.0, 404);
        platform.create(json!({})).await;
        let found = json!({ "id": ID, "state": "active", "config": {} });
        let (status, body) = call(Method::GET, &path).await;
        assert_eq!((status, body == found), if by_uuid { (200, true) } else { (404, false) });
        assert_eq!(call(Method::DELETE, &path).await.0, if by_uuid { 204 } else { 404 });
        assert_eq!(call(Method::GET, PATH).await.0, if by_uuid { 404 } else { 200 });
        assert_eq!(call(Method::GET, "/instances/by-uuid/5").await.0, 404);
    }
}
