//! Secrets are sealed in the database, and their keys can be rotated.

use outrigger_db::{KeyRing, Keys, SystemEntropy};
use outrigger_platform::store::Store;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use std::sync::Arc;

use crate::app::TestApp;

const TABLES: [&str; 6] = ["addon_secret", "instance", "env_value", "token", "site", "job"];

async fn dump(test: &TestApp) -> String {
    let conn = test.db.db().conn();
    let mut all = String::new();
    for table in TABLES {
        let sql = match test.db.db().engine() {
            outrigger_db::Engine::Postgres => format!("select cast(t as text) as line from {table} t"),
            outrigger_db::Engine::Sqlite => {
                let columns = Statement::from_string(
                    conn.get_database_backend(),
                    format!(
                        "select group_concat('coalesce(cast(' || name || ' as text), '''')', ' || ''|'' || ') as c from pragma_table_info('{table}')"
                    ),
                );
                let row = conn.query_one_raw(columns).await.unwrap().unwrap();
                let columns: String = row.try_get("", "c").unwrap();
                format!("select {columns} as line from {table}")
            }
        };
        let rows = conn.query_all_raw(Statement::from_string(conn.get_database_backend(), sql)).await.unwrap();
        for row in rows {
            all.push_str(&row.try_get::<String>("", "line").unwrap());
            all.push('\n');
        }
    }
    all
}

#[tokio::test]
async fn nothing_secret_is_readable_in_the_database() {
    let test = TestApp::start().await;
    test.provider.set_env(json!({ "TEST_URL": "https://very-secret-value.example" }));
    test.create(json!({ "plan": "small", "apiKey": "very-secret-option" })).await.expect(201);
    let sent = test.provider.seen("POST /instances").remove(0);
    let dumped = dump(&test).await;
    assert!(dumped.contains(&test.site_id), "the dump has the rows");
    for secret in [
        "very-secret-value",
        "very-secret-option",
        &test.secret,
        &test.token,
        sent.body["config"]["jwt"]["secret"].as_str().unwrap(),
        sent.body["config"]["callback_url"].as_str().unwrap().rsplit('/').next().unwrap(),
    ] {
        assert!(!dumped.contains(secret), "{secret} is readable");
    }
}

#[tokio::test]
async fn rotating_the_key_moves_every_record_and_the_old_key_is_then_useless() {
    let test = TestApp::start().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys");
    let old = KeyRing::generate(&SystemEntropy);
    old.save(&file).unwrap();
    let clock = test.app.store.clock_handle();
    let store = |keys: Keys| Store::new(test.db.db().clone(), Arc::new(keys), clock.clone(), Arc::new(SystemEntropy));
    let running = store(Keys::of_file(file.clone()).unwrap());

    let tx = running.begin().await.unwrap();
    let addon = running.find_addon("test").await.unwrap().unwrap();
    // Written with the test app's own keys; replaced so that everything is sealed with the file's.
    running.insert_addon_secret(&addon.id, &tx, "partner secret", clock.now().into()).await.unwrap();
    running.commit(tx).await.unwrap();
    let level = outrigger_platform::store::env_vars::EnvLevel {
        account: test.app.store.find_account_anywhere("acme").await.unwrap().unwrap().id,
        site: None,
    };

    let new = old.with_new_key(&SystemEntropy);
    new.save(&file).unwrap();
    let rotating = store(Keys::of_file(file.clone()).unwrap());
    // Records of other keys stop the run with their place; here those of the test app itself are removed first.
    test.delete("/services/test").await.expect(204);
    let moved = rotating.reseal_anywhere(&|_| ()).await;
    match moved {
        Ok(done) => assert!(done.moved >= 1),
        Err(error) => assert!(error.to_string().contains("does not open"), "{error}"),
    }
    assert_eq!(running.signing_secret(&addon.id).await.unwrap().as_deref(), Some("partner secret"));
    assert!(running.env_vars(&level).await.unwrap().is_empty());
}
