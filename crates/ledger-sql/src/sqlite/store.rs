//! The statements on a ledger file, within whatever transaction the caller has.

use std::sync::Arc;

use ledger_core::limits::MAX_PAGE_BYTES;
use ledger_core::{
    AppendCondition, Checkpoint, ConsumerName, Digest, Epoch, Error, Event, EventId, Extent, Invalid, Offset, Page,
    Read, RecordedEvent, Result, Run, RunId, RunQuery, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Params, params};
use sea_query::{SqliteQueryBuilder, Value};

use super::error::reading;
use crate::head::HeadRow;
use crate::known::Known;
use crate::row::{Decoder, ReadVerification, Row};
use crate::seal::seal;
use crate::select;

const INSERT: &str = r#"INSERT INTO events ("offset", id, run_id, turn, kind, actor, created_at, recorded_at,
    schema_version, session_id, model_profile, model_id, digest, seal, metadata, payload)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"#;

pub(super) fn head(connection: &Connection) -> Result<HeadRow> {
    let (ledger_id, epoch, first, next, latest): (String, u32, i64, i64, i64) = connection
        .prepare_cached("SELECT ledger_id, epoch, first, next, recorded_at FROM ledger_head WHERE lane = 1")
        .and_then(|mut statement| {
            let columns =
                |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
            statement.query_row([], columns)
        })
        .map_err(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Error::corrupt(None, "the head row is missing"),
            error => reading(error),
        })?;
    Ok(HeadRow {
        ledger_id: ledger_id.parse().map_err(damaged)?,
        extent: Extent {
            epoch: Epoch::new(epoch),
            first: Offset::from_i64(first).map_err(damaged)?,
            last: Offset::from_i64(next).map_err(damaged)?.before(),
        },
        latest: Timestamp::from_micros(latest).map_err(damaged)?,
    })
}

