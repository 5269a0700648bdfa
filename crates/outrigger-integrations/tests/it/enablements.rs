//! Where integrations with a surface are enabled, and the handlers that are called there.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all, ready};
use http::StatusCode;
use outrigger_db::testing::TestDb;
use outrigger_db::{KeyRing, Keys, SystemClock, SystemEntropy};
use outrigger_integrations::handler::{
    Caller, EnvEntry, EnvSetting, HandlerCall, HandlerContext, HandlerError, HandlerHost, HandlerReply, Handlers,
    HostServices, MadeBuildHook,
};
use outrigger_integrations::{
    Connection, Context, EnablementChange, EnablementError, Enablements, IntegrationId, Outbound, Scope,
};
use sea_orm::{ConnectionTrait, Statement};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const CACHE: IntegrationId = IntegrationId::new("cache");

fn site() -> Scope {
    Scope::Site("7".into())
}

async fn database() -> TestDb {
    let mut migrations = outrigger_db::migrations();
    migrations.extend(outrigger_integrations::migrations());
    TestDb::new(migrations).await
}

fn enablements(test: &TestDb, ring: &KeyRing) -> Enablements {
    let keys = Arc::new(Keys::fixed(ring.clone()));
    Enablements::new(test.db().clone(), keys, Arc::new(SystemClock), Arc::new(SystemEntropy))
}

fn context_change(context: Value) -> EnablementChange {
    EnablementChange { context: Some(context), ..EnablementChange::default() }
}

#[tokio::test]
async fn an_integration_is_enabled_once_at_a_place_and_changed_by_one_at_a_time() {
    let test = database().await;
    let store = enablements(&test, &KeyRing::generate(&SystemEntropy));
    assert!(store.find(&site(), &CACHE).await.unwrap().is_none());
    let nothing = store.update(&site(), &CACHE, context_change(json!({})), None).await;
    assert!(matches!(nothing, Err(EnablementError::NotEnabled)));
    let enabled = store.enable(&site(), &CACHE, &json!({ "key": "s3cret" })).await.unwrap();
    let twice = store.enable(&site(), &CACHE, &json!({})).await;
    assert!(matches!(twice, Err(EnablementError::AlreadyEnabled)));
    assert_eq!(store.find(&site(), &CACHE).await.unwrap().unwrap(), enabled);
    for other in [Scope::Site("8".into()), Scope::Account("7".into())] {
        assert!(store.find(&other, &CACHE).await.unwrap().is_none(), "{other}");
    }
    // The whole context is replaced, and the rest stays.
    let changed = store.update(&site(), &CACHE, context_change(json!({ "list": [1] })), Some(1)).await.unwrap();
    assert_eq!((changed.version, &changed.context), (2, &json!({ "list": [1] })));
    let late = store.update(&site(), &CACHE, context_change(json!({})), Some(1)).await;
    assert!(matches!(late, Err(EnablementError::Conflict { current: 2 })));
    let hook = EnablementChange { build_hook: Some(true), ..EnablementChange::default() };
    let hooked = store.update(&site(), &CACHE, hook, None).await.unwrap();
    assert!(hooked.build_hook && hooked.context == json!({ "list": [1] }));
    assert!(!format!("{enabled:?}").contains("s3cret"));
    store.disable(&site(), &CACHE).await.unwrap();
    assert!(matches!(store.disable(&site(), &CACHE).await, Err(EnablementError::NotEnabled)));
}

/// Of those who all saw the same version, one wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_at_once_one_wins() {
    let test = database().await;
    let store = enablements(&test, &KeyRing::generate(&SystemEntropy));
    store.enable(&site(), &CACHE, &json!({})).await.unwrap();
    let writes = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.update(&site(), &CACHE, context_change(json!({ "by": n })), Some(1)).await })
    });
    let results: Vec<_> = join_all(writes).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let others = results.iter().filter(|result| matches!(result, Err(EnablementError::Conflict { .. }))).count();
    assert_eq!(others, 7, "{results:?}");
}

