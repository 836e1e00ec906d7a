//! The tables of one generation of a projection, within a transaction.

use std::sync::Arc;

use ledger_core::Timestamp;

use super::connection::{Connection, Row};
use super::engine::Engine;
use super::schema::{Column, Table, Type};
use super::sql::Sql;
use crate::Result;

/// Rows of one statement. Few sizes, so that few statements are prepared.
const ROWS: [usize; 4] = [400, 50, 8, 1];

/// Values of one statement: SQLite's limit is the lowest.
const VALUES: usize = 32_000;

/// Bytes of one statement, unless a row has more: servers take 16 MiB at once.
const BYTES: usize = 4 * 1024 * 1024;

/// The generation of tables that belong to none.
const LASTING: i64 = 0;

/// Keys of one look-up.
const KEYS: [usize; 3] = [200, 16, 1];

/// A value of a column; what is not known has a type all the same.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the types of columns")]
pub enum Cell {
    Int(i64),
    NoInt,
    Real(f64),
    NoReal,
    Text(String),
    NoText,
    /// In what is kept beside projections; no column of a projection has them.
    Bytes(Vec<u8>),
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NoInt, Self::Int)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::NoText, Self::Text)
    }
}

impl Cell {
    /// The whole number; 0 when there is none.
    #[must_use]
    pub fn int(&self) -> i64 {
        self.maybe_int().unwrap_or_default()
    }

    /// The whole number, if it is known.
    #[must_use]
    pub fn maybe_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The text; empty when there is none.
    #[must_use]
    pub fn text(&self) -> String {
        self.maybe_text().unwrap_or_default()
    }

    /// About so many bytes of a statement.
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            _ => 8,
        }
    }

    /// The text, if it is known.
    #[must_use]
    pub fn maybe_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// Statements that differ in nothing but their table and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    /// By the columns of which this is the first.
    Select(&'static str),
    Upsert,
}

/// The tables of a projection as they are filled, in the transaction that also moves its checkpoint.
pub struct Tables<'c> {
    connection: &'c mut Connection,
    generation: i64,
    kept_from: Timestamp,
}

impl<'c> Tables<'c> {
    pub(crate) const fn new(connection: &'c mut Connection, generation: i64, kept_from: Timestamp) -> Self {
        Self { connection, generation, kept_from }
    }

    /// The tables that belong to no generation: [`Projection::lasting`](crate::Projection::lasting).
    pub fn lasting(&mut self) -> Tables<'_> {
        Tables { connection: self.connection, generation: LASTING, kept_from: self.kept_from }
    }

    /// Rows of before this time are removed.
    #[must_use]
    pub const fn kept_from(&self) -> Timestamp {
        self.kept_from
    }

    /// The rows that have these keys, as far as there are any, in no order.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn get(&mut self, table: &Table, keys: &[Vec<Cell>]) -> Result<Vec<Vec<Cell>>> {
        self.find(table, table.key_columns(), keys).await
    }

    /// The rows that have these values in some columns, in no order. No values may be given twice.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&mut self, table: &Table, by: &[Column], keys: &[Vec<Cell>]) -> Result<Vec<Vec<Cell>>> {
        let mut found = Vec::new();
        let mut rest = keys;
        while let Some(last) = rest.last() {
            let (now, later) = rest.split_at(rest.len().min(KEYS[0]));
            let size = KEYS.into_iter().rev().find(|size| *size >= now.len()).unwrap_or(KEYS[0]);
            // Filled up with one of them.
            let keys: Vec<Cell> =
                now.iter().chain(std::iter::repeat_n(last, size - now.len())).flatten().cloned().collect();
            let sql = self.text(
                Statement::Select(by.first().map_or("", |column| column.name)),
                table,
                size,
                |engine, name| select(engine, table, name, by, size),
            );
            for row in self.connection.rows(sql, keys).await? {
                found.push(cells(table, &row)?);
            }
            rest = later;
        }
        Ok(found)
    }

    /// Deletes the rows that have these keys.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn delete(&mut self, table: &Table, keys: &[Vec<Cell>]) -> Result<()> {
        let engine = self.connection.engine();
        let name = engine.quoted(&live_name(table, self.generation));
        for key in keys {
            let sql = format!("DELETE FROM {name} WHERE {}", one_of(engine, table.key_columns(), 1));
            self.connection.execute(sql, key.clone()).await?;
        }
        Ok(())
    }

    /// The text of a statement, which is long, and made once per connection.
    fn text(
        &mut self,
        statement: Statement,
        table: &Table,
        size: usize,
        make: impl FnOnce(Engine, &str) -> String,
    ) -> Arc<str> {
        let (engine, generation) = (self.connection.engine(), self.generation);
        let texts = self.connection.texts();
        let make = || make(engine, &live_name(table, generation)).into();
        Arc::clone(texts.entry((statement, table.name, generation, size)).or_insert_with(make))
    }

    /// SQL that is to be run on these tables.
    pub(crate) const fn sql(&self) -> Sql {
        Sql::new(self.connection.engine(), self.generation)
    }

    pub(crate) async fn rows(&mut self, sql: Sql) -> Result<Vec<Row>> {
        self.connection.rows(sql.text, sql.values).await
    }

    pub(crate) async fn execute(&mut self, sql: Sql) -> Result<u64> {
        self.connection.execute(sql.text, sql.values).await
    }

    /// Stores whole rows: new ones, or instead of those that have their keys. No key may be among them twice.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put(&mut self, table: &Table, rows: Vec<Vec<Cell>>) -> Result<()> {
        let most = VALUES / table.columns.len();
        let mut left = rows.len();
        let mut values = rows.into_iter();
        while left > 0 {
            let fits = |size: usize| {
                let rows = values.as_slice().get(..size).filter(|_| size <= most);
                rows.is_some_and(|rows| rows.iter().flatten().map(Cell::bytes).sum::<usize>() <= BYTES)
            };
            let size = ROWS.into_iter().find(|size| fits(*size)).unwrap_or(1);
            let sql = self.text(Statement::Upsert, table, size, |engine, name| upsert(engine, table, name, size));
            let mut now = Vec::with_capacity(size * table.columns.len());
            values.by_ref().take(size).for_each(|row| now.extend(row));
            self.connection.execute(sql, now).await?;
            left -= size;
        }
        Ok(())
    }
}

