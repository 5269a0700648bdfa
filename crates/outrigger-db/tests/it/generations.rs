//! Generations: who moves them, in what order, and what a reader sees.

use outrigger_db::generations::{Tracked, generation};
use outrigger_db::testing::TestDb;
use outrigger_db::{Db, Engine};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use crate::bench::within;

const SITES: Tracked = Tracked { table: "site", key: "id", topic: "site" };

struct CreateSite;

impl MigrationName for CreateSite {
    fn name(&self) -> &str {
        "create_site"
    }
}

#[async_trait]
impl MigrationTrait for CreateSite {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        conn.execute_unprepared("CREATE TABLE account (id BIGINT PRIMARY KEY)").await?;
        conn.execute_unprepared(
            "CREATE TABLE site (id BIGINT PRIMARY KEY, name TEXT, \
             account BIGINT REFERENCES account(id) ON DELETE CASCADE)",
        )
        .await?;
        SITES.create(manager).await
    }
}

async fn bed() -> TestDb {
    let mut migrations = outrigger_db::migrations();
    migrations.push(Box::new(CreateSite));
    TestDb::new(migrations).await
}

async fn rows(db: &Db, newer_than: i64) -> Vec<(String, i64)> {
    let sql = "SELECT row_key, n FROM generation_row WHERE topic = 'site' AND n > $1 ORDER BY row_key";
    let statement = Statement::from_sql_and_values(db.conn().get_database_backend(), sql, [newer_than.into()]);
    let found = db.conn().query_all_raw(statement).await.unwrap();
    found.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

async fn keys(db: &Db, newer_than: i64) -> Vec<String> {
    rows(db, newer_than).await.into_iter().map(|(key, _)| key).collect()
}

async fn now(db: &Db) -> i64 {
    generation(db.conn(), "site").await.unwrap()
}

/// A program that has never heard of us.
async fn foreign(test: &TestDb, sql: &str) {
    let foreign = sea_orm::Database::connect(test.url()).await.unwrap();
    foreign.execute_unprepared(sql).await.unwrap();
    foreign.close().await.unwrap();
}

#[tokio::test]
async fn a_bump_counts_when_it_commits_and_wakes_the_topic() {
    let test = bed().await;
    let before = now(test.db()).await;
    let mut watch = test.db().changes().watch("site");
    let _ = rolled_back(test.db()).await;
    assert_eq!(now(test.db()).await, before);
    let tx = test.db().begin().await.unwrap();
    let moved = tx.bump("site").await.unwrap();
    assert_eq!(moved, before + 1);
    tx.commit().await.unwrap();
    within(watch.changed()).await;
    assert_eq!(now(test.db()).await, moved);
    assert_eq!(generation(test.db().conn(), "never heard of").await.unwrap(), 0);
}

async fn rolled_back(db: &Db) -> i64 {
    let tx = db.begin().await.unwrap();
    tx.bump("site").await.unwrap()
}

#[tokio::test]
async fn every_foreign_write_moves_the_generation_and_names_its_rows() {
    let test = bed().await;
    let other = Db::connect(test.url()).await.unwrap();
    let check = async |sql: &str, changed: &[&str]| {
        let mut watch = other.changes().watch("site");
        let before = now(test.db()).await;
        foreign(&test, sql).await;
        within(watch.changed()).await;
        assert!(now(test.db()).await > before, "{sql}");
        assert_eq!(keys(test.db(), before).await, changed, "{sql}");
    };
    foreign(&test, "INSERT INTO account VALUES (7)").await;
    check("INSERT INTO site (id, name, account) VALUES (1, 'a', NULL), (2, 'b', 7), (3, 'c', NULL)", &["1", "2", "3"])
        .await;
    check("UPDATE site SET name = 'x' WHERE id IN (1, 3)", &["1", "3"]).await;
    check("UPDATE site SET id = 4 WHERE id = 3", &["3", "4"]).await;
    check("DELETE FROM account WHERE id = 7", &["2"]).await;
    check("INSERT INTO site (id, name) VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET name = 'y'", &["1"]).await;
    if test.db().engine() == Engine::Sqlite {
        check("INSERT OR REPLACE INTO site (id, name) VALUES (1, 'z')", &["1"]).await;
        check("DELETE FROM site", &["1", "4"]).await;
    } else {
        check("TRUNCATE site", &["1", "4"]).await;
    }
    let before = now(test.db()).await;
    foreign(&test, "UPDATE site SET name = 'nobody' WHERE id = 99").await;
    assert_eq!(now(test.db()).await, before, "nothing changed");
}

#[tokio::test]
async fn a_snapshot_sees_the_rows_of_its_generation() {
    let test = bed().await;
    foreign(&test, "INSERT INTO site (id, name) VALUES (1, 'old')").await;
    let snapshot = test.db().snapshot().await.unwrap();
    let seen = generation(&snapshot, "site").await.unwrap();
    foreign(&test, "UPDATE site SET name = 'new'").await;
    let row = snapshot
        .query_one_raw(Statement::from_string(snapshot.get_database_backend(), "SELECT name FROM site"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "old");
    assert_eq!(generation(&snapshot, "site").await.unwrap(), seen);
    drop(snapshot);
    assert!(now(test.db()).await > seen);
}

/// Were a smaller number to commit after a larger one, a reader that has seen the larger would miss it for ever.
#[tokio::test]
async fn concurrent_writers_commit_in_the_order_of_their_numbers() {
    let test = bed().await;
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let db = test.db().clone();
            tokio::spawn(async move {
                for n in 0..15 {
                    let tx = db.begin().await.unwrap();
                    if n % 2 == 0 {
                        tx.bump("site").await.unwrap();
                    }
                    let sql = format!("INSERT INTO site (id) VALUES ({})", writer * 1000 + n);
                    tx.execute_unprepared(&sql).await.unwrap();
                    tokio::task::yield_now().await;
                    tx.commit().await.unwrap();
                }
            })
        })
        .collect();
    let (mut seen, mut found) = (0, 0);
    while found < 90 {
        let snapshot = test.db().snapshot().await.unwrap();
        let generation = generation(&snapshot, "site").await.unwrap();
        let sql = "SELECT row_key FROM generation_row WHERE topic = 'site' AND n > $1";
        let statement = Statement::from_sql_and_values(snapshot.get_database_backend(), sql, [seen.into()]);
        found += snapshot.query_all_raw(statement).await.unwrap().len();
        seen = generation;
        let writing = writers.iter().any(|writer| !writer.is_finished());
        assert!(writing || found == 90 || now(test.db()).await > seen, "found {found} of 90 rows");
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn what_a_transaction_says_moves_is_counted_when_it_commits() {
    let test = bed().await;
    let db = test.db();
    let before = now(db).await;
    let tx = db.begin().await.unwrap();
    tx.moves("site", "a");
    drop(tx);
    assert_eq!(now(db).await, before, "rolled back");
    let mut watch = db.changes().watch("site");
    let tx = db.begin().await.unwrap();
    tx.moves("site", "a");
    tx.moves("site", "b");
    tx.moves("site", "a");
    tx.commit().await.unwrap();
    within(watch.changed()).await;
    let first = now(db).await;
    assert_eq!(rows(db, 0).await, [("a".to_owned(), first), ("b".to_owned(), first)]);
    let tx = db.begin().await.unwrap();
    tx.moves("site", "a");
    tx.commit().await.unwrap();
    assert_eq!(outrigger_db::generations::moved_since(db.conn(), "site", first).await.unwrap(), ["a"]);
}

/// Each writer has a row that the other wants next; only the order of turns decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_move_the_same_topics_never_block_each_other() {
    let test = bed().await;
    let before = now(test.db()).await;
    let writers = (0..8).map(|writer| {
        let db = test.db().clone();
        tokio::spawn(async move {
            for round in 0..20 {
                let tx = db.begin().await.unwrap();
                let topics: [&'static str; 2] =
                    if (writer + round) % 2 == 0 { ["site", "other"] } else { ["other", "site"] };
                tx.moves(topics[0], writer.to_string());
                tokio::task::yield_now().await;
                tx.moves(topics[1], round.to_string());
                tx.commit().await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        within(writer).await.unwrap();
    }
    assert_eq!(now(test.db()).await, before + 160);
}