#[tokio::test]
async fn contexts_are_sealed_and_move_with_the_keys() {
    let test = database().await;
    let old = KeyRing::generate(&SystemEntropy);
    enablements(&test, &old).enable(&site(), &CACHE, &json!({ "key": "s3cret" })).await.unwrap();
    let sealed = async || {
        let conn = test.db().conn();
        let sql = "SELECT sealed_context FROM integration_enablement";
        let row = conn.query_one_raw(Statement::from_string(conn.get_database_backend(), sql)).await.unwrap();
        row.unwrap().try_get_by_index::<String>(0).unwrap()
    };
    assert!(!sealed().await.contains("s3cret"));
    let new = old.with_new_key(&SystemEntropy);
    let rotated = enablements(&test, &new);
    assert_eq!(rotated.reseal_anywhere().await.unwrap(), 1);
    assert_eq!(rotated.reseal_anywhere().await.unwrap(), 0);
    let newest = enablements(&test, &new.without_old_keys());
    assert_eq!(newest.find(&site(), &CACHE).await.unwrap().unwrap().context["key"], "s3cret");
    assert!(enablements(&test, &old).find(&site(), &CACHE).await.is_err(), "the old key opens nothing");
}

fn connection(access: &str) -> Connection {
    let (access_token, refresh_token) = (access.to_owned().into(), Some("again".to_owned().into()));
    Connection { access_token, refresh_token, expires_at: Some("2026-01-01T12:00:00Z".parse().unwrap()) }
}

#[tokio::test]
async fn connections_are_sealed_move_with_the_keys_and_end_with_the_enablement() {
    let test = database().await;
    let old = KeyRing::generate(&SystemEntropy);
    let store = enablements(&test, &old);
    let refused = store.connect(&site(), &CACHE, &connection("s3cret")).await;
    assert!(matches!(refused, Err(EnablementError::NotEnabled)), "{refused:?}");
    store.enable(&site(), &CACHE, &json!({})).await.unwrap();
    store.connect(&site(), &CACHE, &connection("s3cret")).await.unwrap();
    let kept = store.connection(&site(), &CACHE).await.unwrap().unwrap();
    assert_eq!(kept.connection.access_token.expose_secret(), "s3cret");
    assert!(!format!("{kept:?}").contains("s3cret"));
    let conn = test.db().conn();
    let sql = "SELECT sealed_connection FROM integration_enablement";
    let row = conn.query_one_raw(Statement::from_string(conn.get_database_backend(), sql)).await.unwrap();
    assert!(!row.unwrap().try_get_by_index::<String>(0).unwrap().contains("s3cret"));

    let new = old.with_new_key(&SystemEntropy);
    assert_eq!(enablements(&test, &new).reseal_anywhere().await.unwrap(), 2, "the context and the connection");
    let store = enablements(&test, &new.without_old_keys());
    let moved = store.connection(&site(), &CACHE).await.unwrap().unwrap();
    // What was read before is not what is there any more.
    assert!(!store.renew_connection(&site(), &CACHE, &kept, &connection("late")).await.unwrap());
    assert!(store.renew_connection(&site(), &CACHE, &moved, &connection("next")).await.unwrap());
    let next = store.connection(&site(), &CACHE).await.unwrap().unwrap();
    assert_eq!(next.connection.access_token.expose_secret(), "next");
    assert_eq!(next.connection.expires_at, Some("2026-01-01T12:00:00Z".parse().unwrap()));
    store.disconnect(&site(), &CACHE).await.unwrap();
    assert!(!store.renew_connection(&site(), &CACHE, &next, &connection("late")).await.unwrap(), "nothing comes back");

    store.begin_connection(&site(), &CACHE, "first").await.unwrap();
    store.begin_connection(&site(), &CACHE, "second").await.unwrap();
    let used = async |attempt| store.use_connection_attempt(&site(), &CACHE, attempt).await.unwrap();
    assert_eq!([used("first").await, used("second").await, used("second").await], [false, true, false]);
    store.connect(&site(), &CACHE, &next.connection).await.unwrap();
    store.disable(&site(), &CACHE).await.unwrap();
    store.enable(&site(), &CACHE, &json!({})).await.unwrap();
    assert!(store.connection(&site(), &CACHE).await.unwrap().is_none());
}

/// A host that has no variables and no builds.
struct Bare;

fn none<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, HandlerError>> {
    Box::pin(ready(Err(HandlerError::unavailable("There is nothing of this here."))))
}

impl HostServices for Bare {
    fn env_list<'a>(&'a self, _: &'a Caller) -> BoxFuture<'a, Result<Vec<EnvEntry>, HandlerError>> {
        none()
    }

    fn env_set<'a>(&'a self, _: &'a Caller, _: Vec<EnvSetting>) -> BoxFuture<'a, Result<(), HandlerError>> {
        none()
    }

    fn env_delete<'a>(&'a self, _: &'a Caller, _: Vec<String>) -> BoxFuture<'a, Result<(), HandlerError>> {
        none()
    }

