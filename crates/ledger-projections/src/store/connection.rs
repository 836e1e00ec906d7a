//! A connection. One that failed, or whose user went away in the middle, is dropped and never used again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, Column as _, Connection as _, Row as _};

use super::database::Answer;
use super::engine::Engine;
use super::tables::{Cell, Statement};
use crate::{Error, Result};

pub(crate) struct Connection {
    raw: AnyConnection,
    engine: Engine,
    texts: Texts,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// Texts of statements by what they do, to which table, of which generation, with how many rows.
type Texts = HashMap<(Statement, &'static str, i64, usize), Arc<str>>;

impl Connection {
    pub(super) fn new(raw: AnyConnection, engine: Engine) -> Self {
        Self { raw, engine, texts: Texts::new() }
    }

    pub(super) const fn texts(&mut self) -> &mut Texts {
        &mut self.texts
    }

    pub(crate) const fn engine(&self) -> Engine {
        self.engine
    }

    /// Runs statements without values, joined by `;`.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<()> {
        // Every text that is run comes from this crate; values are bound.
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.raw).await?;
        Ok(())
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: impl Into<Arc<str>>, values: Vec<Cell>) -> Result<u64> {
        let sql: Arc<str> = sql.into();
        let done = sqlx::query_with(AssertSqlSafe(sql), bind(values)?).execute(&mut self.raw).await?;
        Ok(done.rows_affected())
    }

    /// All rows of a statement's answer.
    pub(crate) async fn rows(&mut self, sql: impl Into<Arc<str>>, values: Vec<Cell>) -> Result<Vec<Row>> {
        let sql: Arc<str> = sql.into();
        let rows = sqlx::query_with(AssertSqlSafe(sql), bind(values)?).fetch_all(&mut self.raw).await?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// The rows of a statement's answer, as they come.
    pub(super) fn stream(&mut self, sql: String, values: Vec<Cell>) -> Result<BoxStream<'_, Result<Row>>> {
        let rows = sqlx::query_with(AssertSqlSafe(sql), bind(values)?).fetch(&mut self.raw);
        Ok(rows.map_ok(Row).map_err(Error::from).boxed())
    }

    /// The names of an answer's columns, and its rows, whatever their types are.
    pub(super) async fn answer(&mut self, sql: String) -> Result<Answer> {
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut self.raw).await?;
        let columns = rows.first().map(|row| row.columns().iter().map(|column| column.name().to_owned()).collect());
        Ok(Answer { columns: columns.unwrap_or_default(), rows: rows.iter().map(cells).collect() })
    }

    /// The rows of each of several statements without values, which are joined by `;` and sent as one message.
    pub(super) async fn answers(&mut self, sql: String) -> Result<Vec<Vec<Vec<Cell>>>> {
        let mut said = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(&mut self.raw);
        let (mut answers, mut rows) = (Vec::new(), Vec::new());
        while let Some(next) = said.try_next().await? {
            match next.right() {
                Some(row) => rows.push(cells(&row)),
                None => answers.push(std::mem::take(&mut rows)),
            }
        }
        Ok(answers)
    }

    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.script(self.engine.begin()).await
    }

    /// Begins a transaction that reads what there is at one moment.
    pub(crate) async fn begin_snapshot(&mut self) -> Result<()> {
        super::whole::begin(self).await
    }

    pub(crate) async fn commit(&mut self) -> Result<()> {
        self.script("COMMIT").await
    }

    pub(crate) async fn roll_back(&mut self) -> Result<()> {
        self.script("ROLLBACK").await
    }

    pub(crate) async fn close(self) {
        // The database notices a connection that just ends too.
        let _ = self.raw.close().await;
    }
}

fn cells(row: &AnyRow) -> Vec<Cell> {
    (0..row.len()).map(|n| any(row, n)).collect()
}

/// A value of any type.
fn any(row: &AnyRow, column: usize) -> Cell {
    if let Ok(number) = row.try_get::<Option<i64>, _>(column) {
        return number.into();
    }
    if let Ok(number) = row.try_get::<Option<f64>, _>(column) {
        return number.map_or(Cell::NoReal, Cell::Real);
    }
    if let Ok(flag) = row.try_get::<bool, _>(column) {
        return flag.into();
    }
    if let Ok(text) = row.try_get::<Option<String>, _>(column) {
        return text.into();
    }
    let bytes: Option<Vec<u8>> = row.try_get(column).unwrap_or_default();
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).into()
}

fn bind(values: Vec<Cell>) -> Result<AnyArguments> {
    let mut arguments = AnyArguments::default();
    for value in values {
        let added = match value {
            Cell::Int(number) => arguments.add(number),
            Cell::NoInt => arguments.add(None::<i64>),
            Cell::Real(number) => arguments.add(number),
            // sqlx 0.9.0 takes the two types of floats without a value for each other, and a Postgres statement
            // keeps the types of its first run.
            Cell::NoReal => arguments.add(None::<f32>),
            Cell::Text(text) => arguments.add(text),
            Cell::NoText => arguments.add(None::<String>),
            Cell::Bytes(bytes) => arguments.add(bytes),
        };
        added.map_err(Error::Database)?;
    }
    Ok(arguments)
}

/// A row of an answer.
pub(crate) struct Row(AnyRow);

impl Row {
    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn maybe_int(&self, column: usize) -> Result<Option<i64>> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn maybe_real(&self, column: usize) -> Result<Option<f64>> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn text(&self, column: usize) -> Result<String> {
        Ok(self.maybe_text(column)?.unwrap_or_default())
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<Vec<u8>> {
        Ok(self.0.try_get(column)?)
    }

    /// A name, or a number as one.
    pub(crate) fn name(&self, column: usize) -> Result<String> {
        match self.0.try_get::<Option<i64>, _>(column) {
            Ok(Some(number)) => Ok(number.to_string()),
            _ => self.text(column),
        }
    }

    /// Names are bytes on MySQL.
    pub(crate) fn maybe_text(&self, column: usize) -> Result<Option<String>> {
        if let Ok(text) = self.0.try_get::<Option<String>, _>(column) {
            return Ok(text);
        }
        let bytes: Option<Vec<u8>> = self.0.try_get(column)?;
        bytes.map(String::from_utf8).transpose().map_err(|error| Error::Database(Box::new(error)))
    }
}
