//! Storing events, many at a time: one array a column.

use std::collections::HashMap;

use ledger_core::{Batch, Digest, Event, EventId, LedgerId, Offset};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments, Encode, Postgres, Row, Type};

use super::micros::Micros;
use crate::known::Known;
use crate::seal::seal;
use crate::server::{Answer, NewRow, SCHEMA_VERSION, rows, stored};

const KNOWN: &str = r#"SELECT id, "offset", created_at, digest FROM events WHERE id = ANY($1)"#;

const INSERT: &str = r#"INSERT INTO events (id, run_id, turn, kind, actor, created_at, schema_version, session_id,
    model_profile, model_id, digest, metadata, payload, "offset", recorded_at, seal)
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[],
    $8::text[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::text[], $14::bigint[], $15::timestamptz[],
    $16::bytea[])"#;

/// One round trip: the head row is the lane, and is moved on before the rows are stored; if one of them is refused, the
/// head stays too. The seal is that of `seal.rs`.
const APPEND_NEW: &str = r#"WITH lane AS (
        UPDATE ledger_head SET "next" = "next" + $14, recorded_at = greatest(recorded_at, clock_timestamp()),
            commits = commits + 1
        WHERE lane = 1 AND ledger_id = $15 AND schema_version = $16 AND "next" <= $17
        RETURNING "next" - $14 AS base, recorded_at,
            int8send((extract(epoch FROM recorded_at) * 1000000)::bigint) AS micros
    ), stored AS (
        INSERT INTO events ("offset", id, run_id, turn, kind, actor, created_at, recorded_at, schema_version, session_id,
            model_profile, model_id, digest, seal, metadata, payload)
        SELECT lane.base + new.n - 1, new.id, new.run_id, new.turn, new.kind, new.actor, new.created_at,
            lane.recorded_at, new.schema_version, new.session_id, new.model_profile, new.model_id, new.digest,
            substr(sha256(int8send(lane.base + new.n - 1) || lane.micros || new.digest), 1, 8), new.metadata, new.payload
        FROM lane, UNNEST($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[],
            $8::text[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::text[])
            WITH ORDINALITY AS new(id, run_id, turn, kind, actor, created_at, schema_version, session_id, model_profile,
            model_id, digest, metadata, payload, n)
    )
    SELECT base FROM lane"#;

pub(super) async fn known(connection: &mut PgConnection, ids: &[&str]) -> Answer<HashMap<EventId, Known>> {
    let mut arguments = PgArguments::default();
    add(&mut arguments, ids)?;
    let mut found = HashMap::new();
    rows::<Postgres>(connection, KNOWN.into(), arguments, |row| {
        let known = || -> Result<_, sqlx::Error> {
            let created_at: Micros = row.try_get_unchecked(2)?;
            Ok((row.try_get::<&str, _>(0)?, row.try_get(1)?, created_at.0, row.try_get::<[u8; 32], _>(3)?))
        };
        let (id, offset, created_at, digest) = known().map_err(stored)?;
        let known = Known::stored(offset, created_at, digest)?;
        found.insert(EventId::from_stored(id), known);
        Ok(())
    })
    .await?;
    Ok(found)
}

pub(super) async fn insert(connection: &mut PgConnection, new: &[NewRow<'_>]) -> Answer<()> {
    let mut arguments = PgArguments::default();
    add_events(&mut arguments, new.iter().map(|row| (row.event, row.digest)))?;
    let seals: Vec<[u8; 8]> =
        new.iter().map(|row| seal(row.offset, row.recorded_at, &row.digest).to_be_bytes()).collect();
    add(&mut arguments, new.iter().map(|row| row.offset.as_i64()).collect::<Vec<_>>())?;
    add(&mut arguments, new.iter().map(|row| Micros(row.recorded_at.as_micros())).collect::<Vec<_>>())?;
    add(&mut arguments, seals)?;
    rows::<Postgres>(connection, INSERT.into(), arguments, |_| Ok(())).await?;
    Ok(())
}

pub(super) async fn append_new(
    connection: &mut PgConnection,
    ledger_id: LedgerId,
    batches: &[Batch],
) -> Answer<Option<i64>> {
    let events = batches.iter().flat_map(Batch::events);
    let count = i64::try_from(events.clone().count()).unwrap_or(i64::MAX);
    let mut arguments = PgArguments::default();
    add_events(&mut arguments, events.map(|event| (event.event(), event.digest())))?;
    add(&mut arguments, count)?;
    add(&mut arguments, ledger_id.to_string())?;
    add(&mut arguments, SCHEMA_VERSION)?;
    // As `Extent::check_room` has it.
    add(&mut arguments, Offset::MAX.as_i64().saturating_sub(count))?;
    let mut base = None;
    rows::<Postgres>(connection, APPEND_NEW.into(), arguments, |row| {
        base = Some(row.try_get(0).map_err(stored)?);
        Ok(())
    })
    .await?;
    Ok(base)
}

/// The columns that come with an event, an array each.
fn add_events<'e>(
    arguments: &mut PgArguments,
    events: impl Iterator<Item = (&'e Event, Digest)>,
) -> Result<(), sqlx::Error> {
    let rows = events.size_hint().0;
    let (mut ids, mut runs, mut turns) = (Vec::with_capacity(rows), Vec::with_capacity(rows), Vec::with_capacity(rows));
    let (mut kinds, mut actors, mut created) = (Vec::new(), Vec::new(), Vec::new());
    let (mut versions, mut sessions, mut profiles) = (Vec::new(), Vec::new(), Vec::new());
    let (mut models, mut digests, mut all_metadata, mut payloads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (event, digest) in events {
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
        ids.push(id.as_str());
        runs.push(run_id.as_str());
        turns.push(i64::from(*turn));
        kinds.push(kind.as_str());
        actors.push(actor.as_str());
        created.push(Micros(created_at.as_micros()));
        versions.push(i64::from(schema_version.get()));
        sessions.push(session_id.as_ref().map(AsRef::<str>::as_ref));
        profiles.push(model_profile.as_ref().map(AsRef::<str>::as_ref));
        models.push(model_id.as_ref().map(AsRef::<str>::as_ref));
        digests.push(*digest.as_bytes());
        all_metadata.push(metadata.to_json());
        payloads.push(payload.as_str());
    }
    add(arguments, ids)?;
    add(arguments, runs)?;
    add(arguments, turns)?;
    add(arguments, kinds)?;
    add(arguments, actors)?;
    add(arguments, created)?;
    add(arguments, versions)?;
    add(arguments, sessions)?;
    add(arguments, profiles)?;
    add(arguments, models)?;
    add(arguments, digests)?;
    add(arguments, all_metadata)?;
    add(arguments, payloads)
}

fn add<'v>(arguments: &mut PgArguments, value: impl Encode<'v, Postgres> + Type<Postgres>) -> Result<(), sqlx::Error> {
    arguments.add(value).map_err(sqlx::Error::Encode)
}
