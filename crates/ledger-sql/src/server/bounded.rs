//! A page that ends at a head which an earlier statement has shown.
//!
//! Where a statement that sees a commit sees every commit before it, head and page are of one moment if one statement gives
//! them. MariaDB asks the running transactions one after the other whether they have committed; while it asks, one that it
//! has asked already may commit and pass the lane on to one that it has not asked yet. That statement sees the later commit
//! and not the earlier one: an event is missing.
//!
//! But a transaction leaves the list of those that are asked before it passes the lane on. So when a statement has shown a
//! head, all that stands up to that head has left the list, and every statement that begins later sees it.

use std::ops::ControlFlow;

use ledger_core::Read;

use super::engine::{Answer, DbRow, EachPageRow, Engine, HeadColumns, PageRow, Raw};
use super::link::{int, text};
use super::pages::page_by_scan;
use super::questions::extent;
use super::statements::{HEAD, plain};

/// Gives the head, and the events that `read` asks for up to it. Begins again when the ledger was reset in between.
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
        let flow = page_by_scan::<E>(connection, read, Some(last), &mut same_epoch).await?;
        if !was_reset {
            return Ok(flow);
        }
    }
}

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
