//! What both drivers do alike.

use std::ops::ControlFlow;

use futures_util::TryStreamExt;
use ledger_core::Error;
use sea_query::Value;
use sqlx::{Arguments, AssertSqlSafe, Database, Encode, Executor, IntoArguments, Type};

use super::engine::{Answer, Statement, Trouble};

/// Runs a statement and gives its rows to `each`.
pub(crate) async fn scan<DB>(
    connection: &mut DB::Connection,
    sql: String,
    arguments: DB::Arguments,
    each: &mut (dyn FnMut(&DB::Row) -> ledger_core::Result<ControlFlow<()>> + Send),
) -> Answer<ControlFlow<()>>
where
    DB: Database + sqlx::database::HasStatementCache,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    // Every text comes from this crate; values are bound.
    let mut rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        if each(&row)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Runs a statement and gives all of its rows to `each`.
pub(crate) async fn rows<DB>(
    connection: &mut DB::Connection,
    sql: String,
    arguments: DB::Arguments,
    mut each: impl FnMut(&DB::Row) -> ledger_core::Result<()> + Send,
) -> Answer<()>
where
    DB: Database + sqlx::database::HasStatementCache,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut each = |row: &DB::Row| each(row).map(ControlFlow::Continue);
    let _whole = scan::<DB>(connection, sql, arguments, &mut each).await?;
    Ok(())
}

/// Runs statements without values, and gives all their rows.
pub(crate) async fn script<DB>(connection: &mut DB::Connection, sql: String) -> Result<Vec<DB::Row>, sqlx::Error>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await
}

/// What is bound to a statement; `text` says as what texts are bound.
pub(crate) fn bind<DB, T>(statement: Statement, text: impl Fn(String) -> T) -> Answer<(String, DB::Arguments)>
where
    DB: Database,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
    T: for<'q> Encode<'q, DB> + Type<DB>,
    Option<T>: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    for value in statement.values {
        let added = match value {
            Value::String(value) => arguments.add(value.map(&text)),
            Value::BigInt(Some(number)) => arguments.add(number),
            Value::BigUnsigned(Some(number)) => arguments.add(i64::try_from(number).unwrap_or(i64::MAX)),
            _ => return Err(Trouble::Ledger(Error::Refused("a statement has a value of an unexpected type".into()))),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok((statement.sql, arguments))
}
