//! Reading by `COPY ... TO STDOUT` in its binary form, which the driver hands over as it comes: several times faster than
//! row by row.

use std::ops::ControlFlow;

use futures_util::TryStreamExt;
use ledger_core::Read;
use sea_query::PostgresQueryBuilder;
use sqlx::postgres::PgConnection;

use super::micros::Micros;
use crate::row::Row;
use crate::seal::seal_from_bytes;
use crate::select;
use crate::server::{Answer, EachPageRow, HeadColumns, PageRow};

/// What a binary copy begins with; then come 4 bytes of flags and the length of an extension, which is skipped.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// The head and the page that `read` asks for; its filter selects everything.
pub(super) async fn page(connection: &mut PgConnection, read: &Read, each: EachPageRow<'_>) -> Answer<ControlFlow<()>> {
    let select = select::head_and_page(read, None).to_string(PostgresQueryBuilder);
    let copy = format!("COPY ({select}) TO STDOUT (FORMAT binary)");
    let mut messages = connection.copy_out_raw(&copy).await?;
    let mut begun = false;
    // The server sends a message for each row; the first one begins with the header.
    while let Some(message) = messages.try_next().await? {
        let mut fields = Fields(&message);
        if !begun {
            fields.header()?;
            begun = true;
        }
        while !fields.0.is_empty() {
            let Some(row) = fields.row()? else { break };
            if each(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// What is left of a message.
struct Fields<'m>(&'m [u8]);

impl<'m> Fields<'m> {
    fn header(&mut self) -> Result<(), sqlx::Error> {
        if self.take(SIGNATURE.len())? != SIGNATURE {
            return Err(malformed());
        }
        self.take(4)?;
        let extension = self.length()?;
        self.take(extension)?;
        Ok(())
    }

    /// The next row; `None` at the end of the copy.
    fn row(&mut self) -> Result<Option<PageRow<'m>>, sqlx::Error> {
        let columns = i16::from_be_bytes(self.array()?);
        if columns == -1 {
            return Ok(None);
        }
        let event = EventFields {
            offset: self.field()?,
            id: self.field()?,
            run_id: self.field()?,
            turn: self.field()?,
            kind: self.field()?,
            actor: self.field()?,
            created_at: self.field()?,
            recorded_at: self.field()?,
            schema_version: self.field()?,
            session_id: self.field()?,
            model_profile: self.field()?,
            model_id: self.field()?,
            digest: self.field()?,
            seal: self.field()?,
            metadata: self.field()?,
            payload: self.field()?,
        };
        let head = [self.field()?, self.field()?, self.field()?, self.field()?];
        if let [Some(ledger_id), epoch, first, next] = head {
            return Ok(Some(PageRow::Head(HeadColumns {
                ledger_id: utf8(ledger_id)?.to_owned(),
                epoch: int(epoch)?,
                first: int(first)?,
                next: int(next)?,
            })));
        }
        event.row().map(|row| Some(PageRow::Event(row)))
    }

    fn field(&mut self) -> Result<Option<&'m [u8]>, sqlx::Error> {
        match i32::from_be_bytes(self.array()?) {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| malformed())?).map(Some),
        }
    }

    fn length(&mut self) -> Result<usize, sqlx::Error> {
        usize::try_from(i32::from_be_bytes(self.array()?)).map_err(|_| malformed())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], sqlx::Error> {
        self.take(N)?.try_into().map_err(|_| malformed())
    }

    fn take(&mut self, length: usize) -> Result<&'m [u8], sqlx::Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// The columns of an event, in their order.
struct EventFields<'m> {
    offset: Option<&'m [u8]>,
    id: Option<&'m [u8]>,
    run_id: Option<&'m [u8]>,
    turn: Option<&'m [u8]>,
    kind: Option<&'m [u8]>,
    actor: Option<&'m [u8]>,
    created_at: Option<&'m [u8]>,
    recorded_at: Option<&'m [u8]>,
    schema_version: Option<&'m [u8]>,
    session_id: Option<&'m [u8]>,
    model_profile: Option<&'m [u8]>,
    model_id: Option<&'m [u8]>,
    digest: Option<&'m [u8]>,
    seal: Option<&'m [u8]>,
    metadata: Option<&'m [u8]>,
    payload: Option<&'m [u8]>,
}

impl<'m> EventFields<'m> {
    fn row(self) -> Result<Row<'m>, sqlx::Error> {
        Ok(Row {
            offset: int(self.offset)?,
            id: text(self.id)?,
            run_id: text(self.run_id)?,
            turn: int(self.turn)?,
            kind: text(self.kind)?,
            actor: text(self.actor)?,
            created_at: time(self.created_at)?,
            recorded_at: time(self.recorded_at)?,
            schema_version: int(self.schema_version)?,
            session_id: self.session_id.map(utf8).transpose()?,
            model_profile: self.model_profile.map(utf8).transpose()?,
            model_id: self.model_id.map(utf8).transpose()?,
            digest: self.digest.ok_or_else(malformed)?,
            seal: seal_from_bytes(self.seal.ok_or_else(malformed)?),
            metadata: text(self.metadata)?,
            payload: text(self.payload)?,
        })
    }
}

fn int(field: Option<&[u8]>) -> Result<i64, sqlx::Error> {
    field.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes).ok_or_else(malformed)
}

fn time(field: Option<&[u8]>) -> Result<i64, sqlx::Error> {
    int(field).map(|micros| Micros::from_wire(micros).0)
}

fn text(field: Option<&[u8]>) -> Result<&str, sqlx::Error> {
    utf8(field.ok_or_else(malformed)?)
}

fn utf8(bytes: &[u8]) -> Result<&str, sqlx::Error> {
    std::str::from_utf8(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn malformed() -> sqlx::Error {
    sqlx::Error::Protocol("a binary copy has another form than it must".into())
}
