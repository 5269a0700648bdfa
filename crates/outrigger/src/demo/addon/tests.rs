use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use outrigger_addon::signature::sign;
use outrigger_db::{Clock as _, ManualClock, SeededEntropy};
use reqwest::{Client, Method, RequestBuilder};
use tempfile::TempDir;

use super::*;

const SECRET: &str = "the add-on's secret";
const UUID: Uuid = Uuid::from_u128(0x2e65dd70_523d_48d8_8826_a93229d7ec01);
const NOW: &str = "2026-01-02T03:04:05Z";

/// The add-on on a port of its own, and a platform that calls it.
struct Running {
    base: String,
    client: Client,
    stop: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

impl Running {
    async fn start(data_dir: Option<&Path>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let clock = ManualClock::new(NOW.parse().unwrap());
        let sources = Sources { clock: Arc::new(clock), entropy: Arc::new(SeededEntropy::new(1)) };
        let stop = CancellationToken::new();
        let serving = serve(listener, SECRET, data_dir.map(Path::to_owned), sources, stop.clone()).unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { base, client, stop, serving: tokio::spawn(serving) }
    }

    async fn in_folder(folder: &TempDir) -> Self {
        Self::start(Some(folder.path())).await
    }

    async fn in_memory() -> Self {
        Self::start(None).await
    }

    async fn stop(self) {
        self.stop.cancel();
        drop(self.client);
        self.serving.await.unwrap().unwrap();
    }

    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    fn signed(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header(SIGN, signature(&json!({})))
    }

    async fn create(&self, config: Value) -> (u16, Value) {
        answer(self.signed(Method::POST, "/instances").json(&create_request(config))).await
    }

    /// The id and the token of a new instance.
    async fn created(&self, config: Value) -> (String, String) {
        let (status, created) = self.create(config).await;
        assert_eq!(status, 201, "{created}");
        (text(&created["id"]), text(&created["env"]["TALLY_TOKEN"]))
    }

    fn visit(&self, id: &str) -> RequestBuilder {
        self.bare(Method::POST, &format!("/tallies/{id}/visits"))
    }

