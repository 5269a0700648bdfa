//! Connecting, transactions, migrations.

use futures_util::future::join_all;
use outrigger_db::testing::TestDb;
use outrigger_db::{Db, Engine, Tx};
use sea_orm::{ConnectionTrait, Statement};

use crate::bench::within;

async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn with_counter() -> TestDb {
    let test = TestDb::new(outrigger_db::migrations()).await;
    test.db().conn().execute_unprepared("CREATE TABLE counter (n BIGINT NOT NULL)").await.unwrap();
    test.db().conn().execute_unprepared("INSERT INTO counter (n) VALUES (0)").await.unwrap();
    test
}

async fn count(tx: &Tx) {
    tx.execute_unprepared("UPDATE counter SET n = n + 1").await.unwrap();
}

#[tokio::test]
async fn dropping_a_transaction_rolls_it_back() {
    let test = with_counter().await;
    let tx = test.db().begin().await.unwrap();
    count(&tx).await;
    drop(tx);
    assert_eq!(number(test.db().conn(), "SELECT n FROM counter").await, 0);
    let tx = test.db().begin().await.unwrap();
    count(&tx).await;
    tx.commit().await.unwrap();
    assert_eq!(number(test.db().conn(), "SELECT n FROM counter").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_in_two_processes_all_get_their_turn() {
    let test = with_counter().await;
    let other = Db::connect(test.url()).await.unwrap();
    let writers = [test.db(), &other].into_iter().cycle().take(100).map(|db| async move {
        let tx = db.begin().await.unwrap();
        // A read before the write is what makes a deferred transaction fail.
        number(&*tx, "SELECT n FROM counter").await;
        count(&tx).await;
        tx.commit().await.unwrap();
    });
    within(join_all(writers)).await;
    assert_eq!(number(other.conn(), "SELECT n FROM counter").await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_migrate_once() {
    let test = TestDb::new(Vec::new()).await;
    let dbs = within(join_all((0..4).map(|_| Db::connect(test.url())))).await;
    let dbs: Vec<Db> = dbs.into_iter().map(Result::unwrap).collect();
    for migrated in within(join_all(dbs.iter().map(|db| db.migrate(outrigger_db::migrations())))).await {
        migrated.unwrap();
    }
    let migrations = outrigger_db::migrations().len();
    assert_eq!(
        number(test.db().conn(), "SELECT count(*) FROM seaql_migrations").await,
        i64::try_from(migrations).unwrap()
    );
    assert_eq!(number(test.db().conn(), "SELECT count(*) FROM job").await, 0);
}

#[tokio::test]
async fn a_closed_database_says_so() {
    let test = TestDb::new(Vec::new()).await;
    let other = Db::connect(test.url()).await.unwrap();
    let clone = other.clone();
    within(other.close()).await;
    assert!(clone.begin().await.is_err());
    assert!(test.db().begin().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_is_private_and_set_up_for_durability() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b.db");
    let url = format!("sqlite://{}", path.display()).replace(' ', "%20");
    // Several processes may be the first.
    let dbs = within(join_all((0..4).map(|_| Db::connect(&url)))).await;
    let db = dbs.into_iter().map(Result::unwrap).last().unwrap();
    assert_eq!(db.engine(), Engine::Sqlite);
    for (pragma, value) in [("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5_000)] {
        assert_eq!(number(db.conn(), &format!("PRAGMA {pragma}")).await, value, "{pragma}");
    }
    for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        assert!(file.file_name().into_string().unwrap().starts_with("a b.db"));
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions()) & 0o777, 0o600);
    }
}

#[tokio::test]
async fn errors_say_what_to_do_and_keep_the_password() {
    let check = async |url: &str, says: &str| {
        let error = within(Db::connect(url)).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains(says), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    };
    check("mysql://root:hunter2@localhost/x", "has to begin with").await;
    check("hunter2", "has to begin with").await;
    check("sqlite::memory:", "has to be a file").await;
    check("sqlite:/tmp/x.db?mode=hunter", "cannot be read").await;
    check("sqlite:/nowhere/at/all/x.db", "its folder has to exist").await;
    check("postgres://u:hunter2@127.0.0.1:1/d", "127.0.0.1:1/d").await;
    check("postgres://u:hunter2@127.0.0.1:port/d", "cannot be read").await;
    check("postgres://u:hunter2@127.0.0.1:1/d?sslmode=maybe", "cannot be read").await;
    check("postgres://u:hunter2@127.0.0.1:1/d?max_connections=0", "max_connections").await;
}

#[tokio::test]
async fn debug_shows_the_engine_only() {
    let test = TestDb::new(Vec::new()).await;
    let shown = format!("{:?}", test.db());
    assert_eq!(shown, format!("Db {{ engine: {:?}, .. }}", test.db().engine()));
}

#[tokio::test]
async fn a_task_that_holds_a_transaction_may_not_ask_for_another_connection() {
    let test = with_counter().await;
    let (reading, writing) = (test.db().clone(), test.db().clone());
    let read = tokio::spawn(async move {
        let _held = reading.begin().await.unwrap();
        number(reading.conn(), "SELECT n FROM counter").await
    });
    let write = tokio::spawn(async move {
        let _held = writing.begin().await.unwrap();
        writing.begin().await.map(drop)
    });
    assert!(read.await.unwrap_err().is_panic() && write.await.unwrap_err().is_panic());
    let after = test.db().clone();
    let fine = tokio::spawn(async move {
        let tx = after.begin().await.unwrap();
        count(&tx).await;
        tx.commit().await.unwrap();
        number(after.conn(), "SELECT n FROM counter").await
    });
    assert_eq!(fine.await.unwrap(), 1);
}
