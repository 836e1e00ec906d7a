//! A page and the head that it belongs to, row by row.
//!
//! Where a statement sees a commit, it must see every commit before it: then head and page are of one moment if one
//! statement gives them. So it is on Postgres, and on MySQL. MariaDB asks the running transactions one after the other
//! whether they have committed; while it asks, one that it has asked already may commit and pass the lane on to one that it
//! has not asked yet. That statement sees the later commit and not the earlier one: an event is missing.
//!
//! But whoever has the lane got it from one that had committed. So when a statement has shown a head, all that stands up to
//! that head has committed, and every statement that begins later sees it.

use std::ops::ControlFlow;

use ledger_core::{Offset, Read};

use super::engine::{Answer, DbRow, EachPageRow, Engine, HeadColumns, PageRow, Raw};
use super::link::{column_error, int, text};
use super::questions::extent;
use super::statements::{self, HEAD, plain};
use crate::schema::Events;

/// In one statement: for engines whose statements see every commit before one that they see.
#[cfg(feature = "postgres")]
pub(crate) async fn page_by_scan<E: Engine>(
    connection: &mut Raw<E>,
    read: &Read,
    each: EachPageRow<'_>,
) -> Answer<ControlFlow<()>> {
    scan::<E>(connection, read, None, each).await
}

/// In two statements: the head, and then the events up to it.
#[cfg(feature = "mysql")]
pub(crate) async fn page_after_head<E: Engine>(
    connection: &mut Raw<E>,
    read: &Read,
    each: EachPageRow<'_>,
) -> Answer<ControlFlow<()>> {
    loop {
        let Some(head) = head::<E>(connection).await? else { return Ok(ControlFlow::Continue(())) };
        let last = extent(head.epoch, head.first, head.next)?.last;
        let mut was_reset = false;
        let mut same_epoch = |row: PageRow<'_>| match row {
            PageRow::Head(now) => {
                was_reset = (&now.ledger_id, now.epoch) != (&head.ledger_id, head.epoch);
                if was_reset { Ok(ControlFlow::Continue(())) } else { each(PageRow::Head(head.clone())) }
            }
            // Read to the end of the answer, which keeps the connection.
            PageRow::Event(_) if was_reset => Ok(ControlFlow::Continue(())),
            event @ PageRow::Event(_) => each(event),
        };
        let flow = scan::<E>(connection, read, Some(last), &mut same_epoch).await?;
        if !was_reset {
            return Ok(flow);
        }
    }
}

#[cfg(feature = "mysql")]
async fn head<E: Engine>(connection: &mut Raw<E>) -> Answer<Option<HeadColumns>> {
    let mut head = None;
    let mut each = |row: &DbRow<E>| {
        let (ledger_id, epoch) = (text::<E>(row, 0)?, int::<E>(row, 2)?);
        head = Some(HeadColumns { ledger_id, epoch, first: int::<E>(row, 3)?, next: int::<E>(row, 4)? });
        Ok(ControlFlow::Continue(()))
    };
    let _whole = E::scan(connection, plain(HEAD), &mut each).await?;
    Ok(head)
}

async fn scan<E: Engine>(
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