    fn create_build_hook<'a>(
        &'a self,
        _: &'a Caller,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<MadeBuildHook, HandlerError>> {
        none()
    }

    fn delete_build_hook<'a>(&'a self, _: &'a Caller, _: &'a str) -> BoxFuture<'a, Result<(), HandlerError>> {
        none()
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    count: u32,
}

#[derive(Deserialize)]
struct Add {
    by: u32,
}

async fn add(input: Add, cx: HandlerContext<Kept>) -> Result<Value, HandlerError> {
    let kept = cx.client.get().await?;
    let count = kept.context.count + input.by;
    cx.client.update(&Kept { count }, kept.version).await?;
    Ok(json!({ "count": count }))
}

fn handlers(test: &TestDb) -> Handlers<Kept> {
    let store = enablements(test, &KeyRing::generate(&SystemEntropy));
    let outbound = Outbound::new(true, Duration::from_secs(5)).unwrap();
    let context = Context { outbound, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    Handlers::new(CACHE, store, Arc::new(Bare), context)
        .deadline(Duration::from_millis(300))
        .handler("add", add)
        .handler("panic", async |(): (), _: HandlerContext<Kept>| -> Result<(), HandlerError> { panic!("s3cret") })
        .handler("hang", async |(): (), _| {
            std::future::pending::<()>().await;
            Ok(())
        })
        .handler("variables", async |(): (), cx: HandlerContext<Kept>| cx.client.env().await.map(|env| env.len()))
        .handler(
            "on-disable",
            async |input: Value, _| {
                if input["keep"] == true { Err(HandlerError::conflict("Not yet.")) } else { Ok(()) }
            },
        )
        .webhook("deploys", async |call: HandlerCall, _| {
            Ok(HandlerReply::json(StatusCode::ACCEPTED, &json!({ "bytes": call.body.len() })))
        })
}

async fn call(handlers: &Handlers<Kept>, name: &str, body: Value) -> (u16, Value) {
    let caller =
        Caller { account: "1".to_owned(), site: Some("7".to_owned()), user: None, token: None, provider_token: None };
    let call = if body.is_null() { HandlerCall::get(name) } else { HandlerCall::post(name, &body) };
    let reply = handlers.call(call, caller).await;
    (reply.status.as_u16(), reply.read().unwrap_or_default())
}

#[tokio::test]
async fn handlers_are_called_by_their_names_with_what_they_keep() {
    let test = database().await;
    let handlers = handlers(&test);
    assert_eq!(call(&handlers, "add", json!({ "by": 2 })).await.0, 404, "it is not enabled");
    assert_eq!(call(&handlers, "on-enable", json!({})).await.0, 200);
    assert_eq!(call(&handlers, "on-enable", json!({})).await.0, 200, "twice is no error");
    assert_eq!(call(&handlers, "add", json!({ "by": 2 })).await, (200, json!({ "count": 2 })));
    assert_eq!(call(&handlers, "add", json!({ "by": 3 })).await, (200, json!({ "count": 5 })));
    assert_eq!(call(&handlers, "webhook-deploys", json!({})).await, (202, json!({ "bytes": 2 })));
    // A custom handler can keep it from being disabled.
    assert_eq!(call(&handlers, "on-disable", json!({ "keep": true })).await.0, 409);
    assert_eq!(call(&handlers, "add", json!({ "by": 0 })).await, (200, json!({ "count": 5 })));
    assert_eq!(call(&handlers, "on-disable", json!({})).await.0, 200);
    assert_eq!(call(&handlers, "add", json!({ "by": 0 })).await.0, 404);
    let names = ["on-enable", "on-disable", "on-disconnect", "add", "hang", "panic", "variables", "webhook-deploys"];
    assert_eq!(handlers.names(), names);
}

#[tokio::test]
async fn what_is_wrong_or_broken_is_answered_and_nothing_else_happens() {
    let test = database().await;
    let handlers = handlers(&test);
    for name in ["nothing", "constructor", "__proto__", "", "webhook", "../add"] {
        assert_eq!(call(&handlers, name, json!({})).await.0, 404, "{name}");
    }
    for body in [json!({ "by": -1 }), json!({}), json!([]), json!("x"), Value::Null] {
        let (status, answer) = call(&handlers, "add", body.clone()).await;
        assert_eq!((status, &answer["code"]), (400, &json!("invalid")), "{body}");
    }
    for name in ["panic", "hang"] {
        let (status, answer) = call(&handlers, name, Value::Null).await;
        assert_eq!((status, &answer["code"]), (500, &json!("failed")), "{name}");
        assert!(!answer.to_string().contains("s3cret"));
    }
    assert_eq!(call(&handlers, "variables", Value::Null).await.0, 502);
}
