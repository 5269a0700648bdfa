//! Reviews, and the events of their lives.

use outrigger_db::{Db, Tx};
use outrigger_integrations::{Manager, StoreError};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::sea_query::{ColumnDef, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};
use serde::{Deserialize, Serialize};

use crate::events::{ReviewApproved, ReviewOpened};
use crate::host::{Board, ReviewFacts, State};
use crate::store::statement;

/// Somebody's change, for others to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    pub id: i64,
    pub title: String,
    pub repository: String,
    pub branch: String,
    /// The sign-in name of whoever asked for it.
    pub author: String,
    pub state: State,
}

impl Review {
    pub fn facts(&self) -> ReviewFacts {
        let Self { repository, branch, author, state, .. } = self.clone();
        ReviewFacts { repository, branch, author, state }
    }
}

/// A review that somebody asks for.
#[derive(Clone, Deserialize)]
pub struct NewReview {
    pub title: String,
    pub repository: String,
    pub branch: String,
}

/// Why nothing came of it.
#[derive(Debug)]
pub enum ReviewError {
    /// There is no such review, or it is not open any more.
    NotOpen,
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for ReviewError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

/// All reviews.
#[derive(Clone)]
pub struct Reviews {
    db: Db,
    manager: Manager<Board>,
}

const COLUMNS: &str = "id, title, repository, branch, author, state";

impl Reviews {
    pub fn new(manager: Manager<Board>) -> Self {
        Self { db: manager.store().db().clone(), manager }
    }

    pub async fn all(&self) -> Result<Vec<Review>, DbErr> {
        let conn = self.db.conn();
        let sql = format!("SELECT {COLUMNS} FROM review ORDER BY id DESC LIMIT 200");
        conn.query_all_raw(statement(conn, &sql, vec![])).await?.iter().map(read).collect()
    }

    pub async fn find(&self, id: i64) -> Result<Option<Review>, DbErr> {
        let conn = self.db.conn();
        let sql = format!("SELECT {COLUMNS} FROM review WHERE id = $1");
        conn.query_one_raw(statement(conn, &sql, vec![id.into()])).await?.as_ref().map(read).transpose()
    }

    // [guide: emit]
    /// Opens a review. It and the news of it are stored together or not at all.
    pub async fn open(&self, new: NewReview, author: &str) -> Result<Review, ReviewError> {
        let tx = self.db.begin().await?;
        let review = insert(&tx, new, author).await?;
        self.manager.emit(&tx, &ReviewOpened { review: review.clone() }).await?;
        tx.commit().await?;
        Ok(review)
    }
    // [end]

    /// Approves an open review.
    pub async fn approve(&self, id: i64, by: &str) -> Result<Review, ReviewError> {
        let tx = self.db.begin().await?;
        let review = end(&tx, id, State::Approved).await?.ok_or(ReviewError::NotOpen)?;
        self.manager.emit(&tx, &ReviewApproved { review: review.clone(), by: by.to_owned() }).await?;
        tx.commit().await?;
        Ok(review)
    }

    /// Closes an open review, of which nobody needs to hear.
    pub async fn close(&self, id: i64) -> Result<Review, ReviewError> {
        let tx = self.db.begin().await?;
        let review = end(&tx, id, State::Closed).await?.ok_or(ReviewError::NotOpen)?;
        tx.commit().await?;
        Ok(review)
    }
}

async fn insert(tx: &Tx, new: NewReview, author: &str) -> Result<Review, DbErr> {
    let sql = format!(
        "INSERT INTO review (title, repository, branch, author, state) VALUES ($1, $2, $3, $4, $5) RETURNING {COLUMNS}"
    );
    let values =
        vec![new.title.into(), new.repository.into(), new.branch.into(), author.into(), State::Open.word().into()];
    let row = tx.query_one_raw(statement(&**tx, &sql, values)).await?;
    read(&row.ok_or_else(|| DbErr::RecordNotInserted)?)
}

async fn end(tx: &Tx, id: i64, state: State) -> Result<Option<Review>, DbErr> {
    let sql = format!("UPDATE review SET state = $1 WHERE id = $2 AND state = $3 RETURNING {COLUMNS}");
    let values = vec![state.word().into(), id.into(), State::Open.word().into()];
    tx.query_one_raw(statement(&**tx, &sql, values)).await?.as_ref().map(read).transpose()
}

fn read(row: &QueryResult) -> Result<Review, DbErr> {
    let state: String = row.try_get("", "state")?;
    Ok(Review {
        id: row.try_get("", "id")?,
        title: row.try_get("", "title")?,
        repository: row.try_get("", "repository")?,
        branch: row.try_get("", "branch")?,
        author: row.try_get("", "author")?,
        state: match state.as_str() {
            "open" => State::Open,
            "approved" => State::Approved,
            "closed" => State::Closed,
            other => return Err(DbErr::Type(format!("`{other}` is no state of a review"))),
        },
    })
}

pub(crate) struct CreateReview;

impl MigrationName for CreateReview {
    fn name(&self) -> &str {
        "board_0002_review"
    }
}

#[async_trait]
impl MigrationTrait for CreateReview {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table.table("review").col(ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key());
        for name in ["title", "repository", "branch", "author", "state"] {
            table.col(ColumnDef::new(name).text().not_null());
        }
        manager.create_table(table).await
    }
}