/// The head row, if the last event is the one that it says; for whoever goes on from there.
pub(super) fn checked_head(connection: &Connection) -> Result<HeadRow> {
    let head = head(connection)?;
    let last: Option<(i64, i64)> = connection
        .prepare_cached(r#"SELECT "offset", recorded_at FROM events ORDER BY "offset" DESC LIMIT 1"#)
        .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(reading)?;
    let expected = (!head.extent.is_empty()).then(|| (head.extent.last.as_i64(), head.latest.as_micros()));
    if last == expected { Ok(head) } else { Err(Error::corrupt(None, "the head and the last event disagree")) }
}

/// Writes the head row; the page is dirty afterwards even if nothing else has changed.
pub(super) fn save_head(connection: &Connection, head: &HeadRow) -> rusqlite::Result<()> {
    let HeadRow { ledger_id: _, extent: Extent { epoch, first, last }, latest } = head;
    connection
        .prepare_cached(
            "UPDATE ledger_head SET epoch = ?1, first = ?2, next = ?3, recorded_at = ?4, commits = commits + 1 \
             WHERE lane = 1",
        )?
        .execute(params![epoch.get(), first.as_i64(), last.after().as_i64(), latest.as_micros()])?;
    Ok(())
}

/// The event with this id.
pub(super) fn known(connection: &Connection, id: &EventId) -> Result<Option<Known>> {
    let found: Option<(i64, i64, [u8; 32])> = connection
        .prepare_cached(r#"SELECT "offset", created_at, digest FROM events WHERE id = ?1"#)
        .and_then(|mut statement| {
            statement.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
        })
        .map_err(reading)?;
    found.map(|(offset, created_at, digest)| Known::stored(offset, created_at, digest)).transpose().map_err(damaged)
}

/// The first event that `condition` forbids.
pub(super) fn violation(connection: &Connection, condition: &AppendCondition) -> Result<Option<Offset>> {
    let (sql, values) = select::violation(condition).build(SqliteQueryBuilder);
    let values = bind(values)?;
    let found: Option<i64> = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row(values, |row| row.get(0)).optional())
        .map_err(reading)?;
    found.map(Offset::from_i64).transpose().map_err(damaged)
}

/// Stores an event where it says it stands.
pub(super) fn insert(
    connection: &Connection,
    offset: Offset,
    recorded_at: Timestamp,
    digest: &Digest,
    event: &Event,
) -> rusqlite::Result<()> {
    // No `..`: a new field of the envelope must find its column.
    let Event {
        id,
        run_id,
        turn,
        kind,
        actor,
        payload,
        created_at,
        schema_version,
        session_id,
        model_profile,
        model_id,
        metadata,
    } = event;
    connection.prepare_cached(INSERT)?.execute(params![
        offset.as_i64(),
        id.as_str(),
        run_id.as_str(),
        turn,
        kind.as_str(),
        actor.as_str(),
        created_at.as_micros(),
        recorded_at.as_micros(),
        schema_version.get(),
        session_id.as_ref().map(AsRef::<str>::as_ref),
        model_profile.as_ref().map(AsRef::<str>::as_ref),
        model_id.as_ref().map(AsRef::<str>::as_ref),
        digest.as_bytes().as_slice(),
        seal(offset, recorded_at, digest),
        metadata.to_json(),
        payload.as_str(),
    ])?;
    Ok(())
}

/// The page that `read` asks for, of the moment of the caller's transaction.
pub(super) fn page(connection: &Connection, read: &Read, verification: ReadVerification) -> Result<Page> {
    let extent = head(connection)?.extent;
    read.check(extent)?;
    let (sql, values) = select::page(read, None).build(SqliteQueryBuilder);
    let mut statement = connection.prepare_cached(&sql).map_err(reading)?;
    let mut rows = statement.query(bind(values)?).map_err(reading)?;
    let mut decoder = Decoder::new(verification);
    let mut events: Vec<Arc<RecordedEvent>> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(reading)? {
        if events.len() == read.page_size().get() || bytes >= MAX_PAGE_BYTES {
            return Page::new(read, events, true, extent);
        }
        let recorded = match columns(row).and_then(|row| decoder.decode(&row)) {
            Ok(recorded) => recorded,
            // What stands before the damage is sound; the next page begins with the damage, and fails.
            Err(Error::Corrupt { .. }) if !events.is_empty() => return Page::new(read, events, true, extent),
            Err(error) => return Err(error),
        };
        bytes += recorded.event.size();
        events.push(Arc::new(recorded));
    }
    Page::new(read, events, false, extent)
}

/// Gives every row from `first` to `last`, in order, to `each`, until one is refused.
pub(super) fn scan(
    connection: &Connection,
    first: Offset,
    last: Offset,
    mut each: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let (sql, values) = select::range(first, last).build(SqliteQueryBuilder);
    let mut statement = connection.prepare_cached(&sql).map_err(reading)?;
    let mut rows = statement.query(bind(values)?).map_err(reading)?;
    while let Some(row) = rows.next().map_err(reading)? {
        each(&columns(row)?)?;
    }
    Ok(())
}

/// The id of the event at `offset`.
pub(super) fn id_at(connection: &Connection, offset: Offset) -> Result<Option<EventId>> {
    let (sql, values) = select::id_at(offset).build(SqliteQueryBuilder);
    let values = bind(values)?;
    let id: Option<String> = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row(values, |row| row.get(0)).optional())
        .map_err(reading)?;
    Ok(id.map(EventId::from_stored))
}

pub(super) fn runs(connection: &Connection, query: RunQuery) -> Result<Vec<Run>> {
    let mut statement = connection
        .prepare_cached(
            r#"SELECT run_id, min("offset"), max("offset"), count(*) FROM events GROUP BY run_id
               HAVING min("offset") > ?1 ORDER BY 2 LIMIT ?2"#,
        )
        .map_err(reading)?;
    let limit = i64::try_from(query.limit()).unwrap_or(i64::MAX);
    let run = |row: &rusqlite::Row<'_>| {
        let columns: (String, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(columns)
    };
    let rows = statement.query_map(params![query.after().as_i64(), limit], run).map_err(reading)?;
    rows.map(|row| {
        let (run_id, first, last, events) = row.map_err(reading)?;
        let (first, last) = (Offset::from_i64(first).map_err(damaged)?, Offset::from_i64(last).map_err(damaged)?);
        Ok(Run { run_id: RunId::from_stored(run_id), first, last, events: events.unsigned_abs() })
    })
    .collect()
}

