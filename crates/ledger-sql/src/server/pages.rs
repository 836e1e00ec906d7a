//! A page row by row, for engines and reads that have no faster way.

use std::ops::ControlFlow;

use ledger_core::{Offset, Read};

use super::engine::{Answer, DbRow, EachPageRow, Engine, HeadColumns, PageRow, Raw};
use super::link::{column_error, int};
use super::statements;
use crate::schema::Events;

/// Gives the head, and the events that `read` asks for up to `last`, if there is a last: in one statement.
pub(crate) async fn page_by_scan<E: Engine>(
    connection: &mut Raw<E>,
    read: &Read,
    last: Option<Offset>,
    each: EachPageRow<'_>,
) -> Answer<ControlFlow<()>> {
    let head = Events::COLUMNS.len();
    let mut each = |row: &DbRow<E>| match E::text(row, head).map_err(column_error)? {
        Some(ledger_id) => each(PageRow::Head(HeadColumns {
            ledger_id,
            epoch: int::<E>(row, head + 1)?,
            first: int::<E>(row, head + 2)?,
            next: int::<E>(row, head + 3)?,
        })),
        None => each(PageRow::Event(E::event(row).map_err(column_error)?)),
    };
    E::scan(connection, statements::page::<E>(read, last), &mut each).await
}