    async fn count(&self, id: &str, token: &str) -> Value {
        let (status, tally) = answer(self.bare(Method::GET, &format!("/tallies/{id}")).bearer_auth(token)).await;
        assert_eq!(status, 200, "{tally}");
        tally["count"].clone()
    }
}

/// Signs as the platform does, for a minute.
fn signature(claims: &Value) -> String {
    signed_with(claims, SECRET)
}

fn signed_with(claims: &Value, secret: &str) -> String {
    let mut claims = claims.clone();
    let now = ManualClock::new(NOW.parse().unwrap()).now().as_second();
    claims["exp"] = json!(claims["exp"].as_i64().unwrap_or(now + 60));
    sign(&claims, secret)
}

fn create_request(config: Value) -> Value {
    json!({ "uuid": UUID, "account": "a", "config": { "config": config, "site_id": "s", "service_id": SLUG } })
}

/// Status and JSON body; null when there is no body.
async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_manifest_declares_what_instances_yield() {
    let tally = Running::in_memory().await;
    let (status, manifest) = answer(tally.signed(Method::GET, "/manifest")).await;
    assert_eq!(status, 200);
    assert_eq!(manifest["admin_url"], format!("{}/login", tally.base));
    let manifest = Manifest::parse(manifest.to_string().as_bytes()).unwrap();
    assert!(manifest.instances_by_uuid);
    let (_, created) = tally.create(json!({ "label": "Visitors", "start": 5 })).await;
    let yielded: BTreeSet<_> = created["env"].as_object().unwrap().keys().cloned().collect();
    let declared: BTreeSet<_> = manifest.provides.unwrap().env.iter().map(|env| env.name.to_string()).collect();
    assert_eq!(yielded, declared);
    assert_eq!(created["message"], "Counting “Visitors” from 5.");
    assert_eq!(created["endpoint"], created["env"]["TALLY_URL"]);
    assert!(text(&created["snippets"][0]["html"]).contains("/.netlify/tally/visits"));
}

#[tokio::test]
async fn the_manifest_checks_configs() {
    let manifest = {
        let tally = Running::in_memory().await;
        let (_, manifest) = answer(tally.signed(Method::GET, "/manifest")).await;
        Manifest::parse(manifest.to_string().as_bytes()).unwrap()
    };
    let check = |config: Value, holds: bool| {
        let Value::Object(config) = config else { panic!("a config is an object") };
        assert_eq!(manifest.check_config(&config).is_ok(), holds, "{config:?}");
    };
    check(json!({ "label": "Visitors" }), true);
    check(json!({ "label": "é".repeat(40), "start": 2.5, "color": "coral", "note": "n" }), true);
    check(json!({}), false);
    check(json!({ "label": "" }), false);
    check(json!({ "label": "é".repeat(41) }), false);
    check(json!({ "label": "Visitors", "color": "mauve" }), false);
    // Forms and command lines give numbers as text.
    check(json!({ "label": "Visitors", "start": "5" }), true);
    check(json!({ "label": "Visitors", "start": "five" }), false);
}

#[tokio::test]
async fn the_same_uuid_gives_the_same_instance() {
    let tally = Running::in_memory().await;
    let (_, first) = tally.create(json!({ "label": "Visitors" })).await;
    let (status, again) = tally.create(json!({ "label": "Others" })).await;
    assert_eq!((status, &again["id"]), (201, &first["id"]));
    assert_eq!(again, first);
    let (status, found) = answer(tally.signed(Method::GET, &format!("/instances/by-uuid/{UUID}"))).await;
    assert_eq!((status, &found["id"]), (200, &first["id"]));
    assert_eq!(found["env"], first["env"]);
}

#[tokio::test]
async fn an_update_changes_the_label_and_keeps_count_and_token() {
    let tally = Running::in_memory().await;
    let (id, token) = tally.created(json!({ "label": "Visitors", "start": 7 })).await;
    assert_eq!(answer(tally.visit(&id).bearer_auth(&token)).await.0, 200);
    let update = tally.signed(Method::PUT, &format!("/instances/{id}"));
    let (status, details) = answer(update.json(&json!({ "config": { "label": "Guests", "start": 100 } }))).await;
    assert_eq!((status, text(&details["env"]["TALLY_TOKEN"])), (200, token.clone()));
    let shown = answer(tally.bare(Method::GET, &format!("/tallies/{id}")).bearer_auth(&token)).await;
    assert_eq!(shown, (200, json!({ "label": "Guests", "count": 8 })));
    let (status, got) = answer(tally.signed(Method::GET, &format!("/instances/{id}"))).await;
    assert_eq!((status, &got["config"]["label"]), (200, &json!("Guests")));
}

#[tokio::test]
async fn a_deleted_instance_is_not_there() {
    let tally = Running::in_memory().await;
    let (id, token) = tally.created(json!({ "label": "Visitors" })).await;
    let path = format!("/instances/{id}");
    assert_eq!(answer(tally.signed(Method::DELETE, &path)).await, (204, Value::Null));
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(answer(tally.signed(method.clone(), &path)).await.0, 404, "{method}");
        let by_uuid = format!("/instances/by-uuid/{UUID}");
        assert_eq!(answer(tally.signed(method.clone(), &by_uuid)).await.0, 404, "{method}");
    }
    let update = tally.signed(Method::PUT, &path).json(&json!({ "config": { "label": "Guests" } }));
    assert_eq!(answer(update).await.0, 404);
    assert_eq!(answer(tally.visit(&id).bearer_auth(&token)).await.0, 401);
    assert_eq!(answer(tally.visit(&id).header(SIGN, signature(&json!({ "id": id, "netlify_id": UUID })))).await.0, 404);
}

#[tokio::test]
async fn instances_and_counts_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let tally = Running::in_folder(&folder).await;
    let (id, token) = tally.created(json!({ "label": "Visitors", "start": 40 })).await;
    for expected in [41, 42] {
        assert_eq!(answer(tally.visit(&id).bearer_auth(&token)).await.1["count"], expected);
    }
    tally.stop().await;
    let mode = std::fs::metadata(folder.path().join("tally.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let tally = Running::in_folder(&folder).await;
    assert_eq!(tally.count(&id, &token).await, 42);
    assert_eq!(tally.created(json!({ "label": "Visitors" })).await, (id.clone(), token));
    assert_eq!(answer(tally.signed(Method::DELETE, &format!("/instances/{id}"))).await.0, 204);
    tally.stop().await;

    let tally = Running::in_folder(&folder).await;
    assert_eq!(answer(tally.signed(Method::GET, &format!("/instances/{id}"))).await.0, 404);
}

#[tokio::test]
async fn a_count_that_cannot_be_kept_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let tally = Running::in_folder(&folder).await;
    let (id, token) = tally.created(json!({ "label": "Visitors" })).await;
    // A folder in the place of the file fails for root as well, unlike permissions.
    std::fs::remove_file(folder.path().join("tally.json")).unwrap();
    std::fs::create_dir(folder.path().join("tally.json")).unwrap();
    let (status, fault) = answer(tally.visit(&id).bearer_auth(&token)).await;
    assert_eq!(status, 500);
    assert!(!fault.to_string().contains(folder.path().to_str().unwrap()), "{fault}");
    assert_eq!(tally.count(&id, &token).await, 0);
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tally.json");
    std::fs::write(&file, "{").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = start(listener, SECRET, folder.path().to_owned(), Sources::system(), CancellationToken::new())
        .await
        .unwrap_err();
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error:#}");
}

