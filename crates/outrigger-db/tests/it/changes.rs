//! Announce and watch, within a process and across two.

use futures_util::FutureExt;
use outrigger_db::testing::TestDb;
use outrigger_db::{Db, Engine};
use sea_orm::{ConnectionTrait, Statement};

use crate::bench::within;

async fn bed() -> TestDb {
    let test = TestDb::new(Vec::new()).await;
    test.db().conn().execute_unprepared("CREATE TABLE counter (n BIGINT NOT NULL)").await.unwrap();
    test
}

async fn change(db: &Db, topic: &'static str) {
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared("INSERT INTO counter (n) VALUES (1)").await.unwrap();
    tx.announce(topic);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_commit_wakes_the_watches_of_its_topic() {
    let test = bed().await;
    let mut watch = test.db().changes().watch("site");
    change(test.db(), "site").await;
    watch.changed().now_or_never().expect("it is told directly after the commit, also to those who look later");

    // Many changes may be told as one; none is left untold.
    for _ in 0..3000 {
        let tx = test.db().begin().await.unwrap();
        tx.announce("site");
        drop(tx);
    }
    change(test.db(), "site").await;
    change(test.db(), "site").await;
    watch.changed().now_or_never().expect("two changes");
}

#[tokio::test]
async fn a_rollback_and_other_topics_wake_nobody() {
    let test = bed().await;
    // Connected after the last commit, so that on SQLite no earlier one is in its file's history.
    let db = Db::connect(test.url()).await.unwrap();
    let mut watch = db.changes().watch("site");
    let mut other = db.changes().watch("other");
    rolled_back(&db).await;
    assert!(watch.changed().now_or_never().is_none());
    change(&db, "other").await;
    within(other.changed()).await;
    // What SQLite sees of its file wakes all topics.
    assert!(db.engine() == Engine::Sqlite || watch.changed().now_or_never().is_none());
}

async fn rolled_back(db: &Db) {
    let tx = db.begin().await.unwrap();
    tx.announce("site");
    drop(tx);
}

#[tokio::test]
async fn other_processes_hear_of_it() {
    let test = bed().await;
    let other = Db::connect(test.url()).await.unwrap();
    let mut watch = other.changes().watch("site");
    for _ in 0..5 {
        change(test.db(), "site").await;
        within(watch.changed()).await;
    }
    // Of a change before the watch was looked at, too.
    change(test.db(), "site").await;
    within(watch.changed()).await;
}

#[tokio::test]
async fn a_lost_listener_wakes_everybody_and_comes_back() {
    let test = bed().await;
    if test.db().engine() == Engine::Sqlite {
        // There is no connection to lose.
        return;
    }
    let mut watch = test.db().changes().watch("site");
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let conn = test.db().conn();
    let killed = conn.query_all_raw(Statement::from_string(conn.get_database_backend(), kill)).await.unwrap();
    assert_eq!(killed.len(), 1);
    within(watch.changed()).await;
    let other = Db::connect(test.url()).await.unwrap();
    change(&other, "site").await;
    within(watch.changed()).await;
    assert_eq!(listeners(test.db()).await, 2, "both listen again");
}

async fn listeners(db: &Db) -> usize {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    db.conn().query_all_raw(Statement::from_string(db.conn().get_database_backend(), sql)).await.unwrap().len()
}
