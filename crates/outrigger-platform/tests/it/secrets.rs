//! Secrets are sealed in the database, and their keys can be rotated.

use std::collections::BTreeMap;
use std::sync::Arc;

use outrigger_db::{Engine, KeyRing, Keys, SystemClock, SystemEntropy};
use outrigger_integrations::Connection;
use outrigger_platform::store::Store;
use outrigger_platform::store::env_vars::EnvLevel;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::app::{TestApp, build_app, config};

async fn texts(test: &TestApp, sql: String) -> Vec<String> {
    let conn = test.db.db().conn();
    let rows = conn.query_all_raw(Statement::from_string(conn.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Every column of every table, as `(table, column)`.
async fn columns(test: &TestApp) -> Vec<(String, String)> {
    let sql = match test.db.db().engine() {
        Engine::Postgres => {
            "select table_name || ' ' || column_name from information_schema.columns where table_schema = 'public'"
        }
        Engine::Sqlite => {
            "select t.name || ' ' || c.name from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'"
        }
    };
    let split = |text: String| text.split_once(' ').map(|(table, column)| (table.to_owned(), column.to_owned()));
    texts(test, sql.to_owned()).await.into_iter().filter_map(split).collect()
}

async fn values(test: &TestApp, table: &str, column: &str) -> Vec<String> {
    texts(test, format!("select cast({column} as text) from {table} where {column} is not null")).await
}

#[tokio::test]
async fn nothing_secret_is_readable_in_the_database() {
    let test = TestApp::start().await;
    test.provider.set_env(json!({ "TEST_URL": "https://very-secret-value.example" }));
    test.create(json!({ "plan": "small", "apiKey": "very-secret-option" })).await.expect(201);
    let identity = json!({ "secret": "very-secret-identity" });
    test.patch(&test.site(""), json!({ "identity": identity })).await.expect(200);
    let sent = test.provider.seen("POST /instances").remove(0);
    let mut dumped = String::new();
    for (table, column) in columns(&test).await {
        dumped.extend(values(&test, &table, &column).await);
    }
    assert!(dumped.contains(&test.site_id), "the dump has the rows");
    for secret in [
        "very-secret-value",
        "very-secret-option",
        "very-secret-identity",
        &test.secret,
        &test.token,
        sent.body["config"]["jwt"]["secret"].as_str().unwrap(),
        sent.body["config"]["callback_url"].as_str().unwrap().rsplit('/').next().unwrap(),
    ] {
        assert!(!dumped.contains(secret), "{secret} is readable");
    }
}

/// The records of every sealed column, by `table.column`. A column without one would not be tested.
async fn sealed(test: &TestApp) -> BTreeMap<String, Vec<String>> {
    let mut sealed = BTreeMap::new();
    let is_sealed = |(table, column): &(String, String)| {
        column.starts_with("sealed") || (&**table, &**column) == ("integration_config", "secrets")
    };
    for (table, column) in columns(test).await.into_iter().filter(is_sealed) {
        let records = values(test, &table, &column).await;
        assert!(!records.is_empty(), "{table}.{column} has no record");
        sealed.insert(format!("{table}.{column}"), records);
    }
    assert_eq!(sealed.len(), 12, "{:?}", sealed.keys());
    sealed
}

#[track_caller]
fn check_key(sealed: &BTreeMap<String, Vec<String>>, key: &str) {
    for (column, records) in sealed {
        for record in records {
            // A configuration's column has the records of all its secret fields.
            let keys: Vec<&str> = record.split("v1.").skip(1).filter_map(|rest| rest.split('.').next()).collect();
            assert!(
                !keys.is_empty() && keys.iter().all(|with| *with == key),
                "{column}: {record} is not sealed with {key}"
            );
        }
    }
}

/// An update that the add-on is still at, so that a pending configuration and an answer are stored too.
async fn fill_every_sealed_column(test: &TestApp) {
    let identity = json!({ "secret": "a secret of the site's users" });
    let site = json!({ "build_webhook_url": "http://127.0.0.1:9/", "identity": identity });
    test.patch(&test.site(""), site).await.expect(200);
    test.post("/accounts/acme/env", json!([{ "key": "SHARED", "values": [{ "value": "s" }] }])).await.expect(201);
    let created = test.create(json!({ "plan": "small", "apiKey": "k" })).await.expect(201);
    test.provider.set_state(Some("provisioning"));
    let path = test.instances(&format!("/{}", created["id"].as_str().unwrap()));
    test.put(&path, json!({ "config": { "plan": "big", "apiKey": "k" } })).await.expect(204);
    assert_eq!(test.all_instances().await[0]["state"], "updating");
    let scope = outrigger_integrations::Scope::Site(test.site_id.as_str().into());
    let cache = outrigger_integrations::IntegrationId::new("cache");
    test.app.enablements.enable(&scope, &cache, &json!({ "key": "k" })).await.unwrap();
    let connection = Connection {
        access_token: "access".to_owned().into(),
        refresh_token: Some("refresh".to_owned().into()),
        expires_at: None,
    };
    test.app.enablements.connect(&scope, &cache, &connection).await.unwrap();
    // A busy server takes nothing, so what has to be sent is kept.
    let receiver = crate::integrations::Receiver::start().await;
    crate::integrations::add_webhook(test, "/accounts/acme", &format!("{}/busy", receiver.origin)).await;
    test.post("/acme/sites", json!({ "name": "shop" })).await.expect(201);
    while values(test, "integration_delivery", "sealed_message").await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Opens all that is sealed.
async fn open_everything(test: &TestApp, store: &Store) -> anyhow::Result<()> {
    let site = store.find_site_anywhere(&test.site_id).await?.unwrap();
    let addon = store.find_addon("test").await?.unwrap();
    anyhow::ensure!(store.build_webhook_secret(&site)?.is_some());
    anyhow::ensure!(store.signing_secret(&addon.id).await?.as_deref() == Some(test.secret.as_str()));
    let instance = store.instances_of_site(&site.id).await?.remove(0);
    anyhow::ensure!(instance.config["apiKey"] == "k" && instance.pending_config.is_some() && instance.answer.is_some());
    for (level, value) in [(None, "s"), (Some(site.id), "https://db.example/1")] {
        let vars = store.env_vars(&EnvLevel { account: site.account_id.clone(), site: level }).await?;
        anyhow::ensure!(vars[0].values[0].value == value);
    }
    Ok(())
}

#[tokio::test]
async fn rotating_the_key_moves_every_record_and_the_old_key_is_then_useless() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let old = KeyRing::generate(&SystemEntropy);
    old.save(&file).unwrap();
    let config = outrigger_platform::config::Config { retry_pause: std::time::Duration::from_secs(2), ..config() };
    let test = TestApp::with_keys(config, Keys::of_file(file.clone()).unwrap()).await;
    fill_every_sealed_column(&test).await;
    let before = sealed(&test).await;
    check_key(&before, old.active_id());
    let count: usize = before.values().map(Vec::len).sum();

    let store =
        |keys: Keys| Store::new(test.db.db().clone(), Arc::new(keys), Arc::new(SystemClock), Arc::new(SystemEntropy));
    let of_file = || Keys::of_file(file.clone()).unwrap();
    let new = old.with_new_key(&SystemEntropy);
    new.save(&file).unwrap();
    let rotating = build_app(test.app.config.clone(), test.db.db().clone(), of_file());
    let count = u64::try_from(count).unwrap();
    assert_eq!(rotating.reseal_anywhere(&|_| ()).await.unwrap().moved, count);
    check_key(&sealed(&test).await, new.active_id());
    assert_eq!(rotating.reseal_anywhere(&|_| ()).await.unwrap().moved, 0, "nothing is left to do");

    new.without_old_keys().save(&file).unwrap();
    open_everything(&test, &store(of_file())).await.unwrap();
    let useless = open_everything(&test, &store(Keys::fixed(old))).await.unwrap_err();
    assert!(useless.to_string().contains("does not open"), "{useless}");

    // The running node was started with the old key: it reads the file anew.
    open_everything(&test, &test.app.store).await.unwrap();
    test.provider.set_state(Some("active"));
    let updated = test.eventually(|instances| instances[0]["state"] == "active").await;
    assert_eq!((&updated[0]["config"]["plan"], &updated[0]["reason"]), (&json!("big"), &Value::Null));
}

#[tokio::test]
async fn a_running_node_seals_with_the_new_key_even_before_it_has_met_a_record_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let old = KeyRing::generate(&SystemEntropy);
    old.save(&file).unwrap();
    let test = TestApp::with_keys(config(), Keys::of_file(file.clone()).unwrap()).await;
    let new = old.with_new_key(&SystemEntropy);
    new.save(&file).unwrap();
    test.post("/accounts/acme/env", json!([{ "key": "K", "values": [{ "value": "v" }] }])).await.expect(201);
    let records = values(&test, "env_value", "sealed").await;
    assert!(records[0].starts_with(&format!("v1.{}.", new.active_id())), "{records:?}");
}
