//! Every row that a filter selects, for other programs.

#[cfg(feature = "arrow")]
mod arrow;
mod columns;
mod row;

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};
use tokio::sync::Mutex;

#[cfg(feature = "arrow")]
pub use arrow::{ROW_GROUP_BYTES, ROW_GROUP_ROWS, TableFile, TableWriter};
pub use columns::{ExportColumn, ExportType};
pub use row::{ExportValue, ExportedRow};

use super::filter::UsageFilter;
use super::lists::happened_in;
use super::tables::{CALLS, SESSIONS, TOOLS, TURNS};
use super::{Usage, UsageReader};
use crate::store::{Snapshot, Sql, Table};
use crate::{Error, Projection as _, Result};

/// The version of exported rows: raised when a field is renamed or means something else; fields may be added.
pub const EXPORT_SCHEMA: u32 = 1;

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportTable {
    /// Calls of models.
    Calls,
    /// Calls of tools.
    Tools,
    /// Turns.
    Turns,
    /// Sessions.
    Sessions,
}

impl ExportTable {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Calls, Self::Tools, Self::Turns, Self::Sessions];

    /// What its rows are: `call`, `tool`, `turn`, `session`.
    #[must_use]
    pub const fn row(self) -> &'static str {
        match self {
            Self::Calls => "call",
            Self::Tools => "tool",
            Self::Turns => "turn",
            Self::Sessions => "session",
        }
    }

    const fn table(self) -> &'static Table {
        match self {
            Self::Calls => &CALLS,
            Self::Tools => &TOOLS,
            Self::Turns => &TURNS,
            Self::Sessions => &SESSIONS,
        }
    }

    /// All its rows that a filter selects, in the order of their times, and of their keys where these are the same.
    fn select(self, snapshot: &Snapshot, filter: &UsageFilter) -> Sql {
        let (prefix, time) = match self {
            Self::Calls => ("c", "started_at"),
            Self::Tools | Self::Turns => ("t", "started_at"),
            Self::Sessions => ("s", "first_at"),
        };
        let columns = self.columns().iter().map(|column| format!("{prefix}.{}", column.from));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let mut sql = snapshot.sql();
        sql.push(format!("SELECT {columns} FROM ")).table(self.table()).push(format!(" {prefix} WHERE "));
        match self {
            Self::Calls => filter.calls(sql.push("1 = 1"), "c.started_at", filter.window),
            Self::Tools | Self::Turns => filter.spans(sql.push("1 = 1"), self == Self::Tools, filter.window),
            Self::Sessions => happened_in(&mut sql, filter),
        }
        let key = self.table().key_columns().first().map_or("", |column| column.name);
        sql.push(format!(" ORDER BY {prefix}.{time}, {prefix}.{key}"));
        sql
    }
}

impl UsageReader {
    /// Gives `take` every call, call of a tool, turn and session that `filter` selects, one JSON object each: see
    /// [`ExportedRow::object`]. `take` says whether to go on.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn export(&self, filter: &UsageFilter, take: &(dyn Fn(Map<String, Value>) -> bool + Sync)) -> Result<()> {
        self.export_rows(filter, &ExportTable::ALL, &mut |row| take(row.object())).await
    }

    /// Gives `take` the rows of these tables that `filter` selects, a table after the other, in the order of their times.
    /// `take` says whether to go on.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn export_rows(
        &self,
        filter: &UsageFilter,
        tables: &[ExportTable],
        take: &mut (dyn FnMut(ExportedRow) -> bool + Send),
    ) -> Result<()> {
        let (has_begun, take) = (&AtomicBool::new(false), &Mutex::new(take));
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                if has_begun.swap(true, Ordering::Relaxed) {
                    // The tables were replaced half-way; what was given cannot be taken back.
                    return Err(Error::Replaced { projection: Usage::new().name().into() });
                }
                let mut take = take.lock().await;
                for table in tables {
                    let mut goes_on = true;
                    let each = snapshot.each_while(table.select(&snapshot, filter), |row| {
                        goes_on = take(ExportedRow::read(*table, &row)?);
                        Ok(goes_on)
                    });
                    each.await?;
                    if !goes_on {
                        break;
                    }
                }
                Ok(())
            })
            .await
    }
}
