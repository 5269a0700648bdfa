//! A database of one's own for each test (feature `testing`).

use std::env;

use sea_orm::{ConnectionTrait, Database, DbErr};
use sea_orm_migration::MigrationTrait;
use tempfile::TempDir;

use crate::{Db, SystemClock, SystemEntropy, uuid_v7};

/// A fresh database with its schema: a SQLite file in a temporary folder or, when the environment variable
/// `DATABASE_URL` names a PostgreSQL server (and a database on it that can be connected to), a new database there.
/// It is removed when this is dropped.
///
/// The same test so runs on both engines:
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let test = outrigger_db::testing::TestDb::new(outrigger_db::migrations()).await;
/// let other_process = outrigger_db::Db::connect(test.url()).await?;
/// assert_eq!(test.db().engine(), other_process.engine());
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    url: String,
    _home: Home,
}

/// What is removed at the end.
#[derive(Debug)]
enum Home {
    Folder { _folder: TempDir },
    Server { admin_url: String, name: String },
}

impl TestDb {
    /// Makes the database and applies the migrations.
    ///
    /// # Panics
    /// When it cannot be made, as is due in a test.
    pub async fn new(migrations: Vec<Box<dyn MigrationTrait>>) -> TestDb {
        let (url, home) = match env::var("DATABASE_URL").ok().filter(|url| url.starts_with("postgres")) {
            Some(admin_url) => on_server(admin_url).await,
            None => in_folder(),
        };
        let db = Db::connect(&url).await.expect("the new test database can be connected to");
        db.migrate(migrations).await.expect("the migrations apply to an empty database");
        TestDb { db, url, _home: home }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Its URL, for a second process, or a second [`Db::connect`].
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn in_folder() -> (String, Home) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    (format!("sqlite:{}/test.db", folder.path().display()), Home::Folder { _folder: folder })
}

async fn on_server(admin_url: String) -> (String, Home) {
    let name = format!("outrigger_test_{}", uuid_v7(&SystemClock, &SystemEntropy).simple());
    // Another template could be in use by a test that starts at the same moment.
    let sql = format!("CREATE DATABASE {name} TEMPLATE template0");
    administer(&admin_url, &sql).await.expect("DATABASE_URL names a server on which databases can be made");
    let mut url = url::Url::parse(&admin_url).expect("the driver has just read this URL");
    url.set_path(&name);
    (url.into(), Home::Server { admin_url, name })
}

async fn administer(admin_url: &str, sql: &str) -> Result<(), DbErr> {
    let admin = Database::connect(admin_url).await?;
    admin.execute_unprepared(sql).await?;
    admin.close().await
}

impl Drop for Home {
    fn drop(&mut self) {
        let Home::Server { admin_url, name } = self else { return };
        let (admin_url, sql) = (std::mem::take(admin_url), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        // A drop cannot await, and the runtime of the test may be ending: hence a thread with its own. Best effort: a
        // database that stays behind disturbs nobody.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(administer(&admin_url, &sql)).map_err(std::io::Error::other)
        });
        let _ = dropped.join();
    }
}
