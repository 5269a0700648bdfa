//! Two processes on one database, requests alternating between them.

use reqwest::Method;
use serde_json::json;

use crate::app::TestApp;

#[tokio::test]
async fn two_nodes_serve_one_platform() {
    let test = TestApp::start().await;
    let second = test.second_node().await;
    let on_second =
        async |method, path: &str, body| test.send_to(&second.origin, method, path, body, &test.token).await;
    for round in 0..5 {
        let created = test.create(json!({ "plan": "small" })).await.expect(201);
        assert_eq!(created["state"], "active", "{round}");
        let path = test.instances(&format!("/{}", created["id"].as_str().unwrap()));
        assert_eq!(on_second(Method::GET, &path, None).await.expect(200)["state"], "active");
        let body = json!({ "config": { "plan": "big" } });
        on_second(Method::PUT, &path, Some(body)).await.expect(204);
        assert_eq!(test.get(&path).await.expect(200)["config"]["plan"], "big");
        on_second(Method::DELETE, &path, None).await.expect(204);
        test.get(&path).await.refused(404);
        assert_eq!(test.provider.count(), 0);
    }
}

#[tokio::test]
async fn the_same_create_on_two_nodes_at_once_makes_one_instance() {
    let test = TestApp::start().await;
    let second = test.second_node().await;
    let body = json!({ "config": { "plan": "small" } });
    let path = test.instances("");
    let (here, there) = tokio::join!(
        test.post(&path, body.clone()),
        test.send_to(&second.origin, Method::POST, &path, Some(body.clone()), &test.token),
    );
    assert_eq!(here.expect(201)["id"], there.expect(201)["id"]);
    assert_eq!(test.provider.made(), 1);
}