pub(super) fn checkpoints(connection: &Connection) -> Result<Vec<Checkpoint>> {
    let mut statement = connection
        .prepare_cached(r#"SELECT consumer, "offset", event_id, updated_at FROM ledger_checkpoints ORDER BY consumer"#)
        .map_err(reading)?;
    let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let rows = statement.query_map([], columns).map_err(reading)?;
    rows.map(|row| {
        let (consumer, offset, event_id, updated_at): (String, i64, Option<String>, i64) = row.map_err(reading)?;
        Ok(Checkpoint {
            consumer: ConsumerName::from_stored(consumer),
            offset: Offset::from_i64(offset).map_err(damaged)?,
            event_id: event_id.map(EventId::from_stored),
            updated_at: Timestamp::from_micros(updated_at).map_err(damaged)?,
        })
    })
    .collect()
}

pub(super) fn save_checkpoint(connection: &Connection, checkpoint: &Checkpoint) -> rusqlite::Result<()> {
    let Checkpoint { consumer, offset, event_id, updated_at } = checkpoint;
    connection
        .prepare_cached(
            r#"INSERT INTO ledger_checkpoints (consumer, "offset", event_id, updated_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (consumer) DO UPDATE
               SET "offset" = excluded."offset", event_id = excluded.event_id, updated_at = excluded.updated_at"#,
        )?
        .execute(params![
            consumer.as_str(),
            offset.as_i64(),
            event_id.as_ref().map(EventId::as_str),
            updated_at.as_micros()
        ])?;
    Ok(())
}

/// Leaves a trace of what was done to the ledger beside appending.
pub(super) fn trace(connection: &Connection, operation: &str, detail: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO ledger_operations (at, operation, detail) VALUES (?1, ?2, ?3)",
        params![Timestamp::now().as_micros(), operation, detail],
    )?;
    Ok(())
}

fn columns<'a>(row: &'a rusqlite::Row<'_>) -> Result<Row<'a>> {
    let read = || -> rusqlite::Result<Row<'a>> {
        Ok(Row {
            offset: row.get(0)?,
            id: row.get_ref(1)?.as_str()?,
            run_id: row.get_ref(2)?.as_str()?,
            turn: row.get(3)?,
            kind: row.get_ref(4)?.as_str()?,
            actor: row.get_ref(5)?.as_str()?,
            created_at: row.get(6)?,
            recorded_at: row.get(7)?,
            schema_version: row.get(8)?,
            session_id: row.get_ref(9)?.as_str_or_null()?,
            model_profile: row.get_ref(10)?.as_str_or_null()?,
            model_id: row.get_ref(11)?.as_str_or_null()?,
            digest: row.get_ref(12)?.as_blob()?,
            seal: row.get(13)?,
            metadata: row.get_ref(14)?.as_str()?,
            payload: row.get_ref(15)?.as_str()?,
        })
    };
    read().map_err(|error| {
        let offset = row.get(0).ok().and_then(|offset| Offset::from_i64(offset).ok());
        Error::corrupt(offset, format!("a column has another type or is not UTF-8: {error}"))
    })
}

/// A stored value that nobody could have stored.
fn damaged(error: Invalid) -> Error {
    Error::corrupt(None, format!("a stored value is damaged: {error}"))
}

/// sea-query's values for the driver.
fn bind(values: sea_query::Values) -> Result<impl Params> {
    let value = |value: Value| match value {
        Value::String(Some(text)) => Ok(rusqlite::types::Value::Text(text)),
        Value::BigInt(Some(number)) => Ok(rusqlite::types::Value::Integer(number)),
        Value::BigUnsigned(Some(number)) => {
            Ok(rusqlite::types::Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
        }
        other => Err(Error::Refused(format!("a statement has a value of an unexpected type: {other:?}"))),
    };
    let values = values.0.into_iter().map(value).collect::<Result<Vec<_>>>()?;
    Ok(rusqlite::params_from_iter(values))
}
