//! Storing events, many at a time: one statement with a row of values for each.

use std::collections::HashMap;

use ledger_core::{Event, EventId};
use sqlx::mysql::{MySqlArguments, MySqlConnection};
use sqlx::{Arguments, Encode, MySql, Row, Type};

use super::name;
use crate::known::Known;
use crate::seal::seal;
use crate::server::{Answer, NewRow, rows, stored};

const INSERT: &str = r#"INSERT INTO events ("offset", id, run_id, turn, kind, actor, created_at, recorded_at, schema_version,
    session_id, model_profile, model_id, digest, seal, metadata, payload) VALUES "#;

const ROW: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Rows of one statement. Few sizes, so that few statements are prepared; the largest binds 8,192 values of at most 65,535.
const ROWS: [usize; 4] = [512, 64, 8, 1];

/// Bytes of one statement: the server's default for a whole packet is 16 MiB, and an event may have half of that.
const STATEMENT_BYTES: usize = 6 * 1024 * 1024;

/// Ids of one look-up; fewer are filled up with the last one.
const IDS: [usize; 4] = [1, 16, 128, 1_024];

pub(super) async fn known(connection: &mut MySqlConnection, ids: &[&str]) -> Answer<HashMap<EventId, Known>> {
    let [.., most] = IDS;
    let mut found = HashMap::new();
    for ids in ids.chunks(most) {
        let Some(last) = ids.last() else { continue };
        let size = IDS.into_iter().find(|size| *size >= ids.len()).unwrap_or(most);
        let mut arguments = MySqlArguments::default();
        for id in ids.iter().chain(std::iter::repeat_n(last, size - ids.len())) {
            add(&mut arguments, id.as_bytes())?;
        }
        let places = vec!["?"; size].join(", ");
        let sql = format!(r#"SELECT id, "offset", created_at, digest FROM events WHERE id IN ({places})"#);
        rows::<MySql>(connection, sql, arguments, |row| {
            let known = || -> Result<_, sqlx::Error> {
                Ok((name(row, 0)?, row.try_get(1)?, row.try_get(2)?, row.try_get::<&[u8], _>(3)?))
            };
            let (id, offset, created_at, digest) = known().map_err(stored)?;
            let digest = digest.try_into().map_err(|_| stored(sqlx::Error::RowNotFound))?;
            found.insert(EventId::from_stored(id), Known::stored(offset, created_at, digest)?);
            Ok(())
        })
        .await?;
    }
    Ok(found)
}

pub(super) async fn insert(connection: &mut MySqlConnection, new: &[NewRow<'_>]) -> Answer<()> {
    let mut rest = new;
    while !rest.is_empty() {
        let fits = fitting(rest);
        let size = ROWS.into_iter().find(|size| *size <= fits).unwrap_or(1);
        let (now, later) = rest.split_at(size);
        let mut arguments = MySqlArguments::default();
        arguments.reserve(size * 16, 0);
        for row in now {
            add_row(&mut arguments, row)?;
        }
        let sql = format!("{INSERT}{}", vec![ROW; size].join(", "));
        rows::<MySql>(connection, sql, arguments, |_| Ok(())).await?;
        rest = later;
    }
    Ok(())
}

/// How many of the first rows make a statement that is not too large; at least one.
fn fitting(rows: &[NewRow<'_>]) -> usize {
    let mut bytes = 0;
    let fits = rows.iter().take_while(|row| {
        bytes += row.event.size();
        bytes <= STATEMENT_BYTES
    });
    fits.count().max(1)
}

fn add_row(arguments: &mut MySqlArguments, row: &NewRow<'_>) -> Result<(), sqlx::Error> {
    let NewRow { offset, recorded_at, digest, event } = row;
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
    add(arguments, offset.as_i64())?;
    add(arguments, id.as_str().as_bytes())?;
    add(arguments, run_id.as_str().as_bytes())?;
    add(arguments, i64::from(*turn))?;
    add(arguments, kind.as_str().as_bytes())?;
    add(arguments, actor.as_str().as_bytes())?;
    add(arguments, created_at.as_micros())?;
    add(arguments, recorded_at.as_micros())?;
    add(arguments, i64::from(schema_version.get()))?;
    add(arguments, session_id.as_ref().map(|id| id.as_str().as_bytes()))?;
    add(arguments, model_profile.as_ref().map(|profile| profile.as_str().as_bytes()))?;
    add(arguments, model_id.as_ref().map(|id| id.as_str().as_bytes()))?;
    add(arguments, digest.as_bytes().as_slice())?;
    add(arguments, seal(*offset, *recorded_at, digest))?;
    add(arguments, metadata.to_json())?;
    add(arguments, payload.as_str())
}

fn add<'v>(arguments: &mut MySqlArguments, value: impl Encode<'v, MySql> + Type<MySql>) -> Result<(), sqlx::Error> {
    arguments.add(value).map_err(sqlx::Error::Encode)
}