#[tokio::test]
async fn visits_at_once_are_all_counted_to_the_end_of_numbers() {
    let tally = Running::in_memory().await;
    let (id, token) = tally.created(json!({ "label": "Visitors" })).await;
    let visits: Vec<_> = (0..20).map(|_| tokio::spawn(answer(tally.visit(&id).bearer_auth(&token)))).collect();
    let mut counts = Vec::new();
    for visit in visits {
        counts.push(visit.await.unwrap().1["count"].as_i64().unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());

    assert_eq!(answer(tally.signed(Method::DELETE, &format!("/instances/{id}"))).await.0, 204);
    let (id, token) = tally.created(json!({ "label": "Visitors", "start": 1e300 })).await;
    assert_eq!(answer(tally.visit(&id).bearer_auth(&token)).await.1["count"], i64::MAX);
}

#[tokio::test]
async fn the_management_api_wants_the_platforms_signature() {
    let tally = Running::in_memory().await;
    let forged = signed_with(&json!({}), "another secret");
    let stale = signature(&json!({ "exp": 1_000 }));
    let request = || tally.bare(Method::POST, "/instances").json(&create_request(json!({ "label": "Visitors" })));
    assert_eq!(answer(request()).await.0, 401);
    assert_eq!(answer(request().bearer_auth(SECRET)).await.0, 401);
    assert_eq!(answer(request().header(SIGN, forged)).await.0, 401);
    assert_eq!(answer(request().header(SIGN, stale)).await.0, 401);
    let by_uuid = format!("/instances/by-uuid/{UUID}");
    assert_eq!(answer(tally.signed(Method::GET, &by_uuid)).await.0, 404, "none of them made an instance");
}

#[tokio::test]
async fn counting_wants_the_token_or_a_signature_for_the_instance() {
    let tally = Running::in_memory().await;
    let (id, token) = tally.created(json!({ "label": "Visitors" })).await;
    let sealed = |claims: Value| tally.visit(&id).header(SIGN, signature(&claims));
    let refused = [
        tally.visit(&id),
        tally.visit(&id).bearer_auth("wrong"),
        tally.visit(&id).bearer_auth(&token[1..]),
        tally.visit(&id).bearer_auth(format!("{token}x")),
        tally.visit(&id).bearer_auth(""),
        tally.visit("unknown").bearer_auth(&token),
        tally.visit(&id).header(SIGN, signed_with(&json!({ "id": id, "netlify_id": UUID }), "another secret")),
        sealed(json!({ "id": id, "netlify_id": UUID, "exp": 1_000 })),
        sealed(json!({ "id": "another", "netlify_id": UUID })),
        sealed(json!({ "id": "another", "netlify_id": UUID })).bearer_auth(&token),
        sealed(json!({})),
        // What a token of a user of the site may look like.
        sealed(json!({ "id": id })),
        tally.bare(Method::GET, &format!("/tallies/{id}")),
    ];
    for (number, request) in refused.into_iter().enumerate() {
        assert_eq!(answer(request).await.0, 401, "request {number}");
    }
    assert_eq!(tally.count(&id, &token).await, 0);
    let visited = answer(sealed(json!({ "id": id, "netlify_id": UUID })).bearer_auth("the visitor's own")).await;
    assert_eq!(visited, (200, json!({ "label": "Visitors", "count": 1 })));
    assert_eq!(answer(tally.visit(&id).bearer_auth(&token)).await.1["count"], 2);
}

#[tokio::test]
async fn the_sign_in_link_shows_the_count() {
    let tally = Running::in_memory().await;
    let (id, token) = tally.created(json!({ "label": "<b>R&D</b>", "start": 3 })).await;
    let page = tally.bare(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("location.hash") && page.contains(r#"action="/login""#), "{page}");

    let log_in = async |audience: &str, secret: &str| {
        let claims = json!({ "site_id": "s", "account_id": "a", "remote_id": id, "aud": audience });
        let body = format!("token={}", signed_with(&claims, secret));
        let form = tally.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        let response = form.body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, shown) = log_in(SLUG, SECRET).await;
    assert_eq!(status, 200, "{shown}");
    assert!(shown.contains("<h1>&lt;b>R&amp;D&lt;/b></h1><p>3 visits</p>"), "{shown}");
    assert!(!shown.contains(&token));
    assert_eq!(log_in("another", SECRET).await.0, 401);
    assert_eq!(log_in(SLUG, "another secret").await.0, 401);
}
