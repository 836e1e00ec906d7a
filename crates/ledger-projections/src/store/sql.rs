//! Statements that grow together with the values that they bind.

use super::engine::Engine;
use super::schema::Table;
use super::tables::{Cell, live_name};
use crate::Window;
use crate::name::name;

/// A statement about the tables of one generation.
///
/// What comes from outside is only ever bound.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    engine: Engine,
    generation: i64,
    pub(super) text: String,
    pub(super) values: Vec<Cell>,
}

impl Sql {
    pub(super) const fn new(engine: Engine, generation: i64) -> Self {
        Self { engine, generation, text: String::new(), values: Vec::new() }
    }

    /// Text of this crate.
    pub(crate) fn push(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.text.push_str(text.as_ref());
        self
    }

    /// A table.
    pub(crate) fn table(&mut self, table: &Table) -> &mut Self {
        let name = self.engine.quoted(&live_name(table, self.generation));
        self.push(name)
    }

    /// The place of a value.
    pub(crate) fn bind(&mut self, value: impl Into<Cell>) -> &mut Self {
        self.values.push(value.into());
        let place = self.engine.place(self.values.len());
        self.push(place)
    }

    /// The places of several values, in brackets.
    pub(crate) fn bind_all<V: Into<Cell>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (n, value) in values.into_iter().enumerate() {
            self.push(if n == 0 { "(" } else { ", " }).bind(value);
        }
        self.push(")")
    }

    /// That a time is in a window, after another condition.
    pub(crate) fn within(&mut self, column: &str, window: Window) -> &mut Self {
        if let Some(since) = window.since() {
            self.push(format!(" AND {column} >= ")).bind(since.as_micros());
        }
        if let Some(until) = window.until() {
            self.push(format!(" AND {column} < ")).bind(until.as_micros());
        }
        self
    }

    /// That a column has one of several names, if any are given, after another condition.
    pub(crate) fn one_of(&mut self, column: &str, names: &[String]) -> &mut Self {
        if !names.is_empty() {
            self.push(format!(" AND {column} IN ")).bind_names(names);
        }
        self
    }

    /// The places of names as tables have them, in brackets.
    pub(crate) fn bind_names(&mut self, names: &[String]) -> &mut Self {
        self.bind_all(names.iter().map(|text| name(text.as_str())))
    }

    /// That a row comes after another one, which has this time and key, in a list with the newest first and of those of one
    /// time the one with the greatest key; after another condition.
    pub(crate) fn after_row(&mut self, time: &str, key: &str, (at, last): (i64, &str)) -> &mut Self {
        // The first of these says nothing new, and is what an index can begin at.
        self.push(format!(" AND {time} <= ")).bind(at).push(format!(" AND ({time} < ")).bind(at);
        self.push(format!(" OR {key} < ")).bind(last).push(")")
    }

    /// The whole part of a quotient of whole numbers that are not negative.
    pub(crate) fn quotient(&self, dividend: &str, divisor: &str) -> String {
        self.engine.quotient(dividend, divisor)
    }

    /// A sum of whole numbers, as a whole number; 0 over no rows.
    pub(crate) fn sum(&self, value: &str) -> String {
        self.engine.sum(value)
    }
}
