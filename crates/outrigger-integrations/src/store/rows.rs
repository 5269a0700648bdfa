//! The few things that all SQL here needs.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, TryGetable, Value};

fn statement(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}

/// All rows of a query.
pub(crate) async fn all(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, DbErr> {
    Ok(conn.query_all_raw(statement(conn, sql, values)).await?.into_iter().map(Row).collect())
}

/// The first row of a query.
pub(crate) async fn first(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Option<Row>, DbErr> {
    Ok(conn.query_one_raw(statement(conn, sql, values)).await?.map(Row))
}

/// How many rows a statement changed.
pub(crate) async fn change(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64, DbErr> {
    Ok(conn.execute_raw(statement(conn, sql, values)).await?.rows_affected())
}

/// A row, read column by column.
pub(crate) struct Row(QueryResult);

impl Row {
    /// A column that the engine knows the type of.
    pub(crate) fn get<T: TryGetable>(&self, column: &str) -> Result<T, DbErr> {
        self.0.try_get("", column)
    }

    /// A column whose text has a meaning.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, DbErr> {
        meaning(column, &self.get::<String>(column)?)
    }

    /// As [`Row::parse`], of a column that may be null.
    pub(crate) fn parse_opt<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, DbErr> {
        self.get::<Option<String>>(column)?.map(|text| meaning(column, &text)).transpose()
    }

    /// A column with a time.
    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, DbErr> {
        self.get(column).map(time)
    }

    /// A column with a time or null.
    pub(crate) fn time_opt(&self, column: &str) -> Result<Option<Timestamp>, DbErr> {
        Ok(self.get::<Option<i64>>(column)?.map(time))
    }

    /// A column with a count.
    pub(crate) fn count(&self, column: &str) -> Result<u32, DbErr> {
        Ok(u32::try_from(self.get::<i32>(column)?).unwrap_or(0))
    }
}

fn meaning<T: FromStr<Err: Display>>(column: &str, text: &str) -> Result<T, DbErr> {
    text.parse().map_err(|error| DbErr::Type(format!("the column `{column}` cannot be read: {error}")))
}

/// A stored time. One that no calendar has becomes the latest there is.
fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// An id, a scope or a word as it is stored.
pub(crate) fn text(value: impl Display) -> Value {
    value.to_string().into()
}

/// A count as it is stored.
pub(crate) fn count(count: u32) -> Value {
    i32::try_from(count).unwrap_or(i32::MAX).into()
}

/// Writes an enum of words that are stored as text: names and texts stand side by side, once.
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// The word that is stored, and used in addresses and JSON.
            $vis const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(word: &str) -> Result<Self, $crate::UnknownWord> {
                match word {
                    $($word => Ok($name::$variant),)*
                    other => Err($crate::UnknownWord::new(other)),
                }
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

/// The word is none of those that are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no word that this version knows")]
pub struct UnknownWord(String);

impl UnknownWord {
    pub(crate) fn new(word: &str) -> Self {
        Self(word.chars().take(64).collect())
    }
}
