//! One exported row: typed values, as an object, and as texts.

use ledger_core::Timestamp;
use serde_json::{Map, Value};

use super::{EXPORT_SCHEMA, ExportTable, ExportType};
use crate::store::Row;
use crate::{PicoUsd, Result};

/// A value of an exported row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportValue {
    /// Not known.
    Null,
    /// A text.
    Text(String),
    /// A whole number; a duration is in microseconds, money in pico-USD.
    Int(i64),
    /// True or false.
    Flag(bool),
    /// A point in time.
    Time(Timestamp),
    /// An amount of money.
    Usd(PicoUsd),
}

/// A row of an exported table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedRow {
    table: ExportTable,
    values: Vec<ExportValue>,
}

impl ExportedRow {
    /// From a row that has the columns of the table, in their order.
    pub(super) fn read(table: ExportTable, row: &Row) -> Result<Self> {
        let value = |(n, kind): (usize, ExportType)| {
            let text = || Ok(row.maybe_text(n)?.map(ExportValue::Text));
            let int = || row.maybe_int(n);
            let value = match kind {
                ExportType::Text | ExportType::Name => text(),
                ExportType::Int | ExportType::Micros | ExportType::PicoUsd => Ok(int()?.map(ExportValue::Int)),
                ExportType::Flag => Ok(int()?.map(|flag| ExportValue::Flag(flag == 1))),
                ExportType::Time => Ok(int()?.map(Timestamp::from_micros).transpose()?.map(ExportValue::Time)),
                ExportType::Usd => Ok(int()?.map(|pico| ExportValue::Usd(PicoUsd(i128::from(pico))))),
            };
            value.map(|value| value.unwrap_or(ExportValue::Null))
        };
        let kinds = table.columns().iter().map(|column| column.kind);
        Ok(Self { table, values: kinds.enumerate().map(value).collect::<Result<_>>()? })
    }

    #[cfg(all(feature = "arrow", test))]
    pub(super) const fn new(table: ExportTable, values: Vec<ExportValue>) -> Self {
        Self { table, values }
    }

    /// Which table it is of.
    #[must_use]
    pub const fn table(&self) -> ExportTable {
        self.table
    }

    /// Its values, in the order of [`ExportTable::columns`].
    #[must_use]
    pub fn values(&self) -> &[ExportValue] {
        &self.values
    }

    /// As an object: `schema`, `type`, and the columns; times as RFC 3339, durations in milliseconds, money as decimal US
    /// dollars.
    #[must_use]
    pub fn object(self) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("schema".into(), EXPORT_SCHEMA.into());
        object.insert("type".into(), self.table.row().into());
        for (column, value) in self.table.columns().iter().zip(self.values) {
            let Some(name) = column.json_name() else { continue };
            let value = match value {
                ExportValue::Null => Value::Null,
                ExportValue::Text(text) => text.into(),
                ExportValue::Int(micros) if column.kind == ExportType::Micros => (micros as f64 / 1_000.0).into(),
                ExportValue::Int(int) => int.into(),
                ExportValue::Flag(flag) => flag.into(),
                ExportValue::Time(time) => time.to_string().into(),
                ExportValue::Usd(usd) => usd.to_string().into(),
            };
            object.insert(name, value);
        }
        object
    }

    /// As texts: times as RFC 3339, durations in microseconds, money as decimal US dollars; empty where not known.
    #[must_use]
    pub fn texts(self) -> Vec<String> {
        let text = |value| match value {
            ExportValue::Null => String::new(),
            ExportValue::Text(text) => text,
            ExportValue::Int(int) => int.to_string(),
            ExportValue::Flag(flag) => flag.to_string(),
            ExportValue::Time(time) => time.to_string(),
            ExportValue::Usd(usd) => usd.to_string(),
        };
        self.values.into_iter().map(text).collect()
    }
}
