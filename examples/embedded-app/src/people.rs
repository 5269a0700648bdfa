//! Who uses the board. A stand-in for the accounts of a real application: people choose who they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use outrigger_db::{Db, Entropy, Tx, token};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use crate::store::statement;

/// Somebody the board knows.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Person {
    /// The sign-in name.
    pub id: String,
    pub name: String,
    /// Whether they may change what concerns everybody.
    pub admin: bool,
}

/// The people, and which browser is whose.
#[derive(Clone)]
pub struct People {
    db: Db,
    entropy: Arc<dyn Entropy>,
    sessions: Arc<Mutex<HashMap<String, String>>>,
}

impl People {
    pub fn new(db: Db, entropy: Arc<dyn Entropy>) -> Self {
        Self { db, entropy, sessions: Arc::default() }
    }

    pub async fn add(&self, tx: &Tx, person: &Person) -> Result<(), DbErr> {
        let values = vec![person.id.clone().into(), person.name.clone().into(), person.admin.into()];
        tx.execute_raw(statement(&**tx, "INSERT INTO person (id, name, admin) VALUES ($1, $2, $3)", values)).await?;
        Ok(())
    }

    pub async fn remove(&self, id: &str) -> Result<(), DbErr> {
        let tx = self.db.begin().await?;
        tx.execute_raw(statement(&*tx, "DELETE FROM person WHERE id = $1", vec![id.into()])).await?;
        tx.commit().await
    }

    pub async fn all(&self) -> Result<Vec<Person>, DbErr> {
        let conn = self.db.conn();
        let rows =
            conn.query_all_raw(statement(conn, "SELECT id, name, admin FROM person ORDER BY id", vec![])).await?;
        rows.iter().map(|row| Person::from_query_result(row, "")).collect()
    }

    pub async fn find(&self, id: &str) -> Result<Option<Person>, DbErr> {
        let conn = self.db.conn();
        let sql = "SELECT id, name, admin FROM person WHERE id = $1";
        let row = conn.query_one_raw(statement(conn, sql, vec![id.into()])).await?;
        row.map(|row| Person::from_query_result(&row, "")).transpose()
    }

    /// Lets a browser be somebody's; what it has to show is returned.
    pub fn sign_in(&self, id: &str) -> String {
        let secret = token(&*self.entropy);
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.clone(), id.to_owned());
        secret
    }

    /// Whose browser it is that shows this.
    pub async fn signed_in(&self, secret: &str) -> Result<Option<Person>, DbErr> {
        let id = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(secret).cloned();
        match id {
            Some(id) => self.find(&id).await,
            None => Ok(None),
        }
    }
}

pub(crate) struct CreatePerson;

impl MigrationName for CreatePerson {
    fn name(&self) -> &str {
        "board_0001_person"
    }
}

#[async_trait]
impl MigrationTrait for CreatePerson {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT NOT NULL, admin BOOLEAN NOT NULL)";
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }
}
