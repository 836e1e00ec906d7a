//! Tables, the same on every engine.

use super::engine::Engine;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A text of at most 255 bytes that may be a part of a key.
    Name,
    /// A text of any length.
    Text,
    /// A whole number of 64 bits; times are microseconds since 1970, UTC.
    Int,
    /// 0 or 1.
    Flag,
    /// A number.
    Real,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Type,
    /// Whether it may be `NULL`: not known.
    pub optional: bool,
}

impl Column {
    /// A column that always has a value.
    #[must_use]
    pub const fn new(name: &'static str, kind: Type) -> Self {
        Self { name, kind, optional: false }
    }

    /// A column that may be `NULL`.
    #[must_use]
    pub const fn optional(name: &'static str, kind: Type) -> Self {
        Self { name, kind, optional: true }
    }
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name, and that of the view of its live generation.
    pub name: &'static str,
    /// Its columns, those of the key first.
    pub columns: &'static [Column],
    /// How many of the first columns are the primary key.
    pub key: usize,
    /// Columns of further indexes.
    pub indexes: &'static [&'static [&'static str]],
}

impl Table {
    /// The columns of its primary key.
    #[must_use]
    pub fn key_columns(&self) -> &'static [Column] {
        self.columns.get(..self.key).unwrap_or_default()
    }

    /// The statements that make it under another name.
    pub(super) fn create(&self, engine: Engine, name: &str) -> Vec<String> {
        let columns = self.columns.iter().map(|Column { name, kind, optional }| {
            let null = if *optional { "" } else { " NOT NULL" };
            format!("{} {}{null}", engine.quoted(name), engine.column_type(*kind))
        });
        let key: Vec<String> = self.key_columns().iter().map(|column| engine.quoted(column.name)).collect();
        let columns: Vec<String> = columns.chain([format!("PRIMARY KEY ({})", key.join(", "))]).collect();
        let table = format!(
            "CREATE TABLE IF NOT EXISTS {} ({}){}",
            engine.quoted(name),
            columns.join(", "),
            engine.table_options()
        );
        let indexes = self.indexes.iter().enumerate().map(|(n, columns)| {
            let columns: Vec<String> = columns.iter().map(|column| engine.quoted(column)).collect();
            format!(
                "CREATE INDEX {} ON {} ({})",
                engine.quoted(&format!("{name}_{n}")),
                engine.quoted(name),
                columns.join(", ")
            )
        });
        [table].into_iter().chain(indexes).collect()
    }
}