/// What a table is called in a generation.
pub(crate) fn live_name(table: &Table, generation: i64) -> String {
    match generation {
        LASTING => table.name.to_owned(),
        _ => format!("{}_{generation}", table.name),
    }
}

fn places(engine: Engine, first: usize, count: usize) -> String {
    (first..first + count).map(|n| engine.place(n)).collect::<Vec<_>>().join(", ")
}

fn names(engine: Engine, columns: &[Column]) -> String {
    columns.iter().map(|column| engine.quoted(column.name)).collect::<Vec<_>>().join(", ")
}

fn select(engine: Engine, table: &Table, name: &str, by: &[Column], keys: usize) -> String {
    let condition = one_of(engine, by, keys);
    format!("SELECT {} FROM {} WHERE {condition}", names(engine, table.columns), engine.quoted(name))
}

/// That some columns have one of so many sets of values.
fn one_of(engine: Engine, columns: &[Column], count: usize) -> String {
    let width = columns.len();
    let sets = (0..count).map(|n| format!("({})", places(engine, n * width + 1, width)));
    match (engine, columns) {
        (_, [only]) => format!("{} IN ({})", engine.quoted(only.name), places(engine, 1, count)),
        // Postgres plans an index scan for each set of a long OR, and a scan of all where it knows nothing of the table.
        (Engine::Postgres, _) => {
            format!("({}) IN (VALUES {})", names(engine, columns), sets.collect::<Vec<_>>().join(", "))
        }
        (Engine::Sqlite | Engine::MySql, _) => {
            let one = columns.iter().map(|column| format!("{} = ?", engine.quoted(column.name)));
            let one = format!("({})", one.collect::<Vec<_>>().join(" AND "));
            vec![one; count].join(" OR ")
        }
    }
}

pub(super) fn upsert(engine: Engine, table: &Table, name: &str, rows: usize) -> String {
    let width = table.columns.len();
    let values: Vec<String> = (0..rows).map(|n| format!("({})", places(engine, n * width + 1, width))).collect();
    let (key, others) = table.columns.split_at(table.key);
    let set = |value: &dyn Fn(&str) -> String| {
        let set = others.iter().map(|column| {
            let name = engine.quoted(column.name);
            format!("{name} = {}", value(&name))
        });
        set.collect::<Vec<_>>().join(", ")
    };
    let update = match engine {
        Engine::MySql if others.is_empty() => String::new(),
        // Not the newer alias of the row, which MariaDB does not know.
        Engine::MySql => format!(" ON DUPLICATE KEY UPDATE {}", set(&|name| format!("VALUES({name})"))),
        _ if others.is_empty() => format!(" ON CONFLICT ({}) DO NOTHING", names(engine, key)),
        _ => format!(" ON CONFLICT ({}) DO UPDATE SET {}", names(engine, key), set(&|name| format!("excluded.{name}"))),
    };
    let ignore = if engine == Engine::MySql && others.is_empty() { "IGNORE " } else { "" };
    format!(
        "INSERT {ignore}INTO {} ({}) VALUES {}{update}",
        engine.quoted(name),
        names(engine, table.columns),
        values.join(", ")
    )
}

fn cells(table: &Table, row: &Row) -> Result<Vec<Cell>> {
    let cell = |(n, column): (usize, &Column)| {
        Ok(match column.kind {
            Type::Int | Type::Flag => row.maybe_int(n)?.into(),
            Type::Real => row.maybe_real(n)?.map_or(Cell::NoReal, Cell::Real),
            Type::Name | Type::Text => row.maybe_text(n)?.into(),
        })
    };
    table.columns.iter().enumerate().map(cell).collect()
}
